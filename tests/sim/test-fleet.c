/* Random rollouts over a random fleet: hosts are lost and return, statuses go missing, guests boot,
 * operators interfere, coordinators die between any two writes, sleep, or lead twice. It always
 * ends, and no host runs what no wave brought it.
 * usage: test-fleet [FIRST [COUNT]] */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fleet/engine/waves.h"
#include "tests/sim/fleet-model.h"

#define COORDINATORS 3
#define END_AFTER    (24 * 3600) /* seconds; none takes so long */
#define AFTERMATH    180         /* seconds in which whatever still sleeps wakes */

enum kind {
    KIND_GOOD,
    KIND_OOM,
    KIND_WAITING,
    KIND_REFAULTS,
    KIND_AGENTS,
    KIND_HOSTS,
    KIND_REFUSED,
    KIND_COUNT,
};

static const struct fleet_harm harms[KIND_COUNT] = {
    [KIND_OOM] = {.oom_seconds = 30},     [KIND_WAITING] = {.waited = 0.3},
    [KIND_REFAULTS] = {.refaults = 1000}, [KIND_AGENTS] = {.loses_agents = true},
    [KIND_HOSTS] = {.loses_hosts = true}, [KIND_REFUSED] = {.is_refused = true},
};

static const uint32_t wave_sets[][4] = {
    {100, 500, 2500, PERMYRIAD},
    {1000, 5000, PERMYRIAD},
    {2500, PERMYRIAD},
    {PERMYRIAD},
};

struct life {
    struct fleet_model model;
    struct random random;
    enum kind kind;
    bool is_calm;    /* nothing fails but, maybe, the policy */
    bool is_meddled; /* an operator interferes */
    bool is_past;    /* it has ended: nothing fails any more */
    struct fleet_coordinator coordinators[COORDINATORS];
    struct fleet_coordinator *list[COORDINATORS];
    uint64_t wakes[COORDINATORS]; /* second in which it goes on; 0: it is awake */
    uint64_t next;                /* second in which the next one takes over; 0: one leads */
    uint64_t epoch;
    unsigned deaths, resumptions;
    uint64_t ordered; /* second of the last order */
    RolloutState state;
    uint32_t wave;
    unsigned stored;
    uint64_t document_epoch;
    const char *problem;
};

static void fail(struct life *life, const char *what)
{
    if (life->problem == NULL)
        life->problem = what;
}

static bool chance(struct life *life, unsigned one_in)
{
    return random_below(&life->random, one_in) == 0;
}

/* What it is when no operator does anything more. */
static bool is_over(RolloutState state)
{
    return state == ROLLOUT_STATE(REVERTED) || state == ROLLOUT_STATE(ABORTED) ||
           state == ROLLOUT_STATE(COMPLETE);
}

/* ---- coordinators ---- */

static void lead(struct life *life, unsigned i)
{
    struct fleet_coordinator *coordinator = &life->coordinators[i];

    fleet_coordinator_end(coordinator);
    fleet_coordinator_begin(coordinator, &life->model, ++life->epoch);
    if (!life->is_calm && !life->is_past)
        coordinator->dies_at = 1 + (unsigned)random_below(&life->random, 60);
    life->wakes[i] = 0;
    life->next = 0;
}

/* The one of the highest epoch. */
static unsigned leader(const struct life *life)
{
    unsigned found = 0;

    for (unsigned i = 1; i < COORDINATORS; i++)
        if (life->coordinators[i].epoch > life->coordinators[found].epoch)
            found = i;
    return found;
}

static void doze(struct life *life, unsigned i)
{
    if (life->wakes[i] == 0 && !life->is_past && chance(life, 300)) {
        fleet_coordinator_fall_asleep(&life->coordinators[i]);
        life->wakes[i] = life->model.now + 10 + random_below(&life->random, 90);
    }
    if (life->wakes[i] != 0 && life->model.now >= life->wakes[i]) {
        life->wakes[i] = 0;
        fleet_coordinator_wake(&life->coordinators[i]);
    }
}

static void conduct(struct life *life, unsigned i)
{
    struct fleet_coordinator *coordinator = &life->coordinators[i];

    if (coordinator->is_dead || coordinator->engine == NULL)
        return;
    if (!life->is_calm)
        doze(life, i);
    if (life->wakes[i] == 0 && fleet_coordinator_step(coordinator) == -ESTALE)
        coordinator->is_dead = true;
}

/* Whoever leads dies or sleeps, or its lease is lost while it does not know. */
static void take_over(struct life *life)
{
    unsigned first = leader(life);
    bool is_away = life->coordinators[first].is_dead || life->wakes[first] != 0;

    if (life->next == 0 && (is_away || (!life->is_calm && !life->is_past && chance(life, 900)))) {
        life->deaths++;
        life->next = life->model.now + 1 + random_below(&life->random, 60);
    }
    if (life->next != 0 && life->model.now >= life->next)
        lead(life, (first + 1) % COORDINATORS);
}

/* ---- what happens to the fleet ---- */

static void disturb(struct life *life)
{
    struct fleet_model *model = &life->model;
    unsigned host = (unsigned)random_below(&life->random, model->count);

    if (life->is_calm || life->is_past)
        return;
    if (!model->hosts[host].is_up && chance(life, 60))
        fleet_model_set_up(model, host, true);
    else if (chance(life, 400))
        fleet_model_set_up(model, host, false);
    if (chance(life, 60))
        model->hosts[host].exists = true;
    if (chance(life, 300))
        fleet_model_boot(model, host, (unsigned)random_below(&life->random, FLEET_VMS));
}

static void order(struct life *life, enum rollout_verb verb)
{
    life->ordered = life->model.now;
    (void)fleet_model_order(&life->model, verb, life->epoch);
}

/* A paused one is resumed some times, and ended in the end. */
static void operate(struct life *life)
{
    static const enum rollout_verb ends[] = {ROLLOUT_ROLLBACK, ROLLOUT_ROLLBACK, ROLLOUT_ABORT};

    if (life->is_meddled && !is_over(life->state) && chance(life, 2000))
        order(life, (enum rollout_verb)(ROLLOUT_PAUSE + random_below(&life->random, 4)));
    if (life->state != ROLLOUT_STATE(PAUSED) || life->model.now - life->ordered < 300)
        return;
    if (life->resumptions++ < 3)
        order(life, ROLLOUT_RESUME);
    else
        order(life, ends[random_below(&life->random, 3)]);
}

/* ---- what must hold ---- */

static bool is_frozen(const Rollout *rollout, const char *host)
{
    for (size_t i = 0; i < rollout->n_hosts; i++)
        if (strcmp(rollout->hosts[i], host) == 0)
            return true;
    return false;
}

/* What part of the hosts the waves so far are, beside a canary of some hosts. */
static uint32_t end_of(const Rollout *rollout)
{
    if (rollout->canary_hosts == 0)
        return rollout->waves_permyriad[rollout->wave];
    return rollout->wave == 0 ? 0 : rollout->waves_permyriad[rollout->wave - 1];
}

/* Nobody but the waves so far, and the canary; all once it is complete. */
static void check_wave(struct life *life, const Rollout *rollout)
{
    uint32_t end = end_of(rollout);
    size_t beyond = 0;

    for (size_t i = 0; i < rollout->n_hosts; i++)
        beyond += wave_permyriad(wave_place(FLEET_ID, rollout->hosts[i])) >= end;
    if (end != PERMYRIAD && rollout->state != ROLLOUT_STATE(COMPLETE) &&
        beyond > max_of(rollout->canary_hosts, 1U))
        fail(life, "more hosts are frozen than the waves so far have");
}

static void check_hosts(struct life *life, const Rollout *rollout)
{
    for (unsigned i = 0; i < life->model.count; i++) {
        const struct fleet_model_host *host = &life->model.hosts[i];

        if (strcmp(host->stored.rollout, FLEET_ID) == 0 && !is_frozen(rollout, host->id))
            fail(life, "a host is to run what no wave brought it");
    }
}

/* Once a gate has failed, nobody gets it any more; who slept while that happened is put right. */
static void check_reverting(struct life *life, const Rollout *rollout)
{
    unsigned stored = fleet_model_stored(&life->model);
    bool was_reverting = life->state == ROLLOUT_STATE(REVERTING);

    if (was_reverting && rollout->state == life->state && life->is_calm && stored > life->stored)
        fail(life, "a host was treated while all were reverted");
    if (rollout->state == ROLLOUT_STATE(REVERTED) && stored > 0)
        fail(life, "a host is to run what was reverted");
    life->stored = stored;
}

static void check(struct life *life)
{
    uint64_t revision;
    Rollout *rollout = fleet_model_read(&life->model, &revision);

    if (rollout->epoch < life->document_epoch)
        fail(life, "an earlier coordinator wrote the document");
    if (rollout->wave < life->wave)
        fail(life, "a wave came back");
    check_wave(life, rollout);
    check_hosts(life, rollout);
    check_reverting(life, rollout);
    life->document_epoch = rollout->epoch;
    life->state = rollout->state;
    life->wave = rollout->wave;
    vmreclaim__fleet__v1__rollout__free_unpacked(rollout, NULL);
}

static void check_end(struct life *life)
{
    bool is_bad = life->kind != KIND_GOOD;

    if (!is_over(life->state))
        fail(life, "it does not end");
    if (is_bad && life->state == ROLLOUT_STATE(COMPLETE))
        fail(life, "a policy that hurts reached all hosts");
    if (is_bad && life->is_calm && life->kind != KIND_REFUSED && life->kind != KIND_HOSTS &&
        life->wave > 0)
        fail(life, "a policy that hurts went beyond its first wave");
    if (!is_bad && life->is_calm && !life->is_meddled && life->state != ROLLOUT_STATE(COMPLETE))
        fail(life, "a good policy did not reach all hosts, and nothing failed");
    for (unsigned i = 0; i < life->model.count; i++) {
        const struct fleet_model_host *host = &life->model.hosts[i];

        if (host->exists && host->is_up && !host->is_pinned && !host->refuses &&
            strcmp(host->runs, host->stored.rollout) != 0)
            fail(life, "a host runs something else than it is to");
    }
}

/* ---- lives ---- */

static void second(struct life *life)
{
    fleet_model_step(&life->model, life->list, COORDINATORS);
    disturb(life);
    for (unsigned i = 0; i < COORDINATORS; i++)
        conduct(life, i);
    take_over(life);
    check(life);
    operate(life);
}

static void be_born(struct life *life, uint64_t seed)
{
    size_t set, count = 1;
    Rollout *draft;

    *life = (struct life){.problem = NULL};
    random_init(&life->random, seed);
    life->kind =
        seed % 2 == 0 ? KIND_GOOD : (enum kind)(1 + random_below(&life->random, KIND_COUNT - 1));
    life->is_calm = chance(life, 4);
    life->is_meddled = chance(life, 4);
    fleet_model_init(&life->model, 4 + (unsigned)random_below(&life->random, 60), seed);
    life->model.harm = harms[life->kind];
    life->model.statuses_are_late = !life->is_calm;
    for (unsigned i = 0; i < life->model.count && !life->is_calm; i++) {
        life->model.hosts[i].exists = !chance(life, 10);
        life->model.hosts[i].is_pinned = chance(life, 20);
    }
    set = random_below(&life->random, sizeof(wave_sets) / sizeof(wave_sets[0]));
    while (wave_sets[set][count - 1] != PERMYRIAD)
        count++;
    draft = fleet_model_draft(wave_sets[set], count, 120 + (unsigned)seed % 300,
                              60 + (unsigned)seed % 100);
    draft->canary_hosts = (uint32_t)random_below(&life->random, 4);
    (void)fleet_model_store(&life->model, draft, 0);
    vmreclaim__fleet__v1__rollout__free_unpacked(draft, NULL);
    for (unsigned i = 0; i < COORDINATORS; i++) {
        life->coordinators[i].is_dead = true;
        life->list[i] = &life->coordinators[i];
    }
    lead(life, 0);
}

static void live(struct life *life)
{
    for (unsigned i = 0; i < 90; i++)
        second(life);
    order(life, ROLLOUT_START);
    for (unsigned i = 0; i < END_AFTER && life->problem == NULL && !is_over(life->state); i++)
        second(life);
    for (unsigned i = 0; i < AFTERMATH && life->problem == NULL; i++)
        second(life);
    life->is_past = true;
    for (unsigned i = 0; i < AFTERMATH && life->problem == NULL; i++)
        second(life);
    check_end(life);
}

static void die(struct life *life)
{
    for (unsigned i = 0; i < COORDINATORS; i++)
        fleet_coordinator_end(&life->coordinators[i]);
    fleet_model_finish(&life->model);
}

static void print_history(const struct life *life)
{
    uint64_t revision;
    Rollout *rollout = fleet_model_read(&life->model, &revision);

    for (size_t i = 0; i < rollout->n_history; i++)
        printf("  %s\n", rollout->history[i]);
    vmreclaim__fleet__v1__rollout__free_unpacked(rollout, NULL);
}

int main(int argc, char **argv)
{
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 100;
    unsigned ends[ROLLOUT_STATE_COUNT] = {0}, deaths = 0;
    static struct life life;

    for (uint64_t seed = first; seed < first + count; seed++) {
        be_born(&life, seed);
        live(&life);
        ends[life.state]++;
        deaths += life.deaths;
        if (life.problem != NULL) {
            printf("seed %llu, kind %d, second %llu, %s, wave %u: %s\n", (unsigned long long)seed,
                   (int)life.kind, (unsigned long long)life.model.now,
                   rollout_state_name(life.state), life.wave, life.problem);
            print_history(&life);
            die(&life);
            return EXIT_FAILURE;
        }
        die(&life);
    }
    printf("%llu rollouts: %u complete, %u reverted, %u aborted; %u coordinators were followed\n",
           (unsigned long long)count, ends[ROLLOUT_STATE(COMPLETE)], ends[ROLLOUT_STATE(REVERTED)],
           ends[ROLLOUT_STATE(ABORTED)], deaths);
    return EXIT_SUCCESS;
}
