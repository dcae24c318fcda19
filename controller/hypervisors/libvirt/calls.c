/* Turns, bounds and deadlines of calls to domains. */
#include "controller/hypervisors/libvirt/calls.h"

#include <assert.h>
#include <errno.h>

#include "common/base/util.h"

static void check(const struct calls *calls)
{
    assert(calls->active <= CALLS_ACTIVE_MAX);
    assert(calls->lost <= CALLS_LOST_MAX);
}

void calls_init(struct calls *calls)
{
    *calls = (struct calls){0};
    list_init(&calls->lines);
    list_init(&calls->out);
}

void call_line_init(struct call_line *line)
{
    *line = (struct call_line){0};
    list_init(&line->link);
    list_init(&line->waiting);
}

bool call_line_is_idle(const struct call_line *line)
{
    return line->count == 0 && line->out == NULL;
}

/* ---- states ---- */

/* What may follow. A lost call only returns. */
static const bool may_follow[][CALL_LOST + 1] = {
    [CALL_IDLE] = {[CALL_WAITING] = true},
    [CALL_WAITING] = {[CALL_IDLE] = true, [CALL_ACTIVE] = true},
    [CALL_ACTIVE] = {[CALL_IDLE] = true, [CALL_WAITING] = true, [CALL_LOST] = true},
    [CALL_LOST] = {[CALL_IDLE] = true},
};

static void leave(struct calls *calls, struct call *call)
{
    struct call_line *line = call->line;

    list_remove(&call->link);
    if (call->state == CALL_WAITING && --line->count == 0)
        list_remove(&line->link);
    if (call->state == CALL_ACTIVE)
        calls->active--;
    if (call->state == CALL_LOST)
        calls->lost--;
    if (call->state == CALL_ACTIVE || call->state == CALL_LOST)
        line->out = NULL;
}

static void enter(struct calls *calls, struct call *call)
{
    struct call_line *line = call->line;

    if (call->state == CALL_ACTIVE)
        calls->active++;
    if (call->state == CALL_LOST)
        calls->lost++;
    if (call->state == CALL_ACTIVE || call->state == CALL_LOST) {
        assert(line->out == NULL);
        line->out = call;
        list_append(&calls->out, &call->link);
    }
    if (call->state == CALL_WAITING && line->count++ == 0)
        list_append(&calls->lines, &line->link);
}

/* The caller puts a call that waits into its line. */
static void move(struct calls *calls, struct call *call, enum call_state state)
{
    assert(may_follow[call->state][state]);
    leave(calls, call);
    call->state = state;
    enter(calls, call);
    check(calls);
}

/* ---- in and out ---- */

int calls_put(struct calls *calls, struct call_line *line, struct call *call, nsec_t deadline)
{
    if (line->count >= CALLS_LINE_MAX)
        return -EBUSY;
    *call = (struct call){.line = line, .state = CALL_IDLE, .deadline = deadline};
    list_init(&call->link);
    move(calls, call, CALL_WAITING);
    list_append(&line->waiting, &call->link);
    return 0;
}

static bool has_room(const struct calls *calls)
{
    return !calls->is_held && calls->active < CALLS_ACTIVE_MAX &&
           calls->active + calls->lost < CALLS_LOST_MAX;
}

static bool has_turn(const struct call_line *line, nsec_t now)
{
    return line->out == NULL && now >= line->not_before;
}

struct call *calls_start(struct calls *calls, nsec_t now)
{
    if (!has_room(calls))
        return NULL;
    list_for_each (link, &calls->lines) {
        struct call_line *line = list_entry(link, struct call_line, link);
        struct call *call = list_entry(line->waiting.next, struct call, link);

        if (!has_turn(line, now))
            continue;
        move(calls, call, CALL_ACTIVE);
        if (line->count > 0) { /* after all others */
            list_remove(&line->link);
            list_append(&calls->lines, &line->link);
        }
        return call;
    }
    return NULL;
}

bool calls_return(struct calls *calls, struct call *call)
{
    bool is_awaited = call->state == CALL_ACTIVE;

    move(calls, call, CALL_IDLE);
    return is_awaited;
}

bool calls_put_back(struct calls *calls, struct call *call, nsec_t not_before)
{
    if (call->state == CALL_LOST)
        return calls_return(calls, call);
    move(calls, call, CALL_WAITING);
    list_prepend(&call->line->waiting, &call->link);
    call->line->not_before = not_before;
    return true;
}

void calls_withdraw(struct calls *calls, struct call *call)
{
    assert(call->state == CALL_WAITING);
    move(calls, call, CALL_IDLE);
}

void calls_hold(struct calls *calls, bool is_held)
{
    calls->is_held = is_held;
}

/* ---- time ---- */

static struct call *overdue_of(const struct list *calls, nsec_t now)
{
    list_for_each (link, calls) {
        struct call *call = list_entry(link, struct call, link);

        if (call->state != CALL_LOST && now >= call->deadline)
            return call;
    }
    return NULL;
}

static struct call *overdue_waiting(const struct calls *calls, nsec_t now)
{
    list_for_each (link, &calls->lines) {
        const struct call_line *line = list_entry(link, struct call_line, link);
        struct call *call = overdue_of(&line->waiting, now);

        if (call != NULL)
            return call;
    }
    return NULL;
}

struct call *calls_overdue(struct calls *calls, nsec_t now)
{
    struct call *call = overdue_of(&calls->out, now);

    if (call == NULL)
        call = overdue_waiting(calls, now);
    if (call != NULL)
        move(calls, call, call->state == CALL_ACTIVE ? CALL_LOST : CALL_IDLE);
    return call;
}

static nsec_t earliest_deadline(const struct list *calls)
{
    nsec_t earliest = NSEC_INFINITY;

    list_for_each (link, calls) {
        const struct call *call = list_entry(link, struct call, link);

        if (call->state != CALL_LOST)
            earliest = min_of(earliest, call->deadline);
    }
    return earliest;
}

nsec_t calls_next(const struct calls *calls)
{
    nsec_t next = earliest_deadline(&calls->out);

    list_for_each (link, &calls->lines) {
        const struct call_line *line = list_entry(link, struct call_line, link);

        next = min_of(next, earliest_deadline(&line->waiting));
        if (line->out == NULL && has_room(calls))
            next = min_of(next, line->not_before);
    }
    return next;
}
