/* Methods that look at the host and at what could come back to it. */
#include <errno.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "controller/api/dispatch.h"
#include "controller/api/entries.h"
#include "controller/api/returning.h"
#include "controller/arbiter/arbiter.h"
#include "controller/arbiter/keeper.h"
#include "controller/messages/text.h"
#include "controller/messages/vm.h"

#define VMS_NUMBER 2 /* of the field in GetHostResponse, and in GetPlanResponse */
#define PAGE_BYTES (3u << 20)

typedef Vmreclaim__Controller__V1__GetHostRequest HostRequest;
typedef Vmreclaim__Controller__V1__GetHostResponse HostResponse;
typedef Vmreclaim__Controller__V1__Host Host;
typedef Vmreclaim__Controller__V1__HostNode HostNode;
typedef Vmreclaim__Controller__V1__HostVm HostVm;
typedef Vmreclaim__Controller__V1__GetPlanResponse PlanResponse;
typedef Vmreclaim__Controller__V1__PlannedVm PlannedVm;

/* ---- the host ---- */

/* What the message points to; lives until the message is sent. */
struct host_message {
    Host message;
    HostNode nodes[HOST_NODES_MAX];
    HostNode *pointers[HOST_NODES_MAX];
    struct error problem;
};

static void fill_nodes(const struct host_facts *facts, struct host_message *host)
{
    for (size_t i = 0; i < facts->node_count; i++) {
        HostNode *node = &host->nodes[i];

        vmreclaim__controller__v1__host_node__init(node);
        node->id = facts->nodes[i].id;
        node->total = facts->nodes[i].total;
        node->free = facts->nodes[i].free;
        host->pointers[i] = node;
    }
    host->message.nodes = host->pointers;
    host->message.n_nodes = facts->node_count;
}

static void fill_facts(const struct host_facts *facts, Host *message)
{
    message->is_cgroup = facts->is_cgroup;
    message->total = facts->total;
    message->available = facts->available;
    message->pressure_is_known = facts->pressure_is_known;
    message->pressure_some_permyriad = facts->pressure_some;
    message->pressure_full_permyriad = facts->pressure_full;
    message->swap_total = facts->swap_total;
    message->swap_free = facts->swap_free;
    message->ksm_is_known = facts->ksm_is_known;
    message->ksm_saved = facts->ksm_saved;
    message->zswap_is_known = facts->zswap_is_known;
    message->zswap_stored = facts->zswap_stored;
    message->zswap_pool = facts->zswap_pool;
}

/* Its last step, while it is on. */
static void fill_view(const struct arbiter_keeper *keeper, Host *message)
{
    if (!keeper->settings.is_on || keeper->view.available == 0)
        return;
    message->arbiter_has_looked = true;
    message->arbiter_state = message_text(arbiter_state_name(keeper->arbiter.state));
    message->promised = keeper->view.promised;
    message->coming = keeper->view.coming;
    message->takeable = keeper->view.takeable;
    message->floors_missing = keeper->arbiter.missing;
}

/* A host that cannot be read says why. */
static void host_to_message(struct arbiter_keeper *keeper, struct host_message *ret_host)
{
    const struct arbiter_settings *settings = &keeper->settings;
    const struct host_facts *facts = arbiter_keeper_host(keeper, &ret_host->problem);
    Host *message = &ret_host->message;

    vmreclaim__controller__v1__host__init(message);
    message->arbiter = message_text(settings->is_on ? "on" : "off");
    message->reserved = reservations_bytes(&keeper->reservations);
    if (facts == NULL) {
        message->problem = message_text(ret_host->problem.text);
        return;
    }
    fill_facts(facts, message);
    fill_nodes(facts, ret_host);
    fill_view(keeper, message);
    message->critical = arbiter_mark_bytes(&settings->critical, facts->total);
    message->low = arbiter_mark_bytes(&settings->low, facts->total);
    message->high = arbiter_mark_bytes(&settings->high, facts->total);
}

/* ---- GetHost ---- */

struct host_vm_message {
    HostVm message;
    struct returns_message returns;
};

/* `shown` lives as long as the entry: its texts are. */
static void host_vm_to_message(const struct vm *vm, const struct vm_message *shown,
                               struct host_vm_message *ret_entry)
{
    const struct waterfall *w = &vm->measured.waterfall;
    HostVm *message = &ret_entry->message;

    vmreclaim__controller__v1__host_vm__init(message);
    returns_of_vm(vm, shown, &ret_entry->returns);
    message->name = shown->message.name;
    message->state = shown->message.state;
    message->footprint_is_known = w->host_is_known;
    message->footprint = w->host_is_known ? w->footprint : 0;
    message->vm_ram = w->ram;
    message->n_steps = ret_entry->returns.message.n_steps;
    message->steps = ret_entry->returns.message.steps;
    message->could_return = ret_entry->returns.message.bytes;
    message->reason = ret_entry->returns.message.reason;
    message->only_observed = !vm->halted && !vm_may_be_changed(vm);
    message->balloon_lease = shown->message.balloon_lease;
    message->balloon_owner = shown->message.balloon_owner;
}

static int pack_page(const struct supervisor *supervisor, size_t first, size_t most,
                     struct packed_entries *page)
{
    const struct vm_order *order = &supervisor->registry.in_order;
    struct host_vm_message entry;
    struct vm_message shown;
    int r = 1;

    for (size_t i = 0; i < most && r > 0; i++) {
        vm_to_message(supervisor, order->vms[first + i], true, &shown);
        host_vm_to_message(order->vms[first + i], &shown, &entry);
        r = packed_entries_add(page, &entry.message.base);
    }
    return r;
}

static void get_host(struct api_call *call, const ProtobufCMessage *request)
{
    const HostRequest *asked = (const void *)request;
    const struct supervisor *supervisor = call->api->rooms.supervisor;
    const struct vm_order *order = &supervisor->registry.in_order;
    HostResponse response = VMRECLAIM__CONTROLLER__V1__GET_HOST_RESPONSE__INIT;
    size_t first = vm_order_after(order, asked->page_token);
    size_t left = order->count - first;
    size_t most = asked->page_size == 0 || asked->page_size > LOOKS_PER_SLICE ? LOOKS_PER_SLICE
                                                                              : asked->page_size;
    struct host_message host;
    struct packed_entries page;

    packed_entries_init(&page, VMS_NUMBER, PAGE_BYTES);
    if (pack_page(supervisor, first, min_of(left, most), &page) < 0) {
        api_call_fail(call, -ENOMEM, "out of memory");
    } else {
        if (asked->page_token[0] == '\0') {
            host_to_message(call->api->rooms.arbiter, &host);
            response.host = &host.message;
        }
        if (page.count > 0 && page.count < left)
            response.next_page_token = (char *)order->vms[first + page.count - 1]->name;
        packed_entries_carry(&page, &response.base);
        api_call_finish(call, &response.base);
    }
    packed_entries_finish(&page);
}

/* ---- GetPlan ---- */

struct planning {
    struct packed_entries vms;
    uint32_t omitted;
    int status;
};

static void fill_facts_of_vm(const struct arbiter_vm *facts, PlannedVm *message)
{
    message->cause = message_text(arbiter_reason_name(facts->memory->reason));
    message->vm_ram = facts->ram;
    message->size_now = facts->size;
    message->footprint = facts->footprint;
    message->guest_is_known = facts->source != ARBITER_UNHEARD;
    message->working_set = facts->in_use + facts->hot;
    message->floor = facts->floor;
    message->ceiling = facts->ceiling;
    message->shares = facts->shares;
    message->priority = facts->priority;
    message->lease = facts->lease;
}

static void on_planned(const struct arbiter_plan_row *row, void *userdata)
{
    PlannedVm message = VMRECLAIM__CONTROLLER__V1__PLANNED_VM__INIT;
    struct planning *planning = userdata;
    int r;

    if (planning->status < 0 || planning->omitted > 0) {
        planning->omitted++;
        return;
    }
    fill_facts_of_vm(row->facts, &message);
    message.vm = message_text(row->vm->name);
    message.reason = message_text(row->text);
    message.share = row->goal;
    if (row->request != NULL) {
        message.step = message_text(arbiter_step_name(row->request->step));
        message.bytes = row->request->bytes;
        message.size = row->request->size;
        message.cause = message_text(arbiter_reason_name(row->request->reason));
    }
    r = packed_entries_add(&planning->vms, &message.base);
    planning->status = r < 0 ? r : 0;
    planning->omitted += r == 0;
}

static void get_plan(struct api_call *call, const ProtobufCMessage *request)
{
    PlanResponse response = VMRECLAIM__CONTROLLER__V1__GET_PLAN_RESPONSE__INIT;
    struct planning planning = {.status = 0};
    struct host_message host;
    struct error error;
    int r;

    packed_entries_init(&planning.vms, VMS_NUMBER, PAGE_BYTES);
    r = arbiter_keeper_plan(call->api->rooms.arbiter, on_planned, &planning, &error);
    if (r < 0) {
        api_call_fail_error(call, r, &error);
    } else if (planning.status < 0) {
        api_call_fail(call, planning.status, "out of memory");
    } else {
        host_to_message(call->api->rooms.arbiter, &host);
        response.host = &host.message;
        response.omitted = planning.omitted;
        packed_entries_carry(&planning.vms, &response.base);
        api_call_finish(call, &response.base);
    }
    packed_entries_finish(&planning.vms);
}

static const struct api_method rows[] = {
    {"GetHost", get_host, API_READS},
    {"GetPlan", get_plan, API_READS},
};

const struct api_methods api_host_methods = {rows, ARRAY_SIZE(rows)};
