/* Sessions with domains, as the driver offers them. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_SESSIONS_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_SESSIONS_H

#include "controller/hypervisors/libvirt/host.h"

struct driver_session {
    struct list link; /* of its domain's, of those that open, or of those that were closed */
    struct host *host;
    struct domain *domain; /* NULL while it opens */
    char uuid[37];
    nsec_t deadline; /* of opening */
    bool is_ready;
    bool has_failed;
    bool is_closed;
    unsigned round; /* it was notified last */
    struct list operations;
    const struct driver_callbacks *callbacks;
    void *userdata;
};

int session_open(uv_loop_t *loop, const char *where, nsec_t timeout,
                 const struct driver_callbacks *callbacks, void *userdata,
                 struct driver_session **ret_session);
void session_close(struct driver_session *session);
void session_tick(struct driver_session *session, nsec_t now);
nsec_t session_heard(const struct driver_session *session);
int session_start(struct driver_session *session, enum driver_operation operation, uint64_t value,
                  nsec_t timeout, driver_done done, void *userdata);

#endif
