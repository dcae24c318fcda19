/* Reservations as lines of the store. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/arbiter/reservations.h"

enum { BYTES, USED_SINCE, STATE, DUE, EXPIRES, CREATED, HOLD, NUMBER_COUNT };

void reservation_format(const struct reservation *reservation, const char *host_boot_id,
                        char line[static RESERVATION_LINE_SIZE])
{
    const struct reservation_asked *asked = &reservation->asked;

    snprintf(line, RESERVATION_LINE_SIZE,
             "%" PRIu64 " %" PRIu64 " %d %" PRIu64 " %" PRId64 " %" PRId64 " %" PRIu64 " %s %s %s",
             asked->bytes, reservation->used_since, (int)reservation->state, reservation->due,
             reservation->expires, reservation->created, asked->hold,
             host_boot_id[0] == '\0' ? "-" : host_boot_id, asked->vm[0] == '\0' ? "-" : asked->vm,
             asked->asked_by);
}

int reservation_parse_id(const char *key, uint64_t *ret_id)
{
    uint64_t id;

    if (number_parse(key, &id) < 0 || id == 0 || id > INT64_MAX)
        return -EINVAL;
    *ret_id = id;
    return 0;
}

/* A word and the blank behind it; "-" is none. */
static int take_word(const char **line, char *word, size_t size)
{
    size_t length = strcspn(*line, " ");

    if (length == 0 || length >= size || (*line)[length] != ' ')
        return -EINVAL;
    memcpy(word, *line, length);
    word[length] = '\0';
    if (strcmp(word, "-") == 0)
        word[0] = '\0';
    *line += length + 1;
    return 0;
}

static int take_numbers(const char **line, uint64_t numbers[NUMBER_COUNT])
{
    for (size_t i = 0; i < NUMBER_COUNT; i++, (*line)++)
        if (number_scan(line, &numbers[i]) < 0 || **line != ' ' || numbers[i] > INT64_MAX)
            return -EINVAL;
    return numbers[STATE] > RESERVATION_READY ? -EINVAL : 0;
}

/* By the clock of this boot. */
static void resume(struct reservation *reservation, bool is_of_this_boot, nsec_t now, int64_t time)
{
    nsec_t hold = reservation->asked.hold == 0 ? RESERVATION_HOLD_TIME : reservation->asked.hold;
    nsec_t left = reservation->expires > time ? (nsec_t)(reservation->expires - time) : 0;

    if (!is_of_this_boot)
        reservation->due = now + min_of(left, hold);
    if (now >= reservation->due)
        reservation->state = RESERVATION_OVER;
}

int reservation_parse(const char *line, const char *host_boot_id, nsec_t now, int64_t time,
                      struct reservation *ret_reservation)
{
    struct reservation parsed = {.id = 0};
    uint64_t numbers[NUMBER_COUNT];
    char boot_id[64];

    if (take_numbers(&line, numbers) < 0 || take_word(&line, boot_id, sizeof(boot_id)) < 0 ||
        take_word(&line, parsed.asked.vm, sizeof(parsed.asked.vm)) < 0 || numbers[BYTES] == 0)
        return -EINVAL;
    text_copy_line(parsed.asked.asked_by, sizeof(parsed.asked.asked_by), line);
    parsed.asked.bytes = numbers[BYTES];
    parsed.asked.hold = numbers[HOLD];
    parsed.used_since = numbers[USED_SINCE];
    parsed.state = (enum reservation_state)numbers[STATE];
    parsed.due = numbers[DUE];
    parsed.expires = (int64_t)numbers[EXPIRES];
    parsed.created = (int64_t)numbers[CREATED];
    resume(&parsed, boot_id[0] != '\0' && strcmp(boot_id, host_boot_id) == 0, now, time);
    *ret_reservation = parsed;
    return 0;
}
