/* Methods that look at VMs. Looking is allowed at unannounced ones too. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/api/dispatch.h"
#include "controller/api/entries.h"
#include "controller/api/forward.h"
#include "controller/api/returning.h"
#include "controller/messages/finding.h"
#include "controller/messages/totals.h"
#include "controller/messages/vm.h"
#include "controller/policies/effective.h"
#include "controller/vms/fresh-sample.h"
#include "controller/vms/hypervisor.h"
#include "controller/vms/measured.h"

#define SAMPLE_TIMEOUT       (2 * NSEC_PER_SEC)
#define EXACT_SAMPLE_TIMEOUT (20 * NSEC_PER_SEC)
#define PING_TIMEOUT         (5 * NSEC_PER_SEC)
#define RANGES_TIMEOUT       (60 * NSEC_PER_SEC)

#define VMS_NUMBER 1          /* of the field in ListVmsResponse */
#define PAGE_BYTES (3u << 20) /* of entries; a frame of ttRPC may be 4 MiB */

/* ---- ListVms ---- */

/* Its samples, and what could come back. */
static int pack_vm(const struct supervisor *supervisor, const struct vm *vm,
                   const Vmreclaim__Controller__V1__ListVmsRequest *asked,
                   struct packed_entries *page)
{
    struct returns_message returns;
    struct vm_message message;

    vm_to_message(supervisor, vm, asked->with_returns, &message);
    if (asked->with_returns) {
        returns_of_vm(vm, &message, &returns);
        if (asked->with_obstacles)
            returns_add_obstacles(vm, &message, &returns);
        message.message.returns = &returns.message;
        message.waterfall.message.guest = NULL; /* a list has none */
    }
    return packed_entries_add(page, &message.message.base);
}

/* Those that fit, of `most` VMs from `first` on. */
static int pack_page(const struct supervisor *supervisor, size_t first, size_t most,
                     const Vmreclaim__Controller__V1__ListVmsRequest *asked,
                     struct packed_entries *page)
{
    const struct vm_order *order = &supervisor->registry.in_order;
    int r = 1;

    for (size_t i = 0; i < most && r > 0; i++)
        r = pack_vm(supervisor, order->vms[first + i], asked, page);
    return r;
}

static void list_vms(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__ListVmsRequest *asked = (const void *)request;
    const struct supervisor *supervisor = call->api->rooms.supervisor;
    const struct vm_order *order = &supervisor->registry.in_order;
    Vmreclaim__Controller__V1__ListVmsResponse response =
        VMRECLAIM__CONTROLLER__V1__LIST_VMS_RESPONSE__INIT;
    size_t first = vm_order_after(order, asked->page_token);
    size_t left = order->count - first;
    size_t most = asked->page_size == 0 ? left : min_of(left, (size_t)asked->page_size);
    struct packed_entries page;

    if (asked->with_returns)
        most = min_of(most, (size_t)LOOKS_PER_SLICE);
    packed_entries_init(&page, VMS_NUMBER, PAGE_BYTES);
    if (pack_page(supervisor, first, most, asked, &page) < 0) {
        api_call_fail(call, -ENOMEM, "out of memory");
    } else {
        if (page.count > 0 && page.count < left)
            response.next_page_token = (char *)order->vms[first + page.count - 1]->name;
        packed_entries_carry(&page, &response.base);
        api_call_finish(call, &response.base);
    }
    packed_entries_finish(&page);
}

/* ---- fresh samples ---- */

/* Takes the answer to GetMemory. False: the call was failed. Without an answer of the agent the
 * last sample stands for as long as a silent agent is waited for. Its time is the Vm's
 * last_sample_ns, its distance to the footprint the waterfall's skew_ns. */
static bool take_fresh_sample(struct api_call *call, struct vm *vm,
                              const struct ttrpc_result *result, nsec_t round_trip)
{
    if (vm == NULL) {
        api_call_fail(call, -ENOTCONN, "the VM went away meanwhile");
        return false;
    }
    fresh_sample_take(vm, result, round_trip);
    return true;
}

static void ask_sample(struct api_call *call, struct vm *vm, bool exact, forward_answer on_sample)
{
    Vmreclaim__Agent__V1__GetMemoryRequest ask = VMRECLAIM__AGENT__V1__GET_MEMORY_REQUEST__INIT;

    ask.exact = exact;
    forward_unary(call, vm, "GetMemory", &ask.base, exact ? EXACT_SAMPLE_TIMEOUT : SAMPLE_TIMEOUT,
                  on_sample, NULL);
}

/* ---- GetVm, Explain ---- */

static void finish_get_vm(struct api_call *call, struct vm *vm)
{
    Vmreclaim__Controller__V1__GetVmResponse response =
        VMRECLAIM__CONTROLLER__V1__GET_VM_RESPONSE__INIT;
    struct totals_messages totals;
    struct vm_message message;

    vm_to_message(call->api->rooms.supervisor, vm, true, &message);
    totals_to_messages(vm->totals, &totals);
    response.vm = &message.message;
    response.info = vm_info_unpack(vm);
    response.totals = totals.pointers;
    response.n_totals = totals.count;
    api_call_finish(call, &response.base);
    vm_info_free(response.info);
}

static void on_get_vm_sample(struct api_call *call, struct vm *vm,
                             const struct ttrpc_result *result, nsec_t round_trip, void *userdata)
{
    if (take_fresh_sample(call, vm, result, round_trip))
        finish_get_vm(call, vm);
}

static void get_vm(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__GetVmRequest *asked =
        (const Vmreclaim__Controller__V1__GetVmRequest *)request;
    struct vm *vm = api_find_vm(call, asked->vm);

    if (vm == NULL)
        return;
    if (asked->fresh && vm->links.agent != NULL) {
        ask_sample(call, vm, false, on_get_vm_sample);
        return;
    }
    if (asked->fresh)
        (void)vm_measure_exactly(vm);
    finish_get_vm(call, vm);
}

static void add_findings(const struct explain_subject *subject, struct api_call *call,
                         Vmreclaim__Controller__V1__ExplainResponse *response)
{
    struct explanation *explanation = calloc(1, sizeof(*explanation));

    if (explanation == NULL) {
        api_call_fail(call, -ENOMEM, "out of memory");
        return;
    }
    explain_vm(subject, explanation);
    if (explanation_to_message(explanation, response) < 0)
        api_call_fail(call, -ENOMEM, "out of memory");
    else
        api_call_finish(call, &response->base);
    explanation_release_message(response);
    free(explanation);
}

static void finish_explain(struct api_call *call, struct vm *vm)
{
    Vmreclaim__Controller__V1__ExplainResponse response =
        VMRECLAIM__CONTROLLER__V1__EXPLAIN_RESPONSE__INIT;
    Vmreclaim__Agent__V1__GetInfoResponse *info = vm_info_unpack(vm);
    struct vm_message message;
    struct policy policy;
    bool has_policy = vm_effective_policy(vm, &policy);

    vm_measure_huge(vm);
    vm_to_message(call->api->rooms.supervisor, vm, true, &message);
    response.vm = &message.message;
    add_findings(&(struct explain_subject){.vm = &message.message,
                                           .info = info,
                                           .policy = has_policy ? &policy : NULL,
                                           .own_limits = vm->assigned.capped_keys,
                                           .time = time_realtime()},
                 call, &response);
    vm_info_free(info);
}

static void on_explain_sample(struct api_call *call, struct vm *vm,
                              const struct ttrpc_result *result, nsec_t round_trip, void *userdata)
{
    if (take_fresh_sample(call, vm, result, round_trip))
        finish_explain(call, vm);
}

static void explain(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__ExplainRequest *asked =
        (const Vmreclaim__Controller__V1__ExplainRequest *)request;
    struct vm *vm = api_find_vm(call, asked->vm);

    if (vm == NULL)
        return;
    if (vm->links.agent != NULL) {
        ask_sample(call, vm, asked->exact, on_explain_sample);
        return;
    }
    (void)vm_measure_exactly(vm);
    finish_explain(call, vm);
}

/* ---- PingVm ---- */

static void on_pong(struct api_call *call, struct vm *vm, const struct ttrpc_result *result,
                    nsec_t round_trip, void *userdata)
{
    Vmreclaim__Controller__V1__PingVmResponse response =
        VMRECLAIM__CONTROLLER__V1__PING_VM_RESPONSE__INIT;

    if (result->code != TTRPC_OK) {
        forward_fail(call, vm, result);
        return;
    }
    response.round_trip_ns = round_trip;
    response.guest_boottime_ns =
        ((const Vmreclaim__Agent__V1__PingResponse *)result->response)->boottime_ns;
    api_call_finish(call, &response.base);
}

static void ping_vm(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__PingVmRequest *asked =
        (const Vmreclaim__Controller__V1__PingVmRequest *)request;
    Vmreclaim__Agent__V1__PingRequest ping = VMRECLAIM__AGENT__V1__PING_REQUEST__INIT;
    struct vm *vm = api_find_vm_with_agent(call, asked->vm);

    if (vm != NULL)
        forward_unary(call, vm, "Ping", &ping.base, PING_TIMEOUT, on_pong, NULL);
}

/* ---- ListRanges ---- */

static int on_ranges(struct api_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Agent__V1__ListFreeRangesResponse *part =
        (const Vmreclaim__Agent__V1__ListFreeRangesResponse *)message;
    Vmreclaim__Controller__V1__ListRangesResponse response =
        VMRECLAIM__CONTROLLER__V1__LIST_RANGES_RESPONSE__INIT;

    response.n_ranges = part->n_ranges;
    response.ranges = part->ranges;
    return api_call_send(call, &response.base);
}

static void on_ranges_end(struct api_call *call, struct vm *vm, const struct ttrpc_result *result,
                          nsec_t round_trip, void *userdata)
{
    if (result->code == TTRPC_OK)
        api_call_finish(call, NULL);
    else
        forward_fail(call, vm, result);
}

static void list_ranges(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__ListRangesRequest *asked =
        (const Vmreclaim__Controller__V1__ListRangesRequest *)request;
    Vmreclaim__Agent__V1__ListFreeRangesRequest ask =
        VMRECLAIM__AGENT__V1__LIST_FREE_RANGES_REQUEST__INIT;
    struct vm *vm = api_find_vm_with_agent(call, asked->vm);

    if (vm != NULL)
        forward_stream(call, vm, "ListFreeRanges", &ask.base, RANGES_TIMEOUT, on_ranges,
                       on_ranges_end, NULL);
}

static const struct api_method rows[] = {
    {"ListVms", list_vms, API_READS},
    {"GetVm", get_vm, API_READS},
    {"Explain", explain, API_READS},
    {"PingVm", ping_vm, API_READS},
    {"ListRanges", list_ranges, API_READS | API_STREAMS},
};

const struct api_methods api_vm_methods = {rows, ARRAY_SIZE(rows)};
