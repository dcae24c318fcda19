/* Keeps every VM's record true: finds VMs, holds their driver sessions and agent links, samples
 * guest and host, moves the life cycle.
 *
 * Theory of operation: everything runs on one loop. One timer ticks ten times a second and visits a
 * tenth of the VMs each time, so each VM is looked at once per second and no VM has a timer of its
 * own. A guest's sample arrives by itself; the host is measured in the same moment, so the two
 * belong together. Whoever wants to know what happens adds a listener.
 *
 * Failure modes: a driver or link that fails is closed and tried again with growing delay, its
 * reason kept in the VM's record; nothing else is disturbed. A hypervisor that ends takes its VM to
 * `gone`, and to `discovered` again while a source still names it. */
#ifndef VMRECLAIM_VMS_SUPERVISOR_H
#define VMRECLAIM_VMS_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "common/base/error.h"
#include "common/base/list.h"
#include "common/transport/address.h"
#include "controller/config/vm_file.h"
#include "controller/guests/strangers.h"
#include "controller/vms/registry.h"
#include "controller/vms/vm.h"

#define SUPERVISOR_SLOTS           10 /* ticks until every VM was visited once */
#define SUPERVISOR_TICK            (100 * NSEC_PER_MSEC)
#define SUPERVISOR_UNANNOUNCED_MAX 1024 /* agents that nobody vouches for */

enum vm_event_kind {
    VM_EVENT_STATE,  /* the life cycle moved; vm->life.state */
    VM_EVENT_SAMPLE, /* vm->measured.waterfall is new */
    VM_EVENT_PRESSURE,
    VM_EVENT_ACTION,     /* the guest's own policy acted */
    VM_EVENT_ENGINE,     /* vm->agent.engine_state, engine_reason */
    VM_EVENT_POLICY,     /* the agent has taken its policy, or not */
    VM_EVENT_BALLOON,    /* vm->hypervisor.facts.balloon_actual moved */
    VM_EVENT_RESET,      /* the guest was reset */
    VM_EVENT_RESTORED,   /* the guest went back to a snapshot; vm->hypervisor.balloon_before_restore
                          */
    VM_EVENT_HYPERVISOR, /* driver session came up, or its facts are new */
    VM_EVENT_WARNING,
    VM_EVENT_REMOVED, /* the record is freed on return */
};

/* "state", "sample", ... as in the API's Event.kind; state events have the state's name. */
const char *vm_event_kind_name(enum vm_event_kind kind, const struct vm *vm);

/* Pointers live until the listener returns. */
struct vm_event {
    struct vm *vm;
    enum vm_event_kind kind;
    const char *text; /* for a person */
    const Vmreclaim__Agent__V1__PressureEvent *pressure;
    const Vmreclaim__Agent__V1__ActionResult *action;
};

struct supervisor_listener {
    struct list link;
    void (*on_event)(const struct vm_event *event, void *userdata);
    void *userdata;
    bool acts; /* on what it hears: those who only watch hear it first, so causes before effects */
};

struct supervisor {
    uv_loop_t *loop;
    int root;               /* directory that has proc/ and sys/ */
    nsec_t sample_interval; /* longest time between a guest's samples */
    struct registry registry;
    struct list slots[SUPERVISOR_SLOTS];
    unsigned slot;      /* visited next */
    unsigned next_slot; /* of the next new VM */
    size_t unannounced_count;
    uint64_t
        refused_count; /* connections that no guest's agent can have made, too many, too soon */
    struct ttrpc_budget agent_budget; /* of all agents' connections */
    struct strangers strangers;       /* agents without a record */
    struct list listeners;
    uv_timer_t timer;
    uint64_t swap_used;          /* of this host */
    bool transparent_huge_pages; /* khugepaged works on this host's anonymous memory */
    bool stopping;
};

/* `root` stays the caller's. */
int supervisor_init(struct supervisor *supervisor, uv_loop_t *loop, int root,
                    nsec_t sample_interval);

/* Closes sessions and links; run the loop until it is empty, then supervisor_finish. */
void supervisor_stop(struct supervisor *supervisor);
void supervisor_finish(struct supervisor *supervisor);

/* The listener is the caller's, until supervisor_finish. */
void supervisor_listen(struct supervisor *supervisor, struct supervisor_listener *listener);
void supervisor_unlisten(struct supervisor_listener *listener);

/* What the VM files say, all of them: new VMs are added, changed ones changed, others removed.
 * Takes the definitions over (the array stays the caller's). All or nothing: -EEXIST when two
 * claim the same name, UUID, CID, hypervisor or agent. */
int supervisor_define(struct supervisor *supervisor, struct vm_definition **definitions,
                      size_t count, struct error *error);

/* Whether these definitions could be in force together; -EEXIST as supervisor_define. */
int supervisor_check_definitions(struct vm_definition *const *definitions, size_t count,
                                 struct error *error);

/* Hypervisors that were found; each is a VM even without a file. A VM that was found before and is
 * not in the list loses this source. */
int supervisor_set_found(struct supervisor *supervisor, const struct hypervisor_address *addresses,
                         size_t count, struct error *error);

/* An agent dialled in. `descriptor` is taken over. */
void supervisor_accept_agent(struct supervisor *supervisor, int descriptor,
                             const struct peer *peer);

/* Assigns a policy and sends it when the agent is there. */
int supervisor_set_policy(struct supervisor *supervisor, struct vm *vm,
                          const struct policy *policy);

/* Measures the host now and joins it with the newest guest sample. 0, or -ESRCH when there is no
 * process to measure. */
int supervisor_measure(struct supervisor *supervisor, struct vm *vm);

/* Counts anew what the hypervisor holds for itself, where the footprint is what is left: before a
 * reading that a record is made of, since a heap moves by megabytes. A millisecond. */
void supervisor_calibrate(struct vm *vm);

/* supervisor_calibrate, then supervisor_measure with its result. */
int supervisor_measure_exactly(struct supervisor *supervisor, struct vm *vm);

/* Takes a guest's sample that came as an answer; `latency` bounds its age. -ERANGE: it cannot be
 * true. Measures the host too. */
int supervisor_take_sample(struct supervisor *supervisor, struct vm *vm,
                           const Vmreclaim__Agent__V1__MemorySample *sample, nsec_t latency);

/* Reads how much of the footprint is in transparent huge pages, where that is evidence: memory that
 * no part of the guest needs, on a host whose khugepaged may have filled it. Not for large VMs, for
 * which it would take too long. */
void supervisor_measure_huge(struct vm *vm);

/* Asks the hypervisor for the balloon's size; a change comes as VM_EVENT_BALLOON. */
void supervisor_read_balloon(struct vm *vm);

/* Visits one slot; what the timer does. `now` is CLOCK_BOOTTIME. */
void supervisor_tick(struct supervisor *supervisor, nsec_t now);

/* 0 when commands may be sent to the VM's agent, else -EPERM or -ENOTCONN with the reason. */
int supervisor_may_command(const struct vm *vm, struct error *error);

/* The lowest reporting order that pays on this VM's backing, < 0: unknown. */
int supervisor_lowest_order(const struct supervisor *supervisor, const struct vm *vm);

/* ---- between the supervisor's files ---- */

void supervisor_emit(struct supervisor *supervisor, const struct vm_event *event);
void supervisor_warn(struct supervisor *supervisor, struct vm *vm, const char *format, ...)
    printf_like(3, 4);

/* A new record in the registry and a slot. */
int supervisor_add_vm(struct supervisor *supervisor, struct vm *vm, struct error *error);

/* Closes what the VM has open and frees it when all is closed. */
void supervisor_remove_vm(struct supervisor *supervisor, struct vm *vm);

/* Frees a removed VM once nothing of it is open. */
void supervisor_reap(struct supervisor *supervisor, struct vm *vm);

/* Works the facts out again and moves the life cycle, with an event for each change. */
void supervisor_update_state(struct supervisor *supervisor, struct vm *vm);

/* Agent's side (agents.c). */
void vm_agent_tick(struct supervisor *supervisor, struct vm *vm, nsec_t now);
void vm_agent_drop(struct vm *vm, const char *reason);
void vm_agent_announce(struct supervisor *supervisor, struct vm *vm);
void vm_agent_adopt(struct supervisor *supervisor, struct vm *vm, struct vm *unannounced);
void vm_agent_send_policy(struct supervisor *supervisor, struct vm *vm);

/* Hypervisor's side (hypervisor.c). */
void vm_hypervisor_tick(struct supervisor *supervisor, struct vm *vm, nsec_t now);
void vm_hypervisor_drop(struct vm *vm);
void vm_hypervisor_ended(struct supervisor *supervisor, struct vm *vm);

/* The guest was reset or has booted again, as `text` says: VM_EVENT_RESET. */
void vm_hypervisor_booted(struct vm *vm, const char *text);

/* The guest went back to a snapshot: VM_EVENT_RESTORED follows once the balloon was read again. */
void vm_hypervisor_restored(struct vm *vm);

#endif
