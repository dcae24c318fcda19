/* Days of a host under rules. */
#include "tests/sim/arbiter-day.h"

#include <math.h>
#include <stdlib.h>

#include "tests/sim/host-arbiter.h"
#include "tests/sim/host-rivals.h"

#define MIB_       HOST_MIB
#define HOUR       3600
#define TURNS_KEPT 32          /* of one guest */
#define TURN_LEAST (16 * MIB_) /* less is no move */
#define SETTLED    60          /* seconds after an agent is heard again */
#define RETRIED    600         /* ... after a balloon works again: when the leases try it again */

/* What is watched of one guest. */
struct watch {
    double size_seen;
    int direction;
    uint64_t turns[TURNS_KEPT];
    unsigned turn_count;
    struct mom_history size, free;
};

struct day {
    enum arbiter_rule rule;
    struct host_model host;
    struct host_load load;
    struct host_arbiter ours;
    struct mom_history host_free;
    struct watch *watches;
    struct proxmox_guest *proxmox;
    double critical; /* watermark */
    unsigned critical_run, critical_any_run;
    struct arbiter_day_result *result;
};

const char *arbiter_rule_name(enum arbiter_rule rule)
{
    static const char *const names[RULE_COUNT] = {"nothing", "vmreclaim", "MOM's rules",
                                                  "Proxmox's rule"};

    return names[rule];
}

/* ---- the rivals ---- */

static double free_of(const struct host_guest *guest)
{
    return host_guest_free(guest);
}

static void mom_sample(struct day *day)
{
    const struct host_model *host = &day->host;

    mom_take(&day->host_free, host->available);
    for (unsigned i = 0; i < host->count; i++) {
        mom_take(&day->watches[i].size, host_guest_size(&host->guests[i]));
        mom_take(&day->watches[i].free, free_of(&host->guests[i]));
    }
}

static void mom_step(struct day *day)
{
    struct host_model *host = &day->host;

    if (host->now % MOM_SAMPLE_SECONDS == 0)
        mom_sample(day);
    if (host->now % MOM_SECONDS != 0)
        return;
    for (unsigned i = 0; i < host->count; i++) {
        struct host_guest *guest = &host->guests[i];
        const struct mom_guest facts = {
            .size = host_guest_size(guest),
            .size_mean = mom_mean(&day->watches[i].size),
            .free_mean = mom_mean(&day->watches[i].free),
            .minimum = guest->minimum,
            .maximum = guest->ram,
        };
        double target = mom_decide(mom_mean(&day->host_free) / host->total, &facts);

        if (target != 0 && guest->has_balloon)
            guest->target = target;
    }
}

static void proxmox_step(struct day *day)
{
    struct host_model *host = &day->host;
    double used = host->total - host->available;

    if (host->now % PROXMOX_SECONDS != 0)
        return;
    for (unsigned i = 0; i < host->count; i++) {
        const struct host_guest *guest = &host->guests[i];

        day->proxmox[i] = (struct proxmox_guest){
            .maximum = guest->ram,
            .minimum = guest->minimum,
            .size = guest->has_balloon ? host_guest_size(guest) : 0,
            .free = free_of(guest),
            .shares = guest->shares,
        };
    }
    proxmox_decide(day->proxmox, host->count, host->total * PROXMOX_TARGET - used, PROXMOX_STEP);
    for (unsigned i = 0; i < host->count; i++)
        if (day->proxmox[i].target != 0)
            host->guests[i].target = day->proxmox[i].target;
}

static void act(struct day *day)
{
    switch (day->rule) {
    case RULE_OURS:
        host_arbiter_step(&day->ours, &day->host);
        break;
    case RULE_MOM:
        mom_step(day);
        break;
    case RULE_PROXMOX:
        proxmox_step(day);
        break;
    default:
        break;
    }
}

/* ---- what is watched ---- */

static unsigned turns_lately(const struct watch *watch, uint64_t now)
{
    unsigned count = 0;

    for (unsigned i = 0; i < TURNS_KEPT && i < watch->turn_count; i++)
        count += now - watch->turns[i] < HOUR;
    return count;
}

static void note_turn(struct day *day, struct watch *watch, int direction)
{
    uint64_t now = day->host.now;
    unsigned recent;

    if (watch->direction != 0 && watch->direction != direction) {
        watch->turns[watch->turn_count++ % TURNS_KEPT] = now;
        recent = turns_lately(watch, now);
        if (recent > day->result->turns_max)
            day->result->turns_max = recent;
    }
    watch->direction = direction;
}

/* How its size moves; a restart empties its balloon, too. One that stood still moves when it can:
 * for an hour such a guest is not counted. */
static void watch_guest(struct day *day, unsigned i)
{
    const struct host_guest *guest = &day->host.guests[i];
    struct watch *watch = &day->watches[i];
    double size = host_guest_size(guest);
    double change = size - watch->size_seen;

    if (day->host.now < guest->balloon_works + HOUR) {
        watch->size_seen = size;
        watch->direction = 0;
    } else if (fabs(change) > TURN_LEAST) {
        note_turn(day, watch, change < 0 ? -1 : 1);
        day->result->moved += change < 0 ? -change : 0;
        watch->size_seen = size;
    }
    if (size < guest->floor - HOST_PAGE)
        day->result->under_floor++;
}

/* What the host cannot have, whoever acts: of a guest that can be moved and tells the truth what it
 * works with and its floor, of any other all that it holds. */
static double bound_of(const struct host_guest *guest, uint64_t now)
{
    double footprint = host_guest_footprint(guest);

    if (!guest->has_balloon || !guest->has_agent || now < guest->agent_back + SETTLED ||
        now < guest->balloon_works + RETRIED || guest->lie != HOST_TRUTH)
        return footprint;
    return fmin(host_guest_working_set(guest, now) + guest->floor, footprint);
}

/* ... and of a guest that was turned as often as may be: another turn, and the one that its need
 * may ask for, are promised not to be. Nor is one whose turns are not counted. */
static double turned_bound_of(const struct day *day, unsigned i)
{
    const struct host_guest *guest = &day->host.guests[i];

    if (day->host.now < guest->balloon_works + HOUR ||
        turns_lately(&day->watches[i], day->host.now) + 1 >= ARBITER_CHANGES_MAX)
        return host_guest_footprint(guest);
    return bound_of(guest, day->host.now);
}

static void note_run(unsigned *run, unsigned *most, bool goes_on)
{
    *run = goes_on ? *run + 1 : 0;
    if (*run > *most)
        *most = *run;
}

static void watch_host(struct day *day)
{
    const struct host_model *host = &day->host;
    double least = host->others + day->critical;
    double turned = least;
    bool is_critical = host->available < day->critical;

    day->result->critical += is_critical;
    for (unsigned i = 0; is_critical && i < host->count; i++) {
        least += bound_of(&host->guests[i], host->now) + HOST_OVERHEAD;
        turned += turned_bound_of(day, i) + HOST_OVERHEAD;
    }
    note_run(&day->critical_run, &day->result->critical_run, is_critical && turned <= host->total);
    note_run(&day->critical_any_run, &day->result->critical_any_run,
             is_critical && least <= host->total);
}

static void sum_up(struct day *day)
{
    struct arbiter_day_result *result = day->result;
    const struct host_model *host = &day->host;

    result->swapped_in = host->swapped_in / HOST_PAGE;
    for (unsigned i = 0; i < host->count; i++) {
        result->refaults += host->guests[i].refaults / HOST_PAGE;
        result->stalled += host->guests[i].stalled;
        result->kills += host->guests[i].kills;
        if (day->rule == RULE_OURS)
            result->leases_past += day->ours.seats[i].leases.past;
    }
    if (day->rule == RULE_OURS && host->now > 0)
        result->step_seconds = day->ours.seconds / (double)host->now;
}

/* ---- the day ---- */

static void begin(struct day *day, uint64_t seed, unsigned guests,
                  const struct host_load_shape *shape)
{
    host_load_init(&day->load, &day->host, seed, guests, shape);
    host_arbiter_init(&day->ours, guests);
    day->critical = host_marks_of(&day->host).critical;
    day->watches = calloc(guests, sizeof(*day->watches));
    day->proxmox = calloc(guests, sizeof(*day->proxmox));
    if (day->watches == NULL || day->proxmox == NULL)
        abort();
    for (unsigned i = 0; i < guests; i++)
        day->watches[i].size_seen = day->host.guests[i].ram;
}

static void finish(struct day *day)
{
    free(day->watches);
    free(day->proxmox);
    host_arbiter_finish(&day->ours);
    host_load_finish(&day->load, &day->host);
}

void arbiter_day_run(enum arbiter_rule rule, uint64_t seed, unsigned guests, unsigned seconds,
                     const struct host_load_shape *shape, struct arbiter_day_result *ret_result)
{
    struct day day = {.rule = rule, .result = ret_result};

    *ret_result = (struct arbiter_day_result){0};
    begin(&day, seed, guests, shape);
    for (unsigned second = 0; second < seconds; second++) {
        int restarted = host_load_step(&day.load, &day.host);

        host_model_step(&day.host);
        if (restarted >= 0)
            host_arbiter_void(&day.ours, (unsigned)restarted);
        act(&day);
        for (unsigned i = 0; i < guests; i++)
            watch_guest(&day, i);
        watch_host(&day);
    }
    sum_up(&day);
    finish(&day);
}
