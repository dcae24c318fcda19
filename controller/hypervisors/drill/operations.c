/* Operations that are held back. */
#include "controller/hypervisors/drill/operations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct drill_operation *drill_begin(uv_loop_t *loop, struct list *operations,
                                    struct driver_session *session, driver_done done,
                                    void *userdata)
{
    struct drill_operation *operation = calloc(1, sizeof(*operation));

    if (operation == NULL)
        return NULL;
    uv_timer_init(loop, &operation->timer);
    operation->session = session;
    operation->done = done;
    operation->userdata = userdata;
    list_append(operations, &operation->link);
    return operation;
}

void drill_wait(struct drill_operation *operation, nsec_t until, uv_timer_cb on_timer)
{
    nsec_t now = time_monotonic();
    nsec_t delay = until > now ? until - now : 0;

    uv_update_time(operation->timer.loop);
    uv_timer_start(&operation->timer, on_timer, (delay + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC, 0);
}

void drill_keep(struct drill_operation *operation, const struct driver_result *result)
{
    operation->has_result = true;
    operation->result = *result;
    if (result->facts != NULL) {
        operation->facts = *result->facts;
        operation->result.facts = &operation->facts;
    }
    if (result->statistics != NULL) {
        operation->statistics = *result->statistics;
        operation->result.statistics = &operation->statistics;
    }
    if (result->memory_map != NULL) {
        operation->memory_map = *result->memory_map;
        operation->result.memory_map = &operation->memory_map;
    }
    if (result->error != NULL) {
        operation->error = *result->error;
        operation->result.error = &operation->error;
    }
}

void drill_tell(struct drill_operation *operation, const struct driver_result *result)
{
    driver_done done = operation->done;

    operation->done = NULL;
    if (done != NULL)
        done(result, operation->userdata);
}

static void on_timer_closed(uv_handle_t *timer)
{
    free(container_of(timer, struct drill_operation, timer));
}

void drill_end(struct drill_operation *operation)
{
    list_remove(&operation->link);
    uv_close((uv_handle_t *)&operation->timer, on_timer_closed);
}

int drill_split(const char *where, char *how, size_t size, struct hypervisor_address *ret_inner,
                struct error *error)
{
    const char *colon = strchr(where, ':');

    if (colon == NULL || colon == where || (size_t)(colon - where) >= size)
        return error_set(error, -EINVAL, "'%s' is not of the form HOW:ADDRESS", where);
    snprintf(how, size, "%.*s", (int)(colon - where), where);
    return hypervisor_address_parse(colon + 1, ret_inner, error);
}
