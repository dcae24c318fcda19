/* What made-up drivers have in common: a session that opens at once and needs no visits. The test
 * says what it tells. */
#ifndef VMRECLAIM_TESTS_UNIT_CONTROLLER_VMS_DRIVER_FIXTURE_H
#define VMRECLAIM_TESTS_UNIT_CONTROLLER_VMS_DRIVER_FIXTURE_H

#include "controller/hypervisors/driver.h"

/* Of the session that was opened last. */
extern const struct driver_callbacks *callbacks;
extern void *session_vm;

int accept_place(const char *where, struct error *error);
int open_made_up(uv_loop_t *loop, const char *where, nsec_t timeout,
                 const struct driver_callbacks *given, void *userdata,
                 struct driver_session **ret_session);
void tick_made_up(struct driver_session *ticked, nsec_t now);

#endif
