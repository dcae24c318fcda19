/* What Cloud Hypervisor's answers say, as facts. Pure but for the path of its vsock socket and the
 * check of its process; answers may be of any shape, numbers are reals.
 *
 * Checked against its source at ae44c2971c83dd2b1bd704fa81102ec0dec4e7d4, never against the program
 * itself. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_CLOUD_HYPERVISOR_FACTS_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_CLOUD_HYPERVISOR_FACTS_H

#include "controller/hypervisors/microvm/session.h"

/* vmm.ping: which process it is. Who listens may be another, which passed the socket on. */
int cloud_take_ping(struct microvm_view *view, const struct microvm_reply *reply,
                    struct error *error);

/* vm.info: all but the statistics. A VM that was not created, or is migrated into, is 404. */
int cloud_take_info(struct microvm_view *view, const struct microvm_reply *reply,
                    struct error *error);
bool cloud_take_no_info(struct microvm_view *view, const struct microvm_reply *reply);

/* vm.balloon-stats. Builds without them say 404, a guest without them 500. */
int cloud_take_statistics(struct microvm_view *view, const struct microvm_reply *reply,
                          struct error *error);
bool cloud_take_no_statistics(struct microvm_view *view, const struct microvm_reply *reply);

/* Whether it has statistics must be tried, once. */
bool cloud_may_have_statistics(const struct microvm_view *view);

void cloud_write_set(const struct microvm_view *view, uint64_t bytes, char body[MICROVM_BODY_SIZE]);
void cloud_describe(const json_t *body, char *text, size_t size);

#endif
