/* What Firecracker's answers say, as facts. Pure but for the path of its vsock socket; answers may
 * be of any shape, numbers are reals.
 *
 * Checked against its source at 81b38b9dad6056d7a48073e95ac5a9aed51cb2ab, never against the program
 * itself. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_FIRECRACKER_FACTS_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_FIRECRACKER_FACTS_H

#include "controller/hypervisors/microvm/session.h"

/* GET /vm/config: memory, vsock, the balloon's device. */
int firecracker_take_config(struct microvm_view *view, const struct microvm_reply *reply,
                            struct error *error);

/* GET /: name and run state. */
int firecracker_take_instance(struct microvm_view *view, const struct microvm_reply *reply,
                              struct error *error);

/* GET /balloon/statistics: the balloon's size, and what the guest reported. The API has no time of
 * a sample, and after a restore the sample of the snapshot. So a sample is new when a figure moved.
 */
int firecracker_take_statistics(struct microvm_view *view, const struct microvm_reply *reply,
                                struct error *error);

/* Its balloon's size can be known: only statistics have it. */
bool firecracker_has_statistics(const struct microvm_view *view);

void firecracker_write_set(const struct microvm_view *view, uint64_t bytes,
                           char body[MICROVM_BODY_SIZE]);
void firecracker_describe(const json_t *body, char *text, size_t size);

#endif
