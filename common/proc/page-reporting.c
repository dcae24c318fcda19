/* Free page reporting. */
#include "common/proc/page-reporting.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/base/number.h"
#include "common/base/util.h"
#include "common/proc/kpageflags.h"
#include "common/proc/pages.h"
#include "common/proc/ram.h"

#define BALLOONS_PATH            "sys/bus/virtio/drivers/virtio_balloon"
#define VIRTIO_BALLOON_POISON    4 /* feature bits, virtio 1.2 section 5.5.3 */
#define VIRTIO_BALLOON_REPORTING 5
#define MARKS_PAGES_MAX          4096
#define MARKS_STRIDE_MIN         512

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

int page_reporting_order_in_force(int root, uint32_t max_order, uint32_t pageblock_order,
                                  uint32_t *ret_order)
{
    int r = page_reporting_order_read(root, max_order, ret_order);

    if (r != -ENOENT)
        return r;
    *ret_order = pageblock_order;
    return 0;
}

/* Adds what the balloon `name` has negotiated, a character each bit. */
static void look_at(int root, const char *name, struct page_reporting_balloon *balloon)
{
    char path[160];
    char features[80];

    if (strncmp(name, "virtio", 6) != 0)
        return;
    snprintf(path, sizeof(path), BALLOONS_PATH "/%.64s/features", name);
    if (file_read_into(root, path, features, sizeof(features)) <= VIRTIO_BALLOON_REPORTING)
        return;
    balloon->is_virtio = true;
    balloon->reports |= features[VIRTIO_BALLOON_REPORTING] == '1';
    balloon->keeps_pattern |= features[VIRTIO_BALLOON_POISON] == '1';
}

void page_reporting_find_balloon(int root, struct page_reporting_balloon *ret_balloon)
{
    int descriptor = openat(root, BALLOONS_PATH, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_closedir DIR *balloons = descriptor < 0 ? NULL : fdopendir(descriptor);

    *ret_balloon = (struct page_reporting_balloon){
        .is_hyperv = faccessat(root, "sys/bus/vmbus/drivers/hv_balloon/module", F_OK, 0) == 0,
    };
    if (balloons == NULL) {
        if (descriptor >= 0)
            close(descriptor);
        return;
    }
    for (const struct dirent *entry = readdir(balloons); entry != NULL; entry = readdir(balloons))
        look_at(root, entry->d_name, ret_balloon);
}

int page_reporting_device(int root)
{
    struct page_reporting_balloon balloon;

    page_reporting_find_balloon(root, &balloon);
    if (balloon.reports || balloon.is_hyperv)
        return 0;
    return balloon.is_virtio ? -EOPNOTSUPP : -ENODEV;
}

/* Looks at every `stride`th page of a range; a block's mark is on its first page, and blocks are
 * aligned to their size. */
static enum page_reporting_marks look_at_range(int descriptor, uint64_t pfn, uint64_t end,
                                               uint64_t stride)
{
    enum page_reporting_marks found = PAGE_REPORTING_MARKS_UNKNOWN;
    uint64_t flags;

    for (pfn = (pfn + stride - 1) / stride * stride; pfn < end; pfn += stride) {
        if (kpageflags_read(descriptor, pfn, 1, &flags) < 0)
            return found;
        if ((flags & KPAGEFLAGS_BUDDY) == 0)
            continue;
        if ((flags & KPAGEFLAGS_UPTODATE) != 0)
            return PAGE_REPORTING_MARKS_SEEN;
        found = PAGE_REPORTING_MARKS_ABSENT;
    }
    return found;
}

/* A power of two, so that the pages looked at begin the largest blocks. */
static uint64_t stride_of(const struct ram_map *map, uint32_t page_size)
{
    uint64_t stride = MARKS_STRIDE_MIN;
    uint64_t pages = 0;

    for (size_t i = 0; i < map->count; i++)
        pages += (map->ranges[i].end - map->ranges[i].start) / page_size;
    while (pages / stride > MARKS_PAGES_MAX)
        stride *= 2;
    return stride;
}

enum page_reporting_marks page_reporting_marks(int root)
{
    enum page_reporting_marks found = PAGE_REPORTING_MARKS_UNKNOWN;
    uint32_t page_size = page_size_read(root);
    int descriptor = kpageflags_open(root);
    struct ram_map map;
    uint64_t stride;

    if (descriptor < 0)
        return found;
    if (ram_map_read(root, page_size, &map) < 0)
        map.count = 0;
    stride = stride_of(&map, page_size);
    for (size_t i = 0; i < map.count && found != PAGE_REPORTING_MARKS_SEEN; i++) {
        enum page_reporting_marks here = look_at_range(descriptor, map.ranges[i].start / page_size,
                                                       map.ranges[i].end / page_size, stride);

        found = max_of(found, here);
    }
    close(descriptor);
    return found;
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
    struct page_reporting_balloon balloon;
    char text[4096];

    page_reporting_find_balloon(root, &balloon);
    if (balloon.reports && !balloon.keeps_pattern)
        return NULL;
    if (file_read_into(root, "proc/cmdline", text, sizeof(text)) > 0) {
        if (is_switched_on(text, "page_poison"))
            return "page_poison";
        if (is_switched_on(text, "init_on_free"))
            return "init_on_free";
    }
    return balloon.keeps_pattern ? "built into the kernel" : NULL;
}
