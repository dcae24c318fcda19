/* Which hosts are in which wave. */
#include "tests/lib/test.h"

#include "controller/fleet/engine/waves.h"
#include "tests/sim/fleet-model.h"

static void test_places_are_the_same_everywhere(void **state)
{
    (void)state;
    /* printf 'r-7\0h001' | sha256sum */
    assert_true(wave_place("r-7", "h001") == UINT64_C(0xfc6e82b1b8abcf76));
    assert_true(wave_place("r-7", "h002") == UINT64_C(0xf6a050ebdee9ecfa));
    assert_true(wave_place("r-8", "h001") == UINT64_C(0x96f87f1980f0d5ff));
    assert_int_equal(wave_permyriad(wave_place("r-7", "h001")), 9860);
    assert_int_equal(wave_permyriad(wave_place("r-8", "h001")), 5897);
    assert_int_equal(wave_permyriad(0), 0);
    assert_int_equal(wave_permyriad(UINT64_MAX), 9999);
    assert_int_equal(wave_permyriad(UINT64_MAX / 2), 4999);
    assert_int_equal(wave_permyriad(UINT64_MAX / 2 + 1), 5000);
}

/* ---- members ---- */

struct world {
    struct fleet_host view_hosts[40];
    struct fleet_view view;
    bool is_treated[40];
    Rollout *rollout;
};

static struct fleet_model model;

static void begin(struct world *world, const uint32_t waves[], size_t count)
{
    fleet_model_init(&model, 40, 1);
    *world = (struct world){.rollout = fleet_model_draft(waves, count, 10, 10)};
    world->view =
        (struct fleet_view){.now = 100 * NSEC_PER_SEC, .hosts = world->view_hosts, .count = 40};
    for (size_t i = 0; i < 40; i++)
        world->view_hosts[i] = (struct fleet_host){
            .id = model.hosts[i].id, .status = &model.hosts[i].status, .heard = 99 * NSEC_PER_SEC};
}

static void end(struct world *world)
{
    vmreclaim__fleet__v1__rollout__free_unpacked(world->rollout, NULL);
}

static struct wave_members members_of(struct world *world, uint32_t wave)
{
    struct wave_members members;

    assert_int_equal(
        wave_members_find(world->rollout, wave, &world->view, world->is_treated, &members), 0);
    return members;
}

static size_t treat(struct world *world, uint32_t wave)
{
    struct wave_members members = members_of(world, wave);
    size_t count = members.count;

    for (size_t i = 0; i < count; i++) {
        assert_false(world->is_treated[members.present[i]]);
        world->is_treated[members.present[i]] = true;
    }
    wave_members_finish(&members);
    return count;
}

static void test_waves_grow_and_the_last_has_all(void **state)
{
    static const uint32_t waves[] = {1000, 5000, PERMYRIAD};
    struct world world;
    size_t first, second;

    (void)state;
    begin(&world, waves, 3);
    assert_int_equal(wave_count(world.rollout), 3);
    first = treat(&world, 0);
    second = treat(&world, 1);
    for (size_t i = 0; i < 40; i++)
        assert_int_equal(world.is_treated[i],
                         wave_permyriad(wave_place(FLEET_ID, model.hosts[i].id)) < 5000);
    assert_true(first > 0 && second > first);
    assert_int_equal(treat(&world, 2), 40 - first - second);
    end(&world);
}

static void test_the_first_wave_has_some_hosts_at_least(void **state)
{
    static const uint32_t waves[] = {1, PERMYRIAD};
    struct world world;
    size_t lowest = 0;

    (void)state;
    begin(&world, waves, 2);
    for (size_t i = 1; i < 40; i++)
        if (wave_place(FLEET_ID, model.hosts[i].id) < wave_place(FLEET_ID, model.hosts[lowest].id))
            lowest = i;
    assert_int_equal(treat(&world, 0), 1);
    assert_true(world.is_treated[lowest]);
    world.is_treated[lowest] = false;
    end(&world);
}

/* As many as were asked for, and no more, whatever the parts are. */
static void test_a_canary_of_some_hosts_is_a_wave_of_its_own(void **state)
{
    static const uint32_t waves[] = {PERMYRIAD};
    struct world world;

    (void)state;
    begin(&world, waves, 1);
    world.rollout->canary_hosts = 5;
    assert_int_equal(wave_count(world.rollout), 2);
    assert_int_equal(treat(&world, 0), 5);
    assert_int_equal(treat(&world, 1), 35);
    end(&world);
}

static void test_a_canary_selector_makes_a_wave_of_its_own(void **state)
{
    static const uint32_t waves[] = {5000, PERMYRIAD};
    struct world world;

    (void)state;
    begin(&world, waves, 2);
    assert_int_equal(document_set_text(&world.rollout->canary_selector, "label:index=7"), 0);
    assert_int_equal(wave_count(world.rollout), 3);
    assert_int_equal(treat(&world, 0), 1);
    assert_true(world.is_treated[7]);
    assert_true(treat(&world, 1) > 1);
    end(&world);
}

static void test_only_hosts_that_are_meant(void **state)
{
    static const uint32_t waves[] = {PERMYRIAD};
    struct world world;

    (void)state;
    begin(&world, waves, 1);
    assert_int_equal(document_set_text(&world.rollout->host_selector, "rack1-*"), 0);
    assert_int_equal(treat(&world, 0), 10);
    assert_true(world.is_treated[10] && world.is_treated[19] && !world.is_treated[20]);
    end(&world);
}

/* Index of a host whose place is below half. */
static size_t early_host(void)
{
    size_t i = 0;

    while (wave_permyriad(wave_place(FLEET_ID, model.hosts[i].id)) >= 5000)
        i++;
    return i;
}

static bool has(const struct wave_members *members, size_t host)
{
    for (size_t i = 0; i < members->count; i++)
        if (members->present[i] == host)
            return true;
    return false;
}

static void test_who_is_lost_is_late_and_a_newcomer_waits(void **state)
{
    static const uint32_t waves[] = {5000, 7500, PERMYRIAD};
    struct world world;
    struct wave_members members;
    size_t early;

    (void)state;
    begin(&world, waves, 3);
    early = early_host();
    world.view_hosts[early].heard = NSEC_PER_SEC;
    members = members_of(&world, 0);
    assert_int_equal(members.late_count, 1);
    assert_int_equal(members.late[0], early);
    wave_members_finish(&members);
    (void)treat(&world, 0);
    assert_false(world.is_treated[early]);

    /* Back, and nobody noted that it was late: as a newcomer it waits for the last wave. */
    world.view_hosts[early].heard = 99 * NSEC_PER_SEC;
    (void)treat(&world, 1);
    assert_false(world.is_treated[early]);
    members = members_of(&world, 2);
    assert_true(has(&members, early));
    wave_members_finish(&members);
    assert_int_equal(document_add_late(world.rollout, model.hosts[early].id), 0);
    assert_int_equal(treat(&world, 1), 1);
    assert_true(world.is_treated[early]);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places_are_the_same_everywhere),
        cmocka_unit_test(test_waves_grow_and_the_last_has_all),
        cmocka_unit_test(test_the_first_wave_has_some_hosts_at_least),
        cmocka_unit_test(test_a_canary_of_some_hosts_is_a_wave_of_its_own),
        cmocka_unit_test(test_a_canary_selector_makes_a_wave_of_its_own),
        cmocka_unit_test(test_only_hosts_that_are_meant),
        cmocka_unit_test(test_who_is_lost_is_late_and_a_newcomer_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
