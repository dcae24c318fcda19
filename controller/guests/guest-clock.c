/* Two clocks. */
#include "controller/guests/guest-clock.h"

#include <assert.h>

#include "common/base/util.h"

#define WINDOW (600 * NSEC_PER_SEC)

nsec_t guest_clock_take(struct guest_clock *clock, nsec_t received, nsec_t sent)
{
    int64_t difference = (int64_t)(received - sent);

    if (!clock->is_known || received - clock->since >= 2 * WINDOW) {
        *clock = (struct guest_clock){true, difference, difference, received};
        return 0;
    }
    if (received - clock->since >= WINDOW) {
        clock->least = clock->current;
        clock->current = difference;
        clock->since = received;
    }
    clock->current = min_of(clock->current, difference);
    clock->least = min_of(clock->least, difference);
    assert(clock->least <= clock->current);
    return (nsec_t)difference - (nsec_t)clock->least;
}
