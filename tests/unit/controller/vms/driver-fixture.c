/* Made-up drivers. */
#include "tests/unit/controller/vms/driver-fixture.h"

struct driver_session {
    int unused;
};

const struct driver_callbacks *callbacks;
void *session_vm;

int accept_place(const char *where, struct error *error)
{
    return 0;
}

int open_made_up(uv_loop_t *loop, const char *where, nsec_t timeout,
                 const struct driver_callbacks *given, void *userdata,
                 struct driver_session **ret_session)
{
    static struct driver_session session;

    callbacks = given;
    session_vm = userdata;
    *ret_session = &session;
    return 0;
}

void tick_made_up(struct driver_session *ticked, nsec_t now)
{
}
