/* What the drivers for drills share: they wrap another driver, "NAME:HOW:ADDRESS", and hold its
 * operations back.
 *
 * A held operation has a timer of its own, so no completion runs from inside the call that started
 * it. It owns a copy of the result it waits with. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_DRILL_OPERATIONS_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_DRILL_OPERATIONS_H

#include "common/base/list.h"
#include "controller/hypervisors/hypervisors.h"

struct drill_operation {
    struct list link;
    uv_timer_t timer;
    struct driver_session *session;
    driver_done done; /* NULL: its end was reported */
    void *userdata;
    nsec_t due;      /* CLOCK_MONOTONIC: its answer may be reported */
    nsec_t deadline; /* CLOCK_MONOTONIC */
    bool has_result;
    struct driver_result result;
    struct driver_facts facts;
    struct driver_statistics statistics;
    struct driver_memory_map memory_map;
    struct error error;
};

/* Into `operations`. NULL: out of memory. */
struct drill_operation *drill_begin(uv_loop_t *loop, struct list *operations,
                                    struct driver_session *session, driver_done done,
                                    void *userdata);

/* Calls `on_timer` at that moment (CLOCK_MONOTONIC), or on the loop's next turn. */
void drill_wait(struct drill_operation *operation, nsec_t until, uv_timer_cb on_timer);

/* Copies the result. */
void drill_keep(struct drill_operation *operation, const struct driver_result *result);

/* Tells how it ended, once; it stays in the list. */
void drill_tell(struct drill_operation *operation, const struct driver_result *result);

/* Takes it out of the list and frees it on a later turn. */
void drill_end(struct drill_operation *operation);

/* Splits "HOW:ADDRESS". -EINVAL. */
int drill_split(const char *where, char *how, size_t size, struct hypervisor_address *ret_inner,
                struct error *error);

#endif
