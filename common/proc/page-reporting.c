/* Free page reporting. */
#include "common/proc/page-reporting.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/number.h"

#define VIRTIO_BALLOON_REPORTING 5  /* feature bit, virtio 1.2 section 5.5.3 */
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

int page_reporting_device(int root)
{
    int result = -ENODEV;

    if (faccessat(root, "sys/bus/vmbus/drivers/hv_balloon/module", F_OK, 0) == 0)
        return 0;
    for (unsigned i = 0; i < VIRTIO_DEVICES_MAX; i++) {
        char path[96];
        char features[80];

        (void)snprintf(path, sizeof(path),
                       "sys/bus/virtio/drivers/virtio_balloon/virtio%u/features", i);
        if (file_read_into(root, path, features, sizeof(features)) <= VIRTIO_BALLOON_REPORTING)
            continue;
        if (features[VIRTIO_BALLOON_REPORTING] == '1')
            return 0;
        result = -EOPNOTSUPP;
    }
    return result;
}
