/* The alarm of starved guests. */
#include "controller/leases/alarm.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/leases/table.h"

#define WORTH   (16 * MIB) /* of somebody else's */
#define UNHEARD (60 * NSEC_PER_SEC)

/* ---- what is seen ---- */

static uint64_t in_balloon(const struct vm *vm)
{
    return vm->measured.waterfall.balloon_is_known ? vm->measured.waterfall.balloon : 0;
}

static void tell(struct vm *vm, enum starvation_change change)
{
    char text[ALARM_BYTES];

    switch (change) {
    case STARVATION_BEGINS:
        vm_emit(vm, VM_EVENT_ALARM, alarm_text(vm, text));
        break;
    case STARVATION_GIVES_WAY:
        text_format(text, sizeof(text),
                    "the balloon of the guest that was short of memory has "
                    "given way: it holds %s",
                    BYTES_TEXT(in_balloon(vm)));
        vm_emit(vm, VM_EVENT_ALARM, text);
        break;
    case STARVATION_ENDS:
        vm_emit(vm, VM_EVENT_ALARM, "the guest is not short of memory any more");
        break;
    case STARVATION_GOES_ON:
        break;
    }
}

/* What has ended starves no more, and its counters are nobody's. */
static void forget(struct vm *vm)
{
    bool was_starved = vm->starvation.since != 0;

    vm->starvation = (struct starvation){0};
    if (was_starved)
        vm_emit(vm, VM_EVENT_ALARM, "the guest was short of memory until its hypervisor ended");
}

/* As its agent says. */
static void take_sample(struct vm *vm)
{
    const struct guest_memory *guest = &vm->measured.guest;
    const struct starvation_sample sample = {
        .time = guest->boottime_ns,
        .total = guest->total,
        .available = guest->available,
        .oom_kills = guest->oom_kills,
        .stalled = min_of(guest->psi_memory_some_us, UINT64_MAX / NSEC_PER_USEC) * NSEC_PER_USEC,
        .refaults = guest->refault_file + guest->refault_anon,
    };

    tell(vm, starvation_take(&vm->starvation, &sample, in_balloon(vm), time_boottime()));
}

/* As its balloon's driver says, where there is no agent: of stalls it knows nothing. */
static void take_statistics(struct vm *vm)
{
    const struct driver_statistics *statistics = &vm->statistics.last;
    const struct starvation_sample sample = {
        .time = vm->statistics.told,
        .total = statistics->total,
        .available = statistics->available,
        .oom_kills = statistics->oom_kills,
        .stalled = STARVATION_UNKNOWN,
        .refaults = statistics->major_faults,
    };

    if (vm->links.agent == NULL && statistics->updated > 0)
        tell(vm, starvation_take(&vm->starvation, &sample, in_balloon(vm), time_boottime()));
}

void alarm_take(const struct vm_event *event)
{
    struct vm *vm = event->vm;

    switch (event->kind) {
    case VM_EVENT_SAMPLE:
        if (vm->measured.waterfall.guest_is_known)
            take_sample(vm);
        break;
    case VM_EVENT_STATISTICS:
        take_statistics(vm);
        break;
    case VM_EVENT_RESET:
    case VM_EVENT_RESTORED:
    case VM_EVENT_CONNECTED:
        vm->starvation.has_last = false; /* other counters */
        break;
    default:
        break;
    }
}

/* What is not known has not given way. */
void alarm_visit(struct vm *vm)
{
    if (vm->measured.waterfall.balloon_is_known)
        tell(vm, starvation_pass(&vm->starvation, in_balloon(vm)));
    else if (!hypervisor_process_is_open(&vm->measured.process))
        forget(vm);
}

/* ---- what is said ---- */

static void add(char *text, size_t size, const char *format, ...) printf_like(3, 4);

static void add(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;

    assert(used < size);
    va_start(arguments, format);
    text_format_list(text + used, size - used, format, arguments);
    va_end(arguments);
}

static void add_signs(const struct starvation *starvation, char *text, size_t size)
{
    char share[32];
    const char *between = "";

    if (starvation->kills > 0) {
        add(text, size, "%" PRIu64 " OOM kill%s", starvation->kills,
            starvation->kills == 1 ? "" : "s");
        between = ", ";
    }
    if (starvation->stalled_permyriad > 0) {
        add(text, size, "%sstalled %s of the time", between,
            permyriad_format(starvation->stalled_permyriad / 100 * 100, share, sizeof(share)));
        between = ", ";
    }
    if (starvation->refault_rate > 0)
        add(text, size, "%s%" PRIu64 " pages/s read again", between, starvation->refault_rate);
}

static void add_holders(const struct vm *vm, char *text, size_t size)
{
    const struct balloon_control *control = lease_balloon(vm);
    uint64_t others = in_balloon(vm);
    const char *between = "";

    for (uint32_t i = 0; control != NULL && i < control->lease_count; i++) {
        const struct lease *lease = &control->leases[i].lease;

        add(text, size, "%s%s under a lease of %s", between, BYTES_TEXT(lease->bytes),
            lease->owner[0] == '\0' ? "nobody" : lease->owner);
        others = saturating_subtract(others, lease->bytes);
        between = ", ";
    }
    if (others >= WORTH)
        add(text, size, "%s%s taken by another client of the hypervisor", between,
            BYTES_TEXT(others));
}

const char *alarm_text(const struct vm *vm, char text[ALARM_BYTES])
{
    text[0] = '\0';
    if (vm->starvation.since == 0)
        return text;
    add(text, ALARM_BYTES, "the guest is short of memory (");
    add_signs(&vm->starvation, text, ALARM_BYTES);
    add(text, ALARM_BYTES, ") while its balloon holds %s: ", BYTES_TEXT(in_balloon(vm)));
    add_holders(vm, text, ALARM_BYTES);
    if (time_boottime() - vm->starvation.heard > UNHEARD)
        add(text, ALARM_BYTES, "; it has not been heard since");
    if (vm->leased)
        add(text, ALARM_BYTES, "; vmreclaim release %s", vm->name);
    else
        add(text, ALARM_BYTES, "; who took it must give it back");
    return text;
}

int64_t alarm_since(const struct vm *vm)
{
    if (vm->starvation.since == 0)
        return 0;
    return time_realtime() - (int64_t)(time_boottime() - vm->starvation.since);
}
