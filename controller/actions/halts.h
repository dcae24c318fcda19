/* VMs that nothing is done to, because an operator said so. Writes vm->halted.
 *
 * Theory of operation: halting a VM gives all its leases back, ends what is under way, has its
 * agent observe, and refuses every new action until it is resumed. A policy of ours that its guest
 * ran is sent again then. Who was never given a policy runs what it ran before us. The store keeps
 * who is halted, by name and UUID; "*" is all VMs, those that come later too. So a halt outlives
 * the daemon: leases that a restart finds are given back. It outlives its VM, until it is resumed
 * by that name, and it goes along when the VM is renamed.
 *
 * Failure modes: a halt holds at once, and is answered once it is durable; when the store cannot
 * write it, it holds until the daemon's end, and the answer says so. */
#ifndef VMRECLAIM_CONTROLLER_ACTIONS_HALTS_H
#define VMRECLAIM_CONTROLLER_ACTIONS_HALTS_H

#include "common/base/error.h"
#include "controller/actions/action.h"
#include "controller/store/requests.h"

#define HALTS_MAX 4096 /* that are remembered one by one; more are halted by "*" */

struct halt {
    char vm[VM_NAME_SIZE]; /* "*": all */
    char uuid[VM_UUID_SIZE];
    uint64_t serial; /* of the VM's record, which may be renamed; 0: not seen by this daemon */
    char author[64];
};

struct halts {
    struct supervisor *supervisor;
    struct lease_keeper *keeper;
    struct store *store;
    struct supervisor_listener listener;
    struct halt *list;
    size_t count;
};

/* Reads who is halted; before any VM acts. The store must not have its thread yet. */
void halts_init(struct halts *halts, struct supervisor *supervisor, struct lease_keeper *keeper,
                struct store *store);
void halts_finish(struct halts *halts);

/* `vm` NULL: all. `done` comes once, maybe before this returns. -ENOSPC: too many are. */
int halts_add(struct halts *halts, struct vm *vm, const char *author, store_note_done done,
              void *userdata, struct error *error);

/* -ENOENT: it is not halted. -EBUSY: all are, and one cannot be taken out. */
int halts_remove(struct halts *halts, struct vm *vm, store_note_done done, void *userdata,
                 struct error *error);

/* Whether a VM of that name was halted for itself, be it there or not. */
bool halts_have(const struct halts *halts, const char *name);

/* As halts_remove(), of a name that no VM has. */
int halts_remove_absent(struct halts *halts, const char *name, store_note_done done, void *userdata,
                        struct error *error);

/* Who halted it; NULL: it is not. */
const char *halts_author(const struct halts *halts, const struct vm *vm);

#endif
