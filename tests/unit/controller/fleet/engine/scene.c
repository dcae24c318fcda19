/* Scenes of rollouts. */
#include "tests/lib/test.h"

#include "tests/unit/controller/fleet/engine/scene.h"

#include <stdio.h>
#include <string.h>

static const uint32_t waves[SCENE_WAVES] = {1000, 5000, PERMYRIAD};

struct scene scene;

void scene_begin_with(unsigned hosts)
{
    Rollout *draft = fleet_model_draft(waves, ARRAY_SIZE(waves), 120, 60);

    scene.count = 1;
    scene.coordinators[0] = &scene.first;
    scene.coordinators[1] = &scene.second;
    fleet_model_init(&scene.model, hosts, 7);
    assert_true(fleet_model_store(&scene.model, draft, 0));
    fleet_coordinator_begin(&scene.first, &scene.model, 1);
    vmreclaim__fleet__v1__rollout__free_unpacked(draft, NULL);
}

void scene_begin(void)
{
    scene_begin_with(HOSTS);
}

void scene_end(void)
{
    for (unsigned i = 0; i < scene.count; i++)
        fleet_coordinator_end(scene.coordinators[i]);
    fleet_model_finish(&scene.model);
}

void scene_run(unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i++) {
        fleet_model_step(&scene.model, scene.coordinators, scene.count);
        for (unsigned j = 0; j < scene.count; j++)
            if (!scene.coordinators[j]->is_dead)
                (void)fleet_coordinator_step(scene.coordinators[j]);
    }
}

RolloutState scene_state_now(char reason[256])
{
    uint64_t revision;
    Rollout *rollout = fleet_model_read(&scene.model, &revision);
    RolloutState state = rollout->state;

    snprintf(reason, 256, "%s", rollout->reason);
    vmreclaim__fleet__v1__rollout__free_unpacked(rollout, NULL);
    return state;
}

void scene_expect(RolloutState state)
{
    char reason[256];
    RolloutState found = scene_state_now(reason);

    if (found != state)
        fail_msg("it is %s (%s), not %s", rollout_state_name(found), reason,
                 rollout_state_name(state));
}

void scene_run_until(RolloutState state)
{
    char reason[256];

    for (unsigned i = 0; i < 3600 && scene_state_now(reason) != state; i++)
        scene_run(1);
    scene_expect(state);
}

void scene_expect_reason(const char *part)
{
    char reason[256];

    (void)scene_state_now(reason);
    if (strstr(reason, part) == NULL)
        fail_msg("the reason is \"%s\", without \"%s\"", reason, part);
}

void scene_order(enum rollout_verb verb)
{
    assert_int_equal(fleet_model_order(&scene.model, verb, 1), 0);
}

void scene_start(void)
{
    scene_run(60);
    scene_order(ROLLOUT_START);
}

void scene_kill_in(unsigned first, unsigned end, uint64_t kills)
{
    for (unsigned i = first; i < end; i++)
        for (unsigned j = 0; j < FLEET_VMS; j++)
            scene.model.hosts[i].vms[j].figures[0] += kills;
}

void scene_select_hosts(const char *hosts, const char *canary)
{
    uint64_t revision;
    Rollout *rollout = fleet_model_read(&scene.model, &revision);

    assert_int_equal(document_set_text(&rollout->host_selector, hosts), 0);
    assert_int_equal(document_set_text(&rollout->canary_selector, canary), 0);
    assert_true(fleet_model_store(&scene.model, rollout, revision));
    vmreclaim__fleet__v1__rollout__free_unpacked(rollout, NULL);
}
