/* Edit distance with swaps of neighbours (optimal string alignment). */
#include "common/base/nearest.h"

#include <string.h>

#include "common/base/util.h"

#define NAME_MAX_BYTES 64

static size_t distance_of(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][NAME_MAX_BYTES + 1];
    size_t *before = rows[0];
    size_t *previous = rows[1];
    size_t *current = rows[2];

    for (size_t j = 0; j <= b_length; j++)
        previous[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t *oldest = before;

        current[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t best = min_of(previous[j], current[j - 1]) + 1;

            best = min_of(best, previous[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = min_of(best, before[j - 2] + 1);
            current[j] = best;
        }
        before = previous;
        previous = current;
        current = oldest;
    }
    return previous[b_length];
}

void nearest_offer(struct nearest *nearest, const char *name)
{
    size_t wanted_length = strlen(nearest->wanted);
    size_t length = strlen(name);
    size_t distance;

    if (wanted_length > NAME_MAX_BYTES || length > NAME_MAX_BYTES)
        return;
    distance = distance_of(nearest->wanted, wanted_length, name, length);
    if (distance > max_of(wanted_length / 3, (size_t)1))
        return;
    if (nearest->name == NULL || distance < nearest->distance) {
        nearest->name = name;
        nearest->distance = distance;
    }
}
