/* /proc/buddyinfo: "Node 0, zone   Normal      1      0 ..." per populated zone. */
#include "common/proc/buddyinfo.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/base/util.h"
#include "common/proc/lines.h"
#include "common/proc/zonename.h"

static int parse_zone(const char *line, struct buddy_zone *ret_zone, uint32_t *ret_order_count)
{
    uint32_t order = 0;
    const char *text;

    int r = zonename_parse(line, &ret_zone->node, ret_zone->name, &text);
    if (r < 0)
        return r;
    memset(ret_zone->free_blocks, 0, sizeof(ret_zone->free_blocks));
    for (;;) {
        while (*text == ' ')
            text++;
        if (*text == '\0')
            break;
        if (order == BUDDY_ORDER_COUNT_MAX ||
            lines_number(&text, &ret_zone->free_blocks[order]) < 0)
            return -EBADMSG;
        order++;
    }
    *ret_order_count = order;
    return 0;
}

static int add_zone(struct buddyinfo *buddyinfo, const struct buddy_zone *zone,
                    uint32_t order_count)
{
    assert(order_count <= BUDDY_ORDER_COUNT_MAX);
    if (order_count == 0 || (buddyinfo->order_count != 0 && order_count != buddyinfo->order_count))
        return -EBADMSG;
    buddyinfo->order_count = order_count;
    for (uint32_t order = 0; order < order_count; order++)
        if (zone->free_blocks[order] >> (60 - order) != 0 ||
            __builtin_add_overflow(buddyinfo->free_blocks[order], zone->free_blocks[order],
                                   &buddyinfo->free_blocks[order]))
            return -EBADMSG;
    if (buddyinfo->zone_count < BUDDYINFO_ZONES_MAX)
        buddyinfo->zones[buddyinfo->zone_count++] = *zone;
    return 0;
}

static int take_line(const char *line, void *buddyinfo)
{
    struct buddy_zone zone;
    uint32_t order_count;
    int r = parse_zone(line, &zone, &order_count);

    if (r == -ENOENT) /* not a zone's line */
        return 0;
    return r < 0 ? r : add_zone(buddyinfo, &zone, order_count);
}

int buddyinfo_read(int root, struct buddyinfo *ret_buddyinfo)
{
    int r;

    memset(ret_buddyinfo, 0, offsetof(struct buddyinfo, zones));
    ret_buddyinfo->zone_count = 0;
    r = lines_visit(root, "proc/buddyinfo", take_line, ret_buddyinfo);
    if (r < 0)
        return r;
    return ret_buddyinfo->order_count > 0 ? 0 : -EBADMSG;
}

uint64_t buddy_pages(const uint64_t *free_blocks, uint32_t from, uint32_t to)
{
    uint64_t pages = 0;

    for (uint32_t order = from; order < min_of(to, (uint32_t)BUDDY_ORDER_COUNT_MAX); order++)
        pages += free_blocks[order] << order;
    return pages;
}
