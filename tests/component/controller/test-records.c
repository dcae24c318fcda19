/* Records of actions, as the real vmreclaimd keeps them. */
#include "tests/component/controller/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "tests/component/controller/parallel.h"

typedef Vmreclaim__Controller__V1__Action Action;

/* The VM's newest action; NULL: it has none. */
static const Action *newest(struct fixture *f)
{
    Vmreclaim__Controller__V1__ListActionsRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_ACTIONS_REQUEST__INIT;
    const Vmreclaim__Controller__V1__ListActionsResponse *response;

    request.vm = text("web-1");
    call(f, "ListActions", &request.base);
    if (f->code != TTRPC_OK)
        return NULL;
    response = (const Vmreclaim__Controller__V1__ListActionsResponse *)f->response;
    return response->n_actions == 0 ? NULL : response->actions[0];
}

static void ask_status(struct fixture *f);

static void on_status(const struct ttrpc_result *result, void *userdata)
{
    const Vmreclaim__Controller__V1__GetStatusResponse *status = (const void *)result->response;
    struct fixture *f = userdata;

    assert_int_equal(result->code, TTRPC_OK);
    if (status->store_pending > 0)
        ask_status(f);
    else
        assert_int_equal(kill(f->daemon, SIGKILL), 0);
}

static void ask_status(struct fixture *f)
{
    Vmreclaim__Controller__V1__GetStatusRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_STATUS_REQUEST__INIT;

    start_call(f, "GetStatus", &request.base, WAIT_MAX, NULL, on_status, f);
}

/* Once the record is on the disk, and before the guest has answered. */
static void kill_daemon(struct fake_agent *agent, void *userdata)
{
    ask_status(userdata);
}

static void start_again(struct fixture *f)
{
    wait_for(f, f->api == NULL);
    assert_int_equal(waitpid(f->daemon, NULL, 0), f->daemon);
    f->daemon = 0;
    start_daemon(f, NULL);
    connect_api(f);
}

static void test_a_killed_daemon(void **state)
{
    struct fixture *f = *state;
    const Action *action;

    start_managed(f);
    f->agent.on_action = kill_daemon;
    f->agent.userdata = f;
    f->agent.holds = true;
    compact(f);
    assert_int_not_equal(f->code, TTRPC_OK);
    fake_agent_answer(&f->agent); /* too late */
    start_again(f);
    action = newest(f);
    assert_non_null(action);
    assert_true(action->finished);
    assert_non_null(strstr(action->reason, "interrupted: vmreclaimd ended"));
    assert_int_equal(action->footprint_before, 0);
    assert_int_equal(action->host_returned, 0);
}

/* What a guest's policy did is recorded when it is told, and a restart finds it again. */
static void test_a_guests_action_and_a_restart(void **state)
{
    struct fixture *f = *state;

    start_managed(f);
    wait_for(f, f->agent.watch != NULL && get_vm(f, "web-1")->waterfall->footprint != 0);
    fake_agent_reclaimed(&f->agent);
    wait_for(f, newest(f) != NULL);
    assert_string_equal(newest(f)->asked_by, "policy");
    stop_daemon(f, 0);
    start_daemon(f, NULL);
    connect_api(f);
    assert_non_null(newest(f));
}

/* web-1's file under another name, and its name for another VM. */
static void call_it(struct fixture *f, const char *name, const char *before)
{
    char path[64];
    char vm[256];

    snprintf(path, sizeof(path), "vms/%s.yaml", before);
    assert_int_equal(unlinkat(f->root, path, 0), 0);
    snprintf(path, sizeof(path), "vms/%s.yaml", name);
    snprintf(vm, sizeof(vm), "qmp: %s/web-1.qmp\nagent: unix:%s/agent.sock\n", f->directory,
             f->directory);
    put(f, path, vm);
    (void)kill(f->daemon, SIGHUP);
    wait_for(f, get_vm(f, name) != NULL);
}

/* What came of a call that others are made beside. */
struct outcome {
    bool is_there;
    char vm[64];
    char id[64];
    uint64_t footprint_before;
    int pid;
};

static void on_compacted(const struct ttrpc_result *result, void *userdata)
{
    const Vmreclaim__Controller__V1__ActionResponse *response = (const void *)result->response;
    struct outcome *outcome = userdata;

    assert_int_equal(result->code, TTRPC_OK);
    *outcome = (struct outcome){
        .is_there = true,
        .footprint_before = response->action->footprint_before,
        .pid = response->action->hypervisor_pid,
    };
    snprintf(outcome->vm, sizeof(outcome->vm), "%s", response->action->vm);
    snprintf(outcome->id, sizeof(outcome->id), "%s", response->action->id);
}

static void start_compacting(struct fixture *f, struct outcome *outcome)
{
    Vmreclaim__Controller__V1__CompactVmRequest request =
        VMRECLAIM__CONTROLLER__V1__COMPACT_VM_REQUEST__INIT;

    f->agent.holds = true;
    request.vm = text("web-1");
    start_call(f, "Compact", &request.base, WAIT_MAX, NULL, on_compacted, outcome);
    wait_for(f, f->agent.held.call != NULL);
}

/* It is called so at once, and the action's record is its, whoever has the name since. */
static void test_a_vm_renamed_while_an_action_runs(void **state)
{
    Vmreclaim__Controller__V1__VerifyActionRequest verify =
        VMRECLAIM__CONTROLLER__V1__VERIFY_ACTION_REQUEST__INIT;
    struct outcome outcome = {.is_there = false};
    struct fixture *f = *state;

    start_managed(f);
    start_compacting(f, &outcome);
    call_it(f, "shop", "web-1");
    put(f, "vms/web-1.yaml", "cid: 4711\n");
    wait_for(f, get_vm(f, "web-1") != NULL && get_vm(f, "web-1")->cid == 4711);
    fake_agent_answer(&f->agent);
    wait_for(f, outcome.is_there);
    assert_string_equal(outcome.vm, "shop");
    assert_true(outcome.footprint_before != 0);
    assert_int_equal(outcome.pid, getpid());
    /* The other one, which has the name now, has none once that is on the disk. */
    wait_for(f, newest(f) == NULL);
    /* It is known by its process, whatever it is called since. */
    call_it(f, "store", "shop");
    verify.id = outcome.id;
    call(f, "VerifyAction", &verify.base);
    assert_int_equal(f->code, TTRPC_OK);
    assert_true(((const Vmreclaim__Controller__V1__ActionResponse *)f->response)->now_is_known);
}

/* With the same state, by mistake. */
static int run_second_daemon(const struct fixture *f)
{
    char api[128];
    char vms[128];
    char state[128];
    char *arguments[] = {(char *)program,
                         (char *)"--config",
                         (char *)"/dev/null",
                         (char *)"--listen",
                         (char *)"none",
                         (char *)"--root",
                         (char *)f->directory,
                         (char *)"--api",
                         api,
                         (char *)"--vms",
                         vms,
                         (char *)"--state-directory",
                         state,
                         NULL};
    int status;
    pid_t pid;

    snprintf(api, sizeof(api), "unix:%s/second.sock", f->directory);
    snprintf(vms, sizeof(vms), "%s/vms", f->directory);
    snprintf(state, sizeof(state), "%s/state", f->directory);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)execv(program, arguments);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_a_second_daemon(void **state)
{
    struct outcome outcome = {.is_there = false};
    struct fixture *f = *state;

    start_managed(f);
    start_compacting(f, &outcome);
    assert_int_equal(run_second_daemon(f), 1);
    assert_false(newest(f)->finished); /* nor interrupted */
    fake_agent_answer(&f->agent);
    wait_for(f, outcome.is_there);
    assert_true(newest(f)->finished);
    assert_null(strstr(newest(f)->reason, "interrupted"));
}

/* ---- history ---- */

typedef Vmreclaim__Controller__V1__GetHistoryResponse GetHistoryResponse;

static const GetHistoryResponse *get_history(struct fixture *f, uint32_t actions, int64_t until)
{
    Vmreclaim__Controller__V1__GetHistoryRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_HISTORY_REQUEST__INIT;

    request.vm = text("web-1");
    request.actions = actions;
    request.until_ns = until;
    call_stream(f, "GetHistory", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    return (const GetHistoryResponse *)f->response;
}

static void test_history_says_what_it_leaves_out(void **state)
{
    const GetHistoryResponse *history;
    struct fixture *f = *state;
    int64_t first, last;

    start_managed(f);
    wait_for(f, f->agent.watch != NULL);
    for (size_t i = 0; i < 3; i++)
        fake_agent_reclaimed(&f->agent);
    wait_for(f, get_history(f, 0, 0)->n_actions == 3);
    history = get_history(f, 0, 0);
    assert_false(history->actions_left_out);
    first = history->actions[0]->started_ns;
    last = history->actions[2]->started_ns;
    history = get_history(f, 2, 0);
    assert_int_equal(history->n_actions, 2);
    assert_true(history->actions_left_out);
    assert_int_equal(history->actions[1]->started_ns, last); /* the newest are kept */
    history = get_history(f, 3, 0);
    assert_false(history->actions_left_out);
    history = get_history(f, 1, first); /* the later ones take no room */
    assert_int_equal(history->n_actions, 1);
    assert_int_equal(history->actions[0]->started_ns, first);
    assert_false(history->actions_left_out);
}

/* ---- lists of a time ---- */

static const Vmreclaim__Controller__V1__ListActionsResponse *list(struct fixture *f, uint32_t limit,
                                                                  int64_t until, const char *token)
{
    Vmreclaim__Controller__V1__ListActionsRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_ACTIONS_REQUEST__INIT;

    request.limit = limit;
    request.until_ns = until;
    request.page_token = text(token);
    call(f, "ListActions", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    return (const Vmreclaim__Controller__V1__ListActionsResponse *)f->response;
}

static const Vmreclaim__Controller__V1__ListActionChangesResponse *changes(struct fixture *f,
                                                                           uint64_t after)
{
    Vmreclaim__Controller__V1__ListActionChangesRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_ACTION_CHANGES_REQUEST__INIT;

    request.after = after;
    request.limit = 2;
    call(f, "ListActionChanges", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    return (const Vmreclaim__Controller__V1__ListActionChangesResponse *)f->response;
}

/* What is written again comes again, behind the rest. */
static void test_changes(void **state)
{
    const Vmreclaim__Controller__V1__ListActionChangesResponse *page;
    struct fixture *f = *state;
    uint64_t number;

    start_managed(f);
    wait_for(f, f->agent.watch != NULL);
    for (size_t i = 0; i < 3; i++)
        fake_agent_reclaimed(&f->agent);
    wait_for(f, changes(f, 0)->newest >= 3);
    page = changes(f, 0);
    assert_int_equal(page->n_changes, 2);
    assert_int_equal(strlen(page->store), 16);
    assert_true(page->changes[0]->number < page->changes[1]->number);
    assert_string_equal(page->changes[0]->action->vm, "web-1");
    assert_int_equal(page->changes[0]->action->n_samples, 0);
    number = page->changes[1]->number;
    page = changes(f, number);
    assert_true(page->n_changes > 0);
    assert_true(page->changes[0]->number > number);
    assert_int_equal(changes(f, UINT64_MAX)->n_changes, 0);
}

/* The pages of a past time are the same, whatever is done meanwhile. */
static void test_pages_until_a_moment(void **state)
{
    const Vmreclaim__Controller__V1__ListActionsResponse *page;
    struct fixture *f = *state;
    char token[64];
    char first[32];
    int64_t until;

    start_managed(f);
    wait_for(f, f->agent.watch != NULL);
    for (size_t i = 0; i < 3; i++)
        fake_agent_reclaimed(&f->agent);
    wait_for(f, list(f, 0, 0, "")->n_actions == 3);
    until = list(f, 0, 0, "")->actions[1]->started_ns;
    page = list(f, 1, until, "");
    assert_int_equal(page->n_actions, 1);
    assert_int_equal(page->actions[0]->started_ns, until);
    snprintf(first, sizeof(first), "%s", page->actions[0]->id);
    snprintf(token, sizeof(token), "%s", page->next_page_token);
    fake_agent_reclaimed(&f->agent);
    wait_for(f, list(f, 0, 0, "")->n_actions == 4);
    assert_string_equal(list(f, 1, until, "")->actions[0]->id, first);
    page = list(f, 1, until, token);
    assert_int_equal(page->n_actions, 1);
    assert_true(page->actions[0]->started_ns <= until);
    assert_string_not_equal(page->actions[0]->id, first);
}

/* ---- the balloon's ---- */

static const Action *action_of(const struct fixture *f)
{
    assert_int_equal(f->code, TTRPC_OK);
    return ((const Vmreclaim__Controller__V1__ActionResponse *)f->response)->action;
}

static const Action *set_balloon(struct fixture *f, uint64_t size)
{
    Vmreclaim__Controller__V1__SetBalloonRequest request =
        VMRECLAIM__CONTROLLER__V1__SET_BALLOON_REQUEST__INIT;

    request.vm = text("web-1");
    request.size = size;
    call(f, "SetBalloon", &request.base);
    return action_of(f);
}

static const Action *release_balloon(struct fixture *f)
{
    Vmreclaim__Controller__V1__ReleaseBalloonRequest request =
        VMRECLAIM__CONTROLLER__V1__RELEASE_BALLOON_REQUEST__INIT;

    request.vm = text("web-1");
    call(f, "ReleaseBalloon", &request.base);
    return action_of(f);
}

static void give_to_the_host(struct qmp_server *server, const char *command, void *userdata)
{
    if (strcmp(command, "balloon") == 0)
        put_footprint(userdata, (800 - 256) * 1024);
}

static const Vmreclaim__Controller__V1__ActionSample *last_sample(const Action *action)
{
    assert_true(action->n_samples >= 2);
    return action->samples[action->n_samples - 1];
}

static void test_a_balloon_is_proven(void **state)
{
    struct fixture *f = *state;
    const Action *action;

    start_managed(f);
    f->qmp.on_command = give_to_the_host;
    f->qmp.userdata = f;
    action = set_balloon(f, 768 * MIB);
    assert_int_equal(action->samples[0]->phase,
                     VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_BEFORE);
    assert_true(action->samples[0]->guest_is_known);
    assert_int_equal(action->samples[0]->footprint, 800 * MIB);
    assert_int_equal(action->samples[0]->balloon, 0);
    assert_int_equal(last_sample(action)->phase,
                     VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_AFTER);
    assert_int_equal(last_sample(action)->balloon, 256 * MIB);
    assert_int_equal(action->host_returned, 256 * MIB);
    assert_int_equal(action->guest_reported, 256 * MIB);
    assert_int_equal(action->confidence, VMRECLAIM__CONTROLLER__V1__CONFIDENCE__CONFIDENCE_HIGH);
    assert_string_equal(action->reason_code, "");
    assert_string_equal(action->reason, ""); /* that the guest followed is none */
    assert_string_equal(newest(f)->kind, "balloon");
}

static void test_a_balloon_that_brought_nothing(void **state)
{
    struct fixture *f = *state;
    const Action *action;

    start_managed(f);
    put_footprint(f, 950 * 1024); /* the host holds most of it */
    action = set_balloon(f, 768 * MIB);
    assert_int_equal(action->host_returned, 0);
    assert_string_equal(action->reason_code, "unknown");
    assert_string_equal(action->evidence[0]->name, "balloon_taken");
    assert_int_equal(action->evidence[0]->value, 256 * MIB);
    assert_int_equal(action->confidence, VMRECLAIM__CONTROLLER__V1__CONFIDENCE__CONFIDENCE_LOW);
    assert_string_equal(newest(f)->evidence[0]->name, "balloon_taken"); /* in lists too */
    action = release_balloon(f);
    assert_int_equal(last_sample(action)->balloon, 0);
    assert_string_equal(action->reason_code, "");
    assert_string_equal(action->reason, "");
    assert_int_equal(action->confidence, VMRECLAIM__CONTROLLER__V1__CONFIDENCE__CONFIDENCE_MEDIUM);
}

#define records_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        records_test(test_a_killed_daemon),
        records_test(test_a_guests_action_and_a_restart),
        records_test(test_a_vm_renamed_while_an_action_runs),
        records_test(test_a_second_daemon),
        records_test(test_history_says_what_it_leaves_out),
        records_test(test_pages_until_a_moment),
        records_test(test_changes),
        records_test(test_a_balloon_is_proven),
        records_test(test_a_balloon_that_brought_nothing),
    };

    return run_apart(argc, argv, tests, ARRAY_SIZE(tests));
}
