/* ReserveMemory over a keeper of the test's own: what is sent, and who goes away when. */
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/number.h"
#include "controller.pb-c.h"
#include "controller/api/api.h"
#include "controller/arbiter/keeper.h"
#include "controller/vms/life.h"
#include "controller/vms/tick.h"
#include "tests/lib/loop.h"
#include "tests/unit/controller/api/door.h"

static uv_loop_t loop;
static struct supervisor supervisor;
static struct arbiter_keeper keeper;
static struct api api;
static struct api_user user;
static struct ttrpc_share *share; /* NULL: root's */
static int root;

/* ---- the door ---- */

static char state_sent[16];

static void door_see(const ProtobufCMessage *message)
{
    const Vmreclaim__Controller__V1__ReserveMemoryResponse *response = (const void *)message;

    snprintf(state_sent, sizeof(state_sent), "%s", response->reservation->state);
}

/* ---- the keeper ---- */

static enum reservation_state state_at_first;
static struct reservation made;
static reservation_changed changed;
static void *changed_userdata;
static uint64_t forgotten; /* id */

int __wrap_arbiter_reserve(struct arbiter_keeper *asked_keeper,
                           const struct reservation_asked *asked, reservation_changed on_changed,
                           void *userdata, uint64_t *ret_id, struct error *error);
void __wrap_arbiter_forget_asker(struct arbiter_keeper *asked_keeper, uint64_t id);

int __wrap_arbiter_reserve(struct arbiter_keeper *asked_keeper,
                           const struct reservation_asked *asked, reservation_changed on_changed,
                           void *userdata, uint64_t *ret_id, struct error *error)
{
    if (asked->bytes == 0)
        return error_set(error, -EINVAL, "of nothing");
    made = (struct reservation){.id = 7, .asked = *asked, .state = state_at_first};
    asked_keeper->reservations.list[0] = made;
    asked_keeper->reservations.count = 1;
    changed = on_changed;
    changed_userdata = userdata;
    *ret_id = made.id;
    return 0;
}

void __wrap_arbiter_forget_asker(struct arbiter_keeper *asked_keeper, uint64_t id)
{
    forgotten = id;
}

static void become(enum reservation_state state)
{
    made.state = state;
    changed(&made, changed_userdata);
}

/* ---- a call ---- */

static int set_up(void **state)
{
    assert_int_equal(uv_loop_init(&loop), 0);
    root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(supervisor_init(&supervisor, &loop, root, NSEC_PER_SEC), 0);
    api_init(&api, &(struct api_rooms){.supervisor = &supervisor, .arbiter = &keeper});
    door_reset();
    forgotten = 0;
    changed = NULL;
    keeper.reservations.count = 0;
    share = NULL;
    user = (struct api_user){.kept = {.per_second = 1 << 20, .burst = 1 << 20}};
    state_at_first = RESERVATION_FILLING;
    return 0;
}

static int tear_down(void **state)
{
    api_stop(&api);
    supervisor_stop(&supervisor);
    loop_finish(&loop);
    api_finish(&api);
    supervisor_finish(&supervisor);
    close(root);
    return 0;
}

typedef Vmreclaim__Controller__V1__ReserveMemoryRequest Request;

static struct api_call *reserve(const Request *request)
{
    struct api_call *call = calloc(1, sizeof(*call));

    assert_non_null(call);
    *call = (struct api_call){
        .door = &door,
        .api = &api,
        .user = &user,
        .share = share,
        .caller = {.may_read = true, .may_carry = true, .may_control = true, .name = "alice"},
    };
    api_dispatch(call, api_method_of(request->base.descriptor), &request->base);
    return call;
}

static Request make_request(const char *vm)
{
    Request request = VMRECLAIM__CONTROLLER__V1__RESERVE_MEMORY_REQUEST__INIT;

    request.size = GIB;
    request.vm = (char *)vm;
    return request;
}

/* ---- tests ---- */

static void test_until_it_is_ready(void **state)
{
    Request request = make_request("web9");

    request.wait_ns = 30 * NSEC_PER_SEC;
    request.hold_ns = 60 * NSEC_PER_SEC;
    (void)reserve(&request);
    assert_int_equal(sent, 1);
    assert_int_equal(made.asked.bytes, GIB);
    assert_string_equal(made.asked.vm, "web9");
    assert_string_equal(made.asked.asked_by, "alice");
    assert_int_equal(made.asked.wait, 30 * NSEC_PER_SEC);
    assert_int_equal(made.asked.hold, 60 * NSEC_PER_SEC);
    become(RESERVATION_FILLING);
    assert_string_equal(state_sent, "filling");
    assert_int_equal(released, 0);
    become(RESERVATION_READY);
    assert_string_equal(state_sent, "ready");
    assert_int_equal(sent, 3);
    assert_int_equal(finished, 1);
    assert_int_equal(released, 1);
    assert_int_equal(forgotten, 0);
}

/* The keeper says so, once. */
static void test_one_that_is_ready_at_once(void **state)
{
    const Request request = make_request("");

    state_at_first = RESERVATION_READY;
    (void)reserve(&request);
    assert_int_equal(sent + finished, 0);
    become(RESERVATION_READY);
    assert_int_equal(sent, 1);
    assert_int_equal(finished, 1);
}

static void test_one_that_is_short(void **state)
{
    const Request request = make_request("");

    (void)reserve(&request);
    become(RESERVATION_SHORT);
    assert_string_equal(state_sent, "short");
    assert_int_equal(finished, 1);
    assert_int_equal(failed, 0);
}

/* It misses some, but not the last. */
static void test_a_slow_reader(void **state)
{
    const Request request = make_request("");
    struct api_call *call = reserve(&request);

    room = 0;
    become(RESERVATION_FILLING);
    become(RESERVATION_FILLING);
    become(RESERVATION_READY);
    assert_int_equal(sent, 1);
    assert_int_equal(finished, 0);
    room = 1;
    api_call_drained(call);
    assert_int_equal(sent, 2);
    assert_string_equal(state_sent, "ready");
    assert_int_equal(finished, 1);
}

static void test_who_asked_goes_away(void **state)
{
    const Request request = make_request("");
    struct api_call *call = reserve(&request);

    become(RESERVATION_FILLING);
    api_call_abandon(call);
    assert_int_equal(forgotten, 7);
    assert_int_equal(released, 1);
    assert_int_equal(finished, 0);
}

static void test_a_slow_reader_goes_away(void **state)
{
    const Request request = make_request("");
    struct api_call *call = reserve(&request);

    room = 0;
    become(RESERVATION_FILLING);
    api_call_abandon(call);
    assert_int_equal(forgotten, 7);
    assert_int_equal(released, 1);
}

static void expect_refusal(const Request *request, const char *words)
{
    released = 0;
    failed = 0;
    (void)reserve(request);
    assert_int_equal(failed, -EINVAL);
    assert_non_null(strstr(text, words));
    assert_int_equal(released, 1);
    assert_null(changed);
}

static void test_bounds(void **state)
{
    Request request = make_request("");

    request.size = 0;
    expect_refusal(&request, "of nothing");
    request = make_request("");
    request.wait_ns = 3601 * NSEC_PER_SEC;
    expect_refusal(&request, "for an hour at most");
    request = make_request("");
    request.hold_ns = UINT64_MAX;
    expect_refusal(&request, "for a day at most");
}

/* A hypervisor's name for it may be longer than ours. */
static void test_a_long_name(void **state)
{
    char name[2 * VM_NAME_SIZE];
    Request request;

    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    request = make_request(name);
    (void)reserve(&request);
    assert_int_equal(strlen(made.asked.vm), VM_NAME_SIZE - 1);
    assert_memory_equal(made.asked.vm, name, VM_NAME_SIZE - 1);
    become(RESERVATION_READY);
}

/* Others leave some to root. */
static void test_how_many_there_may_be(void **state)
{
    const Request request = make_request("");
    struct ttrpc_share of_alice = {.permyriad = 1000, .debt_max = NSEC_PER_SEC};

    keeper.reservations.count = RESERVATIONS_MAX / 4 * 3;
    share = &of_alice;
    (void)reserve(&request);
    assert_int_equal(failed, -ENOSPC);
    assert_non_null(strstr(text, "48 reservations are held"));
    assert_null(changed);
    share = NULL;
    (void)reserve(&request);
    assert_non_null(changed);
    become(RESERVATION_READY);
}

/* Of a VM that is there its name counts, however it was named. */
static void test_a_vm_that_is_there(void **state)
{
    const Request request = make_request("cid:7");
    struct vm *vm;

    assert_int_equal(vm_create("web1", VM_SOURCE_FILE, &vm), 0);
    assert_int_equal(supervisor_add_vm(&supervisor, vm, NULL), 0);
    assert_int_equal(registry_set_cid(&supervisor.registry, vm, 7, NULL), 0);
    (void)reserve(&request);
    assert_string_equal(made.asked.vm, "web1");
    become(RESERVATION_READY);
}

/* One that is not there yet is called as it will be once it is found. */
static void test_a_name_of_the_hypervisor(void **state)
{
    const Request request = make_request("my vm;1");

    (void)reserve(&request);
    assert_string_equal(made.asked.vm, "my-vm-1");
    become(RESERVATION_READY);
}

#define reservation_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        reservation_test(test_until_it_is_ready),
        reservation_test(test_one_that_is_ready_at_once),
        reservation_test(test_one_that_is_short),
        reservation_test(test_a_slow_reader),
        reservation_test(test_who_asked_goes_away),
        reservation_test(test_a_slow_reader_goes_away),
        reservation_test(test_bounds),
        reservation_test(test_a_long_name),
        reservation_test(test_how_many_there_may_be),
        reservation_test(test_a_vm_that_is_there),
        reservation_test(test_a_name_of_the_hypervisor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
