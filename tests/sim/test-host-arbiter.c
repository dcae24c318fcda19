/* Scenes of a host that runs short, the arbiter as it ships: incidents of others that must not
 * happen here (each first happens under the rule that made it), and what was promised. */
#include "tests/lib/test.h"

#include <math.h>
#include <stdlib.h>

#include "tests/sim/host-arbiter.h"
#include "tests/sim/host-rivals.h"

#define MIB_   HOST_MIB
#define GIB_   HOST_GIB
#define GUESTS 10
#define HOUR   3600

struct scene {
    struct host_guest guests[GUESTS];
    struct host_model host;
    struct host_arbiter ours;
};

/* `count` guests of 4 GiB; the host has `total`. */
static void scene_init(struct scene *scene, unsigned count, double total)
{
    scene->host = (struct host_model){.guests = scene->guests, .count = count, .total = total};
    for (unsigned i = 0; i < count; i++) {
        scene->guests[i] = (struct host_guest){
            .ram = 4 * GIB_,
            .floor = GIB_,
            .minimum = GIB_,
            .shares = 1000,
            .inflate = 300 * MIB_,
            .deflate = GIB_,
            .grow = 400 * MIB_,
            .reports = true,
            .has_agent = true,
            .has_balloon = true,
            .deflates_on_oom = true,
        };
        host_guest_boot(&scene->guests[i], 400 * MIB_);
    }
    scene->host.available = total;
    host_arbiter_init(&scene->ours, count);
}

static void pass(struct scene *scene, unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i++) {
        host_model_step(&scene->host);
        host_arbiter_step(&scene->ours, &scene->host);
        for (unsigned j = 0; j < scene->host.count; j++)
            assert_true(host_guest_size(&scene->guests[j]) >= scene->guests[j].floor - HOST_PAGE);
    }
}

/* Has read and used `bytes`, which its cache keeps. */
static void fill_cache(struct host_guest *guest, double bytes)
{
    guest->gone -= bytes;
    guest->junk += bytes;
}

/* ... and works with it. */
static void fill_set(struct host_guest *guest, double bytes)
{
    guest->gone -= bytes;
    guest->sets[0] = (struct host_set){.wanted = bytes, .resident = bytes, .runs = true};
}

static double low(const struct scene *scene)
{
    return host_marks_of(&scene->host).low;
}

/* ---- the host ---- */

/* Out of what nobody needs, and back when the host's own program has ended. */
static void test_a_hog_comes_and_goes(void **state)
{
    struct scene scene;

    scene_init(&scene, 4, 20 * GIB_);
    for (unsigned i = 0; i < 4; i++)
        fill_cache(&scene.guests[i], 2 * GIB_);
    scene.host.others = 8 * GIB_;
    pass(&scene, 60);
    assert_true(scene.host.available > low(&scene));
    scene.host.others = 0;
    pass(&scene, 1200);
    for (unsigned i = 0; i < 4; i++) {
        assert_true(host_guest_size(&scene.guests[i]) == scene.guests[i].ram);
        assert_true(scene.guests[i].stalled < 1 && scene.guests[i].kills == 0);
    }
    host_arbiter_finish(&scene.ours);
}

/* Cold cache goes before anything is taken by a balloon. */
static void test_cold_cache_goes_first(void **state)
{
    struct scene scene;

    scene_init(&scene, 4, 12 * GIB_);
    for (unsigned i = 0; i < 4; i++)
        fill_cache(&scene.guests[i], 2 * GIB_);
    scene.host.others = 2 * GIB_;
    pass(&scene, 120);
    assert_true(scene.ours.steps[ARBITER_RECLAIM] > 0);
    assert_int_equal(scene.ours.steps[ARBITER_LEASE], 0);
    assert_true(scene.host.available > low(&scene));
    host_arbiter_finish(&scene.ours);
}

/* ---- policies that squeeze every VM at once ---- */

/* Nine that rest on cache which nobody reads again, and one that works with all it has. */
static void one_works(struct scene *scene)
{
    scene_init(scene, GUESTS, 30 * GIB_);
    for (unsigned i = 1; i < GUESTS; i++)
        fill_cache(&scene->guests[i], 2.5 * GIB_);
    fill_set(&scene->guests[0], 3.4 * GIB_);
    scene->host.others = 4 * GIB_;
}

static void test_a_rule_for_all_squeezes_who_works(void **state)
{
    struct scene scene;
    struct mom_guest facts;
    double target = 0;

    one_works(&scene);
    for (unsigned i = 0; i < 30; i++) {
        struct host_guest *guest = &scene.guests[0];

        host_model_step(&scene.host);
        facts = (struct mom_guest){
            .size = host_guest_size(guest),
            .size_mean = host_guest_size(guest),
            .free_mean = host_guest_free(guest),
            .minimum = guest->minimum,
            .maximum = guest->ram,
        };
        target = mom_decide(0.04, &facts);
        guest->target = target != 0 ? target : guest->target;
    }
    assert_true(scene.guests[0].target < 4 * GIB_ && scene.guests[0].refaults > 0);
    host_arbiter_finish(&scene.ours);
}

static void test_who_works_is_left_alone(void **state)
{
    struct scene scene;

    one_works(&scene);
    pass(&scene, HOUR);
    assert_true(scene.guests[0].target == 4 * GIB_ && scene.guests[0].refaults < 1);
    assert_true(scene.host.available > low(&scene));
    host_arbiter_finish(&scene.ours);
}

/* ---- a balloon left at 128 MB for 18 hours ---- */

/* For an hour all is short, so what rests gives all that it does not use. Then it works again, and
 * the host has enough. */
static void squeeze_who_rests(struct scene *scene)
{
    scene_init(scene, 4, 16 * GIB_);
    for (unsigned i = 1; i < 4; i++)
        fill_set(&scene->guests[i], 3 * GIB_);
    scene->guests[0].reports = false;
    scene->guests[0].floor = 128 * MIB_;
    scene->guests[0].use_wanted = 256 * MIB_;
    fill_cache(&scene->guests[0], 2.5 * GIB_);
    scene->host.others = 3 * GIB_;
    pass(scene, HOUR);
    scene->host.others = 0;
    assert_true(host_guest_size(&scene->guests[0]) < 3 * GIB_);
    assert_true(host_guest_size(&scene->guests[0]) > 128 * MIB_ + scene->guests[0].in_use);
}

static void test_a_guest_that_wakes_gets_its_memory_at_once(void **state)
{
    struct scene scene;
    struct host_guest *guest = &scene.guests[0];

    squeeze_who_rests(&scene);
    guest->use_wanted = 2 * GIB_;
    pass(&scene, 60);
    assert_true(host_guest_size(guest) > 2 * GIB_ && guest->in_use == 2 * GIB_);
    assert_true(guest->stalled < 10 && guest->kills == 0);
    host_arbiter_finish(&scene.ours);
}

/* Its agent is not heard any more, and the daemon is not there: no lease is for ever. */
static void test_a_guest_that_nobody_hears_is_not_forgotten(void **state)
{
    struct scene scene;
    struct host_guest *guest = &scene.guests[0];
    double wanted;

    squeeze_who_rests(&scene);
    guest->agent_back = UINT64_MAX;
    pass(&scene, 5);
    wanted = guest->use_wanted = 2 * GIB_;
    pass(&scene, 11 * 60);
    assert_true(host_guest_size(guest) == guest->ram && guest->in_use == wanted);
    host_arbiter_finish(&scene.ours);
}

/* ---- a guest that stalls for 195 s because memory comes back in parts ---- */

static void test_memory_comes_back_at_once_not_in_parts(void **state)
{
    struct scene scene;
    struct host_guest *guest = &scene.guests[0];

    squeeze_who_rests(&scene);
    guest->use_wanted = 3 * GIB_;
    for (unsigned second = 0; second < 60 && guest->in_use < guest->use_wanted; second++)
        pass(&scene, 1);
    assert_true(guest->in_use == 3 * GIB_ && guest->kills == 0 && guest->stalled < 10);
    host_arbiter_finish(&scene.ours);
}

/* ---- guests that do not follow, or lie ---- */

/* What a balloon that stands still does not give, the others do. */
static void test_a_balloon_that_stalls_is_made_up_for(void **state)
{
    struct scene scene;

    scene_init(&scene, 4, 14 * GIB_);
    for (unsigned i = 0; i < 4; i++) {
        scene.guests[i].reports = false;
        fill_set(&scene.guests[i], 2.4 * GIB_);
        fill_cache(&scene.guests[i], 0.4 * GIB_);
    }
    scene.guests[0].balloon_works = UINT64_MAX;
    scene.host.others = 1.3 * GIB_;
    pass(&scene, 300);
    assert_true(scene.host.available > host_marks_of(&scene.host).critical);
    host_arbiter_finish(&scene.ours);
}

/* Eight guests, alike but for what the first says of itself; the host has three quarters of what
 * they use. Returns what the first ends with; `ret_least` what the worst of the others has. */
static double end_with(enum host_lie lie, double *ret_least)
{
    struct scene scene;
    double size;

    scene_init(&scene, 8, 22 * GIB_);
    for (unsigned i = 0; i < 8; i++)
        fill_set(&scene.guests[i], 2.8 * GIB_);
    scene.guests[0].lie = lie;
    pass(&scene, 2 * HOUR);
    size = host_guest_size(&scene.guests[0]);
    *ret_least = size;
    for (unsigned i = 1; i < 8; i++)
        *ret_least = fmin(*ret_least, host_guest_size(&scene.guests[i]));
    host_arbiter_finish(&scene.ours);
    return size;
}

static void test_a_lie_takes_nobodys_floor_or_share(void **state)
{
    double least[3], size[3];

    for (unsigned lie = 0; lie < 3; lie++)
        size[lie] = end_with((enum host_lie)lie, &least[lie]);
    assert_true(size[HOST_LIES_BUSY] <= 4 * GIB_);
    assert_true(least[HOST_LIES_BUSY] >= GIB_);
    assert_true(least[HOST_LIES_BUSY] > least[HOST_TRUTH] * 0.85);
}

/* ---- shares ---- */

/* Their cache was used a moment ago, at any time: nobody has anything that is cold. */
static void test_shares_decide_where_all_need_the_same(void **state)
{
    struct scene scene;

    scene_init(&scene, 4, 11 * GIB_);
    for (unsigned i = 0; i < 4; i++) {
        scene.guests[i].shares = i < 2 ? 2000 : 1000;
        fill_set(&scene.guests[i], 3.2 * GIB_);
        scene.guests[i].sets[0].runs = false;
    }
    for (unsigned minute = 0; minute < 120; minute++) {
        for (unsigned i = 0; i < 4; i++)
            scene.guests[i].sets[0].used = scene.host.now + 1;
        pass(&scene, 60);
    }
    assert_true(scene.host.available > low(&scene));
    assert_true(host_guest_size(&scene.guests[0]) > host_guest_size(&scene.guests[2]) + 256 * MIB_);
    host_arbiter_finish(&scene.ours);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hog_comes_and_goes),
        cmocka_unit_test(test_cold_cache_goes_first),
        cmocka_unit_test(test_a_rule_for_all_squeezes_who_works),
        cmocka_unit_test(test_who_works_is_left_alone),
        cmocka_unit_test(test_a_guest_that_wakes_gets_its_memory_at_once),
        cmocka_unit_test(test_a_guest_that_nobody_hears_is_not_forgotten),
        cmocka_unit_test(test_memory_comes_back_at_once_not_in_parts),
        cmocka_unit_test(test_a_balloon_that_stalls_is_made_up_for),
        cmocka_unit_test(test_a_lie_takes_nobodys_floor_or_share),
        cmocka_unit_test(test_shares_decide_where_all_need_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
