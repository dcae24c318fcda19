/* WatchEvents of the real daemon: what an operator sees of what guests do by themselves. */
#include "tests/component/controller/fixture.h"

#include <signal.h>
#include <string.h>

/* The newest "action" event. */
struct seen {
    struct fixture *fixture;
    unsigned actions;
    char kind[32];
    char id[64];
    char asked_by[64];
};

static void on_event(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__Event *event = (const void *)message;
    struct seen *seen = userdata;

    if (strcmp(event->kind, "action") != 0 || event->action == NULL)
        return;
    seen->actions++;
    snprintf(seen->kind, sizeof(seen->kind), "%s", event->action->kind);
    snprintf(seen->id, sizeof(seen->id), "%s", event->action->id);
    snprintf(seen->asked_by, sizeof(seen->asked_by), "%s", event->action->asked_by);
}

static void on_end(const struct ttrpc_result *result, void *userdata)
{
}

static void test_an_action_of_the_guests_policy_has_a_kind(void **state)
{
    Vmreclaim__Controller__V1__WatchEventsRequest request =
        VMRECLAIM__CONTROLLER__V1__WATCH_EVENTS_REQUEST__INIT;
    struct fixture *f = *state;
    struct seen seen = {.fixture = f};

    start_managed(f);
    wait_for(f, f->agent.watch != NULL);
    start_call(f, "WatchEvents", &request.base, 0, on_event, on_end, &seen);
    (void)get_vm(f, "web-1"); /* the stream is open once this is answered */
    f->agent.asked_by = "root";
    fake_agent_reclaimed(&f->agent);
    wait_for(f, seen.actions > 0);
    assert_string_equal(seen.kind, "reclaim");
    assert_string_equal(seen.id, "policy-7");
    assert_string_equal(seen.asked_by, "policy");
}

/* Events by their kinds. */
struct counted {
    unsigned samples;
    unsigned actions;
    unsigned others;
    enum ttrpc_code code;
};

static void on_counted(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__Event *event = (const void *)message;
    struct counted *counted = userdata;

    counted->samples += strcmp(event->kind, "sample") == 0;
    counted->actions += strcmp(event->kind, "action") == 0;
    counted->others += strcmp(event->kind, "sample") != 0 && strcmp(event->kind, "action") != 0;
}

static void on_counted_end(const struct ttrpc_result *result, void *userdata)
{
    struct counted *counted = userdata;

    counted->code = result->code;
}

/* Until the connection has gone. */
static struct counted all, no_samples, actions, states, bad;

static void test_events_of_some_kinds(void **state)
{
    Vmreclaim__Controller__V1__WatchEventsRequest request =
        VMRECLAIM__CONTROLLER__V1__WATCH_EVENTS_REQUEST__INIT;
    struct fixture *f = *state;
    char *kinds[] = {(char *)"action", (char *)"warning"};

    start_managed(f);
    start_call(f, "WatchEvents", &request.base, 0, on_counted, on_counted_end, &all);
    request.without_samples = true;
    start_call(f, "WatchEvents", &request.base, 0, on_counted, on_counted_end, &no_samples);
    request.kinds = kinds;
    request.n_kinds = 2;
    start_call(f, "WatchEvents", &request.base, 0, on_counted, on_counted_end, &actions);
    kinds[0] = (char *)"state";
    request.n_kinds = 1;
    start_call(f, "WatchEvents", &request.base, 0, on_counted, on_counted_end, &states);
    kinds[0] = (char *)"actoin";
    start_call(f, "WatchEvents", &request.base, 0, on_counted, on_counted_end, &bad);
    wait_for(f, bad.code == TTRPC_INVALID_ARGUMENT);
    wait_for(f, f->agent.watch != NULL);
    fake_agent_reclaimed(&f->agent);
    wait_for(f, all.samples > 1 && all.actions == 1 && actions.actions == 1);
    assert_int_equal(no_samples.samples, 0);
    assert_int_equal(no_samples.actions, 1);
    assert_int_equal(actions.samples + actions.others, 0);
    fake_agent_drop(&f->agent);
    wait_for(f, states.others > 0);
    assert_int_equal(states.samples + states.actions, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_action_of_the_guests_policy_has_a_kind, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_events_of_some_kinds, set_up, tear_down),
    };

    if (argc < 2)
        return 2;
    program = argv[1];
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
