/* A coordinator that dies before each of a rollout's writes in turn, and another one that goes on
 * from the document: the end is always the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/fleet-model.h"

#define HOSTS    24
#define TAKEOVER 30   /* seconds until the next one leads */
#define END      7200 /* seconds; all ends long before */

static const uint32_t waves[] = {500, 2500, PERMYRIAD};

/* One rollout, with what is done about it. */
struct play {
    const char *name;
    struct fleet_harm harm;
    uint64_t rollback; /* second of an order; 0: none */
    RolloutState end;
};

static const struct play plays[] = {
    {.name = "a good policy", .end = ROLLOUT_STATE(COMPLETE)},
    {.name = "OOM kills", .harm = {.oom_seconds = 10}, .end = ROLLOUT_STATE(REVERTED)},
    {.name = "refaults", .harm = {.refaults = 1000}, .end = ROLLOUT_STATE(REVERTED)},
    {.name = "refused, then rolled back",
     .harm = {.is_refused = true},
     .rollback = 900,
     .end = ROLLOUT_STATE(REVERTED)},
    {.name = "rolled back late", .rollback = 900, .end = ROLLOUT_STATE(REVERTED)},
};

struct stage {
    struct fleet_model model;
    struct fleet_coordinator first, second, *list[2];
};

static Rollout *read_now(const struct stage *stage)
{
    uint64_t revision;

    return fleet_model_read(&stage->model, &revision);
}

static void begin(struct stage *stage, const struct play *play, unsigned dies_at)
{
    Rollout *draft = fleet_model_draft(waves, sizeof(waves) / sizeof(waves[0]), 120, 60);

    stage->list[0] = &stage->first;
    stage->list[1] = &stage->second;
    fleet_model_init(&stage->model, HOSTS, 5);
    stage->model.harm = play->harm;
    (void)fleet_model_store(&stage->model, draft, 0);
    vmreclaim__fleet__v1__rollout__free_unpacked(draft, NULL);
    fleet_coordinator_begin(&stage->first, &stage->model, 1);
    stage->first.dies_at = dies_at;
    stage->second = (struct fleet_coordinator){.is_dead = true};
}

static void end(struct stage *stage)
{
    fleet_coordinator_end(&stage->first);
    fleet_coordinator_end(&stage->second);
    fleet_model_finish(&stage->model);
}

/* One host is away when its wave comes, and returns. */
static void disturb(struct stage *stage, uint64_t second)
{
    if (second == 30)
        fleet_model_set_up(&stage->model, 2, false);
    if (second == 700)
        fleet_model_set_up(&stage->model, 2, true);
}

static void play_on(struct stage *stage, const struct play *play)
{
    uint64_t died = 0;

    for (uint64_t second = 1; second < END; second++) {
        fleet_model_step(&stage->model, stage->list, 2);
        disturb(stage, second);
        if (second == 90)
            (void)fleet_model_order(&stage->model, ROLLOUT_START, 1);
        if (play->rollback != 0 && second == play->rollback)
            (void)fleet_model_order(&stage->model, ROLLOUT_ROLLBACK, stage->second.is_dead ? 1 : 2);
        if (!stage->first.is_dead)
            (void)fleet_coordinator_step(&stage->first);
        else if (died == 0)
            died = second;
        if (died != 0 && second == died + TAKEOVER)
            fleet_coordinator_begin(&stage->second, &stage->model, 2);
        if (!stage->second.is_dead)
            (void)fleet_coordinator_step(&stage->second);
    }
}

/* What is the same however often they died. */
static bool is_same(const struct stage *stage, const struct stage *other)
{
    Rollout *one = read_now(stage), *two = read_now(other);
    bool is_same = one->state == two->state && one->n_hosts == two->n_hosts;

    for (unsigned i = 0; is_same && i < HOSTS; i++)
        is_same = strcmp(stage->model.hosts[i].stored.rollout,
                         other->model.hosts[i].stored.rollout) == 0 &&
                  strcmp(stage->model.hosts[i].runs, other->model.hosts[i].runs) == 0;
    vmreclaim__fleet__v1__rollout__free_unpacked(one, NULL);
    vmreclaim__fleet__v1__rollout__free_unpacked(two, NULL);
    return is_same;
}

static int check_end(const struct stage *stage, const struct play *play)
{
    Rollout *rollout = read_now(stage);
    bool is_right = rollout->state == play->end;

    if (!is_right)
        printf("%s: it ends %s (%s)\n", play->name, rollout_state_name(rollout->state),
               rollout->reason);
    vmreclaim__fleet__v1__rollout__free_unpacked(rollout, NULL);
    return is_right ? 0 : -1;
}

static void print_history(const struct stage *stage)
{
    Rollout *rollout = read_now(stage);

    for (size_t i = 0; i < rollout->n_history; i++)
        printf("  %s\n", rollout->history[i]);
    vmreclaim__fleet__v1__rollout__free_unpacked(rollout, NULL);
}

static int play_all(const struct play *play)
{
    static struct stage whole, cut;
    int r;

    begin(&whole, play, 0);
    play_on(&whole, play);
    r = check_end(&whole, play);
    for (unsigned act = 1; r == 0 && act <= whole.first.acts; act++) {
        begin(&cut, play, act);
        play_on(&cut, play);
        if (!cut.first.is_dead || !is_same(&whole, &cut)) {
            printf("%s: another end when it dies before write %u\n", play->name, act);
            print_history(&cut);
            r = check_end(&cut, play) - 1;
        }
        end(&cut);
    }
    if (r == 0)
        printf("%s: the same end for each of %u writes\n", play->name, whole.first.acts);
    end(&whole);
    return r;
}

int main(void)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < sizeof(plays) / sizeof(plays[0]); i++)
        r = play_all(&plays[i]);
    return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
