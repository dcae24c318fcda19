/* Reservations as text. */
#include "controller/cli/reserving.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/time.h"
#include "controller/cli/cli.h"

static double seconds(uint64_t duration)
{
    return (double)duration / 1e9;
}

void reserving_format_line(const Reservation *reservation, char *line, size_t size)
{
    text_format(line, size, "%s of %s  %.0f s", BYTES_TEXT(reservation->there),
                BYTES_TEXT(reservation->size), seconds(reservation->elapsed_ns));
    if (reservation->reason[0] != '\0')
        text_format(line + strlen(line), size - strlen(line), "  %s", reservation->reason);
}

static void print_whose(const Reservation *reservation)
{
    if (reservation->vm[0] == '\0')
        return;
    fputs(" for ", stdout);
    print_text(reservation->vm);
}

static nsec_t whole_seconds(nsec_t duration)
{
    return (duration + NSEC_PER_SEC - 1) / NSEC_PER_SEC * NSEC_PER_SEC;
}

static void print_ready(const Reservation *reservation)
{
    char left[64];

    printf("%s are free", BYTES_TEXT(reservation->size));
    print_whose(reservation);
    printf(" after %.1f s, and kept so for %s.\n'vmreclaim reserve release %" PRIu64
           "' ends that.\n",
           seconds(reservation->elapsed_ns),
           time_format_duration(whole_seconds(reservation->left_ns), left, sizeof(left)),
           reservation->id);
}

static void print_short(const Reservation *reservation)
{
    printf("%s of %s is the most that could be free", BYTES_TEXT(reservation->most),
           BYTES_TEXT(reservation->size));
    print_whose(reservation);
    printf(" in %.1f s: ", seconds(reservation->elapsed_ns));
    print_text(reservation->reason);
    putchar('\n');
}

void reserving_print_end(const Reservation *reservation)
{
    if (strcmp(reservation->state, "ready") == 0) {
        print_ready(reservation);
    } else if (strcmp(reservation->state, "short") == 0) {
        print_short(reservation);
    } else {
        printf("The reservation of %s", BYTES_TEXT(reservation->size));
        print_whose(reservation);
        fputs(" has ended: ", stdout);
        print_text(reservation->state);
        putchar('\n');
    }
}

/* What its VM has taken by then was there. */
int reserving_exit_code(const char *state)
{
    if (strcmp(state, "ready") == 0 || strcmp(state, "used") == 0)
        return EXIT_DONE;
    return strcmp(state, "short") == 0 ? EXIT_PARTIAL : EXIT_FAILED;
}
