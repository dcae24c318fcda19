/* The scripted API server's methods for policies. */
#include <stdio.h>
#include <string.h>

#include "common/base/util.h"
#include "controller.pb-c.h"
#include "tests/component/cli/api-server.h"

typedef Vmreclaim__Controller__V1__PolicyRevision PolicyRevision;
typedef Vmreclaim__Controller__V1__VmPolicyResult PolicyResult;

/* One VM of each outcome. */
static PolicyResult *const *make_results(void)
{
    static PolicyResult results[4];
    static PolicyResult *pointers[4];
    static char *unsupported[] = {(char *)"refault_rate"};
    static const struct {
        const char *vm;
        int outcome;
        const char *reason;
    } rows[] = {
        {"web1", VMRECLAIM__CONTROLLER__V1__POLICY_OUTCOME__POLICY_OUTCOME_IN_FORCE, ""},
        {"web20", VMRECLAIM__CONTROLLER__V1__POLICY_OUTCOME__POLICY_OUTCOME_PENDING,
         "no agent of VM 'web20' is connected"},
        {"web3", VMRECLAIM__CONTROLLER__V1__POLICY_OUTCOME__POLICY_OUTCOME_REFUSED,
         "the agent did not take it"},
        {"web4", VMRECLAIM__CONTROLLER__V1__POLICY_OUTCOME__POLICY_OUTCOME_OVERRIDDEN,
         "policy 'night' is assigned to it more closely"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        vmreclaim__controller__v1__vm_policy_result__init(&results[i]);
        results[i].vm = (char *)rows[i].vm;
        results[i].outcome = (Vmreclaim__Controller__V1__PolicyOutcome)rows[i].outcome;
        results[i].reason = (char *)rows[i].reason;
        pointers[i] = &results[i];
    }
    results[0].policy = (char *)"idle";
    results[0].selector = (char *)"label:tier=db";
    results[0].unsupported_keys = unsupported;
    results[0].n_unsupported_keys = 1;
    return pointers;
}

/* "results-FROM-COUNT": some of them. */
static size_t pick_results(const char *selector, PolicyResult ***ret_results)
{
    unsigned from = 0;
    unsigned count = 0;

    if (sscanf(selector, "results-%1u-%1u", &from, &count) != 2)
        return 0;
    *ret_results = (PolicyResult **)make_results() + from;
    return count;
}

void apply_policy(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__ApplyVmPolicyRequest *request = (const void *)message;
    Vmreclaim__Controller__V1__ApplyVmPolicyResponse response =
        VMRECLAIM__CONTROLLER__V1__APPLY_VM_POLICY_RESPONSE__INIT;
    char *vms[] = {request->vm};

    if (play(call, request->vm))
        return;
    if (strstr(request->source, "bogus") != NULL) {
        ttrpc_call_fail(call, TTRPC_INVALID_ARGUMENT, "%s:2: unknown key \"bogus\"",
                        request->source_name);
        return;
    }
    if (request->made_from != 0 && strstr(request->source, "1GiB") != NULL) {
        ttrpc_call_fail(call, TTRPC_FAILED_PRECONDITION,
                        "policy \"idle\" has revision 3 now, and this was made from revision 2");
        return;
    }
    response.name = (char *)"balanced";
    response.revision = 4;
    response.n_results = pick_results(request->vm, &response.results);
    response.vms = vms;
    response.n_vms = strcmp(request->vm, "older") == 0;
    ttrpc_call_finish(call, &response.base);
}

static const char *const texts[] = {"profile: balanced\ncache_floor: 64MiB\n",
                                    "profile: balanced\ncache_floor: 128MiB\n"};

/* Policy "idle" has two revisions. False: it was failed. */
static bool fill_revision(struct ttrpc_call *call, const char *name, uint64_t number,
                          PolicyRevision *revision)
{
    if (strcmp(name, "idle") != 0 || number > 2) {
        ttrpc_call_fail(call, TTRPC_NOT_FOUND, "no policy \"%s\"", name);
        return false;
    }
    vmreclaim__controller__v1__policy_revision__init(revision);
    revision->name = (char *)"idle";
    revision->revision = number == 0 ? 2 : number;
    revision->author = (char *)"alice";
    revision->time_ns = 1700000000000000000;
    revision->hash = (char *)"0123456789abcdef";
    revision->source_name = (char *)"idle.yaml";
    revision->text = (char *)texts[revision->revision - 1];
    return true;
}

void list_policies(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    Vmreclaim__Controller__V1__ListPoliciesResponse response =
        VMRECLAIM__CONTROLLER__V1__LIST_POLICIES_RESPONSE__INIT;
    Vmreclaim__Controller__V1__PolicyAssignment assignments[] = {
        VMRECLAIM__CONTROLLER__V1__POLICY_ASSIGNMENT__INIT,
        VMRECLAIM__CONTROLLER__V1__POLICY_ASSIGNMENT__INIT};
    Vmreclaim__Controller__V1__PolicyAssignment *pointers[] = {&assignments[0], &assignments[1]};
    PolicyRevision revision;
    PolicyRevision *policies[] = {&revision};

    (void)fill_revision(call, "idle", 0, &revision);
    assignments[0].selector = (char *)"web-*";
    assignments[0].policy = (char *)"idle";
    assignments[1].selector = (char *)"label:tier=db";
    assignments[1].policy = (char *)"idle";
    response.policies = policies;
    response.n_policies = 1;
    response.assignments = pointers;
    response.n_assignments = 2;
    ttrpc_call_finish(call, &response.base);
}

void list_revisions(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__ListPolicyRevisionsRequest *request = (const void *)message;
    Vmreclaim__Controller__V1__ListPolicyRevisionsResponse response =
        VMRECLAIM__CONTROLLER__V1__LIST_POLICY_REVISIONS_RESPONSE__INIT;
    PolicyRevision revisions[2];
    PolicyRevision *pointers[] = {&revisions[0], &revisions[1]};

    if (!fill_revision(call, request->name, 2, &revisions[0]))
        return;
    (void)fill_revision(call, request->name, 1, &revisions[1]);
    revisions[0].rolled_back_to = 1;
    response.revisions = pointers;
    response.n_revisions = 2;
    ttrpc_call_finish(call, &response.base);
}

void get_policy(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__GetPolicyRequest *request = (const void *)message;
    Vmreclaim__Controller__V1__GetPolicyResponse response =
        VMRECLAIM__CONTROLLER__V1__GET_POLICY_RESPONSE__INIT;
    PolicyRevision revision;

    if (!fill_revision(call, request->name, request->revision, &revision))
        return;
    response.policy = &revision;
    ttrpc_call_finish(call, &response.base);
}

void roll_back(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__RollBackPolicyRequest *request = (const void *)message;
    Vmreclaim__Controller__V1__RollBackPolicyResponse response =
        VMRECLAIM__CONTROLLER__V1__ROLL_BACK_POLICY_RESPONSE__INIT;
    PolicyRevision revision;

    if (!fill_revision(call, request->name, request->revision, &revision))
        return;
    revision.revision = 3;
    revision.rolled_back_to = request->revision == 0 ? 1 : request->revision;
    response.policy = &revision;
    response.results = (PolicyResult **)make_results();
    response.n_results = 2;
    ttrpc_call_finish(call, &response.base);
}

void unassign(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__UnassignPolicyRequest *request = (const void *)message;
    Vmreclaim__Controller__V1__UnassignPolicyResponse response =
        VMRECLAIM__CONTROLLER__V1__UNASSIGN_POLICY_RESPONSE__INIT;
    if (strcmp(request->selector, "web-*") != 0) {
        ttrpc_call_fail(call, TTRPC_NOT_FOUND, "nothing is assigned to \"%s\"", request->selector);
        return;
    }
    response.policy = (char *)"idle";
    response.results = (PolicyResult **)make_results();
    response.n_results = 1;
    ttrpc_call_finish(call, &response.base);
}

/* One key of each origin, one that the agent does not know. */
void get_effective(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__GetEffectivePolicyRequest *request = (const void *)message;
    Vmreclaim__Controller__V1__GetEffectivePolicyResponse response =
        VMRECLAIM__CONTROLLER__V1__GET_EFFECTIVE_POLICY_RESPONSE__INIT;
    static const struct {
        const char *key, *value, *asked;
        Vmreclaim__Controller__V1__SettingOrigin origin;
        bool unsupported;
    } rows[] = {{"idle_window", "2m", "", 1, false},
                {"cache_floor", "64MiB", "", 2, false},
                {"cpu_budget", "10s", "1m", 3, false},
                {"trickle", "512MiB", "", 1, true}};
    Vmreclaim__Controller__V1__EffectiveSetting settings[4];
    Vmreclaim__Controller__V1__EffectiveSetting *pointers[4];
    Vmreclaim__Controller__V1__EffectiveSchedule schedule =
        VMRECLAIM__CONTROLLER__V1__EFFECTIVE_SCHEDULE__INIT;
    Vmreclaim__Controller__V1__EffectiveSchedule *schedules[] = {&schedule};

    if (strcmp(request->vm, "web1") != 0) {
        ttrpc_call_fail(call, TTRPC_NOT_FOUND, "no policy is assigned to VM '%s'", request->vm);
        return;
    }
    for (size_t i = 0; i < 4; i++) {
        vmreclaim__controller__v1__effective_setting__init(&settings[i]);
        settings[i].key = (char *)rows[i].key;
        settings[i].value = (char *)rows[i].value;
        settings[i].asked = (char *)rows[i].asked;
        settings[i].origin = rows[i].origin;
        settings[i].unsupported = rows[i].unsupported;
        pointers[i] = &settings[i];
    }
    schedule.cron = (char *)"0 20 * * *";
    schedule.duration_ns = 10 * 3600 * NSEC_PER_SEC;
    schedule.effect = (char *)"force";
    schedule.zone = (char *)"Europe/Berlin";
    schedule.utc_offset_seconds = 3600;
    response.vm = (char *)"web1";
    response.name = (char *)"idle";
    response.revision = 2;
    response.profile = (char *)"balanced";
    response.settings = pointers;
    response.n_settings = 4;
    response.schedules = schedules;
    response.n_schedules = 1;
    ttrpc_call_finish(call, &response.base);
}
