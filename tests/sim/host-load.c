/* What happens on a host in a day. */
#include "tests/sim/host-load.h"

#include <stdlib.h>

#define MIB_   HOST_MIB
#define GIB_   HOST_GIB
#define MINUTE 60
#define HOUR   3600

const struct host_load_shape host_load_whole = {true, true, true, true, true, true};

static double between(struct random *random, double low, double high)
{
    return low + (high - low) * random_unit(random);
}

static uint64_t seconds_between(struct random *random, uint64_t low, uint64_t high)
{
    return low + random_below(random, high - low);
}

static bool one_in(struct random *random, unsigned n)
{
    return random_below(random, n) == 0;
}

/* ---- what the guests are ---- */

static enum host_load_kind draw_kind(struct random *random)
{
    static const unsigned char weights[LOAD_KINDS] = {25, 15, 20, 25, 15}; /* percent */
    uint64_t point = random_below(random, 100);
    unsigned kind = 0;

    while (point >= weights[kind])
        point -= weights[kind++];
    return (enum host_load_kind)kind;
}

static void size_sets(struct host_guest *guest, enum host_load_kind kind)
{
    static const double parts[LOAD_KINDS][HOST_SETS] = {
        [LOAD_WEB] = {0.20, 0.05, 0},   [LOAD_DATABASE] = {0.45, 0, 0},
        [LOAD_BATCH] = {0.15, 0.10, 0}, [LOAD_DESKTOP] = {0.25, 0.10, 0.15},
        [LOAD_IDLE] = {0.30, 0, 0},
    };

    for (unsigned i = 0; i < HOST_SETS; i++)
        guest->sets[i].wanted = parts[kind][i] * guest->ram;
}

static void draw_guest(struct host_guest *guest, struct host_load_guest *load,
                       const struct host_load_shape *shape, struct random *random)
{
    uint64_t lie = random_below(random, 33);

    load->kind = draw_kind(random);
    *guest = (struct host_guest){
        .ram = GIB_ * (double)(1u << random_below(random, 5)),
        .shares = 500u << random_below(random, 3),
        .inflate = between(random, 128, 950) * MIB_,  /* LAB 90 to 170, PUBLISHED 950 on metal */
        .deflate = between(random, 600, 1400) * MIB_, /* LAB */
        .grow = between(random, 64, 512) * MIB_,      /* ASSUMED */
        .reports = random_below(random, 2) == 0,
        .has_agent = random_below(random, 5) != 0 || !shape->has_agentless,
        .has_balloon = random_below(random, 12) != 0,
        .deflates_on_oom = random_below(random, 2) == 0,
    };
    guest->floor = guest->ram * between(random, 0.25, 0.40);
    guest->minimum = guest->floor;
    if (shape->guests_lie && lie < 2)
        guest->lie = lie == 0 ? HOST_LIES_IDLE : HOST_LIES_BUSY;
    size_sets(guest, load->kind);
    host_guest_boot(guest, 0.06 * guest->ram);
    load->random.state = random_next(random) | 1;
    load->next = 1 + random_below(random, 10 * MINUTE);
    load->trouble = 1 + random_below(random, 12 * HOUR);
}

void host_load_init(struct host_load *load, struct host_model *host, uint64_t seed, unsigned count,
                    const struct host_load_shape *shape)
{
    double ram = 0;

    *load = (struct host_load){.shape = *shape, .guests = calloc(count, sizeof(*load->guests))};
    *host = (struct host_model){.guests = calloc(count, sizeof(*host->guests)), .count = count};
    if (load->guests == NULL || host->guests == NULL)
        abort();
    random_init(&load->random, seed);
    for (unsigned i = 0; i < count; i++) {
        draw_guest(&host->guests[i], &load->guests[i], shape, &load->random);
        ram += host->guests[i].ram;
    }
    host->total = ram * between(&load->random, 0.72, 0.85) + count * HOST_OVERHEAD;
    host->others = 0.03 * host->total;
    host->available = host->total;
    load->others_wanted = host->others;
    load->others_next = seconds_between(&load->random, 2 * HOUR, 8 * HOUR);
    load->rush = seconds_between(&load->random, 2 * HOUR, 10 * HOUR);
}

void host_load_finish(struct host_load *load, struct host_model *host)
{
    free(load->guests);
    free(host->guests);
    load->guests = NULL;
    host->guests = NULL;
}

/* ---- what their programs do ---- */

static void run_sets(struct host_guest *guest, unsigned mask)
{
    for (unsigned i = 0; i < HOST_SETS; i++)
        guest->sets[i].runs = (mask >> i & 1) != 0;
}

struct phase {
    double low, high; /* memory in use, of ram */
    unsigned sets;
    double stream;           /* bytes per second read once */
    uint64_t least, longest; /* minutes */
};

/* What one kind of guest does in turns; a row without minutes ends it. */
static const struct phase phases[LOAD_KINDS][4] = {
    [LOAD_WEB] = {{0.30, 0.40, 1, 0.2 * MIB_, 5, 20}, {0.32, 0.42, 3, 0.5 * MIB_, 5, 20}},
    [LOAD_DATABASE] = {{0.28, 0.34, 1, 0.5 * MIB_, 10, 60}, {0.30, 0.38, 1, 0, 10, 60}},
    [LOAD_BATCH] = {{0.08, 0.12, 0, 0, 30, 120}, {0.50, 0.75, 1, 10 * MIB_, 10, 40}},
    [LOAD_DESKTOP] = {{0.25, 0.35, 1, 2 * MIB_, 20, 60},
                      {0.30, 0.40, 2, 0.3 * MIB_, 20, 60},
                      {0.12, 0.18, 0, 0, 20, 90},
                      {0.35, 0.45, 4, 1 * MIB_, 20, 60}},
    [LOAD_IDLE] = {{0.07, 0.10, 0, 0, 100, 240}, {0.08, 0.12, 1, 5 * MIB_, 2, 6}},
};

static void begin_phase(struct host_load_guest *load, struct host_guest *guest, uint64_t now,
                        unsigned number)
{
    const struct phase *phase;

    if (number >= 4 || phases[load->kind][number].longest == 0)
        number = 0;
    phase = &phases[load->kind][number];
    load->phase = number;
    load->next =
        now + seconds_between(&load->random, phase->least * MINUTE, phase->longest * MINUTE);
    guest->use_wanted = guest->ram * between(&load->random, phase->low, phase->high);
    guest->stream = phase->stream;
    run_sets(guest, phase->sets);
}

/* ---- what goes wrong ---- */

static bool trouble(const struct host_load_shape *shape, struct host_load_guest *load,
                    struct host_guest *guest, uint64_t now)
{
    uint64_t kind = random_below(&load->random, 4);
    uint64_t until = now + seconds_between(&load->random, 2 * MINUTE, 60 * MINUTE);

    load->trouble = now + seconds_between(&load->random, 2 * HOUR, 14 * HOUR);
    if (kind < 2 && shape->agents_are_lost)
        guest->agent_back = until;
    else if (kind == 2 && shape->balloons_stall)
        guest->balloon_works = until;
    if (kind != 3 || !shape->guests_restart)
        return false;
    host_guest_restart(guest, now, 0.06 * guest->ram);
    load->phase = 0;
    load->next = now + MINUTE;
    guest->agent_back = now + 20;
    return true;
}

/* ---- the host's other programs ---- */

static void step_others(struct host_load *load, struct host_model *host)
{
    double most = 512 * MIB_; /* a second */
    double more = load->others_wanted - host->others;

    if (host->now >= load->others_next) {
        bool grows = load->others_wanted < 0.05 * host->total;

        load->others_wanted = host->total * (grows ? between(&load->random, 0.08, 0.14) : 0.03);
        load->others_next =
            host->now + (grows ? seconds_between(&load->random, 15 * MINUTE, HOUR)
                               : seconds_between(&load->random, 2 * HOUR, 8 * HOUR));
    }
    host->others += more > most ? most : more;
}

int host_load_step(struct host_load *load, struct host_model *host)
{
    uint64_t now = host->now;
    bool is_rush = now == load->rush;
    int restarted = -1;

    if (load->shape.others_grow)
        step_others(load, host);
    if (is_rush)
        load->rush = now + seconds_between(&load->random, 3 * HOUR, 9 * HOUR);
    for (unsigned i = 0; i < host->count; i++) {
        struct host_load_guest *guest = &load->guests[i];

        if (is_rush && guest->kind == LOAD_BATCH && guest->phase == 0 && !one_in(&guest->random, 3))
            guest->next = now + random_below(&guest->random, 2 * MINUTE);
        if (now >= guest->next)
            begin_phase(guest, &host->guests[i], now, guest->phase + 1);
        if (now < guest->trouble || restarted >= 0)
            continue;
        if (trouble(&load->shape, guest, &host->guests[i], now))
            restarted = (int)i;
    }
    return restarted;
}
