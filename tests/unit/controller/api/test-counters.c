/* All figures through the API: what is known of VMs and host, by pages; nothing else. */
#include "door.h"
#include "looks.h"
#include "rooms.h"

#include <string.h>

#include "common/base/number.h"
#include "common/message/copy.h"
#include "controller/records/counts.h"
#include "controller/vms/measured.h"

typedef Vmreclaim__Controller__V1__GetCountersResponse Response;

static Response *response; /* of the last call */

static void door_see(const ProtobufCMessage *message)
{
}

static void keep_response(struct api_call *call, const ProtobufCMessage *message)
{
    protobuf_c_message_free_unpacked(response == NULL ? NULL : &response->base, NULL);
    response = (Response *)message_copy(message);
    door_finish(call, message);
}

static int set_up(void **state)
{
    rooms_set_up();
    door_reset();
    return 0;
}

static int tear_down(void **state)
{
    protobuf_c_message_free_unpacked(response == NULL ? NULL : &response->base, NULL);
    response = NULL;
    rooms_tear_down();
    return 0;
}

static struct api_call *begin(uint32_t page_size, const char *token)
{
    static struct api_door keeping;
    Vmreclaim__Controller__V1__GetCountersRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_COUNTERS_REQUEST__INIT;
    struct api_call *call = calloc(1, sizeof(*call));

    keeping = door;
    keeping.finish = keep_response;
    assert_non_null(call);
    *call = (struct api_call){
        .door = &keeping, .api = &api, .user = &user, .caller = {.may_read = true}};
    request.page_size = page_size;
    request.page_token = (char *)token;
    api_dispatch(call, api_method_of(request.base.descriptor), &request.base);
    return call;
}

static void ask(uint32_t page_size, const char *token)
{
    unsigned before = finished;

    begin(page_size, token);
    while (finished == before) {
        assert_true(uv_is_active((uv_handle_t *)&api.slices.idle));
        turn(&loop);
    }
}

/* The VM's figure by name, the labels one after the other; false: there is none. */
static bool find(const Vmreclaim__Controller__V1__VmCounters *vm, const char *name,
                 const char *labels, int64_t *ret_value)
{
    assert_int_equal(vm->n_series, vm->n_values);
    for (size_t i = 0; i < vm->n_series; i++) {
        const Vmreclaim__Controller__V1__CounterSeries *series = response->vm_series[vm->series[i]];
        char all[64] = "";

        for (size_t j = 0; j < series->n_labels; j++)
            snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", j == 0 ? "" : "/",
                     series->labels[j]);
        if (strcmp(response->counters[series->counter]->name, name) != 0 ||
            strcmp(all, labels) != 0)
            continue;
        *ret_value = vm->values[i];
        return true;
    }
    return false;
}

static const char *find_text(const Vmreclaim__Controller__V1__VmCounters *vm, const char *label)
{
    for (size_t i = 0; i < vm->n_texts; i++) {
        const Vmreclaim__Controller__V1__CounterSeries *series =
            response->vm_series[vm->text_series[i]];
        const Vmreclaim__Controller__V1__Counter *row = response->counters[series->counter];

        assert_string_equal(row->type, "text");
        if (strcmp(row->labels[0], label) == 0)
            return vm->texts[i];
    }
    return NULL;
}

/* Of the host, the labels one after the other. */
static const Vmreclaim__Controller__V1__CounterValue *find_host(const char *name,
                                                                const char *labels)
{
    for (size_t i = 0; i < response->n_host; i++) {
        const Vmreclaim__Controller__V1__CounterValue *value = response->host[i];
        const Vmreclaim__Controller__V1__Counter *row = response->counters[value->counter];
        char all[128] = "";

        assert_false(row->of_vm);
        for (size_t j = 0; j < value->n_labels; j++)
            snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", j == 0 ? "" : "/",
                     value->labels[j]);
        if (strcmp(row->name, name) == 0 && strcmp(all, labels) == 0)
            return value;
    }
    return NULL;
}

/* Nothing is known of it but that it is there: flags, and its state. */
static void test_unknown_is_absent(void **state)
{
    int64_t value;

    add_vm("web1");
    ask(0, "");
    assert_int_equal(response->n_vms, 1);
    assert_string_equal(response->vms[0]->vm, "web1");
    assert_false(find(response->vms[0], "vm_footprint_bytes", "", &value));
    assert_false(find(response->vms[0], "vm_memory_bytes", "cache", &value));
    assert_false(find(response->vms[0], "vm_could_return_bytes", "reclaim", &value));
    assert_false(find(response->vms[0], "vm_last_sample_timestamp_seconds", "", &value));
    assert_false(find(response->vms[0], "vm_measured_timestamp_seconds", "", &value));
    assert_false(find(response->vms[0], "guest_oom_kills_total", "", &value));
    assert_true(find(response->vms[0], "vm_guest_known", "", &value));
    assert_int_equal(value, 0);
    assert_string_equal(find_text(response->vms[0], "state"), "discovered");
    assert_null(find_text(response->vms[0], "policy"));
    assert_non_null(find_host("could_return_bytes", "reclaim"));
    assert_int_equal(find_host("could_return_bytes", "reclaim")->value, 0);
    assert_int_equal(find_host("vms", "discovered")->value, 1);
    assert_null(find_host("footprint_bytes", ""));
    assert_null(find_host("actions_total", "reclaim/returned/"));
}

/* A row of the table for every series, and none that no VM could have. */
static void test_parts_of_a_guest(void **state)
{
    static char link;
    Vmreclaim__Agent__V1__MemorySample sample = VMRECLAIM__AGENT__V1__MEMORY_SAMPLE__INIT;
    struct vm *vm = add_vm("web1");
    int64_t value;

    sample.total = 2 * GIB;
    sample.free = 512 * MIB;
    sample.reportable = 312 * MIB;
    sample.trapped = 200 * MIB;
    sample.cache = 700 * MIB;
    sample.in_use = 800 * MIB;
    sample.oom_kills = 3;
    sample.psi_is_known = true;
    sample.psi_memory_some_us = 7;
    assert_int_equal(measured_take_guest(vm, &sample, 0), 0);
    uv_timer_stop(&supervisor.timer);                     /* which would visit the link */
    vm->links.agent = (struct agent_link *)(void *)&link; /* it is only told from none */
    measured_join(vm, time_boottime());
    ask(0, "");
    vm->links.agent = NULL;
    assert_true(find(response->vms[0], "vm_memory_bytes", "cache", &value));
    assert_int_equal(value, 700 * MIB);
    assert_true(find(response->vms[0], "vm_memory_bytes", "trapped", &value));
    assert_int_equal(value, 200 * MIB);
    assert_true(find(response->vms[0], "guest_oom_kills_total", "", &value));
    assert_int_equal(value, 3);
    assert_true(find(response->vms[0], "guest_pressure_memory_waiting_seconds_total", "", &value));
    assert_int_equal(value, 7000);
    assert_true(find(response->vms[0], "vm_measured_timestamp_seconds", "", &value));
    assert_int_equal(value, vm->measured.time);
    /* the VM's memory is not known */
    assert_false(find(response->vms[0], "vm_memory_bytes", "unmanaged", &value));
    assert_false(find(response->vms[0], "vm_reported_bytes", "", &value));
}

/* What agent or hypervisor would not do; how a policy works anyway is none of it. */
static void test_declined(void **state)
{
    static const struct {
        Vmreclaim__Agent__V1__Outcome outcome;
        bool is_declined;
    } outcomes[] = {
        {VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_DONE, false},
        {VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_NOTHING_TO_DO, false},
        {VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_STOPPED_TIME_LIMIT, false},
        {VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_STOPPED_PRESSURE, false},
        {VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_STOPPED_BUSY, false},
        {VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_CANCELLED, false},
        {VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_NOT_SUPPORTED, true},
        {VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_FORBIDDEN_BY_POLICY, true},
        {VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_FAILED, true},
    };
    Vmreclaim__Agent__V1__ActionResult guest = VMRECLAIM__AGENT__V1__ACTION_RESULT__INIT;
    Vmreclaim__Controller__V1__Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;
    struct vm *vm = add_vm("web1");
    int64_t value, before = 0;

    action.kind = (char *)"compact";
    action.outcome = (char *)"nothing";
    action.guest = &guest;
    for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++) {
        guest.outcome = outcomes[i].outcome;
        record_count(&recorder, vm, &action);
        ask(0, "");
        assert_true(find(response->vms[0], "vm_actions_declined_total", "compact", &value));
        assert_int_equal(value - before, outcomes[i].is_declined);
        before = value;
    }
}

static void test_totals_by_kind_and_outcome(void **state)
{
    Vmreclaim__Controller__V1__Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;
    struct vm *vm = add_vm("web1");
    int64_t value;

    action.kind = (char *)"reclaim";
    action.outcome = (char *)"returned";
    action.footprint_before = GIB;
    action.host_returned = 3 * (int64_t)MIB;
    action.bytes_asked = 4 * MIB;
    action.duration_ns = 2 * NSEC_PER_SEC;
    record_count(&recorder, vm, &action);
    record_count(&recorder, NULL, &action); /* of a VM that is gone */
    action.outcome = (char *)"failed";
    action.reason_code = (char *)"vfio";
    action.host_returned = -(int64_t)MIB;
    record_count(&recorder, vm, &action);
    actions.refused[TOTAL_PULSE] = 5;
    ask(0, "");
    assert_true(find(response->vms[0], "vm_actions_total", "reclaim/returned", &value));
    assert_int_equal(value, 1);
    assert_true(find(response->vms[0], "vm_host_returned_bytes_total", "reclaim", &value));
    assert_int_equal(value, 3 * MIB);
    assert_true(find(response->vms[0], "vm_host_lost_bytes_total", "reclaim", &value));
    assert_int_equal(value, MIB);
    assert_true(find(response->vms[0], "vm_asked_bytes_total", "reclaim", &value));
    assert_int_equal(value, 8 * MIB);
    assert_true(find(response->vms[0], "vm_actions_declined_total", "reclaim", &value));
    assert_int_equal(value, 1);
    assert_false(find(response->vms[0], "vm_actions_total", "compact/returned", &value));
    assert_int_equal(find_host("actions_total", "reclaim/returned/")->value, 2);
    assert_int_equal(find_host("actions_total", "reclaim/failed/vfio")->value, 1);
    assert_int_equal(find_host("host_returned_bytes_total", "reclaim")->value, 6 * MIB);
    assert_int_equal(find_host("actions_refused_total", "pulse")->value, 5);
    assert_int_equal(find_host("action_duration_seconds", "reclaim")->n_buckets,
                     histogram_long_times.count + 1);
    assert_int_equal(find_host("action_duration_seconds", "reclaim")->buckets[3], 3);
}

/* Sums of all VMs, of which only a page is shown. */
static void test_many_vms(void **state)
{
    const unsigned count = 2 * LOOKS_PER_SLICE + 1;
    char name[16];

    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "vm-%u", i);
        add_vm(name);
    }
    ask(0, "");
    assert_int_equal(response->n_vms, LOOKS_PER_SLICE);
    assert_int_equal(find_host("vms", "discovered")->value, count);
}

/* Nothing more is looked at for it, and its call has ended. */
static void test_who_goes_away(void **state)
{
    add_vm("web1");
    api_call_abandon(begin(0, ""));
    assert_int_equal(released, 0);
    turn(&loop);
    assert_int_equal(looks, 0);
    assert_int_equal(released, 1);
    begin(0, "");
    api_stop(&api);
    assert_int_equal(failed, -ECANCELED);
    assert_int_equal(released, 2);
    assert_int_equal(finished, 0);
}

static void test_pages(void **state)
{
    char name[16];
    char token[32] = "";

    for (unsigned i = 0; i < 5; i++) {
        snprintf(name, sizeof(name), "vm-%u", i);
        add_vm(name);
    }
    for (unsigned i = 0; i < 5; i += 2) {
        ask(2, token);
        assert_int_equal(response->n_counters > 0, i == 0);
        assert_int_equal(response->n_vm_series > 0, i == 0);
        assert_int_equal(response->n_host > 0, i == 0);
        assert_int_equal(response->n_vms, i == 4 ? 1 : 2);
        snprintf(name, sizeof(name), "vm-%u", i);
        assert_string_equal(response->vms[0]->vm, name);
        snprintf(token, sizeof(token), "%s", response->next_page_token);
    }
    assert_string_equal(token, "");
}

/* A call counts once it has ended: the second one sees the first. */
static void test_calls_are_counted(void **state)
{
    const Vmreclaim__Controller__V1__CounterValue *all;

    ask(0, "");
    assert_null(find_host("rpc_calls_total", "GetCounters/ok"));
    ask(0, "");
    assert_int_equal(find_host("rpc_calls_total", "GetCounters/ok")->value, 1);
    assert_true(find_host("rpc_seconds_total", "GetCounters")->value > 0);
    all = find_host("rpc_duration_seconds", "");
    assert_int_equal(all->n_buckets, histogram_times.count + 1);
    assert_true(all->value > 0);
}

#define counters_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        counters_test(test_unknown_is_absent),
        counters_test(test_parts_of_a_guest),
        counters_test(test_totals_by_kind_and_outcome),
        counters_test(test_declined),
        counters_test(test_pages),
        counters_test(test_calls_are_counted),
        counters_test(test_many_vms),
        counters_test(test_who_goes_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
