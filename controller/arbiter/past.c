/* The arbiter's memory as a line. */
#include "controller/arbiter/past.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/util.h"

enum { DIRECTION, MOVED, SPARED, BYTES, FOOTPRINT, END, CHANGES };
#define NUMBER_COUNT (CHANGES + ARBITER_CHANGES_MAX)

static void take_apart(const struct arbiter_memory *memory, uint64_t numbers[NUMBER_COUNT])
{
    numbers[DIRECTION] = (uint64_t)memory->past.direction;
    numbers[MOVED] = memory->past.moved;
    numbers[SPARED] = memory->spared;
    numbers[BYTES] = memory->promised.bytes;
    numbers[FOOTPRINT] = memory->promised.footprint;
    numbers[END] = memory->promised.end;
    for (size_t i = 0; i < ARBITER_CHANGES_MAX; i++)
        numbers[CHANGES + i] = memory->past.changes[i];
}

void past_format(const struct arbiter_memory *memory, const char *host_boot_id,
                 char line[static PAST_LINE_SIZE])
{
    uint64_t numbers[NUMBER_COUNT];
    size_t length = (size_t)snprintf(line, PAST_LINE_SIZE, "%s", host_boot_id);

    take_apart(memory, numbers);
    for (size_t i = 0; i < NUMBER_COUNT; i++)
        length += (size_t)snprintf(line + length, PAST_LINE_SIZE - length, " %" PRIu64, numbers[i]);
}

static int parse_numbers(const char *text, uint64_t numbers[NUMBER_COUNT])
{
    for (size_t i = 0; i < NUMBER_COUNT; i++)
        if (*text++ != ' ' || number_scan(&text, &numbers[i]) < 0)
            return -EINVAL;
    return *text != '\0' || numbers[DIRECTION] > ARBITER_GAVE ? -EINVAL : 0;
}

int past_parse(const char *line, const char *host_boot_id, nsec_t now,
               struct arbiter_memory *ret_memory)
{
    struct arbiter_memory memory = {.barren = {0}};
    uint64_t numbers[NUMBER_COUNT];
    size_t length = strcspn(line, " ");

    if (parse_numbers(line + length, numbers) < 0)
        return -EINVAL;
    if (length == 0 || length != strlen(host_boot_id) || memcmp(line, host_boot_id, length) != 0 ||
        numbers[MOVED] + PAST_TIME < now)
        return -ESTALE;
    memory.past.direction = (enum arbiter_direction)numbers[DIRECTION];
    memory.past.moved = numbers[MOVED];
    memory.spared = numbers[SPARED];
    memory.promised = (struct arbiter_pending){
        .bytes = numbers[BYTES], .footprint = numbers[FOOTPRINT], .end = numbers[END]};
    for (size_t i = 0; i < ARBITER_CHANGES_MAX; i++)
        memory.past.changes[i] = numbers[CHANGES + i];
    *ret_memory = memory;
    return 0;
}

/* When it last moved is kept with the rest, and is no reason to write. */
bool past_equal(const struct arbiter_memory *a, const struct arbiter_memory *b)
{
    uint64_t of_a[NUMBER_COUNT];
    uint64_t of_b[NUMBER_COUNT];

    take_apart(a, of_a);
    take_apart(b, of_b);
    of_a[MOVED] = of_b[MOVED];
    return memcmp(of_a, of_b, sizeof(of_a)) == 0;
}
