/* Reservations and plans: the real vmreclaimd keeps memory free for a VM about to start, and says
 * what it would take. */
#include "tests/component/controller/guests.h"
#include "tests/component/controller/parallel.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"

typedef Vmreclaim__Controller__V1__GetPlanResponse Plan;
typedef Vmreclaim__Controller__V1__ListReservationsResponse List;
typedef Vmreclaim__Controller__V1__Reservation Reservation;
typedef Vmreclaim__Controller__V1__ReserveMemoryRequest Request;
typedef Vmreclaim__Controller__V1__ReserveMemoryResponse Response;

static const ProtobufCServiceDescriptor *const service =
    &vmreclaim__controller__v1__controller__descriptor;
static struct guests guests;
static struct ttrpc_client_call *stream;

static const char *const giving[] = {
    "name: a\nprofile: balanced\nfloor: 512MiB\n",
    "name: b\nprofile: balanced\nfloor: 512MiB\n",
};
static const char *const keeping[] = {
    "name: a\nprofile: balanced\nfloor: 960MiB\n",
    "name: b\nprofile: balanced\nfloor: 960MiB\n",
};

/* Two VMs that hold 2,000 MiB of a host of 3 GiB, of which 256 MiB stay available. */
static void begin(struct fixture *f, const char *const *policies, const char *arbiter)
{
    if (guests.list == NULL)
        guests_start(&guests, f, 2, 3 * GIB, policies);
    guests_serve(&guests, arbiter, guests_cgroup);
}

static int end(void **state)
{
    struct fixture *f = *state;

    if (f->daemon > 0)
        stop_daemon(f, 0);
    guests_stop(&guests);
    return tear_down(state);
}

static Request make_request(uint64_t size, const char *vm)
{
    Request request = VMRECLAIM__CONTROLLER__V1__RESERVE_MEMORY_REQUEST__INIT;

    request.size = size;
    request.vm = text(vm);
    return request;
}

static void reserve(struct fixture *f, const Request *request)
{
    f->answered = false;
    f->streamed = 0;
    free_response(f);
    assert_int_equal(ttrpc_call_stream(f->api, service, "ReserveMemory", &request->base, 0,
                                       on_message, on_result, f, &stream),
                     0);
}

static const Reservation *latest(const struct fixture *f)
{
    const Response *response = (const void *)f->response;

    return response == NULL ? NULL : response->reservation;
}

/* As it is at last. */
static const Reservation *reserved(struct fixture *f, uint64_t size, const char *vm)
{
    const Request request = make_request(size, vm);

    reserve(f, &request);
    wait_for(f, f->answered);
    assert_int_equal(f->code, TTRPC_OK);
    return latest(f);
}

static const List *list(struct fixture *f)
{
    Vmreclaim__Controller__V1__ListReservationsRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_RESERVATIONS_REQUEST__INIT;

    call(f, "ListReservations", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    return (const void *)f->response;
}

static void release(struct fixture *f, uint64_t id)
{
    Vmreclaim__Controller__V1__ReleaseReservationRequest request =
        VMRECLAIM__CONTROLLER__V1__RELEASE_RESERVATION_REQUEST__INIT;

    request.id = id;
    call(f, "ReleaseReservation", &request.base);
}

static uint64_t lent(void)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < guests.count; i++)
        bytes += GIB - guests.list[i].size;
    return bytes;
}

/* ---- reservations ---- */

static void test_what_is_free_is_kept(void **state)
{
    Request more = make_request(512 * MIB, "");
    struct fixture *f = *state;
    const Reservation *reservation;
    uint64_t id;

    begin(f, giving, "off");
    reservation = reserved(f, 512 * MIB, "web9");
    assert_string_equal(reservation->state, "ready");
    assert_int_equal(reservation->there, 512 * MIB);
    assert_string_equal(reservation->vm, "web9");
    id = reservation->id;
    reserve(f, &more); /* 304 MiB are left, and nobody gives any */
    wait_for(f, f->answered);
    assert_int_equal(f->code, TTRPC_PERMISSION_DENIED);
    assert_non_null(strstr(f->message, "could be reserved now; for more set 'arbiter: on'"));
    assert_int_equal(list(f)->n_reservations, 1);
    assert_int_equal(list(f)->reservations[0]->id, id);
    release(f, id + 1);
    assert_int_equal(f->code, TTRPC_NOT_FOUND);
    release(f, id);
    assert_int_equal(f->code, TTRPC_OK);
    assert_int_equal(list(f)->n_reservations, 0);
    assert_int_equal(lent(), 0);
}

static void test_it_outlives_the_daemon(void **state)
{
    struct fixture *f = *state;
    uint64_t id;

    begin(f, giving, "off");
    id = reserved(f, 512 * MIB, "web9")->id;
    stop_daemon(f, 0);
    begin(f, giving, "off");
    assert_int_equal(list(f)->n_reservations, 1);
    assert_int_equal(list(f)->reservations[0]->id, id);
    wait_for(f, strcmp(list(f)->reservations[0]->state, "ready") == 0);
    assert_in_range(list(f)->reservations[0]->left_ns, NSEC_PER_SEC, 600 * NSEC_PER_SEC);
    assert_true(reserved(f, 128 * MIB, "")->id > id);
}

static void test_vms_give_for_it(void **state)
{
    struct fixture *f = *state;
    const Reservation *reservation;

    begin(f, giving, "on");
    reservation = reserved(f, 1300 * MIB, "web9"); /* 816 MiB of it are free */
    assert_string_equal(reservation->state, "ready");
    assert_string_equal(reservation->reason, "");
    assert_true(lent() >= 400 * MIB);
    assert_true(guests_available(&guests) >= 1300 * MIB + 256 * MIB - 2 * MIB);
    assert_true(f->streamed >= 2);
}

static void test_what_is_the_most(void **state)
{
    Request request = make_request(1300 * MIB, "web9");
    struct fixture *f = *state;
    const Reservation *reservation;

    begin(f, keeping, "on");
    request.wait_ns = 3 * NSEC_PER_SEC;
    reserve(f, &request);
    wait_for(f, f->answered);
    assert_int_equal(f->code, TTRPC_OK);
    reservation = latest(f);
    assert_string_equal(reservation->state, "short");
    assert_in_range(reservation->most, 800 * MIB, 960 * MIB);
    assert_string_not_equal(reservation->reason, "");
    assert_int_equal(list(f)->n_reservations, 0);
}

static void test_who_asked_goes_away(void **state)
{
    const Request request = make_request(1300 * MIB, "web9");
    struct fixture *f = *state;

    begin(f, keeping, "on");
    reserve(f, &request);
    wait_for(f, latest(f) != NULL);
    assert_string_equal(latest(f)->state, "filling");
    assert_int_equal(list(f)->n_reservations, 1);
    ttrpc_client_call_cancel(stream);
    ttrpc_connection_close(f->api); /* a cancelled call is not told; who leaves is */
    wait_for(f, f->api == NULL);
    connect_api(f);
    wait_for(f, list(f)->n_reservations == 0);
}

static void test_its_vm_takes_it(void **state)
{
    struct fixture *f = *state;

    begin(f, giving, "off");
    assert_string_equal(reserved(f, 24 * MIB, "guest-0")->state, "ready");
    guests.list[0].touched = GIB;
    wait_for(f, list(f)->n_reservations == 0);
    assert_true(log_has(f, "has ended: used"));
}

/* A VM that has a reservation of its own takes nothing of those for whoever comes. */
static void test_what_is_its_own_counts_once(void **state)
{
    struct fixture *f = *state;
    uint64_t id;

    begin(f, giving, "off");
    assert_int_equal(renameat(f->root, "vms/guest-1.yaml", f->root, "guest-1.yaml"), 0);
    (void)kill(f->daemon, SIGHUP);
    wait_for(f, get_vm(f, "guest-1") == NULL);
    id = reserved(f, 128 * MIB, "")->id;
    assert_string_equal(reserved(f, 512 * MIB, "guest-1")->state, "ready");
    guests.list[1].touched = 512 * MIB;
    wait_for(f, guests.list[1].footprint == 512 * MIB);
    assert_int_equal(renameat(f->root, "guest-1.yaml", f->root, "vms/guest-1.yaml"), 0);
    (void)kill(f->daemon, SIGHUP);
    wait_for(f, log_has(f, "of 512.0 MiB has ended: used"));
    assert_string_equal(reserved(f, 16 * MIB, "web9")->state,
                        "ready"); /* all were looked at again */
    assert_int_equal(list(f)->n_reservations, 2);
    assert_int_equal(list(f)->reservations[0]->id, id);
    assert_int_equal(list(f)->reservations[0]->there, 128 * MIB);
    guests.list[1].touched = 640 * MIB; /* what it takes beyond */
    wait_for(f, log_has(f, "of 128.0 MiB has ended: used"));
}

/* ---- the plan ---- */

static const Plan *get_plan(struct fixture *f)
{
    Vmreclaim__Controller__V1__GetPlanRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_PLAN_REQUEST__INIT;

    call(f, "GetPlan", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    return (const void *)f->response;
}

/* Nothing is done, and everything that would be is said. */
static void test_a_plan(void **state)
{
    struct fixture *f = *state;
    const Plan *plan;

    begin(f, giving, "off");
    plan = get_plan(f);
    assert_int_equal(plan->n_vms, 2);
    assert_string_equal(plan->vms[0]->step, "");
    assert_string_equal(plan->vms[0]->cause, "fine");
    guests.hog = GIB;
    wait_for(f, get_plan(f)->vms[0]->step[0] != '\0');
    plan = get_plan(f);
    assert_int_equal(plan->host->is_cgroup, 1);
    assert_true(plan->host->available < plan->host->low);
    assert_int_equal(plan->host->low, 256 * MIB);
    for (size_t i = 0; i < plan->n_vms; i++) {
        assert_string_not_equal(plan->vms[i]->reason, "");
        assert_int_equal(plan->vms[i]->floor, 512 * MIB);
        assert_int_equal(plan->vms[i]->vm_ram, GIB);
        assert_int_equal(plan->vms[i]->footprint, 1000 * MIB);
        assert_true(plan->vms[i]->guest_is_known);
    }
    assert_true(plan->vms[0]->bytes > 0);
    assert_int_equal(lent(), 0);
    for (size_t i = 0; i < guests.count; i++)
        assert_int_equal((uint64_t)guests.list[i].commands, 0);
}

static void test_a_plan_without_a_host(void **state)
{
    Vmreclaim__Controller__V1__GetPlanRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_PLAN_REQUEST__INIT;
    struct fixture *f = *state;

    begin(f, giving, "off");
    put(f, "proc/meminfo", "nonsense\n");
    do
        call(f, "GetPlan", &request.base);
    while (f->code == TTRPC_OK); /* what was read holds for a second */
    assert_int_equal(f->code, TTRPC_INTERNAL);
    assert_non_null(strstr(f->message, "meminfo"));
}

#define reserve_test(name) cmocka_unit_test_setup_teardown(name, set_up, end)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        reserve_test(test_what_is_free_is_kept),
        reserve_test(test_it_outlives_the_daemon),
        reserve_test(test_vms_give_for_it),
        reserve_test(test_what_is_the_most),
        reserve_test(test_who_asked_goes_away),
        reserve_test(test_its_vm_takes_it),
        reserve_test(test_what_is_its_own_counts_once),
        reserve_test(test_a_plan),
        reserve_test(test_a_plan_without_a_host),
    };

    return run_apart(argc, argv, tests, ARRAY_SIZE(tests));
}
