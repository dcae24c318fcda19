/* "00100000-bffd9fff : System RAM", indented below a device for hotplugged memory:
 * "  140000000-147ffffff : System RAM (virtio_mem)". */
#include "common/proc/ram.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/util.h"
#include "common/proc/lines.h"
#include "common/proc/zoneinfo.h"

static void add(struct ram_map *map, uint64_t start, uint64_t end)
{
    struct ram_range *last = map->count > 0 ? &map->ranges[map->count - 1] : NULL;

    if (last != NULL && (start <= last->end || map->count == RAM_RANGES_MAX)) {
        last->start = min_of(last->start, start);
        last->end = max_of(last->end, end);
        return;
    }
    map->ranges[map->count++] = (struct ram_range){.start = start, .end = end};
}

static int scan_hexadecimal(const char **text, uint64_t *ret_value)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t value = 0;
    const char *c = *text;
    const char *digit;

    for (; *c != '\0' && (digit = strchr(digits, *c)) != NULL; c++) {
        if (value >> 60 != 0)
            return -ERANGE;
        value = value << 4 | (uint64_t)(digit - digits);
    }
    if (c == *text)
        return -EINVAL;
    *text = c;
    *ret_value = value;
    return 0;
}

/* Without CAP_SYS_ADMIN every address reads 0. */
static int from_iomem(int root, struct ram_map *map)
{
    cleanup_lines struct lines lines;
    char *line;

    int r = lines_open(&lines, root, "proc/iomem");
    if (r < 0)
        return r;
    while ((r = lines_next(&lines, &line)) > 0) {
        const char *text = line + strspn(line, " ");
        uint64_t start;
        uint64_t last;

        if (strstr(line, " : System RAM") == NULL)
            continue;
        if (scan_hexadecimal(&text, &start) < 0 || *text++ != '-' ||
            scan_hexadecimal(&text, &last) < 0 || last < start || last == UINT64_MAX)
            return -EBADMSG;
        if (last > 0)
            add(map, start, last + 1);
    }
    if (r < 0)
        return r;
    return map->count > 0 ? 0 : -EBADMSG;
}

static int compare_ranges(const void *a, const void *b)
{
    const struct ram_range *left = a;
    const struct ram_range *right = b;

    return (left->start > right->start) - (left->start < right->start);
}

/* What zones span, holes included. */
static int from_zoneinfo(int root, uint32_t page_size, struct ram_map *map)
{
    struct ram_range spans[ZONEINFO_ZONES_MAX];
    struct zoneinfo zoneinfo;

    int r = zoneinfo_read(root, &zoneinfo);
    if (r < 0)
        return r;
    for (size_t i = 0; i < zoneinfo.zone_count; i++) {
        const struct zone *zone = &zoneinfo.zones[i];
        uint64_t end;

        if (__builtin_mul_overflow(zone->start_pfn, page_size, &spans[i].start) ||
            __builtin_mul_overflow(zone->spanned, page_size, &end) ||
            __builtin_add_overflow(end, spans[i].start, &spans[i].end))
            return -EBADMSG;
    }
    qsort(spans, zoneinfo.zone_count, sizeof(spans[0]), compare_ranges);
    for (size_t i = 0; i < zoneinfo.zone_count; i++)
        add(map, spans[i].start, spans[i].end);
    return 0;
}

int ram_map_read(int root, uint32_t page_size, struct ram_map *ret_map)
{
    struct ram_map map = {.count = 0};

    int r = from_iomem(root, &map);
    if (r < 0) {
        map.count = 0;
        r = from_zoneinfo(root, page_size, &map);
    }
    if (r < 0)
        return r;
    *ret_map = map;
    return 0;
}
