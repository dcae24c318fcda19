/* Records of actions, as the real vmreclaimd keeps them. */
#include "tests/component/controller/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "tests/component/controller/parallel.h"

typedef Vmreclaim__Controller__V1__Action Action;

static char *text(const char *constant)
{
    return (char *)constant;
}

static void compact(struct fixture *f)
{
    Vmreclaim__Controller__V1__CompactVmRequest request =
        VMRECLAIM__CONTROLLER__V1__COMPACT_VM_REQUEST__INIT;

    request.vm = text("web-1");
    call(f, "Compact", &request.base);
}

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

static void kill_daemon(struct fake_agent *agent, void *userdata)
{
    struct fixture *f = userdata;

    (void)agent;
    assert_int_equal(kill(f->daemon, SIGKILL), 0);
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
    compact(f);
    assert_int_not_equal(f->code, TTRPC_OK);
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

#define records_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        records_test(test_a_killed_daemon),
        records_test(test_a_guests_action_and_a_restart),
    };

    return run_apart(argc, argv, tests, ARRAY_SIZE(tests));
}
