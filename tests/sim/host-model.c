/* Guests and their host by the second. */
#include "tests/sim/host-model.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

#define MIB_          HOST_MIB
#define BALLOON_MIN   (51 * MIB_)  /* LAB: free memory at which a balloon stands still */
#define USE_MIN       (16 * MIB_)  /* ASSUMED: free memory that programs leave */
#define REPORTED      (128 * MIB_) /* KERNEL: 256 MiB a pass, one in two seconds */
#define HELD_BACK     (78 * MIB_)  /* KERNEL: as held_back in constants.h */
#define CACHE_PIECES  0.43         /* PUBLISHED: as cache_trapped */
#define USED_PIECES   0.03         /* LAB: as anon_trapped */
#define JOINED        0.85         /* LAB: as compact_joins */
#define FIGHT         (30 * MIB_)  /* LAB: deflate-on-oom against a target that stands */
#define RECLAIM_SHARE 4            /* ASSUMED: a balloon that has to take cache is so much slower */
#define TOUCHED_IN    10.0 /* ASSUMED: seconds in which what a guest works with is used once */
#define READ_LEAST    (4 * MIB_) /* a second, until all of it is there */
#define KILL_AFTER    2          /* LAB: 0.3 s after the first stall; seconds are counted here */

static double least(double a, double b)
{
    return a < b ? a : b;
}

static double most(double a, double b)
{
    return a > b ? a : b;
}

/* ---- figures ---- */

double host_guest_size(const struct host_guest *guest)
{
    return guest->ram - guest->balloon;
}

double host_guest_free(const struct host_guest *guest)
{
    return guest->held + guest->trapped + guest->gone;
}

double host_guest_cache(const struct host_guest *guest)
{
    double bytes = guest->junk;

    for (unsigned i = 0; i < HOST_SETS; i++)
        bytes += guest->sets[i].resident;
    return bytes;
}

static bool is_hot(const struct host_set *set, uint64_t now)
{
    return set->runs || (set->used != 0 && now - set->used < HOST_RECENT);
}

double host_guest_cold(const struct host_guest *guest, uint64_t now)
{
    double bytes = guest->junk;

    for (unsigned i = 0; i < HOST_SETS; i++)
        bytes += is_hot(&guest->sets[i], now) ? 0 : guest->sets[i].resident;
    return bytes;
}

double host_guest_footprint(const struct host_guest *guest)
{
    return guest->ram - guest->balloon - guest->gone - guest->swapped;
}

double host_guest_working_set(const struct host_guest *guest, uint64_t now)
{
    double bytes = guest->in_use;

    for (unsigned i = 0; i < HOST_SETS; i++) {
        const struct host_set *set = &guest->sets[i];

        bytes += set->runs ? set->wanted : is_hot(set, now) ? set->resident : 0;
    }
    return bytes;
}

bool host_guest_adds_up(const struct host_guest *guest)
{
    double sum = guest->in_use + host_guest_cache(guest) + host_guest_free(guest) + guest->balloon;

    return fabs(sum - guest->ram) < MIB_ && guest->gone > -1 && guest->held > -1 &&
           guest->trapped > -1 && guest->balloon > -1 && guest->in_use > -1;
}

/* ---- memory that moves inside a guest ---- */

static double evict_set(struct host_set *set, double bytes)
{
    double did = least(bytes, set->resident);

    set->resident -= did;
    set->taken += did;
    return did;
}

static struct host_set *oldest(struct host_guest *guest, uint64_t now, bool takes_hot,
                               bool takes_running)
{
    struct host_set *found = NULL;

    for (unsigned i = 0; i < HOST_SETS; i++) {
        struct host_set *set = &guest->sets[i];

        if (set->resident <= 0 || (set->runs && !takes_running) || (!takes_hot && is_hot(set, now)))
            continue;
        if (found == NULL || (found->runs && !set->runs) ||
            (found->runs == set->runs && set->used < found->used))
            found = set;
    }
    return found;
}

/* As the kernel: what was read once first, then what rests longest. */
static double evict(struct host_guest *guest, uint64_t now, double bytes, bool takes_hot,
                    bool takes_running)
{
    double did = least(bytes, guest->junk);
    struct host_set *set;

    guest->junk -= did;
    while (bytes - did > 1 && (set = oldest(guest, now, takes_hot, takes_running)) != NULL)
        did += evict_set(set, bytes - did);
    return did;
}

/* What was used last lies on top of the free lists. */
static double take_free(struct host_guest *guest, double bytes, double leave)
{
    double room = most(host_guest_free(guest) - leave, 0);
    double want = least(bytes, room);
    double did = least(want, guest->held);
    double more;

    guest->held -= did;
    more = least(want - did, guest->trapped);
    guest->trapped -= more;
    did += more;
    more = least(want - did, guest->gone);
    guest->gone -= more;
    return did + more;
}

/* For a program: free memory, then cache. */
static double allocate(struct host_guest *guest, uint64_t now, double bytes)
{
    double did = take_free(guest, bytes, USE_MIN);

    return did < bytes ? did + evict(guest, now, bytes - did, true, true) : did;
}

static void release(struct host_guest *guest, double bytes, double pieces)
{
    guest->trapped += bytes * pieces;
    guest->held += bytes * (1 - pieces);
}

/* ---- one second of a guest ---- */

static double inflate_free(struct host_guest *guest, double bytes)
{
    double free = host_guest_free(guest);
    double did = least(bytes, most(free - BALLOON_MIN, 0));
    double left = free > 0 ? 1 - did / free : 1;

    guest->held *= left;
    guest->trapped *= left;
    guest->gone *= left;
    return did;
}

static void move_balloon(struct host_guest *guest, uint64_t now)
{
    double excess = host_guest_size(guest) - guest->target;
    double did;

    if (!guest->has_balloon || now < guest->balloon_works)
        return;
    if (excess > 0) {
        double want = least(excess, guest->inflate);

        did = inflate_free(guest, want);
        if (did < want)
            did += evict(guest, now, least(want - did, guest->inflate / RECLAIM_SHARE), true, true);
        guest->balloon += did;
    } else {
        did = least(-excess, least(guest->deflate, guest->balloon));
        guest->balloon -= did;
        guest->gone += did;
    }
}

/* A set that runs wants to be resident; what it has lost is read again. Returns the time waited. */
static double run_set(struct host_guest *guest, struct host_set *set, uint64_t now)
{
    double missing = set->wanted - set->resident;
    double want = least(missing, least(most(missing / TOUCHED_IN, READ_LEAST), HOST_DISK));
    double did, again, thrashed;

    set->used = now;
    if (missing < 1)
        return 0;
    did = take_free(guest, want, USE_MIN);
    if (did < want)
        did += evict(guest, now, want - did, true, false);
    again = least(did, set->taken);
    set->taken -= again;
    set->resident += did;
    thrashed = most(want - did, 0); /* no room: it reads over its own pages, and again soon */
    assert(again >= 0 && thrashed >= 0);
    guest->refaults += again + thrashed;
    return (again + thrashed) / HOST_DISK;
}

/* The guest is out of memory: its driver gives pages back, or a program ends. */
static void be_out_of_memory(struct host_guest *guest)
{
    double back = guest->deflates_on_oom ? least(FIGHT, guest->balloon) : 0;

    guest->short_seconds++;
    guest->balloon -= back;
    guest->gone += back;
    if (guest->short_seconds < KILL_AFTER || back > 0)
        return;
    guest->kills++;
    guest->short_seconds = 0;
    release(guest, guest->in_use / 2, USED_PIECES);
    guest->in_use /= 2;
    guest->use_wanted = guest->in_use;
}

/* Returns the part of the second in which a program waited. */
static double use(struct host_guest *guest, uint64_t now)
{
    double more = guest->use_wanted - guest->in_use;
    double want, did;

    if (more <= 0) {
        release(guest, -more, USED_PIECES);
        guest->in_use = guest->use_wanted;
        guest->short_seconds = 0;
        return 0;
    }
    want = least(more, guest->grow);
    did = allocate(guest, now, want);
    guest->in_use += did;
    if (did > want - MIB_) {
        guest->short_seconds = 0;
        return 0;
    }
    be_out_of_memory(guest);
    return (want - did) / want;
}

static void read_once(struct host_guest *guest)
{
    double did = take_free(guest, guest->stream, 2 * BALLOON_MIN);

    guest->junk += did; /* else it reads over what it has read */
}

static void report(struct host_guest *guest)
{
    double free = host_guest_free(guest);
    double did = least(REPORTED, least(guest->held, free - HELD_BACK));

    if (did <= 0)
        return;
    guest->held -= did;
    guest->gone += did;
}

static void step_guest(struct host_guest *guest, uint64_t now)
{
    double waited = 0;

    move_balloon(guest, now);
    for (unsigned i = 0; i < HOST_SETS; i++)
        if (guest->sets[i].runs)
            waited += run_set(guest, &guest->sets[i], now);
    if (guest->in_use != guest->use_wanted)
        waited += use(guest, now);
    if (guest->stream > 0)
        read_once(guest);
    if (guest->reports)
        report(guest);
    guest->waited = least(waited, 1);
}

/* ---- the host ---- */

static double sum_footprints(const struct host_model *host)
{
    double sum = 0;

    for (unsigned i = 0; i < host->count; i++)
        sum += host_guest_footprint(&host->guests[i]) + HOST_OVERHEAD;
    return sum;
}

static void wait_for_host(struct host_guest *guest, double bytes)
{
    guest->host_waited = least(guest->host_waited + bytes / HOST_DISK, 1);
}

/* What a guest touches of what is swapped comes back; it waits for that. */
static void swap_in(struct host_model *host)
{
    for (unsigned i = 0; i < host->count; i++) {
        struct host_guest *guest = &host->guests[i];
        double held = guest->ram - guest->balloon - guest->gone;
        double touched = held <= 0 ? 0 : host_guest_working_set(guest, host->now) / held;
        double did = least(guest->swapped * least(touched, 1) / TOUCHED_IN, HOST_DISK / 4);

        if (guest->swapped < 1)
            continue;
        did = most(did, guest->swapped - held);
        guest->swapped -= did;
        host->swapped_in += did;
        wait_for_host(guest, did);
    }
}

static void swap_out(struct host_model *host, double bytes)
{
    double sum = sum_footprints(host) - host->count * HOST_OVERHEAD;

    for (unsigned i = 0; i < host->count; i++) {
        struct host_guest *guest = &host->guests[i];
        double did = bytes * host_guest_footprint(guest) / sum;

        guest->swapped += did;
        wait_for_host(guest, did);
    }
}

void host_model_step(struct host_model *host)
{
    double room = host->total - host->others;
    double available;

    host->now++;
    for (unsigned i = 0; i < host->count; i++)
        step_guest(&host->guests[i], host->now);
    swap_in(host);
    available = room - sum_footprints(host);
    if (available < 0) {
        swap_out(host, -available);
        available = 0;
    }
    host->available = available;
    for (unsigned i = 0; i < host->count; i++) {
        struct host_guest *guest = &host->guests[i];

        guest->stalled += least(guest->waited + guest->host_waited, 1);
        guest->host_waited = 0;
        guest->pressure += (guest->waited - guest->pressure) / 10;
    }
}

/* ---- what is done to a guest ---- */

void host_guest_boot(struct host_guest *guest, double in_use)
{
    guest->in_use = in_use;
    guest->use_wanted = in_use;
    guest->gone = guest->ram - in_use;
    guest->target = guest->ram;
}

void host_guest_restart(struct host_guest *guest, uint64_t now, double in_use)
{
    double touched = guest->ram - guest->balloon - guest->gone;

    for (unsigned i = 0; i < HOST_SETS; i++)
        guest->sets[i] = (struct host_set){.wanted = guest->sets[i].wanted};
    guest->junk = 0;
    guest->stream = 0;
    guest->trapped = 0;
    guest->balloon = 0;
    guest->in_use = least(in_use, guest->ram);
    guest->use_wanted = guest->in_use;
    guest->held = most(touched - guest->in_use, 0);
    guest->gone = guest->ram - guest->in_use - guest->held;
    guest->swapped = least(guest->swapped, guest->held);
    guest->short_seconds = 0;
    guest->restarted = now;
}

double host_guest_reclaim(struct host_guest *guest, uint64_t now, double bytes)
{
    double did = evict(guest, now, bytes, false, false);

    release(guest, did, CACHE_PIECES);
    return did;
}

void host_guest_compact(struct host_guest *guest)
{
    guest->held += guest->trapped * JOINED;
    guest->trapped *= 1 - JOINED;
}

void host_guest_pulse(struct host_guest *guest, double headroom)
{
    double room = most(host_guest_free(guest) - headroom, 0);
    double did = least(room, guest->held + guest->trapped);
    double part = did > 0 ? did / (guest->held + guest->trapped) : 0;

    guest->held *= 1 - part;
    guest->trapped *= 1 - part;
    guest->gone += did;
}
