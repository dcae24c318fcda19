/* What a fleet wants of a host, through the real vmreclaimd: it is taken as a whole where its
 * operators have signed it, an operator of the host stays the master, and a hostile bridge can
 * withhold and never order. */
#include "tests/component/controller/desired-calls.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "tests/component/controller/parallel.h"

#define NOBODY 65534
#define HOUR   (3600 * (int64_t)NSEC_PER_SEC)

static const struct wish night = {"night", "profile: gentle\n", "web-*", "r-1"};
static const struct wish unreadable = {"day", "profile: gentel\n", "label:tier=web", "r-1"};

/* The operators' present and next key, and a stranger's. */
static struct signing_key keys[2], strangers;

static int set_up_fleet(void **state)
{
    int r = set_up(state);

    for (size_t i = 0; i < ARRAY_SIZE(keys) && r == 0; i++)
        r = signing_key_make(&keys[i]);
    return r < 0 ? r : signing_key_make(&strangers);
}

/* The daemon of host h1, which believes the first key, with a VM and its agent. */
static void start_in_fleet(struct fixture *f, const char *more)
{
    static char path[96];
    char *const arguments[] = {text("--config"), path, NULL};

    snprintf(path, sizeof(path), "%s/vmreclaimd.yaml", f->directory);
    put_fleet(f, keys, 1, more);
    start_in_state(f, "managed", arguments);
}

static void restart(struct fixture *f)
{
    char path[96];
    char *const arguments[] = {text("--config"), path, NULL};

    snprintf(path, sizeof(path), "%s/vmreclaimd.yaml", f->directory);
    stop_daemon(f, 0);
    start_daemon(f, arguments);
    connect_api(f);
    wait_for(f, is_in_state(f, "web-1", "managed"));
}

static const Applied *hand_in_one(struct fixture *f, uint64_t generation, const struct wish *wish)
{
    struct desired_message message;

    desired_fill(&message, generation, wish, wish != NULL);
    hand_in(f, &message, &keys[0]);
    return answer_of(f);
}

static bool runs(struct fixture *f, const char *policy)
{
    return strcmp(f->agent.policy_name, policy) == 0;
}

/* How many policies and assignments the store has. */
static size_t kept(struct fixture *f)
{
    Vmreclaim__Controller__V1__ListPoliciesRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_POLICIES_REQUEST__INIT;
    const Vmreclaim__Controller__V1__ListPoliciesResponse *response;

    call(f, "ListPolicies", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    response = (const void *)f->response;
    return response->n_policies + response->n_assignments;
}

static uint64_t newest_revision(struct fixture *f, const char *name)
{
    Vmreclaim__Controller__V1__GetPolicyRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_POLICY_REQUEST__INIT;

    request.name = text(name);
    call(f, "GetPolicy", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    return ((const Vmreclaim__Controller__V1__GetPolicyResponse *)f->response)->policy->revision;
}

/* ---- taking ---- */

static void test_it_is_in_force_and_stays(void **state)
{
    struct fixture *f = *state;
    const Applied *applied;

    start_in_fleet(f, "");
    assert_int_equal(status_of(f)->generation, 0);
    assert_string_equal(status_of(f)->host, "h1");
    applied = hand_in_one(f, 7, &night);
    assert_string_equal(applied->refused, "");
    assert_int_equal(applied->generation, 7);
    assert_int_equal(applied->n_policies, 1);
    assert_int_equal(applied->policies[0]->outcome, IN_FORCE);
    assert_string_equal(applied->policies[0]->rollout, "r-1");
    assert_int_equal(applied->policies[0]->digest.len, 32);
    assert_int_equal(applied->policies[0]->digest.data[0], 0x2a); /* by sha256sum */
    assert_memory_equal(applied->key.data, keys[0].bytes + 32, SIGNING_ID_SIZE);
    wait_for(f, runs(f, "night"));
    assert_true(log_has(f, "desired state 7 is in force: 1 policy, 0 of them pinned"));

    restart(f);
    assert_int_equal(status_of(f)->generation, 7);
    (void)hand_in_one(f, 6, NULL);
    assert_non_null(strstr(answer_of(f)->refused, "desired state 6 is older than 7"));
    assert_int_equal(answer_of(f)->generation, 7);
    assert_int_equal(answer_of(f)->refused_generation, 6);
    assert_non_null(strstr(status_of(f)->refused, "older than 7"));

    /* What a newer one lacks is taken away; the host's guest runs its own again. */
    (void)hand_in_one(f, 8, NULL);
    assert_string_equal(answer_of(f)->refused, "");
    assert_int_equal(answer_of(f)->n_policies, 0);
    wait_for(f, !runs(f, "night"));
    assert_string_equal(status_of(f)->refused, "");
}

static void test_the_same_again_does_nothing(void **state)
{
    struct fixture *f = *state;
    struct desired_message message;
    unsigned policies;

    start_in_fleet(f, "");
    desired_fill(&message, 1, &night, 1);
    hand_in(f, &message, &keys[0]);
    wait_for(f, runs(f, "night"));
    policies = f->agent.policies;
    for (int i = 0; i < 3; i++) {
        hand_in(f, &message, &keys[0]);
        assert_string_equal(answer_of(f)->refused, "");
    }
    assert_int_equal(f->agent.policies, policies);
    restart(f);
    hand_in(f, &message, &keys[0]);
    assert_string_equal(answer_of(f)->refused, "");
    assert_int_equal(newest_revision(f, "night"), 1);
    /* The same number with another content. */
    message.policies[0].text = text("profile: balanced\n");
    hand_in(f, &message, &keys[0]);
    assert_non_null(strstr(answer_of(f)->refused, "another desired state 1"));
    assert_int_equal(newest_revision(f, "night"), 1);
}

static void test_all_or_nothing(void **state)
{
    struct fixture *f = *state;
    const struct wish wishes[] = {night, unreadable};
    struct desired_message message;

    start_in_fleet(f, "");
    desired_fill(&message, 1, wishes, 2);
    hand_in(f, &message, &keys[0]);
    assert_non_null(strstr(answer_of(f)->refused, "policy 'day' of the desired state: day:1: "));
    assert_int_equal(answer_of(f)->generation, 0);
    assert_int_equal(kept(f), 0);
}

/* ---- who is the master ---- */

static void operator_applies(struct fixture *f, const char *selector, const char *name)
{
    Vmreclaim__Controller__V1__ApplyVmPolicyRequest request =
        VMRECLAIM__CONTROLLER__V1__APPLY_VM_POLICY_REQUEST__INIT;
    char source[64];

    snprintf(source, sizeof(source), "name: %s\nprofile: observe\n", name);
    request.source = source;
    request.source_name = text("operator.yaml");
    request.vm = text(selector);
    call(f, "ApplyPolicy", &request.base);
    if (f->code != TTRPC_OK)
        fail_msg("%s", f->message);
}

static const Vmreclaim__Controller__V1__GetEffectivePolicyResponse *why(struct fixture *f)
{
    Vmreclaim__Controller__V1__GetEffectivePolicyRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_EFFECTIVE_POLICY_REQUEST__INIT;

    request.vm = text("web-1");
    request.why = true;
    call(f, "GetEffectivePolicy", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    return (const void *)f->response;
}

/* His assignment holds, although the fleet's is closer, until he takes it away. */
static void test_an_operators_assignment_holds(void **state)
{
    struct fixture *f = *state;
    const struct wish closer = {"night", "profile: gentle\n", "web-1", "r-1"};

    start_in_fleet(f, "");
    operator_applies(f, "web-*", "own");
    wait_for(f, runs(f, "own"));
    (void)hand_in_one(f, 1, &closer);
    assert_int_equal(answer_of(f)->policies[0]->outcome, IN_FORCE); /* his is another selector */
    assert_int_equal(why(f)->n_assignments, 2);
    assert_string_equal(why(f)->assignments[0]->policy, "own");
    assert_string_equal(why(f)->assignments[0]->author, "root");
    assert_string_equal(why(f)->assignments[1]->author, "fleet:r-1");
    assert_true(runs(f, "own"));
}

/* What he has made is not replaced, and who made it is said. */
static void test_an_operators_policy_is_pinned(void **state)
{
    struct fixture *f = *state;
    Vmreclaim__Controller__V1__DeletePolicyRequest request =
        VMRECLAIM__CONTROLLER__V1__DELETE_POLICY_REQUEST__INIT;
    struct desired_message message;

    start_in_fleet(f, "");
    operator_applies(f, "web-1", "night");
    wait_for(f, runs(f, "night"));
    desired_fill(&message, 1, &night, 1);
    hand_in(f, &message, &keys[0]);
    assert_int_equal(answer_of(f)->policies[0]->outcome, PINNED);
    assert_non_null(strstr(answer_of(f)->policies[0]->reason, "root made policy night on this "
                                                              "host"));
    assert_int_equal(newest_revision(f, "night"), 1);
    assert_string_equal(f->agent.policy_profile, "observe");
    assert_int_equal(status_of(f)->policies[0]->outcome, PINNED);
    /* He lets go of it, and the bridge hands the same in again. */
    request.name = text("night");
    request.unassign = true;
    call(f, "DeletePolicy", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    hand_in(f, &message, &keys[0]);
    assert_int_equal(answer_of(f)->policies[0]->outcome, IN_FORCE);
    wait_for(f, strcmp(f->agent.policy_profile, "gentle") == 0);
}

static void reload(struct fixture *f)
{
    Vmreclaim__Controller__V1__ReloadRequest request =
        VMRECLAIM__CONTROLLER__V1__RELOAD_REQUEST__INIT;
    const Vmreclaim__Controller__V1__ReloadResponse *response;

    call(f, "Reload", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    response = (const void *)f->response;
    for (size_t i = 0; i < response->n_problems; i++)
        fail_msg("%s", response->problems[i]->reason);
}

static void test_a_host_that_refuses(void **state)
{
    struct fixture *f = *state;

    start_in_fleet(f, "");
    (void)hand_in_one(f, 1, &night);
    wait_for(f, runs(f, "night"));
    put_fleet(f, keys, 1, "fleet_policies: refuse\n");
    reload(f);
    (void)hand_in_one(f, 2, NULL);
    assert_non_null(strstr(answer_of(f)->refused, "fleet_policies is refuse"));
    assert_true(answer_of(f)->takes_none);
    assert_int_equal(answer_of(f)->generation, 1);
    assert_int_equal(kept(f), 2);
}

/* The next key is believed beside the present one, then instead: without a restart. */
static void test_keys_rotate(void **state)
{
    struct fixture *f = *state;
    struct desired_message message;

    start_in_fleet(f, "");
    desired_fill(&message, 1, &night, 1);
    hand_in(f, &message, &keys[1]);
    assert_non_null(strstr(answer_of(f)->refused, "none of fleet_keys"));
    put_fleet(f, keys, 2, "");
    reload(f);
    hand_in(f, &message, &keys[1]);
    assert_string_equal(answer_of(f)->refused, "");
    assert_memory_equal(answer_of(f)->key.data, keys[1].bytes + 32, SIGNING_ID_SIZE);
    put_fleet(f, &keys[1], 1, "");
    reload(f);
    (void)hand_in_one(f, 2, NULL); /* by the first, which may be stolen */
    assert_non_null(strstr(answer_of(f)->refused, "none of fleet_keys"));
    assert_int_equal(answer_of(f)->generation, 1);
}

/* ---- a hostile bridge ---- */

static gid_t group_of(const char *name)
{
    const struct group *group = getgrnam(name);

    assert_non_null(group);
    return group->gr_gid;
}

/* From now on the test is a user who is in the fleet's group and in no other. */
static void become_a_bridge(struct fixture *f)
{
    gid_t group = group_of("games");

    ttrpc_connection_close(f->api);
    wait_for(f, f->api == NULL);
    assert_int_equal(setgroups(1, &group), 0);
    assert_int_equal(setegid(NOBODY), 0);
    assert_int_equal(seteuid(NOBODY), 0);
    connect_api(f);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(setegid(0), 0);
    assert_int_equal(setgroups(0, NULL), 0);
}

static void start_with_bridge(struct fixture *f)
{
    if (geteuid() != 0) {
        print_message("only root can call as somebody else\n");
        skip();
    }
    assert_int_equal(chmod(f->directory, 0755), 0);
    start_in_fleet(f, "fleet_group: games\n");
    become_a_bridge(f);
}

/* Every method that changes something, as the daemon's own table has them, and more: those that
 * read are answered, or fail for another reason. */
static void test_a_bridge_orders_nothing(void **state)
{
    static const char *const reads[] = {"ListVms",
                                        "GetVm",
                                        "Explain",
                                        "Diagnose",
                                        "ListRanges",
                                        "PingVm",
                                        "WatchEvents",
                                        "ListPolicies",
                                        "ListPolicyRevisions",
                                        "GetPolicy",
                                        "GetEffectivePolicy",
                                        "PlanAction",
                                        "ListActions",
                                        "ListActionChanges",
                                        "VerifyAction",
                                        "GetHistory",
                                        "GetStatus",
                                        "DumpState",
                                        "GetCounters",
                                        "GetHost",
                                        "GetPlan",
                                        "ListReservations",
                                        "ApplyDesired"};
    const ProtobufCServiceDescriptor *service = &vmreclaim__controller__v1__controller__descriptor;
    struct fixture *f = *state;
    unsigned refused = 0;

    start_with_bridge(f);
    for (unsigned i = 0; i < service->n_methods; i++) {
        const ProtobufCMethodDescriptor *method = &service->methods[i];
        cleanup_free ProtobufCMessage *request = calloc(1, method->input->sizeof_message);
        bool is_read = false;

        assert_non_null(request);
        for (size_t j = 0; j < ARRAY_SIZE(reads); j++)
            is_read |= strcmp(reads[j], method->name) == 0;
        if (is_read)
            continue;
        protobuf_c_message_init(method->input, request);
        if (strcmp(method->name, "SqueezeVms") == 0 || strcmp(method->name, "ReserveMemory") == 0)
            call_stream(f, method->name, request);
        else
            call(f, method->name, request);
        if (f->code != TTRPC_PERMISSION_DENIED)
            fail_msg("%s: %d %s", method->name, (int)f->code, f->message);
        refused++;
    }
    assert_int_equal(refused, 17);
    assert_int_equal(get_vm(f, "web-1")->agent_connected, true);
    assert_int_equal(f->code, TTRPC_OK);
    (void)hand_in_one(f, 1, &night);
    wait_for(f, runs(f, "night"));
}

/* ... and hands in whatever it has, or makes up. */
static void test_a_bridge_forges_nothing(void **state)
{
    struct fixture *f = *state;
    struct desired_message message;
    cleanup_free uint8_t *bytes = NULL;
    size_t size;

    start_with_bridge(f);
    desired_fill(&message, 5, &night, 1);
    hand_in(f, &message, &strangers);
    assert_non_null(strstr(answer_of(f)->refused, "none of fleet_keys"));
    assert_int_equal(answer_of(f)->refused_generation, 0);
    message.state.host = text("h2");
    hand_in(f, &message, &keys[0]);
    assert_non_null(strstr(answer_of(f)->refused, "for host 'h2'"));
    assert_int_equal(answer_of(f)->refused_generation, 5);
    message.state.host = text("h1");
    message.state.issued_ns = time_realtime() - 2 * HOUR;
    message.state.expires_ns = time_realtime() - HOUR;
    hand_in(f, &message, &keys[0]);
    assert_non_null(strstr(answer_of(f)->refused, "was to be taken until"));
    message.state.issued_ns = time_realtime() + HOUR;
    message.state.expires_ns = time_realtime() + 2 * HOUR;
    hand_in(f, &message, &keys[0]);
    assert_non_null(strstr(answer_of(f)->refused, "its clock is behind"));

    desired_fill(&message, 5, &night, 1);
    assert_int_equal(signed_state_sign(&message.state, &keys[0], &bytes, &size), 0);
    for (size_t i = 0; i < size; i += 7) {
        bytes[i] ^= 0x10;
        hand_in_bytes(f, bytes, size);
        assert_string_not_equal(answer_of(f)->refused, "");
        bytes[i] ^= 0x10;
    }
    hand_in_bytes(f, bytes, size / 2);
    assert_string_not_equal(answer_of(f)->refused, "");
    hand_in_bytes(f, NULL, 0);
    assert_string_not_equal(answer_of(f)->refused, "");
    assert_int_equal(kept(f), 0);
    assert_int_equal(status_of(f)->generation, 0);
    hand_in_bytes(f, bytes, size);
    assert_string_equal(answer_of(f)->refused, "");
    wait_for(f, runs(f, "night"));
}

/* It has no right any more, and is shut out at once. */
static void test_a_bridge_that_is_not_believed_any_more(void **state)
{
    struct fixture *f = *state;

    start_with_bridge(f);
    (void)hand_in_one(f, 1, &night);
    assert_string_equal(answer_of(f)->refused, "");
    put_fleet(f, keys, 1, "read_group: games\n");
    assert_int_equal(kill(f->daemon, SIGHUP), 0);
    wait_for(f, f->api == NULL);
    connect_api(f); /* root */
    become_a_bridge(f);
    (void)get_vm(f, "web-1");
    assert_int_equal(f->code, TTRPC_OK);
    hand_in_bytes(f, NULL, 0);
    assert_int_equal(f->code, TTRPC_PERMISSION_DENIED);
    assert_non_null(strstr(f->message, "for root and the fleet_group"));
}

static void test_a_host_in_no_fleet(void **state)
{
    struct fixture *f = *state;

    start_managed(f);
    (void)hand_in_one(f, 1, &night);
    assert_non_null(strstr(answer_of(f)->refused, "in no fleet"));
    assert_null(status_of(f));
    assert_int_equal(kept(f), 0);
}

#define fleet_test(name) cmocka_unit_test_setup_teardown(name, set_up_fleet, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        fleet_test(test_it_is_in_force_and_stays),
        fleet_test(test_the_same_again_does_nothing),
        fleet_test(test_all_or_nothing),
        fleet_test(test_an_operators_assignment_holds),
        fleet_test(test_an_operators_policy_is_pinned),
        fleet_test(test_a_host_that_refuses),
        fleet_test(test_keys_rotate),
        fleet_test(test_a_bridge_orders_nothing),
        fleet_test(test_a_bridge_forges_nothing),
        fleet_test(test_a_bridge_that_is_not_believed_any_more),
        fleet_test(test_a_host_in_no_fleet),
    };

    return run_apart(argc, argv, tests, ARRAY_SIZE(tests));
}
