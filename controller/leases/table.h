/* All leases: those of each VM, and those that wait for theirs. Writes struct vm_leases; the others
 * of the keeper's files go through the functions here. */
#ifndef VMRECLAIM_CONTROLLER_LEASES_TABLE_H
#define VMRECLAIM_CONTROLLER_LEASES_TABLE_H

#include <uv.h>

#include "common/base/error.h"
#include "common/base/list.h"
#include "controller/leases/balloon.h"
#include "controller/leases/journal.h"
#include "controller/leases/traces.h"
#include "controller/vms/supervisor.h"

struct lease_keeper {
    struct supervisor *supervisor;
    struct lease_journal journal;
    struct supervisor_listener listener;
    struct lease_traces traces; /* of leases, also of past ones */
    struct list balloons;       /* struct vm_leases with a balloon_control */
    struct list waiting;        /* struct waiting_lease: their VM is not there yet */
    struct list readings;       /* samples of guests that are asked for the next step */
    uv_timer_t timer;           /* runs while there is something to do every second */
    uv_timer_cb on_timer;
    uv_timer_t pulse_timer; /* runs while a pulse is on, see pulses.h */
    struct error problem;   /* why the journal could not be read yet; empty: it was */
    bool is_loading;        /* it is being read */
    nsec_t load_next;       /* CLOCK_BOOTTIME: when it is tried again */
    size_t stand_in_count;  /* VMs that are only the address in a lease */
};

/* What is kept for one VM, from its first lease until it goes. */
struct vm_leases {
    struct list link; /* of the keeper's balloons */
    struct vm *vm;
    struct balloon_control *balloon; /* NULL: nothing of ours is in it */
    struct list asked;               /* leases that are being written before they count */
    const void *writing;             /* what its journal is asked for; NULL: nothing */
    bool may_raise;                  /* its turn in the line of those that get memory back */
    uint64_t waiting;                /* bytes of leases whose hypervisor was not reached yet */
    enum balloon_news news;          /* see lease_news */
    char foreign_owner[64];          /* who else was seen to move the balloon; empty: nobody */
    nsec_t foreign_moved;            /* CLOCK_BOOTTIME, of then */
    uint64_t marked;                 /* the VM's mark, as its leases have set it; 0: not yet */
    struct pulse pulse;              /* the last one, while there is no balloon */
};

/* ---- for everybody ---- */

/* The VM's balloon under leases; NULL: nothing of ours is in it. */
const struct balloon_control *lease_balloon(const struct vm *vm);

/* Bytes of leases whose hypervisor was not reached yet. */
uint64_t lease_waiting_bytes(const struct vm *vm);

/* The last news of what was asked last, or why its leases ended. */
enum balloon_news lease_news(const struct vm *vm);

/* The VM's pulse that is on, or the last one; its state is PULSE_NONE: there was none. */
struct pulse lease_pulse(const struct vm *vm);

/* Who else moves the balloon: as is known of the VM, or was seen within a day; "": nobody. */
const char *lease_foreign_owner(const struct vm *vm);

/* Huge pages back it that come back whole only, which a balloon of small pages does not do. */
bool lease_meets_huge_pages(const struct vm *vm);

/* ---- for the keeper's files ---- */

/* The VM's record; NULL: out of memory. */
struct vm_leases *leases_get(struct vm *vm);

/* The record goes with its VM. */
void leases_remove(struct vm *vm);

/* Takes the balloon as it is found, unless it was taken already. -ENOMEM. */
int leases_adopt(struct lease_keeper *keeper, struct vm *vm);

/* Nothing of ours is in the balloon any more. */
void leases_drop(struct vm *vm);

/* The balloon, to be changed by the functions of balloon.h; NULL as lease_balloon. */
struct balloon_control *leases_control(struct vm *vm);

/* What the balloon waits for until it is in the journal, and whose wait that is: NULL when the
 * balloon is gone meanwhile. */
void leases_set_writing(struct vm *vm, const void *writing);
struct vm *leases_find_writing(const struct lease_keeper *keeper, const void *writing);

void leases_set_waiting(struct vm *vm, uint64_t bytes);
void leases_set_marked(struct vm *vm, uint64_t baseline);
void leases_set_may_raise(struct vm_leases *leases, bool may_raise);

/* BALLOON_NO_NEWS: something new was asked. */
void leases_note_news(struct vm *vm, enum balloon_news news);

/* Nothing more is to be done to balloons. */
bool leases_are_stopping(const struct lease_keeper *keeper);

/* The timer is to run. */
void leases_wake(struct lease_keeper *keeper);

#endif
