/* Readings of a guest's memory. */
#include "controller/vms/reading.h"

#include <assert.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "controller/vms/intervals.h"

#define INTERVALS_MAX 2
#define ROUNDING      NSEC_PER_SEC        /* their moment has whole seconds */
#define MOMENT        (2 * NSEC_PER_SEC)  /* of a guest that nobody asks: an answer on demand */
#define UNSEEN_MAX    (25 * NSEC_PER_SEC) /* the hypervisor is asked every ten seconds */

enum statistics_trust statistics_judge(const struct driver_statistics *statistics, nsec_t age,
                                       uint32_t interval, bool has_time)
{
    if (!has_time)
        return STATISTICS_TIMELESS;
    if (statistics->updated <= 0)
        return STATISTICS_NEVER;
    if (statistics->total == UINT64_MAX && statistics->free == UINT64_MAX &&
        statistics->available == UINT64_MAX)
        return STATISTICS_FROZEN;
    if (statistics->total == UINT64_MAX || statistics->free == UINT64_MAX ||
        statistics->available == UINT64_MAX || statistics->total == 0)
        return STATISTICS_MISSING;
    if (statistics->free > statistics->total || statistics->available > statistics->total)
        return STATISTICS_IMPOSSIBLE;
    if (interval == 0 || interval == DRIVER_INTERVAL_UNKNOWN)
        return age <= MOMENT ? STATISTICS_HOLD : STATISTICS_OFF;
    return age <= (nsec_t)interval * INTERVALS_MAX * NSEC_PER_SEC + ROUNDING ? STATISTICS_HOLD
                                                                             : STATISTICS_OLD;
}

const char *statistics_trust_text(enum statistics_trust trust)
{
    static const char *const texts[STATISTICS_TRUST_COUNT] = {
        [STATISTICS_TIMELESS] = "its hypervisor does not say how old its balloon statistics are",
        [STATISTICS_NEVER] = "its balloon driver has sent no statistics",
        [STATISTICS_FROZEN] =
            "its balloon driver sends no figures; in Windows start BalloonService",
        [STATISTICS_MISSING] = "its balloon driver leaves out total, free or available memory",
        [STATISTICS_IMPOSSIBLE] =
            "its balloon statistics cannot be true: more is free than is there",
        [STATISTICS_OFF] =
            "its balloon statistics are old; nobody is known to ask the guest for new ones",
        [STATISTICS_OLD] = "its balloon statistics are older than two intervals",
    };

    return texts[trust];
}

/* Where the guest cannot be asked, what is told has no moment: when the hypervisor was read is not
 * when the guest said it. */
static bool has_time(const struct vm *vm)
{
    return (vm->hypervisor.facts.capabilities & DRIVER_CAN_SET_STATISTICS_INTERVAL) != 0;
}

/* How old they were when the hypervisor was asked: the guest may have told others since. */
enum statistics_trust vm_judge_statistics(const struct vm *vm, nsec_t now)
{
    const struct vm_statistics *kept = &vm->statistics;
    enum statistics_trust trust =
        statistics_judge(&kept->last, saturating_subtract(kept->seen, kept->told),
                         vm_interval_seconds(vm), has_time(vm));

    return trust == STATISTICS_HOLD && now - kept->seen > UNSEEN_MAX ? STATISTICS_OLD : trust;
}

static void take_agent(const struct vm *vm, struct guest_reading *reading)
{
    const struct guest_memory *guest = &vm->measured.guest;

    if (vm->links.agent == NULL || guest->received == 0)
        return;
    *reading = (struct guest_reading){
        .source = READING_AGENT,
        .read = guest->received - min_of(guest->received, guest->latency),
        .total = guest->total,
        .free = guest->free,
        .available = guest->available,
    };
}

static void take_statistics(const struct vm *vm, nsec_t now, struct guest_reading *reading)
{
    const struct driver_statistics *statistics = &vm->statistics.last;
    enum statistics_trust trust = vm_judge_statistics(vm, now);

    if (trust != STATISTICS_HOLD) {
        if (reading->source == READING_NONE)
            reading->problem = statistics_trust_text(trust);
        return;
    }
    if (reading->source == READING_AGENT && reading->read >= vm->statistics.told)
        return;
    *reading = (struct guest_reading){
        .source = READING_STATISTICS,
        .read = vm->statistics.told,
        .total = statistics->total,
        .free = statistics->free,
        .available = statistics->available,
    };
}

void vm_read_guest(const struct vm *vm, nsec_t now, struct guest_reading *ret_reading)
{
    *ret_reading = (struct guest_reading){.source = READING_NONE};
    take_agent(vm, ret_reading);
    take_statistics(vm, now, ret_reading);
    assert((ret_reading->source == READING_NONE) == (ret_reading->problem != NULL));
    assert(ret_reading->free <= ret_reading->total);
}
