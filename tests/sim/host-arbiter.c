/* The arbiter on the model. */
#include "tests/sim/host-arbiter.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/number.h"
#include "controller/config/arbiter-settings.h"

#define MIB_            HOST_MIB
#define RECLAIM_RATE    (1024 * MIB_) /* ASSUMED: as reclaim_rate in constants.h */
#define REPORT_RATE     (128 * MIB_)  /* KERNEL: see host-model.c */
#define COMPACT_SECONDS 4             /* LAB: under one, and two passes of reporting */
#define LEASE_SECONDS   60            /* as WAIT_MAX of controller/actions/balloon.c */
#define PULSE_HEADROOM  (256 * MIB_)  /* the policy's */
#define STARVED         0.2           /* of about ten seconds waited, under its balloon */
#define PRESSED         10            /* seconds after its agent said so */
#define RAISES_PER_TICK 4             /* as controller/leases/keeper.c */

void host_arbiter_init(struct host_arbiter *side, unsigned count)
{
    *side = (struct host_arbiter){
        .count = count,
        .seats = calloc(count, sizeof(*side->seats)),
        .vms = calloc(count, sizeof(*side->vms)),
        .requests = calloc(count, sizeof(*side->requests)),
    };
    if (side->seats == NULL || side->vms == NULL || side->requests == NULL)
        abort();
    arbiter_init(&side->arbiter);
}

void host_arbiter_finish(struct host_arbiter *side)
{
    arbiter_finish(&side->arbiter);
    free(side->seats);
    free(side->vms);
    free(side->requests);
}

/* ---- what it sees ---- */

static uint64_t bytes_of(double value)
{
    return value <= 0 ? 0 : (uint64_t)llround(value);
}

static bool is_heard(const struct host_guest *guest, uint64_t now)
{
    return guest->has_agent && now >= guest->agent_back;
}

static unsigned means_of(const struct host_guest *guest, const struct host_seat *seat, uint64_t now)
{
    unsigned means = 0;

    if (is_heard(guest, now) && guest->reports)
        means |= ARBITER_CAN_RECLAIM | ARBITER_CAN_COMPACT;
    else if (is_heard(guest, now))
        means |= ARBITER_CAN_FREE;
    if (guest->has_balloon && !guest->reports && host_leases_held(&seat->leases) == 0)
        means |= ARBITER_CAN_PULSE;
    if (guest->has_balloon && is_heard(guest, now))
        means |= ARBITER_CAN_LEASE;
    return means;
}

static void tell_figures(const struct host_guest *guest, uint64_t now, struct arbiter_vm *vm)
{
    double size = host_guest_size(guest);
    double cold = host_guest_cold(guest, now);

    vm->source = ARBITER_AGENT;
    vm->free = bytes_of(host_guest_free(guest));
    vm->cold = bytes_of(cold);
    vm->trapped = bytes_of(guest->trapped);
    vm->in_use = bytes_of(guest->in_use);
    vm->hot = bytes_of(host_guest_cache(guest) - cold);
    if (guest->lie == HOST_LIES_IDLE) {
        vm->in_use = bytes_of(size * 0.05);
        vm->hot = 0;
        vm->cold = bytes_of(size * 0.5);
    } else if (guest->lie == HOST_LIES_BUSY) {
        vm->in_use = bytes_of(size);
        vm->free = vm->cold = vm->hot = vm->trapped = 0;
    }
}

static void tell_statistics(const struct host_guest *guest, struct arbiter_vm *vm)
{
    vm->source = ARBITER_STATISTICS;
    vm->free = bytes_of(host_guest_free(guest));
    vm->in_use = bytes_of(guest->in_use);
    vm->hot = bytes_of(host_guest_cache(guest));
}

/* As guests/starvation.h, and what its agent says at once. */
static bool is_starved(const struct host_guest *guest, const struct host_seat *seat, uint64_t now)
{
    double counts = fmax(64 * MIB_, guest->ram / 20);

    return (guest->pressure > STARVED && guest->balloon >= counts) ||
           (seat->pressed != 0 && now - seat->pressed < PRESSED);
}

static void show(const struct host_arbiter *side, const struct host_model *host, unsigned i)
{
    const struct host_guest *guest = &host->guests[i];
    struct host_seat *seat = &side->seats[i];
    struct arbiter_vm *vm = &side->vms[i];
    bool is_held = host_leases_held(&seat->leases) != 0;

    *vm = (struct arbiter_vm){
        .serial = i + 1,
        .memory = &seat->memory,
        .ram = bytes_of(guest->ram),
        .size = bytes_of(host_guest_size(guest)),
        .footprint = bytes_of(host_guest_footprint(guest)),
        .shares = guest->shares,
        .floor = bytes_of(guest->floor),
        .headroom = balloon_headroom(bytes_of(guest->ram), guest->deflates_on_oom),
        .lease = host_leases_held(&seat->leases),
        .lease_end = is_held ? host_leases_end(&seat->leases) : 0,
        .means = means_of(guest, seat, host->now),
        .may_be_changed = true,
        .cannot_be_tried = !guest->deflates_on_oom,
        .is_occupied = seat->running != ARBITER_NO_STEP,
        .is_starved = is_starved(guest, seat, host->now),
        .is_stalled = is_held && seat->leases.control.stalled,
    };
    if (is_heard(guest, host->now))
        tell_figures(guest, host->now, vm);
    else if (guest->has_balloon)
        tell_statistics(guest, vm);
}

struct host_marks host_marks_of(const struct host_model *host)
{
    struct arbiter_settings settings;
    uint64_t total = bytes_of(host->total);

    arbiter_settings_init(&settings);
    return (struct host_marks){
        .critical = (double)arbiter_mark_bytes(&settings.critical, total),
        .low = (double)arbiter_mark_bytes(&settings.low, total),
        .high = (double)arbiter_mark_bytes(&settings.high, total),
    };
}

static struct arbiter_host host_of(const struct host_model *host)
{
    const struct host_marks marks = host_marks_of(host);

    return (struct arbiter_host){
        .now = host->now * NSEC_PER_SEC,
        .total = bytes_of(host->total),
        .available = bytes_of(host->available),
        .critical = bytes_of(marks.critical),
        .low = bytes_of(marks.low),
        .high = bytes_of(marks.high),
        .reserved = bytes_of(host->reserved),
    };
}

/* ---- what it asks for ---- */

static uint64_t seconds_for(double bytes, double rate)
{
    return 1 + (uint64_t)(bytes / rate);
}

static int set_lease(struct host_arbiter *side, struct host_model *host,
                     const struct arbiter_request *request)
{
    struct host_seat *seat = &side->seats[request->vm];
    struct host_guest *guest = &host->guests[request->vm];

    if (request->size >= side->vms[request->vm].ram) {
        host_leases_release(&seat->leases);
        return 0;
    }
    return host_leases_set(&seat->leases, &side->daemon, guest, host->now, request->size,
                           ARBITER_LEASE_TERM);
}

/* Starts a step; returns how many seconds it takes, or a negative errno. */
static int64_t start(struct host_arbiter *side, struct host_model *host,
                     const struct arbiter_request *request)
{
    struct host_guest *guest = &host->guests[request->vm];
    double did;
    int r;

    switch (request->step) {
    case ARBITER_RECLAIM:
        did = host_guest_reclaim(guest, host->now, (double)request->bytes);
        return (int64_t)(seconds_for(did, RECLAIM_RATE) + seconds_for(did, REPORT_RATE));
    case ARBITER_COMPACT:
        host_guest_compact(guest);
        return COMPACT_SECONDS;
    case ARBITER_PULSE:
        did = guest->held + guest->trapped;
        host_guest_pulse(guest, PULSE_HEADROOM);
        did -= guest->held + guest->trapped;
        return (int64_t)(seconds_for(did, guest->inflate) + seconds_for(did, guest->deflate));
    case ARBITER_LEASE:
    case ARBITER_GIVE_BACK:
        r = set_lease(side, host, request);
        return r < 0 ? r : LEASE_SECONDS;
    default:
        abort();
    }
}

static void carry_out(struct host_arbiter *side, struct host_model *host,
                      const struct arbiter_request *request)
{
    struct host_seat *seat = &side->seats[request->vm];
    int64_t seconds;

    assert(request->vm < side->count);
    side->steps[request->step]++;
    side->reasons[request->reason]++;
    seat->before = host_guest_footprint(&host->guests[request->vm]);
    seconds = start(side, host, request);
    if (seconds < 0) {
        side->refused++;
        arbiter_note_refused(&seat->memory, request->step, host->now * NSEC_PER_SEC);
        return;
    }
    seat->running = request->step;
    seat->ends = host->now + (uint64_t)seconds;
}

static bool has_arrived(const struct host_seat *seat, const struct host_guest *guest)
{
    return (seat->running == ARBITER_LEASE || seat->running == ARBITER_GIVE_BACK) &&
           fabs(host_guest_size(guest) - guest->target) < 2 * MIB_ &&
           (!seat->leases.is_adopted ||
            seat->leases.control.target == balloon_wanted(&seat->leases.control));
}

static void end(struct host_seat *seat, const struct host_guest *guest, uint64_t now)
{
    double brought = seat->before - host_guest_footprint(guest);

    if (seat->running == ARBITER_NO_STEP || (now < seat->ends && !has_arrived(seat, guest)))
        return;
    arbiter_note_end(&seat->memory, seat->running, bytes_of(brought), now * NSEC_PER_SEC);
    seat->running = ARBITER_NO_STEP;
}

/* ---- once a second ---- */

/* As the keeper of leases: the most pressed first, a few at a time. */
void host_arbiter_run_leases(struct host_arbiter *side, struct host_model *host)
{
    unsigned raises = 0;

    for (unsigned i = 0; i < side->count; i++) {
        struct host_seat *seat = &side->seats[i];
        bool waits;

        if (!seat->leases.is_adopted)
            continue;
        waits = host_leases_need_raise(&seat->leases);
        host_leases_run(&seat->leases, &side->daemon, &host->guests[i], host->now,
                        !waits || raises < RAISES_PER_TICK);
        raises += waits;
    }
}

static double processor_time(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

void host_arbiter_step(struct host_arbiter *side, struct host_model *host)
{
    const struct arbiter_host facts = host_of(host);
    size_t count = 0;
    double before;

    if (side->daemon.is_dead)
        return;
    for (unsigned i = 0; i < side->count; i++) {
        if (is_heard(&host->guests[i], host->now) && host->guests[i].waited >= HOST_PRESSURE)
            side->seats[i].pressed = host->now;
        end(&side->seats[i], &host->guests[i], host->now);
        show(side, host, i);
    }
    before = processor_time();
    if (arbiter_step(&side->arbiter, &facts, side->vms, side->count, side->requests, &count) < 0)
        abort();
    side->seconds += processor_time() - before;
    assert(count <= side->count);
    for (size_t i = 0; i < count && !side->daemon.is_dead; i++)
        carry_out(side, host, &side->requests[i]);
    host_arbiter_run_leases(side, host);
}

void host_arbiter_void(struct host_arbiter *side, unsigned i)
{
    host_leases_void(&side->seats[i].leases);
}

void host_arbiter_restart(struct host_arbiter *side, const struct host_model *host)
{
    arbiter_finish(&side->arbiter);
    arbiter_init(&side->arbiter);
    side->daemon.is_dead = false;
    side->daemon.dies_at = 0;
    for (unsigned i = 0; i < side->count; i++) {
        struct host_seat *seat = &side->seats[i];

        seat->memory = (struct arbiter_memory){0};
        seat->running = ARBITER_NO_STEP;
        host_leases_resume(&seat->leases, &host->guests[i], host->now);
    }
}
