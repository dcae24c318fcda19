/* Two operators at one VM: no byte is claimed by two records, and everybody who watches sees what
 * both do. */
#include "tests/component/controller/lease-calls.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "common/ttrpc/program.h"
#include "tests/component/controller/parallel.h"

/* One operator's call, not waited for. */
struct asking {
    bool answered;
    enum ttrpc_code code;
    char message[512];
    bool finished;
    int64_t returned;
    char reason[256];
    char id[32];
};

static void on_answer(const struct ttrpc_result *result, void *userdata)
{
    struct asking *asking = userdata;

    asking->answered = true;
    asking->code = result->code;
    snprintf(asking->message, sizeof(asking->message), "%s", result->message);
    if (result->code != TTRPC_OK)
        return;
    const Action *action =
        ((const Vmreclaim__Controller__V1__ActionResponse *)result->response)->action;
    asking->finished = action->finished;
    asking->returned = action->host_returned;
    snprintf(asking->reason, sizeof(asking->reason), "%s", action->reason);
    snprintf(asking->id, sizeof(asking->id), "%s", action->id);
}

static void ask(struct fixture *f, const char *method, const ProtobufCMessage *request,
                struct asking *asking)
{
    *asking = (struct asking){.answered = false};
    start_call(f, method, request, 0, NULL, on_answer, asking);
}

static void ask_compact(struct fixture *f, struct asking *asking)
{
    Vmreclaim__Controller__V1__CompactVmRequest request =
        VMRECLAIM__CONTROLLER__V1__COMPACT_VM_REQUEST__INIT;

    request.vm = (char *)"web-1";
    ask(f, "Compact", &request.base, asking);
}

static void ask_balloon(struct fixture *f, uint64_t size, struct asking *asking)
{
    Vmreclaim__Controller__V1__SetBalloonRequest request =
        VMRECLAIM__CONTROLLER__V1__SET_BALLOON_REQUEST__INIT;

    request.vm = (char *)"web-1";
    request.size = size;
    ask(f, "SetBalloon", &request.base, asking);
}

static void ask_release(struct fixture *f, struct asking *asking)
{
    Vmreclaim__Controller__V1__ReleaseBalloonRequest request =
        VMRECLAIM__CONTROLLER__V1__RELEASE_BALLOON_REQUEST__INIT;

    request.vm = (char *)"web-1";
    ask(f, "ReleaseBalloon", &request.base, asking);
}

/* What the agent said before has arrived when this returns. */
static void ping(struct fixture *f)
{
    Vmreclaim__Controller__V1__PingVmRequest request =
        VMRECLAIM__CONTROLLER__V1__PING_VM_REQUEST__INIT;

    request.vm = (char *)"web-1";
    call(f, "PingVm", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
}

/* By all records of the VM. */
static int64_t returned_by_all(struct fixture *f)
{
    Vmreclaim__Controller__V1__ListActionsRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_ACTIONS_REQUEST__INIT;
    const Vmreclaim__Controller__V1__ListActionsResponse *response;
    int64_t returned = 0;

    request.vm = (char *)"web-1";
    call(f, "ListActions", &request.base);
    response = (const Vmreclaim__Controller__V1__ListActionsResponse *)f->response;
    for (size_t i = 0; i < response->n_actions; i++)
        returned += response->actions[i]->host_returned;
    return returned;
}

static void shrink(struct fake_agent *agent, void *userdata)
{
    put_footprint(userdata, 600 * 1024);
}

/* One kind was done, with one outcome. */
static void assert_total(struct fixture *f, const char *kind, const char *outcome,
                         uint64_t returned)
{
    Vmreclaim__Controller__V1__GetVmRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_VM_REQUEST__INIT;
    const Vmreclaim__Controller__V1__GetVmResponse *response;

    request.vm = (char *)"web-1";
    call(f, "GetVm", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    response = (const Vmreclaim__Controller__V1__GetVmResponse *)f->response;
    assert_int_equal(response->n_totals, 1);
    assert_string_equal(response->totals[0]->kind, kind);
    assert_int_equal(response->totals[0]->n_outcomes, 1);
    assert_string_equal(response->totals[0]->outcomes[0]->outcome, outcome);
    assert_int_equal(response->totals[0]->outcomes[0]->count, 1);
    assert_int_equal(response->totals[0]->host_returned, returned);
}

/* Refused actions of a kind. */
static int64_t refused_count(struct fixture *f, const char *kind)
{
    Vmreclaim__Controller__V1__GetCountersRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_COUNTERS_REQUEST__INIT;
    const Vmreclaim__Controller__V1__GetCountersResponse *response;

    call(f, "GetCounters", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    response = (const Vmreclaim__Controller__V1__GetCountersResponse *)f->response;
    for (size_t i = 0; i < response->n_host; i++)
        if (strcmp(response->counters[response->host[i]->counter]->name, "actions_refused_total") ==
                0 &&
            strcmp(response->host[i]->labels[0], kind) == 0)
            return response->host[i]->value;
    return 0;
}

/* The footprint falls by 200 MiB once. */
static void test_two_actions_do_not_claim_the_same_bytes(void **state)
{
    struct fixture *f = *state;
    struct asking compact;
    struct asking balloon;

    start_ready(f);
    ask_compact(f, &compact);
    wait_for(f, f->agent.asked.compactions == 1);
    ask_balloon(f, 768 * MIB, &balloon);
    wait_for(f, balloon.answered || f->qmp.balloon_commands > 0);
    put_footprint(f, 600 * 1024);
    wait_for(f, compact.answered && balloon.answered);
    assert_int_equal(compact.code, TTRPC_OK);
    assert_int_equal(returned_by_all(f), 200 * MIB);
    assert_int_equal(compact.returned, 200 * MIB);
    assert_int_equal(balloon.code, TTRPC_FAILED_PRECONDITION);
    assert_non_null(strstr(balloon.message, "compact"));
    assert_non_null(strstr(balloon.message, compact.id));
    assert_int_equal(f->qmp.balloon_commands, 0);
    assert_total(f, "compact", "returned", 200 * MIB);
    assert_int_equal(refused_count(f, "balloon"), 1);
    assert_int_equal(refused_count(f, "compact"), 0);
}

/* ---- who asks ---- */

static void assert_asked_with(struct fixture *f, const char *name)
{
    Vmreclaim__Controller__V1__ListActionsRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_ACTIONS_REQUEST__INIT;
    const Vmreclaim__Controller__V1__ListActionsResponse *list;

    request.limit = 1;
    call(f, "ListActions", &request.base);
    list = (const Vmreclaim__Controller__V1__ListActionsResponse *)f->response;
    assert_int_equal(list->n_actions, 1);
    assert_string_equal(list->actions[0]->asked_with, name);
}

/* The program's word goes into audit and record, beside the user whom the socket tells. */
static void test_what_program_asks(void **state)
{
    struct fixture *f = *state;

    f->program = (struct ttrpc_metadata){PROGRAM_KEY, "web"};
    start_ready(f);
    compact(f);
    assert_int_equal(f->code, TTRPC_OK);
    assert_asked_with(f, "web");
    assert_non_null(strstr(log_line(f, "audit: "), "(web, pid"));
}

/* A name that could forge a line is none. */
static void test_a_program_that_lies(void **state)
{
    struct fixture *f = *state;

    f->program = (struct ttrpc_metadata){PROGRAM_KEY, "cli)\nroot"};
    start_ready(f);
    compact(f);
    assert_int_equal(f->code, TTRPC_OK);
    assert_asked_with(f, "");
    assert_non_null(strstr(log_line(f, "audit: "), " (pid"));
}

static void take_from_the_guest(struct qmp_server *server, const char *command, void *userdata)
{
    if (strcmp(command, "balloon") == 0)
        put_footprint(userdata, (800 - 256) * 1024);
}

static void test_a_balloon_is_alone_too(void **state)
{
    struct fixture *f = *state;
    struct asking balloon;
    struct asking compact;

    start_ready(f);
    f->qmp.on_command = take_from_the_guest;
    f->qmp.userdata = f;
    ask_balloon(f, 768 * MIB, &balloon);
    ask_compact(f, &compact);
    wait_for(f, balloon.answered && compact.answered);
    assert_int_equal(balloon.returned, 256 * MIB);
    assert_int_equal(compact.code, TTRPC_FAILED_PRECONDITION);
    assert_non_null(strstr(compact.message, "balloon"));
    assert_int_equal(f->agent.asked.compactions, 0);
    assert_int_equal(returned_by_all(f), 256 * MIB);
}

/* Nothing holds up giving back: what is under way is measured until then. */
static void test_a_release_ends_what_is_under_way(void **state)
{
    struct fixture *f = *state;
    struct asking compact;
    struct asking release;

    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    assert_int_equal(f->code, TTRPC_OK);
    f->agent.on_action = shrink;
    f->agent.userdata = f;
    ask_compact(f, &compact);
    wait_for(f, f->agent.asked.compactions == 1);
    ping(f);
    ask_release(f, &release);
    wait_for(f, release.answered && compact.answered);
    assert_int_equal(release.code, TTRPC_OK);
    assert_int_equal(f->qmp.balloon_actual, GIB);
    assert_int_equal(compact.code, TTRPC_OK);
    assert_int_equal(compact.returned, 200 * MIB);
    assert_non_null(strstr(compact.reason, "release"));
    assert_int_equal(returned_by_all(f), 200 * MIB);
}

/* ---- watching ---- */

struct seen {
    unsigned begun;
    unsigned ended;
    int64_t returned;
    char kind[32];
    char asked_by[64];
    char text[160];
};

static void on_event(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__Event *event = (const void *)message;
    struct seen *seen = userdata;

    if (event->action == NULL)
        return;
    if (!event->action->finished) {
        seen->begun++;
        return;
    }
    seen->ended++;
    seen->returned = event->action->host_returned;
    snprintf(seen->kind, sizeof(seen->kind), "%s", event->action->kind);
    snprintf(seen->asked_by, sizeof(seen->asked_by), "%s", event->action->asked_by);
    snprintf(seen->text, sizeof(seen->text), "%s", event->text);
}

static void on_end(const struct ttrpc_result *result, void *userdata)
{
}

static void test_a_balloon_is_published(void **state)
{
    Vmreclaim__Controller__V1__WatchEventsRequest request =
        VMRECLAIM__CONTROLLER__V1__WATCH_EVENTS_REQUEST__INIT;
    struct fixture *f = *state;
    struct seen seen = {0};

    start_ready(f);
    start_call(f, "WatchEvents", &request.base, 0, on_event, on_end, &seen);
    f->qmp.on_command = take_from_the_guest;
    f->qmp.userdata = f;
    set_balloon(f, 768 * MIB, 0);
    assert_int_equal(f->code, TTRPC_OK);
    wait_for(f, seen.ended > 0);
    assert_int_equal(seen.ended, 1);
    assert_int_equal(seen.begun, 0);
    assert_string_equal(seen.kind, "balloon");
    assert_string_equal(seen.asked_by, action_of(f)->asked_by);
    assert_int_equal(seen.returned, 256 * MIB);
    assert_non_null(strstr(seen.text, "host got back"));
}

/* Neither the daemon nor this host is to blame. */
static void test_an_agent_that_does_not_know_a_call(void **state)
{
    Vmreclaim__Controller__V1__ReclaimVmRequest request =
        VMRECLAIM__CONTROLLER__V1__RECLAIM_VM_REQUEST__INIT;
    struct fixture *f = *state;

    f->agent.lacks_reclaim = true;
    start_managed(f);
    request.vm = (char *)"web-1";
    call(f, "Reclaim", &request.base);
    assert_int_equal(f->code, TTRPC_FAILED_PRECONDITION);
    assert_non_null(strstr(f->message, "the agent of VM 'web-1' is older than this daemon"));
    assert_non_null(strstr(f->message, "it is version "));
}

#define operators_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        operators_test(test_an_agent_that_does_not_know_a_call),
        operators_test(test_two_actions_do_not_claim_the_same_bytes),
        operators_test(test_what_program_asks),
        operators_test(test_a_program_that_lies),
        operators_test(test_a_balloon_is_alone_too),
        operators_test(test_a_release_ends_what_is_under_way),
        operators_test(test_a_balloon_is_published),
    };

    signal(SIGPIPE, SIG_IGN);
    return run_apart(argc, argv, tests, ARRAY_SIZE(tests));
}
