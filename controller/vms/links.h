/* The connections of a VM's agent: accepting and dialling, who may replace whom. Writes vm->links.
 *
 * A VM has at most one agent link that counts, and at most one candidate: a second connection for
 * the same identity. The candidate is asked who it is while the first is pinged. Another boot id,
 * or a first one that does not answer, lets the candidate in; else it is closed. A guest cannot
 * push its own connection out by dialling again, and one that rebooted is not kept waiting.
 *
 * An agent from a CID that nobody vouches for gets a record of its own, named "cid-N". It is
 * observed, never commanded, dropped with its connection, and such records are bounded in number.
 */
#ifndef VMRECLAIM_CONTROLLER_VMS_LINKS_H
#define VMRECLAIM_CONTROLLER_VMS_LINKS_H

#include "common/transport/address.h"
#include "controller/vms/supervisor.h"

/* An agent dialled in. `descriptor` is taken over. */
void supervisor_accept_agent(struct supervisor *supervisor, int descriptor,
                             const struct peer *peer);

/* Once a second: the heartbeat, or another try to dial. */
void vm_links_visit(struct vm *vm, nsec_t now);

/* Closes all. Whoever is there next is another. */
void vm_links_drop(struct vm *vm, const char *reason);

/* An unannounced record turned out to be this VM's: its connection is taken over, the record goes.
 */
void vm_links_adopt(struct vm *vm, struct vm *unannounced);

/* Tells the agent the lowest useful reporting order, unless it knows. */
void vm_links_tell_order(struct vm *vm);

#endif
