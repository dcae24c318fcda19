/* Listeners and events. */
#include "controller/vms/supervisor.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "common/base/nearest.h"
#include "common/base/text.h"
#include "common/base/util.h"

static const char *const names[] = {
    [VM_EVENT_SAMPLE] = "sample",       [VM_EVENT_PRESSURE] = "pressure",
    [VM_EVENT_GUEST_ACTION] = "action", [VM_EVENT_ACTION_BEGUN] = NULL,
    [VM_EVENT_ACTION_ENDED] = "action", [VM_EVENT_ENGINE] = "engine",
    [VM_EVENT_POLICY] = "policy",       [VM_EVENT_BALLOON] = "balloon",
    [VM_EVENT_RESET] = "reset",         [VM_EVENT_HYPERVISOR] = "hypervisor",
    [VM_EVENT_WARNING] = "warning",     [VM_EVENT_ALARM] = "alarm",
    [VM_EVENT_ARBITER] = "arbiter",     [VM_EVENT_STATISTICS] = NULL,
    [VM_EVENT_REMOVED] = "removed",     [VM_EVENT_RESTORED] = "restored",
    [VM_EVENT_CONNECTED] = NULL,        [VM_EVENT_DISCONNECTED] = NULL,
    [VM_EVENT_WENT_BACK] = NULL,        [VM_EVENT_INFO] = NULL,
    [VM_EVENT_LEASE] = "balloon",       [VM_EVENT_RENAMED] = "renamed",
};

const char *vm_event_kind_name(enum vm_event_kind kind, const struct vm *vm)
{
    return kind == VM_EVENT_STATE ? vm_state_name(vm->life.state) : names[kind];
}

static struct vm_event_kinds kinds_of(const char *name)
{
    struct vm_event_kinds found = {0, 0};

    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        found.kinds |= names[i] != NULL && strcmp(names[i], name) == 0 ? 1u << i : 0;
    for (unsigned i = 0; i < VM_STATE_COUNT; i++)
        found.states |=
            strcmp(vm_state_name((enum vm_state)i), name) == 0 || strcmp(name, "state") == 0
                ? 1u << i
                : 0;
    return found;
}

static int refuse_kind(const char *name, struct error *error)
{
    struct nearest nearest = {.wanted = name};

    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        if (names[i] != NULL)
            nearest_offer(&nearest, names[i]);
    for (unsigned i = 0; i < VM_STATE_COUNT; i++)
        nearest_offer(&nearest, vm_state_name((enum vm_state)i));
    return error_set(error, -EINVAL, "there are no events of kind '%s'%s%s%s", TEXT_CUT(name, 32),
                     nearest.name != NULL ? "; did you mean '" : "",
                     nearest.name != NULL ? nearest.name : "", nearest.name != NULL ? "'?" : "");
}

int vm_event_kinds_add(struct vm_event_kinds *kinds, const char *name, struct error *error)
{
    const struct vm_event_kinds found = kinds_of(name);

    if (found.kinds == 0 && found.states == 0)
        return refuse_kind(name, error);
    kinds->kinds |= found.kinds;
    kinds->states |= found.states;
    return 0;
}

void supervisor_listen(struct supervisor *supervisor, struct supervisor_listener *listener)
{
    if (listener->acts)
        list_append(&supervisor->listeners, &listener->link);
    else
        list_prepend(&supervisor->listeners, &listener->link);
}

void supervisor_unlisten(struct supervisor_listener *listener)
{
    list_remove(&listener->link);
}

/* An event has what its kind says, and nothing else. */
static void check(const struct vm_event *event)
{
    bool is_action = event->kind == VM_EVENT_ACTION_BEGUN || event->kind == VM_EVENT_ACTION_ENDED;

    assert((event->kind == VM_EVENT_PRESSURE) == (event->pressure != NULL));
    assert((event->kind == VM_EVENT_GUEST_ACTION) == (event->guest_action != NULL));
    assert((event->kind == VM_EVENT_INFO) == (event->info != NULL));
    assert(is_action == (event->record != NULL));
}

void supervisor_emit(struct supervisor *supervisor, const struct vm_event *event)
{
    check(event);
    list_for_each_safe (link, following, &supervisor->listeners) {
        struct supervisor_listener *listener = list_entry(link, struct supervisor_listener, link);

        listener->on_event(event, listener->userdata);
    }
}

void vm_emit(struct vm *vm, enum vm_event_kind kind, const char *text)
{
    supervisor_emit(vm->supervisor, &(struct vm_event){.vm = vm, .kind = kind, .text = text});
}

void vm_warn(struct vm *vm, const char *format, ...)
{
    char text[640];
    va_list arguments;

    va_start(arguments, format);
    text_format_list(text, sizeof(text), format, arguments);
    va_end(arguments);
    vm_emit(vm, VM_EVENT_WARNING, text);
}

int supervisor_lowest_order(const struct supervisor *supervisor, const struct vm *vm)
{
    return vm_lowest_useful_order(vm, supervisor->transparent_huge_pages,
                                  (uint64_t)sysconf(_SC_PAGESIZE));
}
