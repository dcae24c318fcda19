/* What a host says of itself. */
#include "tests/lib/test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "controller/fleet/bridge/status.h"

typedef Vmreclaim__Controller__V1__Vm Vm;
typedef Vmreclaim__Fleet__V1__HostStatus Status;

#define VMS 400

static char names[VMS][64];
static Vm vms[VMS];
static Vm *vm_list[VMS];
static Vmreclaim__Controller__V1__Returns returns[VMS];
static Vmreclaim__Controller__V1__Waterfall waterfalls[VMS];

static Vmreclaim__Controller__V1__ListVmsResponse list_of(size_t count)
{
    Vmreclaim__Controller__V1__ListVmsResponse list =
        VMRECLAIM__CONTROLLER__V1__LIST_VMS_RESPONSE__INIT;

    for (size_t i = 0; i < count; i++) {
        vmreclaim__controller__v1__vm__init(&vms[i]);
        vmreclaim__controller__v1__returns__init(&returns[i]);
        vmreclaim__controller__v1__waterfall__init(&waterfalls[i]);
        snprintf(names[i], sizeof(names[i]), "vm-%04zu", i);
        vms[i].name = names[i];
        vms[i].returns = &returns[i];
        vms[i].waterfall = &waterfalls[i];
        returns[i].bytes = 1000 + i;
        waterfalls[i].host_is_known = true;
        waterfalls[i].footprint = 1u << 20;
        vm_list[i] = &vms[i];
    }
    list.vms = vm_list;
    list.n_vms = count;
    return list;
}

static Status *pack(const struct status_parts *parts, size_t *ret_length)
{
    Status status = VMRECLAIM__FLEET__V1__HOST_STATUS__INIT;
    uint8_t *packed = status_pack(&status, parts, ret_length);
    Status *read;

    assert_non_null(packed);
    read = vmreclaim__fleet__v1__host_status__unpack(NULL, *ret_length, packed);
    assert_non_null(read);
    free(packed);
    return read;
}

static void test_totals_are_of_all_and_rows_of_the_worst(void **state)
{
    const Vmreclaim__Controller__V1__ListVmsResponse list = list_of(VMS);
    size_t length;
    Status *status = pack(&(struct status_parts){.list = &list}, &length);

    assert_int_equal(status->vm_count, VMS);
    assert_int_equal(status->footprint, (uint64_t)VMS << 20);
    assert_int_equal(status->n_vms, STATUS_VMS_MAX);
    assert_string_equal(status->vms[0]->name, "vm-0399");
    assert_int_equal(status->vms[0]->could_return, 1399);
    assert_int_equal(status->vms[0]->n_figures, 0);
    vmreclaim__fleet__v1__host_status__free_unpacked(status, NULL);
}

static void test_it_fits(void **state)
{
    static char alarm[1000];
    const Vmreclaim__Controller__V1__ListVmsResponse list = list_of(VMS);
    size_t length;
    Status *status;

    memset(alarm, 'x', sizeof(alarm) - 1);
    for (size_t i = 0; i < VMS; i++)
        vms[i].alarm = alarm;
    status = pack(&(struct status_parts){.list = &list}, &length);
    assert_true(length <= STATUS_BYTES_MAX);
    assert_true(status->n_vms > 10 && status->n_vms < 70);
    assert_int_equal(status->vm_count, VMS);
    vmreclaim__fleet__v1__host_status__free_unpacked(status, NULL);
}

static size_t count_explained(const Status *status)
{
    size_t count = 0;

    for (size_t i = 0; i < status->n_vms; i++)
        count += status->vms[i]->explanation.len > 0;
    return count;
}

/* Of as many VMs as it may have, each with all that a VM can have, the last go without. */
static void test_explanations_are_left_out_first(void **state)
{
    static char policy[] = "a-policy-with-a-name";
    static char uuid[] = "a14c0d7e-4f5e-4b9c-8d5e-2f7c61a0b3d4";
    const Vmreclaim__Controller__V1__ListVmsResponse list = list_of(STATUS_VMS_MAX);
    Vmreclaim__Fleet__V1__VmExplanation *explanation;
    size_t length;
    Status *status;

    for (size_t i = 0; i < STATUS_VMS_MAX; i++) {
        vms[i].uuid = vms[i].boot_id = uuid;
        vms[i].policy = policy;
        waterfalls[i].in_use = waterfalls[i].cache = waterfalls[i].trapped = UINT64_C(1) << 36;
        waterfalls[i].reportable = waterfalls[i].percpu = waterfalls[i].vm_ram = UINT64_C(1) << 36;
        waterfalls[i].time_ns = vms[i].last_sample_ns = INT64_C(1800000000000000000);
        returns[i].reason = policy;
    }
    status = pack(&(struct status_parts){.list = &list}, &length);
    assert_true(length <= STATUS_BYTES_MAX);
    assert_int_equal(status->n_vms, STATUS_VMS_MAX);
    explanation = vmreclaim__fleet__v1__vm_explanation__unpack(
        NULL, status->vms[0]->explanation.len, status->vms[0]->explanation.data);
    assert_non_null(explanation);
    assert_int_equal(explanation->waterfall->cache, UINT64_C(1) << 36);
    assert_string_equal(explanation->returns->reason, policy);
    vmreclaim__fleet__v1__vm_explanation__free_unpacked(explanation, NULL);
    assert_int_equal(count_explained(status), STATUS_VMS_MAX);
    vmreclaim__fleet__v1__host_status__free_unpacked(status, NULL);
    for (size_t i = 0; i < STATUS_VMS_MAX; i++)
        vms[i].state = vms[i].alarm = returns[i].reason =
            (char *)"much is said of each, and so not every one of them can have its explanation "
                    "with it";
    status = pack(&(struct status_parts){.list = &list}, &length);
    assert_true(length <= STATUS_BYTES_MAX);
    assert_int_equal(status->n_vms, STATUS_VMS_MAX);
    assert_in_range(count_explained(status), 1, STATUS_VMS_MAX - 1);
    assert_true(status->vms[0]->explanation.len > 0);
    assert_int_equal(status->vms[STATUS_VMS_MAX - 1]->explanation.len, 0);
    vmreclaim__fleet__v1__host_status__free_unpacked(status, NULL);
}

static uint64_t figure(const Vmreclaim__Fleet__V1__VmStatus *vm,
                       Vmreclaim__Fleet__V1__FigureKind kind)
{
    for (size_t i = 0; i < vm->n_figures; i++)
        if (vm->figures[i]->kind == kind)
            return vm->figures[i]->value;
    return UINT64_MAX;
}

/* File and anonymous pages are both read again; what is not known is not there. */
static void test_figures(void **state)
{
    static char file[] = "guest_refaulted_file_pages_total";
    static char anonymous[] = "guest_refaulted_anon_pages_total";
    static char kills[] = "guest_oom_kills_total";
    static char other[] = "vm_footprint_bytes";
    static char returned[] = "vm_host_returned_bytes_total";
    static char declined[] = "vm_actions_declined_total";
    char *const counter_names[] = {file, anonymous, kills, other, returned, declined};
    Vmreclaim__Controller__V1__GetCountersResponse counters =
        VMRECLAIM__CONTROLLER__V1__GET_COUNTERS_RESPONSE__INIT;
    Vmreclaim__Controller__V1__Counter list[6];
    Vmreclaim__Controller__V1__CounterSeries series[6];
    Vmreclaim__Controller__V1__Counter *counter_list[6];
    Vmreclaim__Controller__V1__CounterSeries *series_list[6];
    Vmreclaim__Controller__V1__VmCounters vm = VMRECLAIM__CONTROLLER__V1__VM_COUNTERS__INIT;
    Vmreclaim__Controller__V1__VmCounters *vm_counters[] = {&vm};
    const Vmreclaim__Controller__V1__ListVmsResponse vm_list_answer = list_of(2);
    uint32_t indices[] = {0, 1, 3, 99, 5};
    int64_t values[] = {5, 7, 11, 13, 2};
    size_t length;
    Status *status;

    for (uint32_t i = 0; i < 6; i++) {
        vmreclaim__controller__v1__counter__init(&list[i]);
        vmreclaim__controller__v1__counter_series__init(&series[i]);
        list[i].name = counter_names[i];
        series[i].counter = i;
        counter_list[i] = &list[i];
        series_list[i] = &series[i];
    }
    counters.counters = counter_list;
    counters.n_counters = 6;
    counters.vm_series = series_list;
    counters.n_vm_series = 6;
    counters.vms = vm_counters;
    counters.n_vms = 1;
    vm.vm = names[1];
    vm.series = indices;
    vm.n_series = 5;
    vm.values = values;
    vm.n_values = 5;
    status = pack(&(struct status_parts){.list = &vm_list_answer, .counters = &counters}, &length);
    assert_string_equal(status->vms[0]->name, "vm-0001");
    assert_int_equal(figure(status->vms[0], VMRECLAIM__FLEET__V1__FIGURE_KIND__FIGURE_REFAULTS),
                     12);
    assert_int_equal(figure(status->vms[0], VMRECLAIM__FLEET__V1__FIGURE_KIND__FIGURE_RETURNED), 0);
    assert_int_equal(
        figure(status->vms[0], VMRECLAIM__FLEET__V1__FIGURE_KIND__FIGURE_ACTIONS_REFUSED), 2);
    assert_int_equal(status->vms[0]->n_figures, 3);
    assert_int_equal(status->vms[1]->n_figures, 0);
    vmreclaim__fleet__v1__host_status__free_unpacked(status, NULL);
    /* A daemon that counts neither. */
    counters.n_counters = 4;
    vm.n_series = vm.n_values = 2;
    status = pack(&(struct status_parts){.list = &vm_list_answer, .counters = &counters}, &length);
    assert_int_equal(status->vms[0]->n_figures, 1);
    vmreclaim__fleet__v1__host_status__free_unpacked(status, NULL);
}

/* A name that is no text makes the rest of it no worse: coordinators read no other than text. */
static void test_what_is_no_text_becomes_text(void **state)
{
    Status status = VMRECLAIM__FLEET__V1__HOST_STATUS__INIT;
    size_t length;
    uint8_t *packed;
    Status *read;

    status.name = (char *)"h\xff";
    packed = status_pack(&status, &(struct status_parts){.list = NULL}, &length);
    assert_non_null(packed);
    read = vmreclaim__fleet__v1__host_status__unpack(NULL, length, packed);
    assert_non_null(read);
    assert_true(text_is_utf8(read->name, strlen(read->name)));
    vmreclaim__fleet__v1__host_status__free_unpacked(read, NULL);
    free(packed);
}

static void test_a_daemon_that_does_not_answer(void **state)
{
    size_t length;
    Status *status = pack(&(struct status_parts){.list = NULL}, &length);

    assert_int_equal(status->vm_count, 0);
    assert_null(status->host);
    vmreclaim__fleet__v1__host_status__free_unpacked(status, NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_totals_are_of_all_and_rows_of_the_worst),
        cmocka_unit_test(test_it_fits),
        cmocka_unit_test(test_explanations_are_left_out_first),
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_what_is_no_text_becomes_text),
        cmocka_unit_test(test_a_daemon_that_does_not_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
