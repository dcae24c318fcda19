/* /proc/pagetypeinfo: mm/vmstat.c, pagetypeinfo_show(). */
#include "common/proc/pagetypeinfo.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/proc/lines.h"
#include "common/proc/zonename.h"

#define COLUMNS_MAX 8

static const char *const kind_names[PAGE_KIND_COUNT] = {
    [PAGE_KIND_UNMOVABLE] = "Unmovable",
    [PAGE_KIND_MOVABLE] = "Movable",
    [PAGE_KIND_RECLAIMABLE] = "Reclaimable",
};

/* Moves *text over one word; PAGE_KIND_COUNT: another kind, or no word. */
static enum page_kind scan_kind(const char **text)
{
    size_t kind = 0;
    size_t length;

    *text += strspn(*text, " ");
    length = strcspn(*text, " ");
    while (kind < PAGE_KIND_COUNT &&
           (strlen(kind_names[kind]) != length || strncmp(*text, kind_names[kind], length) != 0))
        kind++;
    *text += length;
    return (enum page_kind)kind;
}

/* "Number of blocks type     Unmovable      Movable ..." says what the columns below are. */
static void parse_header(const char *text, enum page_kind columns[COLUMNS_MAX])
{
    for (size_t i = 0; i < COLUMNS_MAX; i++)
        columns[i] = scan_kind(&text);
}

static int add_pageblocks(struct pagetypeinfo *info, const char *text,
                          const enum page_kind columns[COLUMNS_MAX])
{
    for (size_t i = 0; i < COLUMNS_MAX; i++) {
        uint64_t count;

        if (text[strspn(text, " ")] == '\0')
            return 0;
        if (lines_number(&text, &count) < 0)
            return -EBADMSG;
        if (columns[i] < PAGE_KIND_COUNT &&
            __builtin_add_overflow(info->pageblocks[columns[i]], count,
                                   &info->pageblocks[columns[i]]))
            return -EBADMSG;
    }
    return 0;
}

/* "    Unmovable      1     12 >100000 ..." */
static int add_free_blocks(struct pagetypeinfo *info, const char *text)
{
    enum page_kind kind = scan_kind(&text);

    for (uint32_t order = 0; kind < PAGE_KIND_COUNT; order++) {
        uint64_t count;

        text += strspn(text, " >");
        if (*text == '\0')
            return 0;
        if (order == BUDDY_ORDER_COUNT_MAX || lines_number(&text, &count) < 0 ||
            count >> (58 - order) != 0 ||
            __builtin_add_overflow(info->free_blocks[kind][order], count,
                                   &info->free_blocks[kind][order]))
            return -EBADMSG;
    }
    return 0;
}

int pagetypeinfo_read(int root, struct pagetypeinfo *ret_pagetypeinfo)
{
    cleanup_lines struct lines lines;
    struct pagetypeinfo info = {0};
    enum page_kind columns[COLUMNS_MAX];
    bool is_complete = false;
    char *line;
    int r = lines_open(&lines, root, "proc/pagetypeinfo");

    if (r < 0)
        return r;
    parse_header("", columns);
    while ((r = lines_next(&lines, &line)) > 0) {
        char zone[ZONE_NAME_SIZE];
        const char *text = lines_after(line, "Number of blocks type");
        uint32_t node;

        if (text != NULL) {
            parse_header(text, columns);
            continue;
        }
        r = zonename_parse(line, &node, zone, &text);
        if (r == -ENOENT)
            continue;
        if (r == 0 && lines_after(text, ", type") != NULL) {
            r = add_free_blocks(&info, lines_after(text, ", type"));
            is_complete = true;
        } else if (r == 0) {
            r = add_pageblocks(&info, text, columns);
        }
        if (r < 0)
            return r;
    }
    if (r < 0)
        return r;
    if (!is_complete)
        return -EBADMSG;
    *ret_pagetypeinfo = info;
    return 0;
}
