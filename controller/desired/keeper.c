/* Taking desired states. */
#include "controller/desired/keeper.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/text.h"
#include "controller/desired/state.h"

struct desired_order {
    struct desired_keeper *keeper;
    struct desired_state state;
    char who[64]; /* carried it */
    desired_done done;
    void *userdata;
};

static const struct error no_memory = {"out of memory"};

/* ---- what is in force ---- */

static void replace_applied(struct desired_keeper *keeper, Applied *applied)
{
    if (keeper->applied != NULL)
        vmreclaim__fleet__v1__applied__free_unpacked(keeper->applied, NULL);
    keeper->applied = applied;
}

/* NULL: no memory. */
static Applied *copy_applied(const Applied *applied)
{
    size_t size = vmreclaim__fleet__v1__applied__get_packed_size(applied);
    uint8_t *bytes = malloc(size + 1);
    Applied *copy = NULL;

    if (bytes != NULL) {
        (void)vmreclaim__fleet__v1__applied__pack(applied, bytes);
        copy = vmreclaim__fleet__v1__applied__unpack(NULL, size, bytes);
    }
    free(bytes);
    return copy;
}

/* -ENOMEM. */
static int keep(struct desired_keeper *keeper, const Applied *applied)
{
    Applied *copy = copy_applied(applied);

    if (copy == NULL)
        return -ENOMEM;
    replace_applied(keeper, copy);
    return 0;
}

static void on_loaded(const struct store_desired_answer *answer, void *userdata)
{
    struct desired_keeper *keeper = userdata;

    if (answer->answer.status < 0)
        log_error("what the fleet wants of this host is not known: %s", answer->answer.error.text);
    else if (answer->applied == NULL || keep(keeper, answer->applied) == 0)
        keeper->is_known = true;
}

/* ---- refusals ---- */

static void refuse(struct desired_keeper *keeper, uint64_t generation, const struct error *error)
{
    unsigned suppressed;

    text_copy(keeper->refused, sizeof(keeper->refused), error->text);
    keeper->refused_generation = generation;
    keeper->refused_time = time_realtime();
    if (log_limit_pass(&keeper->refusals, time_boottime(), &suppressed))
        log_warning("refused: %s", error->text);
}

/* ---- taking ---- */

static size_t count_pinned(const Applied *applied)
{
    size_t count = 0;

    for (size_t i = 0; i < applied->n_policies; i++)
        count +=
            applied->policies[i]->outcome == VMRECLAIM__FLEET__V1__APPLIED_OUTCOME__APPLIED_PINNED;
    return count;
}

static void end(struct desired_order *order, int status, const struct error *error)
{
    struct desired_keeper *keeper = order->keeper;

    assert((status < 0) == (error != NULL) && keeper->under_way == order);
    keeper->under_way = NULL;
    if (status == 0)
        keeper->refused[0] = '\0';
    order->done(status, error, order->userdata);
    desired_state_finish(&order->state);
    free(order);
}

/* One that says nothing new leaves no row. */
static void audit(const struct desired_order *order)
{
    const struct desired_state *state = &order->state;
    char text[160];

    if (state->verdict != DESIRED_NEW)
        return;
    snprintf(text, sizeof(text),
             "{\"host\": \"%s\", \"generation\": %" PRIu64 ", \"policies\": %zu}", state->head.host,
             state->head.generation, state->desired.count);
    (void)store_put_audit(order->keeper->store, time_realtime(), order->who, "ApplyDesired", text,
                          true);
}

/* What the store has is in force, also where it cannot be shown: it is read again then. */
static void on_stored(const struct store_desired_answer *answer, void *userdata)
{
    struct desired_order *order = userdata;
    struct desired_keeper *keeper = order->keeper;

    if (answer->answer.status < 0) {
        keeper->is_known = false;
        end(order, answer->answer.status, &answer->answer.error);
        return;
    }
    if (answer->is_changed)
        policy_give_all(keeper->assignments);
    audit(order);
    if (order->state.verdict == DESIRED_NEW)
        log_notice("the fleet's desired state %" PRIu64 " is in force: %zu %s, %zu of them "
                   "pinned by operators of this host",
                   answer->applied->generation, answer->applied->n_policies,
                   answer->applied->n_policies == 1 ? "policy" : "policies",
                   count_pinned(answer->applied));
    keeper->is_known = keep(keeper, answer->applied) == 0;
    if (keeper->is_known)
        end(order, 0, NULL);
    else
        end(order, -ENOMEM, &no_memory);
}

static void take(struct desired_order *order)
{
    struct desired_keeper *keeper = order->keeper;

    keeper->under_way = order;
    if (order->state.verdict == DESIRED_OVER) {
        end(order, 0, NULL);
        return;
    }
    store_apply_desired(keeper->store, &order->state.desired, on_stored, order);
}

/* ---- handing in ---- */

/* One is taken at a time, and nothing before it is known what was. */
static int check_ready(struct desired_keeper *keeper, struct error *error)
{
    if (keeper->under_way != NULL)
        return error_set(error, -EBUSY, "a desired state is being taken; try again");
    if (!keeper->is_known)
        store_load_desired(keeper->store, keeper->settings->host, on_loaded, keeper);
    return keeper->is_known ? 0
                            : error_set(error, -EAGAIN,
                                        "the store has not said yet what this host has taken; try "
                                        "again");
}

void desired_hand_in(struct desired_keeper *keeper, const char *who, const uint8_t *bytes,
                     size_t size, desired_done done, void *userdata)
{
    struct desired_order *order;
    struct error error;
    uint64_t generation;
    int r = check_ready(keeper, &error);

    if (r < 0) {
        done(r, &error, userdata);
        return;
    }
    order = calloc(1, sizeof(*order));
    if (order == NULL) {
        done(-ENOMEM, &no_memory, userdata);
        return;
    }
    *order = (struct desired_order){.keeper = keeper, .done = done, .userdata = userdata};
    text_copy_line(order->who, sizeof(order->who), who);
    r = desired_state_read(&order->state, bytes, size, keeper->settings, keeper->applied,
                           time_realtime(), &generation, &error);
    if (r == 0) {
        take(order);
        return;
    }
    desired_state_finish(&order->state);
    free(order);
    if (r == -EPERM)
        refuse(keeper, generation, &error);
    done(r == -EPERM ? 0 : r, r == -EPERM ? NULL : &error, userdata);
}

/* ---- the whole ---- */

void desired_keeper_show(const struct desired_keeper *keeper, Applied *ret_applied)
{
    vmreclaim__fleet__v1__applied__init(ret_applied);
    if (keeper->applied != NULL)
        *ret_applied = *keeper->applied;
    ret_applied->host = (char *)keeper->settings->host;
    ret_applied->takes_none = keeper->settings->refuses;
    ret_applied->refused = (char *)keeper->refused;
    if (keeper->refused[0] != '\0') {
        ret_applied->refused_generation = keeper->refused_generation;
        ret_applied->refused_ns = keeper->refused_time;
    }
}

void desired_keeper_init(struct desired_keeper *keeper, struct policy_assignments *assignments,
                         struct store *store, const struct fleet_settings *settings)
{
    *keeper = (struct desired_keeper){
        .assignments = assignments,
        .store = store,
        .settings = settings,
        .refusals = {.interval = 60 * NSEC_PER_SEC, .burst = 5},
    };
    store_load_desired(store, settings->host, on_loaded, keeper);
}

void desired_keeper_finish(struct desired_keeper *keeper)
{
    replace_applied(keeper, NULL);
}
