/* What a coordinator answers over ten thousand hosts, of which each answer looks at some in a turn
 * of the loop. How long the longest turn was is printed: it depends on the machine. */
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "controller/fleet/coordinator/policy-tally.h"
#include "controller/fleet/coordinator/service-methods.h"
#include "tests/lib/loop.h"

#define HOSTS 10000
#define VMS   20

/* ---- the call ---- */

void *__wrap_ttrpc_call_connection_userdata(const struct ttrpc_call *call);
void __wrap_ttrpc_call_on_cancel(struct ttrpc_call *call,
                                 void (*on_cancel)(struct ttrpc_call *call, void *userdata),
                                 void *userdata);
void __wrap_ttrpc_call_finish(struct ttrpc_call *call, const ProtobufCMessage *response);
void __wrap_ttrpc_call_fail(struct ttrpc_call *call, enum ttrpc_code code, const char *format, ...)
    printf_like(3, 4);

static uv_loop_t loop;
static struct fleet_hosts hosts;
static struct rollouts rollouts;
static struct lease lease;
static struct service service;
static struct service_client client = {.service = &service};
static struct ttrpc_call *const call = (void *)&client; /* nobody looks into it */

static ProtobufCMessage *answer; /* NULL: there is none */
static char failure[512];        /* "": there was none */
static void (*gone)(struct ttrpc_call *call, void *userdata);
static void *gone_userdata;

void *__wrap_ttrpc_call_connection_userdata(const struct ttrpc_call *of)
{
    return &client;
}

void __wrap_ttrpc_call_on_cancel(struct ttrpc_call *of,
                                 void (*on_cancel)(struct ttrpc_call *call, void *userdata),
                                 void *userdata)
{
    gone = on_cancel;
    gone_userdata = userdata;
}

void __wrap_ttrpc_call_finish(struct ttrpc_call *of, const ProtobufCMessage *response)
{
    size_t size = protobuf_c_message_get_packed_size(response);
    uint8_t *packed = malloc(size + 1);

    assert_non_null(packed);
    (void)protobuf_c_message_pack(response, packed);
    answer = protobuf_c_message_unpack(response->descriptor, NULL, size, packed);
    assert_non_null(answer);
    free(packed);
}

void __wrap_ttrpc_call_fail(struct ttrpc_call *of, enum ttrpc_code code, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    text_format_list(failure, sizeof(failure), format, arguments);
    va_end(arguments);
}

static void forget(void)
{
    if (answer != NULL)
        protobuf_c_message_free_unpacked(answer, NULL);
    answer = NULL;
    failure[0] = '\0';
}

/* Returns the turns that it took, the handler's among them. */
static unsigned run(const char *name, ttrpc_handler handler, const ProtobufCMessage *request)
{
    nsec_t begun = time_of_thread(), longest;
    unsigned turns = 1;

    forget();
    handler(call, request, NULL);
    longest = time_of_thread() - begun;
    while (answer == NULL && failure[0] == '\0') {
        begun = time_of_thread();
        uv_run(&loop, UV_RUN_NOWAIT);
        longest = max_of(longest, time_of_thread() - begun);
        turns++;
    }
    print_message("%s: %u turns, the longest %.2f ms\n", name, turns, (double)longest / 1e6);
    return turns;
}

/* ---- the fleet ---- */

static uint64_t most_of_all;
static char vm_names[VMS][32];
static char policy_names[][8] = {"day", "night", "old"};
static char texts[][32] = {"name: day\n", "name: night\n", "name: night\n# other\n"};

static void take_status(const char *id, HostStatus *status, uint64_t sequence)
{
    size_t size = vmreclaim__fleet__v1__host_status__get_packed_size(status);
    uint8_t *packed = malloc(size + 1);

    assert_non_null(packed);
    (void)vmreclaim__fleet__v1__host_status__pack(status, packed);
    fleet_hosts_take_status(&hosts, id, packed, size, sequence, time_boottime());
    free(packed);
}

static void digest(const char *text, struct text_digest *ret_digest)
{
    memset(ret_digest, 0, sizeof(*ret_digest));
    memcpy(ret_digest->bytes, text, min_of(strlen(text), sizeof(ret_digest->bytes)));
}

/* As if it had come signed. */
static void want(struct host_entry *entry, size_t index)
{
    DesiredState *state = calloc(1, sizeof(*state));

    assert_non_null(state);
    vmreclaim__fleet__v1__desired_state__init(state);
    state->generation = 3;
    state->n_policies = 2;
    state->policies = calloc(2, sizeof(state->policies[0]));
    entry->wanted_digests = calloc(2, sizeof(*entry->wanted_digests));
    assert_true(state->policies != NULL && entry->wanted_digests != NULL);
    for (size_t i = 0; i < 2; i++) {
        const char *text = texts[i == 1 && index % 10 == 0 ? 2 : i];

        state->policies[i] = malloc(sizeof(*state->policies[i]));
        assert_non_null(state->policies[i]);
        vmreclaim__fleet__v1__desired_policy__init(state->policies[i]);
        state->policies[i]->name = strdup(policy_names[i]);
        state->policies[i]->text = strdup(text);
        state->policies[i]->rollout = strdup(i == 0 ? "4f3a" : "77aa");
        digest(text, &entry->wanted_digests[i]);
    }
    entry->wanted = state;
}

static void add_host(size_t index)
{
    static uint8_t explanation[180];
    static char none[] = "";
    Vmreclaim__Fleet__V1__AppliedPolicy has[2], *has_list[2];
    Vmreclaim__Fleet__V1__Applied applied = VMRECLAIM__FLEET__V1__APPLIED__INIT;
    HostStatus status = VMRECLAIM__FLEET__V1__HOST_STATUS__INIT;
    VmStatus vms[VMS], *vm_list[VMS];
    struct text_digest digests[2];
    char id[32], name[64], reason[] = "root holds it";

    snprintf(id, sizeof(id), "h%05zu", index);
    snprintf(name, sizeof(name), "%s.example", index == 7 ? "h00008" : id);
    for (size_t i = 0; i < VMS; i++) {
        vmreclaim__fleet__v1__vm_status__init(&vms[i]);
        vms[i].name = vm_names[i];
        vms[i].could_return = index * 7919 % 1000000 + (VMS - i) * 1000;
        most_of_all = max_of(most_of_all, vms[i].could_return);
        vms[i].explanation = (ProtobufCBinaryData){.len = sizeof(explanation), .data = explanation};
        vm_list[i] = &vms[i];
    }
    for (size_t i = 0; i < 2; i++) {
        size_t which =
            index % 100 == 99 ? i * 2 : i; /* some have an old one instead of the night */

        vmreclaim__fleet__v1__applied_policy__init(&has[i]);
        digest(texts[i], &digests[i]);
        has[i].name = policy_names[which];
        has[i].digest = (ProtobufCBinaryData){.len = sizeof(digests[i]), .data = digests[i].bytes};
        has[i].outcome = VMRECLAIM__FLEET__V1__APPLIED_OUTCOME__APPLIED_IN_FORCE;
        has_list[i] = &has[i];
    }
    if (index % 1000 == 1) {
        has[1].outcome = VMRECLAIM__FLEET__V1__APPLIED_OUTCOME__APPLIED_PINNED;
        has[1].reason = reason;
    }
    applied.policies = has_list;
    applied.n_policies = 2;
    applied.refused = none;
    status.name = name;
    status.vms = vm_list;
    status.n_vms = status.vm_count = VMS;
    status.applied = &applied;
    take_status(id, &status, 1);
    want(fleet_hosts_find(&hosts, id), index);
}

static int set_up(void **state)
{
    assert_int_equal(uv_loop_init(&loop), 0);
    fleet_hosts_init(&hosts);
    rollouts.listening = time_boottime();
    list_init(&rollouts.documents.list);
    service =
        (struct service){.loop = &loop, .hosts = &hosts, .rollouts = &rollouts, .lease = &lease};
    slices_init(&service.slices, &loop);
    for (size_t i = 0; i < VMS; i++)
        snprintf(vm_names[i], sizeof(vm_names[i]), "vm-%zu", i);
    for (size_t i = 0; i < HOSTS; i++)
        add_host((i * 7) % HOSTS);
    return 0;
}

static int tear_down(void **state)
{
    forget();
    slices_stop(&service.slices);
    loop_finish(&loop);
    fleet_hosts_finish(&hosts);
    return 0;
}

/* ---- policies ---- */

static void test_policies_are_counted_in_slices(void **state)
{
    FLEET_CALL(ListFleetPolicies, Request)
    request = VMRECLAIM__FLEET__V1__LIST_FLEET_POLICIES_REQUEST__INIT;
    const FLEET_CALL(ListFleetPolicies, Response) * list;
    unsigned turns = run("ListFleetPolicies", service_list_fleet_policies, &request.base);

    list = (const void *)answer;
    assert_non_null(list);
    assert_true(turns > HOSTS / 500);
    assert_int_equal(list->n_policies, 3);
    assert_string_equal(list->policies[0]->name, "day");
    assert_int_equal(list->policies[0]->wanted, HOSTS);
    assert_int_equal(list->policies[0]->in_force, HOSTS);
    assert_string_equal(list->policies[0]->rollout, "4f3a");
    assert_int_equal(list->policies[1]->texts, 2);
    assert_int_equal(list->policies[1]->pinned, HOSTS / 1000);
    assert_int_equal(list->policies[1]->waits, HOSTS / 10 + HOSTS / 100);
    assert_int_equal(list->policies[1]->in_force, HOSTS - HOSTS / 1000 - HOSTS / 10 - HOSTS / 100);
    assert_string_equal(list->policies[2]->name, "old");
    assert_int_equal(list->policies[2]->wanted, 0);
    assert_int_equal(list->policies[2]->left, HOSTS / 100);
    assert_int_equal(list->policies[2]->digest.len, 0);
    request.page_size = 1;
    request.page_token = policy_names[0];
    request.selector = (char *)"h0000[0-9]";
    (void)run("ListFleetPolicies, ten hosts", service_list_fleet_policies, &request.base);
    list = (const void *)answer;
    assert_int_equal(list->n_policies, 1);
    assert_string_equal(list->policies[0]->name, "night");
    assert_int_equal(list->policies[0]->wanted, 10);
    assert_string_equal(list->next_page_token, "");
}

static void test_a_policy_with_its_texts(void **state)
{
    FLEET_CALL(GetFleetPolicy, Request)
    request = VMRECLAIM__FLEET__V1__GET_FLEET_POLICY_REQUEST__INIT;
    const FLEET_CALL(GetFleetPolicy, Response) * policy;

    request.name = policy_names[1];
    (void)run("GetFleetPolicy", service_get_fleet_policy, &request.base);
    policy = (const void *)answer;
    assert_int_equal(policy->n_texts, 2);
    assert_string_equal(policy->texts[0]->text, texts[1]);
    assert_int_equal(policy->texts[0]->hosts, HOSTS - HOSTS / 10);
    assert_string_equal(policy->texts[1]->text, texts[2]);
    assert_int_equal(policy->n_hosts, POLICY_EXCEPTIONS_MAX);
    assert_string_equal(policy->hosts[0]->host, "h00000");
    assert_string_equal(policy->hosts[1]->host, "h00001");
    assert_string_equal(policy->hosts[1]->reason, "root holds it");
    request.name = (char *)"nihgt";
    (void)run("GetFleetPolicy, none", service_get_fleet_policy, &request.base);
    assert_non_null(strstr(failure, "did you mean: night?"));
}

/* The rest of the slices is not made, and nothing is answered. */
static void test_who_waits_goes_away(void **state)
{
    FLEET_CALL(ListFleetPolicies, Request)
    request = VMRECLAIM__FLEET__V1__LIST_FLEET_POLICIES_REQUEST__INIT;

    forget();
    service_list_fleet_policies(call, &request.base, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
    gone(call, gone_userdata);
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_false(uv_loop_alive(&loop));
    assert_null(answer);
    assert_string_equal(failure, "");
    request.selector = (char *)"label:";
    service_list_fleet_policies(call, &request.base, NULL);
    assert_non_null(strstr(failure, "does not say which hosts"));
}

/* ---- one host ---- */

static void test_a_host_by_its_name(void **state)
{
    FLEET_CALL(GetHostStatus, Request)
    request = VMRECLAIM__FLEET__V1__GET_HOST_STATUS_REQUEST__INIT;
    const FLEET_CALL(GetHostStatus, Response) * host;

    request.host = (char *)"h00042.example";
    (void)run("GetHostStatus", service_get_host_status, &request.base);
    host = (const void *)answer;
    assert_string_equal(host->host->host, "h00042");
    assert_int_equal(host->host->status->n_vms, VMS);
    assert_int_equal(host->host->status->vms[0]->explanation.len, 0);
    assert_int_equal(host->n_policies, 2);
    request.host = (char *)"h00008.example"; /* so is h00007's */
    (void)run("GetHostStatus, two", service_get_host_status, &request.base);
    assert_string_equal(failure, "\"h00008.example\" is the name of hosts h00007 and h00008; say "
                                 "which by its id");
    request.host = (char *)"h0004x2";
    (void)run("GetHostStatus, none", service_get_host_status, &request.base);
    assert_non_null(strstr(failure, "did you mean: h00042?"));
}

static void test_a_vm_of_a_host(void **state)
{
    FLEET_CALL(ExplainFleetVm, Request)
    request = VMRECLAIM__FLEET__V1__EXPLAIN_FLEET_VM_REQUEST__INIT;
    const FLEET_CALL(ExplainFleetVm, Response) * vm;

    request.host = (char *)"h00042";
    request.vm = vm_names[3];
    (void)run("ExplainFleetVm", service_explain_fleet_vm, &request.base);
    vm = (const void *)answer;
    assert_string_equal(vm->vm->name, "vm-3");
    assert_null(vm->explanation); /* what was sent is none */
    assert_int_equal(vm->host->status->n_vms, 0);
    request.vm = (char *)"mv-3";
    (void)run("ExplainFleetVm, none", service_explain_fleet_vm, &request.base);
    assert_non_null(strstr(failure, "did you mean: vm-3?"));
}

/* A VM of one more host, with an explanation of so many obstacles. */
static void add_explained(size_t count, uint64_t sequence)
{
    static uint8_t packed[32 * 1024];
    static Vmreclaim__Controller__V1__Obstacle obstacle;
    static Vmreclaim__Controller__V1__Obstacle *obstacles[1000];
    Vmreclaim__Controller__V1__Returns returns = VMRECLAIM__CONTROLLER__V1__RETURNS__INIT;
    Vmreclaim__Fleet__V1__VmExplanation explanation = VMRECLAIM__FLEET__V1__VM_EXPLANATION__INIT;
    HostStatus status = VMRECLAIM__FLEET__V1__HOST_STATUS__INIT;
    VmStatus vm = VMRECLAIM__FLEET__V1__VM_STATUS__INIT, *list[] = {&vm};

    vmreclaim__controller__v1__obstacle__init(&obstacle);
    for (size_t i = 0; i < count; i++)
        obstacles[i] = &obstacle;
    returns.obstacles = obstacles;
    returns.n_obstacles = count;
    explanation.returns = &returns;
    vm.name = vm_names[0];
    vm.explanation.data = packed;
    vm.explanation.len = vmreclaim__fleet__v1__vm_explanation__pack(&explanation, packed);
    status.vms = list;
    status.n_vms = 1;
    take_status("z", &status, sequence);
}

/* What a host packed may unfold into more than it has to say. */
static void test_an_explanation_is_bounded(void **state)
{
    FLEET_CALL(ExplainFleetVm, Request)
    request = VMRECLAIM__FLEET__V1__EXPLAIN_FLEET_VM_REQUEST__INIT;
    const FLEET_CALL(ExplainFleetVm, Response) * vm;

    request.host = (char *)"z";
    request.vm = vm_names[0];
    add_explained(4, 1);
    (void)run("ExplainFleetVm, four reasons", service_explain_fleet_vm, &request.base);
    vm = (const void *)answer;
    assert_int_equal(vm->explanation->returns->n_obstacles, 4);
    add_explained(1000, 2);
    (void)run("ExplainFleetVm, a thousand", service_explain_fleet_vm, &request.base);
    vm = (const void *)answer;
    assert_string_equal(vm->vm->name, vm_names[0]);
    assert_null(vm->explanation);
}

/* ---- lists ---- */

static void test_lists_come_in_pages(void **state)
{
    FLEET_CALL(ListHosts, Request) ask = VMRECLAIM__FLEET__V1__LIST_HOSTS_REQUEST__INIT;
    FLEET_CALL(ListFleetVms, Request) vms = VMRECLAIM__FLEET__V1__LIST_FLEET_VMS_REQUEST__INIT;
    const FLEET_CALL(ListHosts, Response) * list;
    const FLEET_CALL(ListFleetVms, Response) * vm_list;

    (void)run("ListHosts", service_list_hosts, &ask.base);
    list = (const void *)answer;
    assert_int_equal(list->n_hosts, 500);
    assert_string_equal(list->next_page_token, "h00499");
    (void)run("ListFleetVms", service_list_fleet_vms, &vms.base);
    vm_list = (const void *)answer;
    assert_true(vm_list->n_vms >= 2000);
    assert_int_equal(vm_list->vms[0]->vm->explanation.len, 0);
    ask.selector = vms.selector = (char *)"label:rack=nowhere";
    (void)run("ListHosts, of none", service_list_hosts, &ask.base);
    (void)run("ListFleetVms, of none", service_list_fleet_vms, &vms.base);
}

static void test_those_that_could_return_most(void **state)
{
    FLEET_CALL(ListFleetVms, Request) request = VMRECLAIM__FLEET__V1__LIST_FLEET_VMS_REQUEST__INIT;
    const FLEET_CALL(ListFleetVms, Response) * list;

    request.most = 500;
    assert_true(run("ListFleetVms, 500", service_list_fleet_vms, &request.base) >= HOSTS / 1000);
    list = (const void *)answer;
    assert_int_equal(list->n_vms, 500);
    assert_string_equal(list->next_page_token, "");
    for (size_t i = 1; i < list->n_vms; i++)
        assert_true(list->vms[i - 1]->vm->could_return >= list->vms[i]->vm->could_return);
    assert_int_equal(list->vms[0]->vm->could_return, most_of_all);
    request.most = 3;
    request.selector = (char *)"h0000*";
    (void)run("ListFleetVms, 3 of 10 hosts", service_list_fleet_vms, &request.base);
    list = (const void *)answer;
    assert_int_equal(list->n_vms, 3);
    for (size_t i = 0; i < list->n_vms; i++)
        assert_int_equal(strncmp(list->vms[i]->host, "h0000", 5), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policies_are_counted_in_slices),
        cmocka_unit_test(test_a_policy_with_its_texts),
        cmocka_unit_test(test_who_waits_goes_away),
        cmocka_unit_test(test_a_host_by_its_name),
        cmocka_unit_test(test_a_vm_of_a_host),
        cmocka_unit_test(test_lists_come_in_pages),
        cmocka_unit_test(test_those_that_could_return_most),
        cmocka_unit_test(test_an_explanation_is_bounded),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
