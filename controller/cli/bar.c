/* Stacked bars by largest remainder, so that the letters always add up to the width. */
#include "controller/cli/bar.h"

#include <string.h>

#include "common/base/util.h"

/* The part that lost most by rounding, or the last. */
static size_t largest_remainder(const double *remainders, size_t count)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (remainders[i] > remainders[best])
            best = i;
    return best;
}

/* Takes a letter from the widest part. */
static void shrink_widest(size_t *cells, size_t count)
{
    size_t widest = 0;
    for (size_t i = 1; i < count; i++)
        if (cells[i] > cells[widest])
            widest = i;
    if (cells[widest] > 0)
        cells[widest]--;
}

/* Cells per part; the last entry, at `count`, is the rest of the whole. */
static void share_cells(const struct bar_part *parts, size_t count, double whole, double rest,
                        size_t width, size_t *cells)
{
    double remainders[BAR_PARTS_MAX + 1];
    size_t used = 0;

    for (size_t i = 0; i <= count; i++) {
        double bytes = i < count ? (double)parts[i].bytes : rest;
        double exact = whole > 0 ? bytes * (double)width / whole : 0;
        cells[i] = (size_t)exact;
        remainders[i] = exact - (double)cells[i];
        if (i < count && cells[i] == 0 && parts[i].bytes > 0) {
            cells[i] = 1;
            remainders[i] = 0;
        }
        used += cells[i];
    }
    for (; used < width; used++) {
        size_t i = largest_remainder(remainders, count + 1);
        cells[i]++;
        remainders[i] = 0;
    }
    for (; used > width; used--)
        shrink_widest(cells, count + 1);
}

void bar_draw(const struct bar_part *parts, size_t count, uint64_t whole, size_t width,
              char *buffer)
{
    size_t cells[BAR_PARTS_MAX + 1];
    double sum = 0;

    count = min_of(count, (size_t)BAR_PARTS_MAX);
    for (size_t i = 0; i < count; i++)
        sum += (double)parts[i].bytes;
    double total = max_of(sum, (double)whole);
    memset(buffer, '.', width);
    buffer[width] = '\0';
    if (total <= 0)
        return;
    share_cells(parts, count, total, total - sum, width, cells);
    for (size_t i = 0; i < count; i++) {
        memset(buffer, parts[i].letter, cells[i]);
        buffer += cells[i];
    }
}
