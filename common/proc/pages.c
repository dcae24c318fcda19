/* The sizes in which the kernel handles memory. */
#include "common/proc/pages.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/number.h"
#include "common/base/util.h"
#include "common/proc/lines.h"
#include "common/proc/meminfo.h"

uint32_t page_size_read(int root)
{
    char bytes[1024]; /* the vector has some 20 pairs */
    uint64_t pair[2];

    int n = file_read_into(root, "proc/self/auxv", bytes, sizeof(bytes));
    for (size_t at = 0; n > 0 && at + sizeof(pair) <= (size_t)n; at += sizeof(pair)) {
        memcpy(pair, bytes + at, sizeof(pair));
        if (pair[0] == AT_PAGESZ && pair[1] > 0 && pair[1] <= UINT32_MAX &&
            (pair[1] & (pair[1] - 1)) == 0)
            return (uint32_t)pair[1];
    }
    return (uint32_t)sysconf(_SC_PAGESIZE);
}

/* "Page block order: 9" is the first line. The file is for root and costs the zone lock further on,
 * so only its beginning is read. */
static int from_pagetypeinfo(int root, uint64_t *ret_order)
{
    cleanup_lines struct lines lines;
    const char *text;
    char *line;

    int r = lines_open(&lines, root, "proc/pagetypeinfo");
    if (r < 0)
        return r;
    r = lines_next(&lines, &line);
    if (r <= 0)
        return r < 0 ? r : -EBADMSG;
    text = lines_after(line, "Page block order:");
    return text != NULL && lines_number(&text, ret_order) == 0 ? 0 : -EBADMSG;
}

static int from_huge_page_size(int root, uint32_t page_size, uint64_t *ret_order)
{
    struct meminfo meminfo;
    uint64_t size = 0;
    char text[32];

    int n = file_read_into(root, "sys/kernel/mm/transparent_hugepage/hpage_pmd_size", text,
                           sizeof(text));
    if (n > 0) {
        text[strcspn(text, "\n")] = '\0';
        (void)number_parse(text, &size);
    }
    if (size == 0 && meminfo_read(root, &meminfo) == 0)
        size = meminfo.huge_page_size;
    if (page_size == 0 || size < page_size || (size & (size - 1)) != 0)
        return -ENOENT;
    *ret_order = (uint64_t)__builtin_ctzll(size / page_size);
    return 0;
}

uint32_t pageblock_order_read(int root, uint32_t page_size, uint32_t max_order)
{
    uint64_t order;

    if (from_pagetypeinfo(root, &order) < 0 && from_huge_page_size(root, page_size, &order) < 0)
        return max_order;
    return (uint32_t)min_of(order, (uint64_t)max_order);
}
