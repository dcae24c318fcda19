/* Notifies at once when the guest runs short of memory, by a PSI trigger of the kernel (psi.rst).
 * It costs nothing while the guest is well. Without it the samples show the same, later. */
#ifndef VMRECLAIM_AGENT_SENSORS_PRESSURE_TRIGGER_H
#define VMRECLAIM_AGENT_SENSORS_PRESSURE_TRIGGER_H

#include <stdbool.h>
#include <uv.h>

#include "common/base/time.h"

/* The trigger: some task waited for memory for a tenth of the window, which is a second; two
 * without CAP_SYS_RESOURCE. */
#define PRESSURE_SOME_PERMYRIAD 1000

/* In the caller's memory; its other members are private. */
struct pressure_trigger {
    nsec_t window; /* of the trigger that is armed */
    uv_poll_t poll;
    int descriptor;
    bool is_armed;
    void (*on_pressure)(void *userdata);
    void (*on_closed)(void *userdata);
    void *userdata;
};

/* Arms the trigger; `on_pressure` runs at most once per window. -ENOTSUP: `root` has no live
 * /proc/pressure; -EPERM, -EACCES: CAP_SYS_RESOURCE is missing and the kernel lets nobody
 * else (before 6.5, unless backported); -errno. Then it is not armed. */
int pressure_trigger_init(struct pressure_trigger *trigger, uv_loop_t *loop, int root,
                          void (*on_pressure)(void *userdata), void *userdata);

/* `on_closed` comes from the loop, at once when it is not armed. */
void pressure_trigger_close(struct pressure_trigger *trigger, void (*on_closed)(void *userdata));

#endif
