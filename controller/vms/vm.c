/* A VM's record. */
#include "controller/vms/vm.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/base/text.h"
#include "common/base/util.h"

/* khugepaged fills an anonymous huge page again unless the hole is as large as so many of the
 * host's pages, as an order. */
#define ORDER_ABOVE_KHUGEPAGED 5

int vm_create(const char *name, enum vm_source source, struct vm **ret_vm)
{
    struct vm *vm = calloc(1, sizeof(*vm));

    if (vm == NULL)
        return -ENOMEM;
    list_init(&vm->link);
    list_init(&vm->life.slot_link);
    hypervisor_process_init(&vm->measured.process);
    vm->life.state = VM_DISCOVERED;
    vm->sources.set = source;
    agent_standing_init(&vm->links.standing);
    vm->measured.complaints = (struct log_limit){.interval = 60 * NSEC_PER_SEC, .burst = 3};
    vm->agent.events = (struct log_limit){.interval = 60 * NSEC_PER_SEC, .burst = 240};
    vm->agent.actions = (struct log_limit){.interval = 3600 * NSEC_PER_SEC, .burst = 60};
    vm->agent.actions_beyond = (struct log_limit){.interval = 60 * NSEC_PER_SEC, .burst = 1};
    vm->log = (struct log_limit){.interval = 60 * NSEC_PER_SEC, .burst = 60};
    text_copy_line(vm->name, sizeof(vm->name), name);
    *ret_vm = vm;
    return 0;
}

void vm_destroy(struct vm *vm)
{
    if (vm == NULL)
        return;
    /* Whoever keeps these lets go when the VM is removed. */
    assert(vm->assigned.policy == NULL && vm->assigned.file == NULL && vm->leases == NULL &&
           vm->action == NULL && vm->pulses == NULL);
    assert(list_is_empty(&vm->link) && list_is_empty(&vm->life.slot_link) && !vm->by_name.linked);
    hypervisor_process_finish(&vm->measured.process);
    vm_definition_destroy(vm->sources.definition);
    for (size_t i = 0; i < vm->found.label_count; i++)
        free(vm->found.labels[i]);
    free(vm->agent.info.packed);
    free(vm->totals);
    free(vm);
}

char *const *vm_labels(const struct vm *vm, size_t *ret_count)
{
    const struct vm_definition *definition = vm->sources.definition;

    if (definition != NULL && definition->label_count > 0) {
        *ret_count = definition->label_count;
        return definition->labels;
    }
    *ret_count = vm->found.label_count;
    return vm->found.labels;
}

Vmreclaim__Agent__V1__GetInfoResponse *vm_info_unpack(const struct vm *vm)
{
    Vmreclaim__Agent__V1__GetInfoResponse *info;

    if (vm->links.agent == NULL || vm->agent.info.packed == NULL)
        return NULL;
    info = vmreclaim__agent__v1__get_info_response__unpack(NULL, vm->agent.info.packed_length,
                                                           vm->agent.info.packed);
    if (info == NULL)
        return NULL;
    /* Agents say "none" with an order that no kernel has. */
    info->reporting_order_is_known =
        info->reporting_order < GUEST_ORDER_COUNT_MAX && info->reporting_order <= info->max_order;
    if (vm->measured.guest.received != 0) {
        info->reporting_order_is_known = vm->measured.guest.reporting_order_is_known;
        info->reporting_order = vm->measured.guest.reporting_order;
    }
    if (!info->reporting_order_is_known)
        info->reporting_order = 0;
    assert(info->reporting_order_is_known || info->reporting_order == 0);
    return info;
}

void vm_info_free(Vmreclaim__Agent__V1__GetInfoResponse *info)
{
    if (info != NULL)
        vmreclaim__agent__v1__get_info_response__free_unpacked(info, NULL);
}

bool vm_cid_is_vouched_for(const struct vm *vm)
{
    return vm->hypervisor.known && hypervisor_process_is_open(&vm->measured.process) &&
           vm->cid != 0 && vm->hypervisor.facts.guest_cid == vm->cid;
}

bool vm_may_be_changed(const struct vm *vm)
{
    return !vm->halted && ((vm->sources.set & VM_SOURCE_FILE) != 0 || vm->assigned.policy != NULL);
}

uint64_t vm_floor(const struct vm *vm)
{
    const struct vm_definition *definition = vm->sources.definition;
    const struct policy *policy = vm->assigned.policy;

    return max_of(definition == NULL ? 0 : definition->floor, policy == NULL ? 0 : policy->floor);
}

bool vm_declines_reporting(const struct vm *vm)
{
    return vm->hypervisor.facts.free_page_reporting == ANSWER_YES &&
           (vm->hypervisor.facts.guest_reports == ANSWER_NO ||
            (vm->links.agent != NULL && vm->agent.info.lacks_reporting));
}

bool vm_reports(const struct vm *vm)
{
    return vm->hypervisor.facts.free_page_reporting == ANSWER_YES && !vm_declines_reporting(vm);
}

/* The hypervisor's word, made exact by what its process maps. */
static enum memory_backing backing_of(const struct vm *vm)
{
    enum memory_backing backing = vm->hypervisor.facts.backing;

    if (vm->measured.process.backend_count > 0 && vm->measured.process.backends[0].hugetlb)
        return MEMORY_BACKING_HUGETLB;
    if (backing == MEMORY_BACKING_UNKNOWN && hypervisor_process_is_open(&vm->measured.process))
        return vm->measured.process.backend_count > 0 ? MEMORY_BACKING_MEMFD
                                                      : MEMORY_BACKING_ANONYMOUS;
    return backing;
}

const char *vm_balloon_owner(const struct vm *vm)
{
    return vm->found.balloon_owner[0] != '\0' ? vm->found.balloon_owner
                                              : vm->hypervisor.facts.balloon_owner;
}

const char *vm_backing_name(const struct vm *vm)
{
    return memory_backing_name(backing_of(vm));
}

static int order_of(uint64_t size, uint64_t page_size)
{
    int order = 0;

    while (page_size << order < size && order < GUEST_ORDER_COUNT_MAX)
        order++;
    return order;
}

int vm_lowest_useful_order(const struct vm *vm, bool transparent_huge_pages,
                           uint64_t host_page_size)
{
    uint64_t page_size = vm->agent.info.page_size != 0 ? vm->agent.info.page_size : host_page_size;

    switch (backing_of(vm)) {
    case MEMORY_BACKING_ANONYMOUS:
        return transparent_huge_pages
                   ? order_of(host_page_size << ORDER_ABOVE_KHUGEPAGED, page_size)
                   : 0;
    case MEMORY_BACKING_MEMFD:
    case MEMORY_BACKING_FILE:
        return 0;
    case MEMORY_BACKING_HUGETLB:
        return vm->hypervisor.facts.backing_page_size == 0
                   ? -1
                   : order_of(vm->hypervisor.facts.backing_page_size, page_size);
    default:
        return -1;
    }
}
