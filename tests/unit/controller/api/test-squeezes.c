/* SqueezeVms through a door of the test's own: what is sent, and to whom no more. */
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "controller.pb-c.h"
#include "controller/actions/squeeze.h"
#include "controller/api/api.h"
#include "controller/vms/life.h"
#include "controller/vms/tick.h"
#include "tests/lib/loop.h"
#include "tests/unit/controller/api/door.h"

static uv_loop_t loop;
static struct supervisor supervisor;
static struct api api;
static struct api_user user;
static int root;

static void door_see(const ProtobufCMessage *message)
{
}

static struct actions actions;
static struct squeezes squeezes;
static struct vm *vms[2];
static char *vm_names[] = {(char *)"web1", (char *)"web2"};

static void set_up_squeezes(void)
{
    assert_int_equal(actions_init(&actions, &supervisor, NULL), 0);
    squeezes_init(&squeezes, &supervisor, &actions);
    api.rooms.squeezes = &squeezes;
    for (size_t i = 0; i < ARRAY_SIZE(vms); i++) {
        assert_int_equal(vm_create(vm_names[i], VM_SOURCE_FILE, &vms[i]), 0);
        assert_int_equal(supervisor_add_vm(&supervisor, vms[i], NULL), 0);
    }
}

static void tear_down_squeezes(void)
{
    squeezes_stop(&squeezes);
    assert_true(list_is_empty(&squeezes.list));
    actions_stop(&actions);
}

static int set_up(void **state)
{
    assert_int_equal(uv_loop_init(&loop), 0);
    root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(supervisor_init(&supervisor, &loop, root, NSEC_PER_SEC), 0);
    api_init(&api, &(struct api_rooms){.supervisor = &supervisor});
    user = (struct api_user){.refusals = {.interval = 60 * NSEC_PER_SEC, .burst = 2}};
    door_reset();
    set_up_squeezes();
    return 0;
}

static int tear_down(void **state)
{
    tear_down_squeezes();
    api_stop(&api);
    supervisor_stop(&supervisor);
    loop_finish(&loop);
    api_finish(&api);
    supervisor_finish(&supervisor);
    close(root);
    return 0;
}

static struct api_call *squeeze(struct ttrpc_share *share)
{
    Vmreclaim__Controller__V1__SqueezeVmsRequest request =
        VMRECLAIM__CONTROLLER__V1__SQUEEZE_VMS_REQUEST__INIT;
    struct api_call *call = calloc(1, sizeof(*call));

    assert_non_null(call);
    *call = (struct api_call){
        .door = &door,
        .api = &api,
        .user = &user,
        .share = share,
        .caller = {.may_read = true, .may_carry = true, .may_control = true, .name = "alice"},
    };
    request.vms = vm_names;
    request.n_vms = ARRAY_SIZE(vm_names);
    api_dispatch(call, api_method_of(request.base.descriptor), &request.base);
    return call;
}

/* They have no agent: the first look at each ends it. */
static void visit_vms(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(vms); i++)
        squeezes.listener.on_visit(vms[i], time_boottime(), squeezes.listener.userdata);
}

static void test_a_squeeze_is_answered(void **state)
{
    (void)squeeze(NULL);
    assert_int_equal(finished, 0);
    visit_vms();
    assert_int_equal(finished, 1);
    assert_int_equal(released, 1);
    assert_true(sent >= 2);
    assert_int_equal(failed, 0);
}

/* What was new meanwhile is owed: of each VM its end. */
static void test_a_slow_reader_misses_no_end(void **state)
{
    struct api_call *call;

    room = 0;
    call = squeeze(NULL);
    visit_vms();
    assert_int_equal(waits_for_room, 1);
    assert_int_equal(sent + finished, 0);
    room = 1;
    api_call_drained(call);
    assert_int_equal(sent, 1);
    assert_int_equal(waits_for_room, 2);
    room = 1;
    api_call_drained(call);
    assert_int_equal(sent, 2);
    assert_int_equal(finished, 1);
    assert_int_equal(released, 1);
}

static void test_who_waits_for_a_squeeze_goes_away(void **state)
{
    struct api_call *call;

    room = 0;
    call = squeeze(NULL);
    visit_vms();
    api_call_abandon(call); /* while it is waited for room */
    assert_int_equal(released, 1);
    assert_true(list_is_empty(&squeezes.list));
    room = UINT_MAX;
    api_call_abandon(squeeze(NULL));
    visit_vms();
    assert_int_equal(released, 2);
    assert_true(list_is_empty(&squeezes.list));
    assert_int_equal(sent + finished, 0);
}

/* The records of several steps are more than one action's. */
static void test_a_squeeze_is_kept_within_bounds(void **state)
{
    struct ttrpc_share share = {.permyriad = 100};

    user.kept = (struct kept_share){.per_second = 1, .burst = 20 * 1024};
    (void)squeeze(&share);
    assert_int_equal(failed, -ENOSPC);
    assert_true(list_is_empty(&squeezes.list));
}

#define squeeze_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        squeeze_test(test_a_squeeze_is_answered),
        squeeze_test(test_a_slow_reader_misses_no_end),
        squeeze_test(test_who_waits_for_a_squeeze_goes_away),
        squeeze_test(test_a_squeeze_is_kept_within_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
