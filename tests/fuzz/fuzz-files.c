/* What an operator writes: VM files, the daemon's configuration, policies with their cron
 * expressions, and the system's time zones. The first byte chooses which. What is taken is within
 * its bounds, and a policy that is written out again is the same policy. */
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/policy/cron.h"
#include "common/policy/policy-text.h"
#include "common/policy/policy-yaml.h"
#include "common/policy/zone.h"
#include "controller/config/daemon-config.h"
#include "controller/config/vm-file.h"
#include "tests/fuzz/fuzz.h"

static void check_error(int status, const struct error *error)
{
    require(status < 0);
    require(error->text[0] != '\0' && strlen(error->text) < sizeof(error->text));
}

static void vm_file(const char *text, size_t length)
{
    struct vm_definition *definition = NULL;
    struct error error = {0};
    int r = vm_definition_parse(text, length, "vms/a.yaml", &definition, &error);

    if (r < 0) {
        check_error(r, &error);
        return;
    }
    require(vm_name_check(definition->name, NULL) == 0);
    require(definition->label_count <= VM_LABELS_MAX);
    require(vm_definition_equal(definition, definition));
    vm_definition_destroy(definition);
}

static void daemon_file(const char *text, size_t length)
{
    static int file = -1;
    static char path[32];
    const struct daemon_sources sources = {.path = path};
    struct daemon_config config;
    struct error error = {0};
    int r;

    if (file < 0) {
        file = memfd_create("vmreclaimd.yaml", MFD_CLOEXEC);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    }
    require(ftruncate(file, 0) == 0 && pwrite(file, text, length, 0) == (ssize_t)length);
    r = daemon_config_gather(&config, &sources, &error);
    if (r < 0)
        check_error(r, &error);
    else
        require(config.listen_count <= DAEMON_LISTEN_MAX && config.api[0] != '\0');
}

static void policy_file(const char *text, size_t length)
{
    static char written[POLICY_TEXT_MAX], again[POLICY_TEXT_MAX];
    struct policy policy, copy;
    struct error error = {0};
    int r = policy_load_yaml(text, length, "policy.yaml", &policy, &error);

    if (r < 0) {
        check_error(r, &error);
        return;
    }
    require(policy_write_text(&policy, written, sizeof(written)) < sizeof(written));
    require(policy_read_text(written, "written", &copy, &error) == 0);
    require(policy_write_text(&copy, again, sizeof(again)) < sizeof(again));
    require(strcmp(written, again) == 0);
}

static void cron_expression(const char *text, size_t length)
{
    static const int64_t times[] = {0, 1795883334, 4102444800, -86400};
    struct cron cron;
    struct error error = {0};

    if (memchr(text, '\0', length) != NULL || cron_parse(text, &cron, &error) < 0)
        return;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        int64_t earliest = times[i] - (int64_t)8 * 86400, start;

        if (cron_previous(&cron, times[i], earliest, &start))
            require(start > earliest && start <= times[i] && start % 60 == 0);
    }
}

static void time_zone(const char *text, size_t length)
{
    static const int64_t times[] = {0, 1795883334, 4102444800};

    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        struct zone_offset offset;

        if (zone_parse(text, length, times[i], &offset) == 0)
            require(offset.change == 0 || offset.change > times[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const kinds[])(const char *, size_t) = {vm_file, daemon_file, policy_file,
                                                          cron_expression, time_zone};
    char *text;

    if (size == 0)
        return 0;
    text = malloc(size); /* its own, so that a byte too far is seen */
    require(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    kinds[data[0] % (sizeof(kinds) / sizeof(kinds[0]))](text, size - 1);
    free(text);
    return 0;
}
