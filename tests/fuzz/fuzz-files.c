/* What an operator writes: VM files, the daemon's configuration, policies with their cron
 * expressions, and the system's time zones. The first byte chooses which. What is taken is within
 * its bounds, and a policy that is written out again is the same policy. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/policy/cron.h"
#include "common/policy/policy-message.h"
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

/* What the wire has of it, in a buffer of the caller's to free. */
static uint8_t *pack(const struct policy *policy, size_t *ret_length)
{
    Vmreclaim__Policy__V1__Policy *message = policy_message_create(policy);
    uint8_t *bytes =
        message == NULL ? NULL : malloc(vmreclaim__policy__v1__policy__get_packed_size(message));

    require(bytes != NULL);
    *ret_length = vmreclaim__policy__v1__policy__pack(message, bytes);
    policy_message_destroy(message);
    return bytes;
}

static void policy_file(const char *text, size_t length)
{
    struct policy policy, copy;
    struct policy_unsupported unsupported;
    struct error error = {0};
    int r = policy_load_yaml(text, length, "policy.yaml", &policy, &error);
    Vmreclaim__Policy__V1__Policy *message;
    size_t sent_length, again_length;
    uint8_t *sent, *again;

    if (r < 0) {
        check_error(r, &error);
        return;
    }
    sent = pack(&policy, &sent_length);
    message = vmreclaim__policy__v1__policy__unpack(NULL, sent_length, sent);
    require(message != NULL && policy_from_message(message, &copy, &unsupported, &error) == 0);
    require(unsupported.count == 0);
    again = pack(&copy, &again_length);
    require(sent_length == again_length && memcmp(sent, again, sent_length) == 0);
    vmreclaim__policy__v1__policy__free_unpacked(message, NULL);
    free(sent);
    free(again);
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
