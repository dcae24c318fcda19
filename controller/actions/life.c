/* States of actions. Writes vm->action. */
#include "controller/actions/life.h"

#include <assert.h>

#define BIT(state) (1u << (state))

/* Which states may follow. */
static const unsigned followers[ACTION_STATE_COUNT] = {
    [ACTION_BEFORE] = BIT(ACTION_ACTING) | BIT(ACTION_ENDED),
    [ACTION_ACTING] = BIT(ACTION_SETTLING) | BIT(ACTION_AFTER) | BIT(ACTION_ENDED),
    [ACTION_SETTLING] = BIT(ACTION_AFTER) | BIT(ACTION_ENDED),
    [ACTION_AFTER] = BIT(ACTION_ENDED),
};

bool action_state_may_follow(enum action_state state, enum action_state next)
{
    return (followers[state] & BIT(next)) != 0;
}

void action_check(const struct action *action)
{
    enum action_state state = action->state;

    assert(state < ACTION_STATE_COUNT);
    assert(action->vm->supervisor == action->actions->supervisor);
    assert(state == ACTION_ENDED || (state == ACTION_BEFORE) == (action->started == 0));
    assert(action->guest == NULL || action->started != 0);
    assert(action->client == NULL || state == ACTION_ACTING);
    assert(action->sample.client == NULL || state == ACTION_BEFORE || state == ACTION_AFTER);
    if (state == ACTION_ENDED) {
        assert(action->vm->action != action);
        assert(action->client == NULL && action->sample.client == NULL);
    } else {
        assert(action->vm->action == action);
        assert(action->actions->running_count > 0);
    }
    if (state == ACTION_SETTLING) {
        assert(action->lowest <= action->footprint_before);
        assert(action->last_fall >= action->started);
        assert(action->settle_end >= action->last_fall);
    }
}

void action_move(struct action *action, enum action_state next)
{
    assert(action_state_may_follow(action->state, next));
    action->state = next;
    action_check(action);
}

void action_enter(struct action *action)
{
    struct actions *actions = action->actions;

    assert(action->state == ACTION_BEFORE && action->vm->action == NULL);
    list_append(&actions->running, &action->link);
    actions->running_count++;
    action->vm->action = action;
    action_check(action);
}

void action_leave(struct action *action)
{
    struct actions *actions = action->actions;
    const struct action_means *means = action->request.kind->means;

    assert(action->vm->action == action && actions->running_count > 0);
    fresh_sample_cancel(&action->sample);
    if (means->call_off != NULL)
        means->call_off(action);
    action->vm->action = NULL;
    list_remove(&action->link);
    actions->running_count--;
    assert(list_is_empty(&actions->running) == (actions->running_count == 0));
    if (actions->running_count == 0)
        uv_timer_stop(&actions->timer);
}
