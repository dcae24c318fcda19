/* What all VMs share, and how the rest of the daemon hears of them.
 *
 * Theory of operation: everything runs on one loop. A VM's record has parts (vm.h), each kept by a
 * file of its own; tick.h says how they work together. Whoever wants to know what happens adds a
 * listener. A lower part of the daemon notifies a higher one by an event, never by a call. */
#ifndef VMRECLAIM_CONTROLLER_VMS_SUPERVISOR_H
#define VMRECLAIM_CONTROLLER_VMS_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "common/base/list.h"
#include "common/base/log.h"
#include "common/proc/boot-id.h"
#include "controller.pb-c.h"
#include "controller/guests/strangers.h"
#include "controller/vms/registry.h"
#include "controller/vms/vm.h"

#define SUPERVISOR_SLOTS           10   /* ticks until every VM was visited once */
#define SUPERVISOR_UNANNOUNCED_MAX 1024 /* agents that nobody vouches for */

enum vm_event_kind {
    VM_EVENT_STATE,  /* the life cycle moved; vm->life.state */
    VM_EVENT_SAMPLE, /* vm->measured.waterfall is new */
    VM_EVENT_PRESSURE,
    VM_EVENT_GUEST_ACTION, /* the guest's own policy acted; `guest_action` */
    VM_EVENT_ACTION_ENDED, /* somebody's order was carried out, or has failed; `record` is whole */
    VM_EVENT_ENGINE,       /* vm->agent.engine_state, engine_reason */
    VM_EVENT_POLICY,       /* the agent has taken its policy, or not */
    VM_EVENT_LEASE,        /* what came of its leases */
    VM_EVENT_BALLOON,      /* vm->hypervisor.facts.balloon_actual moved */
    VM_EVENT_RESET,        /* the guest was reset or has booted again */
    VM_EVENT_RESTORED,     /* the guest went back to a snapshot; balloon_before_restore is set */
    VM_EVENT_HYPERVISOR,   /* its facts are new, or its process ended: then they are not known */
    VM_EVENT_WARNING,
    VM_EVENT_ALARM,   /* its guest is starved under a balloon, or is not any more */
    VM_EVENT_ARBITER, /* what the host's arbiter has decided about it */
    VM_EVENT_RENAMED, /* vm->name is new */
    VM_EVENT_REMOVED, /* the record is freed on return */
    /* for other parts of the daemon; watchers do not get them */
    VM_EVENT_BALLOON_STEP, /* VM_EVENT_BALLOON while it is read many times a second */
    VM_EVENT_STATISTICS,   /* vm->statistics.last is new */
    VM_EVENT_DISCONNECTED, /* no connection is the agent's */
    VM_EVENT_WENT_BACK,    /* the guest's clock did, and nobody else says that the guest did */
    VM_EVENT_CONNECTED,    /* another connection is the agent's */
    VM_EVENT_INFO,         /* the agent said who it is; `info` */
    VM_EVENT_ACTION_BEGUN, /* somebody's order is being carried out; `record` so far */
};

/* "state", "sample", ... as in the API's Event.kind; state events have the state's name. NULL: not
 * for watchers. */
const char *vm_event_kind_name(enum vm_event_kind kind, const struct vm *vm);

/* A set of what watchers are told. */
struct vm_event_kinds {
    uint32_t kinds;  /* bits of enum vm_event_kind but VM_EVENT_STATE */
    uint32_t states; /* bits of enum vm_state: that a VM comes into it */
};

/* Adds the kinds of that name; "state": of all states. -EINVAL, with the nearest. */
int vm_event_kinds_add(struct vm_event_kinds *kinds, const char *name, struct error *error);

/* Pointers live until the listener returns. */
struct vm_event {
    struct vm *vm;
    enum vm_event_kind kind;
    const char *text; /* for a person */
    const Vmreclaim__Agent__V1__PressureEvent *pressure;
    const Vmreclaim__Agent__V1__ActionResult *guest_action;
    const Vmreclaim__Agent__V1__GetInfoResponse *info;
    const Vmreclaim__Controller__V1__Action *record;
};

struct supervisor_listener {
    struct list link;
    void (*on_event)(const struct vm_event *event, void *userdata);
    /* Once a second for each VM; NULL: not asked for. */
    void (*on_visit)(struct vm *vm, nsec_t now, void *userdata);
    void *userdata;
    bool acts; /* on what it hears: those who only watch hear it first, so causes before effects */
};

struct intervals;

struct supervisor {
    uv_loop_t *loop;
    int root;                        /* directory that has proc/ and sys/ */
    char host_boot_id[BOOT_ID_SIZE]; /* empty: it cannot be read */
    nsec_t sample_interval;          /* longest time between a guest's samples */
    struct registry registry;
    struct list slots[SUPERVISOR_SLOTS];
    unsigned slot;      /* visited next */
    unsigned next_slot; /* of the next new VM */
    size_t unannounced_count;
    struct log_limit refusals;
    uint64_t refused_count; /* connections that no guest's agent made, too many, too soon */
    struct ttrpc_budget agent_budget; /* of all agents' connections */
    struct strangers strangers;       /* agents without a record */
    struct intervals *intervals;      /* of balloon statistics; NULL: none is changed */
    struct list listeners;
    struct supervisor_listener parts; /* routes events between the parts of a VM */
    uv_timer_t timer;
    uint64_t swap_used;          /* of this host */
    bool transparent_huge_pages; /* khugepaged works on this host's anonymous memory */
    bool stopping;
};

/* The listener is the caller's, until supervisor_finish. */
void supervisor_listen(struct supervisor *supervisor, struct supervisor_listener *listener);
void supervisor_unlisten(struct supervisor_listener *listener);

void supervisor_emit(struct supervisor *supervisor, const struct vm_event *event);

/* An event that has only a text. */
void vm_emit(struct vm *vm, enum vm_event_kind kind, const char *text);
void vm_warn(struct vm *vm, const char *format, ...) printf_like(2, 3);

/* The lowest reporting order that pays on this VM's backing, < 0: unknown. */
int supervisor_lowest_order(const struct supervisor *supervisor, const struct vm *vm);

#endif
