/* A daemon that dies at random points of a busy hour and is started again: no lease is lost, no
 * guest is left short. The arbiter and the lease engine as they ship, on a host that runs short.
 * usage: test-host-kills [FIRST [COUNT]] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/host-arbiter.h"
#include "tests/sim/host-load.h"

#define HOUR     3600
#define GUESTS   12
#define AFTER    600 /* seconds in which all is given back at the end */
#define BUSY     100 /* acts of an hour that is busy */
#define DAY_SEED 20  /* different hours */

static const struct host_load_shape shape = {
    .agents_are_lost = true,
    .guests_restart = true,
    .guests_lie = true,
    .others_grow = true,
};

struct hour {
    struct host_model host;
    struct host_load load;
    struct host_arbiter ours;
    struct random random;
    bool is_random; /* leases are asked for at random, not by the arbiter */
    uint64_t back;  /* second in which the daemon is started again */
    unsigned deaths;
    const char *problem;
};

static void fail(struct hour *hour, const char *what)
{
    if (hour->problem == NULL)
        hour->problem = what;
}

/* What its balloon took of it: no more than what is in the journal. */
static void check_owed(struct hour *hour, unsigned i)
{
    const struct host_leases *leases = &hour->ours.seats[i].leases;
    const struct host_guest *guest = &hour->host.guests[i];
    double owed = 0;

    for (size_t lease = 0; lease < BALLOON_LEASES_MAX * 2; lease++)
        if (leases->journal[lease].id != 0)
            owed += (double)leases->journal[lease].bytes;
    if (guest->ram - guest->target > owed + HOST_MIB)
        fail(hour, "memory was taken and nothing in the journal says so");
    if (host_guest_size(guest) < guest->floor - HOST_PAGE)
        fail(hour, "a guest has less than its floor");
    if (!host_guest_adds_up(guest))
        fail(hour, "memory was lost or made");
}

/* What was in the journal is a lease again, held or being given back. */
static void check_resumed(struct hour *hour, unsigned i)
{
    const struct host_leases *leases = &hour->ours.seats[i].leases;
    unsigned journaled = host_leases_journaled(leases);

    if (journaled != (leases->is_adopted ? leases->control.lease_count : 0))
        fail(hour, "a lease of the journal was lost");
}

static void live_and_die(struct hour *hour)
{
    struct host_daemon *daemon = &hour->ours.daemon;

    if (daemon->is_dead && hour->back == 0) {
        hour->deaths++;
        hour->back = hour->host.now + 1 + random_below(&hour->random, 30);
    }
    if (!daemon->is_dead || hour->host.now < hour->back)
        return;
    hour->back = 0;
    host_arbiter_restart(&hour->ours, &hour->host);
    for (unsigned i = 0; i < GUESTS; i++)
        check_resumed(hour, i);
}

/* Leases of any size for anybody, renewed, replaced and given back at any moment. */
static void ask_at_random(struct hour *hour)
{
    unsigned i = (unsigned)random_below(&hour->random, GUESTS);
    struct host_leases *leases = &hour->ours.seats[i].leases;
    struct host_guest *guest = &hour->host.guests[i];
    double size = guest->floor + (guest->ram - guest->floor) * random_unit(&hour->random);
    uint64_t choice = random_below(&hour->random, 8);
    nsec_t term = (1 + random_below(&hour->random, 300)) * NSEC_PER_SEC;

    if (choice == 0)
        host_leases_release(leases);
    else if (choice < 4)
        (void)host_leases_set(leases, &hour->ours.daemon, guest, hour->host.now, (uint64_t)size,
                              term);
}

static void act(struct hour *hour)
{
    if (hour->ours.daemon.is_dead)
        return;
    if (!hour->is_random) {
        host_arbiter_step(&hour->ours, &hour->host);
        return;
    }
    ask_at_random(hour);
    host_arbiter_run_leases(&hour->ours, &hour->host);
}

static void second(struct hour *hour)
{
    int restarted = host_load_step(&hour->load, &hour->host);

    host_model_step(&hour->host);
    if (restarted >= 0 && !hour->ours.daemon.is_dead)
        host_arbiter_void(&hour->ours, (unsigned)restarted);
    live_and_die(hour);
    act(hour);
    for (unsigned i = 0; i < GUESTS; i++)
        check_owed(hour, i);
}

/* Switched off, it gives back all that it holds, to the byte. */
static void check_end(struct hour *hour)
{
    for (unsigned i = 0; i < GUESTS; i++) {
        const struct host_guest *guest = &hour->host.guests[i];

        if (host_leases_journaled(&hour->ours.seats[i].leases) != 0)
            fail(hour, "a lease stays in the journal");
        if (guest->target != guest->ram || llround(host_guest_size(guest)) != llround(guest->ram))
            fail(hour, "a guest was left short");
    }
}

static void give_all_back(struct hour *hour)
{
    if (hour->ours.daemon.is_dead)
        host_arbiter_restart(&hour->ours, &hour->host);
    hour->ours.daemon.dies_at = 0;
    for (unsigned i = 0; i < AFTER; i++) {
        host_model_step(&hour->host);
        for (unsigned j = 0; j < GUESTS; j++)
            host_leases_release(&hour->ours.seats[j].leases);
        host_arbiter_run_leases(&hour->ours, &hour->host);
        for (unsigned j = 0; j < GUESTS; j++)
            check_owed(hour, j);
    }
    check_end(hour);
}

/* Returns the acts of the daemon; it dies at that one, or never: 0. */
static uint64_t live(uint64_t seed, uint64_t dies_at, unsigned *ret_deaths)
{
    struct hour hour = {.is_random = seed % 2 == 1};
    uint64_t acts;

    random_init(&hour.random, seed);
    host_load_init(&hour.load, &hour.host, 1 + seed % DAY_SEED, GUESTS, &shape);
    hour.host.total *= 0.7; /* busier than a day */
    hour.load.rush = HOUR / 4;
    host_arbiter_init(&hour.ours, GUESTS);
    hour.ours.daemon.dies_at = dies_at;
    while (hour.host.now < HOUR)
        second(&hour);
    acts = hour.ours.daemon.acts;
    give_all_back(&hour);
    *ret_deaths = hour.deaths;
    host_arbiter_finish(&hour.ours);
    host_load_finish(&hour.load, &hour.host);
    if (hour.problem == NULL)
        return acts;
    fprintf(stderr, "seed %llu, dead at act %llu: %s\n", (unsigned long long)seed,
            (unsigned long long)dies_at, hour.problem);
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 40;
    uint64_t acts[DAY_SEED] = {0};
    unsigned failures = 0, deaths = 0, died;

    for (unsigned i = 0; i < DAY_SEED; i++) {
        acts[(1 + i) % DAY_SEED] = live(1 + i, 0, &died);
        if (acts[(1 + i) % DAY_SEED] >= BUSY)
            continue;
        fprintf(stderr, "hour %u is not busy: %llu acts\n", 1 + i,
                (unsigned long long)acts[(1 + i) % DAY_SEED]);
        failures++;
    }
    for (uint64_t seed = first; failures == 0 && deaths < count && seed < first + 2 * count;
         seed++) {
        struct random random;
        uint64_t dies_at;

        random_init(&random, seed);
        dies_at = 1 + random_below(&random, acts[seed % DAY_SEED]);
        failures += live(seed, dies_at, &died) == 0;
        deaths += died;
    }
    printf("%u deaths in busy hours\n", deaths);
    return failures == 0 && deaths >= count ? EXIT_SUCCESS : EXIT_FAILURE;
}
