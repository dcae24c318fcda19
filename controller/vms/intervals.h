/* How often a hypervisor asks its guest for balloon statistics: an owner's setting that we may need
 * to change, and put back. Writes vm->interval.
 *
 * Theory of operation: where the owner has switched statistics off and nobody else tells of the
 * guest, they are switched on. What was there is in the journal before the hypervisor is told, with
 * the process that it is for, and out of it only once that is there again. It is put back when an
 * agent tells instead, when the VM is halted or only observed, and when nobody here will ask that
 * hypervisor any more: the VM is removed, gets another address, or the daemon ends. Whether that
 * was done is not heard. So the note stays for who comes to that address next, as it does when the
 * daemon was killed.
 *
 * A reading of now needs it as well, whatever the owner has set: 0 and then another number makes
 * the hypervisor ask the guest at once. So who wants such readings holds the interval for a while,
 * which is in the journal all that time.
 *
 * Failure modes: without a journal nothing is changed. A hypervisor that refuses is asked again ten
 * minutes later. One that ended took the setting along. Of too many notes that nobody comes for,
 * the next daemon reads the rest from the journal. */
#ifndef VMRECLAIM_CONTROLLER_VMS_INTERVALS_H
#define VMRECLAIM_CONTROLLER_VMS_INTERVALS_H

#include "controller/vms/supervisor.h"

/* What was there. */
struct interval_note {
    char address[HYPERVISOR_ADDRESS_SIZE];
    uint32_t seconds;
    pid_t pid;
    uint64_t start_time;
};

/* The store implements it; tests keep it in memory. */
struct interval_journal {
    void *userdata;
    /* Durable when `done` is called, with 0; before it returns, or later. */
    void (*put)(void *userdata, const struct interval_note *note,
                void (*done)(int status, void *asker), void *asker);
    void (*remove)(void *userdata, const struct interval_note *note);
};

struct intervals {
    struct interval_journal journal;
    struct interval_note *left; /* by an earlier daemon, or a VM that is not at that address now */
    size_t left_count;
    uint64_t left_added; /* ever */
};

/* The supervisor uses it from now on. */
void intervals_init(struct intervals *intervals, struct supervisor *supervisor,
                    const struct interval_journal *journal);
void intervals_finish(struct intervals *intervals);

/* One that the journal had when it was read. -ENOMEM. */
int intervals_add_left(struct intervals *intervals, const struct interval_note *note);

/* Once a second, of a session that answers. `needed`: nobody else tells of the guest, and the VM
 * may be changed. */
void vm_interval_visit(struct vm *vm, bool needed, nsec_t now);

/* Readings of now are wanted until then, CLOCK_BOOTTIME, or until the VM may not be changed any
 * more. Its hypervisor can do it. */
void vm_interval_hold(struct vm *vm, nsec_t until);

/* It is in the journal, and may be poked. */
bool vm_interval_is_held(const struct vm *vm);

/* Has the guest asked now. `done` is called once, with 0 or a negative errno, unless this fails:
 * -EBUSY: it is being poked, or not held; or as the driver. */
int vm_interval_poke(struct vm *vm, interval_poked done);

/* How often the guest is asked, in seconds; 0: never; DRIVER_INTERVAL_UNKNOWN. */
uint32_t vm_interval_seconds(const struct vm *vm);

/* vm_hypervisor_drop() of one that lives: what we set is put back as well as it can be. */
void vm_leave_hypervisor(struct vm *vm);

void vm_interval_on_event(const struct vm_event *event);

#endif
