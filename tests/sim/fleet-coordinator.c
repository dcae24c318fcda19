/* Coordinators of the fleet's model: what controller/fleet/engine/rollout.h asks of them. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/fleet-model.h"

void fleet_coordinator_begin(struct fleet_coordinator *coordinator, struct fleet_model *model,
                             uint64_t epoch)
{
    *coordinator = (struct fleet_coordinator){
        .model = model, .epoch = epoch, .began = model->now, .engine = rollout_engine_create()};
    assert(coordinator->engine != NULL);
}

void fleet_coordinator_end(struct fleet_coordinator *coordinator)
{
    rollout_engine_destroy(coordinator->engine);
    coordinator->engine = NULL;
}

/* ---- what it knows ---- */

static struct fleet_view look(struct fleet_coordinator *coordinator)
{
    const struct fleet_model *model = coordinator->model;
    struct fleet_view view = {
        .now = (model->now + 10000) * NSEC_PER_SEC,
        .time_ns = ((int64_t)model->now + model->clock_step) * (int64_t)NSEC_PER_SEC,
        .listening = (coordinator->began + 10000) * NSEC_PER_SEC,
        .epoch = coordinator->epoch,
        .hosts = coordinator->hosts,
    };

    for (unsigned i = 0; i < model->count; i++) {
        const struct fleet_model_host *host = &model->hosts[i];

        if (!host->exists)
            continue;
        coordinator->hosts[view.count++] = (struct fleet_host){
            .id = host->id,
            .status = host->has_status ? &host->status : NULL,
            .heard = coordinator->heard[i],
            .wanted_is_known = true,
            .wanted_rollout = host->stored.rollout,
            .wanted_generation = host->stored.generation,
            .wanted_epoch = host->stored.epoch,
        };
    }
    return view;
}

/* ---- what it does ---- */

/* A write; false: it dies before it. */
static bool act(struct fleet_coordinator *coordinator)
{
    coordinator->acts++;
    if (coordinator->dies_at != 0 && coordinator->acts >= coordinator->dies_at)
        coordinator->is_dead = true;
    return !coordinator->is_dead;
}

static struct fleet_model_host *find(struct fleet_model *model, const char *id)
{
    for (unsigned i = 0; i < model->count; i++)
        if (strcmp(model->hosts[i].id, id) == 0)
            return &model->hosts[i];
    assert(false && "there is a host of that id");
    return NULL;
}

/* Its newest state is read first; one of a later epoch is left alone. */
static int write_host(struct fleet_coordinator *coordinator, enum rollout_write write,
                      const char *id)
{
    struct fleet_model_host *host = find(coordinator->model, id);
    struct fleet_stored *stored = &host->stored;
    bool is_ours = strcmp(stored->rollout, FLEET_ID) == 0;

    if (stored->epoch > coordinator->epoch)
        return -ESTALE;
    if (write == ROLLOUT_APPLY && is_ours)
        return 0;
    if (write == ROLLOUT_APPLY) {
        memcpy(stored->previous, stored->rollout, sizeof(stored->previous));
        snprintf(stored->rollout, sizeof(stored->rollout), FLEET_ID);
    } else if (is_ours) {
        memcpy(stored->rollout, stored->previous, sizeof(stored->rollout));
        host->was_reverted = true;
    }
    stored->generation++;
    stored->epoch = coordinator->epoch;
    return 0;
}

static int write_hosts(struct fleet_coordinator *coordinator, const struct rollout_result *result)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < result->count; i++)
        r = act(coordinator) ? write_host(coordinator, result->write, result->hosts[i])
                             : -ECANCELED;
    return r == -ECANCELED ? 0 : r;
}

int fleet_coordinator_step(struct fleet_coordinator *coordinator)
{
    struct fleet_view view = look(coordinator);
    struct rollout_result result;
    uint64_t revision;
    Rollout *rollout = fleet_model_read(coordinator->model, &revision);
    int r = 0;

    result = (struct rollout_result){.changed = false};
    if (!rollout_rests(rollout))
        r = rollout_step(coordinator->engine, rollout, &view, &result);
    if (r == 0 && result.changed && act(coordinator))
        (void)fleet_model_store(coordinator->model, rollout, revision);
    if (r == 0)
        r = write_hosts(coordinator, &result);
    vmreclaim__fleet__v1__rollout__free_unpacked(rollout, NULL);
    return r;
}

/* ---- sleep ---- */

void fleet_coordinator_fall_asleep(struct fleet_coordinator *coordinator)
{
    struct fleet_view view = look(coordinator);
    struct rollout_result result;
    uint64_t revision;
    Rollout *rollout = fleet_model_read(coordinator->model, &revision);

    coordinator->list_count = 0;
    if (rollout_step(coordinator->engine, rollout, &view, &result) == 0) {
        coordinator->write = result.write;
        for (size_t i = 0; i < result.count; i++)
            snprintf(coordinator->list[coordinator->list_count++], sizeof(coordinator->list[0]),
                     "%s", result.hosts[i]);
    }
    vmreclaim__fleet__v1__rollout__free_unpacked(rollout, NULL);
}

void fleet_coordinator_wake(struct fleet_coordinator *coordinator)
{
    int r = 0;

    for (unsigned i = 0; r == 0 && i < coordinator->list_count; i++)
        r = write_host(coordinator, coordinator->write, coordinator->list[i]);
    coordinator->list_count = 0;
}
