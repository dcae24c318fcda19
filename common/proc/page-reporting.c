/* Free page reporting. */
#include "common/proc/page-reporting.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/number.h"

#define VIRTIO_BALLOON_POISON    4 /* feature bits, virtio 1.2 section 5.5.3 */
#define VIRTIO_BALLOON_REPORTING 5
#define VIRTIO_DEVICES_MAX       64 /* virtioN are tried up to here: no directory to list */

int page_reporting_order_read(int root, uint32_t max_order, uint32_t *ret_order)
{
    char text[32];
    uint64_t order;

    int n = file_read_into(root, PAGE_REPORTING_ORDER_PATH, text, sizeof(text));
    if (n < 0)
        return n;
    text[strcspn(text, "\n")] = '\0';
    if (number_parse(text, &order) < 0 || order > max_order)
        return -ENODEV;
    *ret_order = (uint32_t)order;
    return 0;
}

/* The negotiated feature bits of the balloon `virtio<index>`, a character each. False: no such. */
static bool read_features(int root, unsigned index, char *features, size_t size)
{
    char path[96];

    (void)snprintf(path, sizeof(path), "sys/bus/virtio/drivers/virtio_balloon/virtio%u/features",
                   index);
    return file_read_into(root, path, features, size) > VIRTIO_BALLOON_REPORTING;
}

int page_reporting_device(int root)
{
    int result = -ENODEV;

    if (faccessat(root, "sys/bus/vmbus/drivers/hv_balloon/module", F_OK, 0) == 0)
        return 0;
    for (unsigned i = 0; i < VIRTIO_DEVICES_MAX; i++) {
        char features[80];

        if (!read_features(root, i, features, sizeof(features)))
            continue;
        if (features[VIRTIO_BALLOON_REPORTING] == '1')
            return 0;
        result = -EOPNOTSUPP;
    }
    return result;
}

/* Whether a kernel parameter is there with a value that kstrtobool() takes for true; the last one
 * counts. */
static bool is_switched_on(const char *command_line, const char *name)
{
    size_t length = strlen(name);
    bool is_on = false;

    for (const char *word = command_line; *word != '\0'; word += strcspn(word, " \n")) {
        word += strspn(word, " \n");
        if (strncmp(word, name, length) != 0 || word[length] != '=')
            continue;
        is_on = word[length + 1] != '\0' && strchr("1yYtT", word[length + 1]) != NULL;
        is_on |= strncasecmp(word + length + 1, "on", 2) == 0;
    }
    return is_on;
}

const char *page_poisoning(int root)
{
    char text[4096];

    if (file_read_into(root, "proc/cmdline", text, sizeof(text)) > 0) {
        if (is_switched_on(text, "page_poison"))
            return "page_poison";
        if (is_switched_on(text, "init_on_free"))
            return "init_on_free";
    }
    for (unsigned i = 0; i < VIRTIO_DEVICES_MAX; i++)
        if (read_features(root, i, text, sizeof(text)) && text[VIRTIO_BALLOON_POISON] == '1')
            return "built into the kernel";
    return NULL;
}
