/* /proc/zoneinfo: a paragraph per zone, its figures indented below "Node 0, zone   Normal". */
#include "common/proc/zoneinfo.h"

#include <errno.h>
#include <string.h>

#include "common/base/util.h"
#include "common/proc/lines.h"

static const struct key {
    const char *name;
    size_t offset;
} keys[] = {
    {"pages free ", offsetof(struct zone, free)}, {"low ", offsetof(struct zone, low)},
    {"spanned ", offsetof(struct zone, spanned)}, {"present ", offsetof(struct zone, present)},
    {"managed ", offsetof(struct zone, managed)}, {"start_pfn:", offsetof(struct zone, start_pfn)},
};

/* One indented line of `zone`. The pagesets have one "count:" per CPU. */
static int parse_figure(struct zone *zone, const char *line)
{
    uint64_t value;
    const char *text;

    line += strspn(line, " ");
    text = lines_after(line, "count:");
    if (text != NULL) {
        if (lines_number(&text, &value) < 0 ||
            __builtin_add_overflow(zone->percpu, value, &zone->percpu))
            return -EBADMSG;
        return 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        text = lines_after(line, keys[i].name);
        if (text == NULL)
            continue;
        if (lines_number(&text, &value) < 0)
            return -EBADMSG;
        memcpy((char *)zone + keys[i].offset, &value, sizeof(value));
        return 0;
    }
    return 0;
}

/* An empty zone is printed by some kernels and not by others. */
static int add_zone(struct zoneinfo *zoneinfo, const struct zone *zone)
{
    if (zone->name[0] == '\0' || zone->managed == 0)
        return 0;
    if (__builtin_add_overflow(zoneinfo->percpu, zone->percpu, &zoneinfo->percpu))
        return -EBADMSG;
    if (zoneinfo->zone_count < ZONEINFO_ZONES_MAX)
        zoneinfo->zones[zoneinfo->zone_count++] = *zone;
    return 0;
}

int zoneinfo_read(int root, struct zoneinfo *ret_zoneinfo)
{
    cleanup_lines struct lines lines;
    struct zone zone = {0};
    struct zone next;
    const char *rest;
    char *line;

    int r = lines_open(&lines, root, "proc/zoneinfo");
    if (r < 0)
        return r;
    ret_zoneinfo->percpu = 0;
    ret_zoneinfo->zone_count = 0;
    while ((r = lines_next(&lines, &line)) > 0) {
        memset(&next, 0, sizeof(next));
        r = zonename_parse(line, &next.node, next.name, &rest);
        if (r == -ENOENT) {
            r = parse_figure(&zone, line);
        } else if (r == 0) {
            r = add_zone(ret_zoneinfo, &zone);
            zone = next;
        }
        if (r < 0)
            return r;
    }
    if (r == 0)
        r = add_zone(ret_zoneinfo, &zone);
    if (r < 0)
        return r;
    return ret_zoneinfo->zone_count > 0 ? 0 : -EBADMSG;
}
