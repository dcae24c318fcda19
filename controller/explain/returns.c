/* What could come back, by which step. */
#include "controller/explain/returns.h"

#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "controller/explain/gains.h"
#include "controller/explain/view.h"
#include "controller/leases/pulse.h"

static const char *const names[RETURN_STEP_COUNT] = {
    [RETURN_REPORT] = "report", [RETURN_RECLAIM] = "reclaim", [RETURN_COMPACT] = "compact",
    [RETURN_PULSE] = "pulse",   [RETURN_BALLOON] = "balloon",
};

const char *return_step_name(enum return_step step)
{
    return names[step];
}

/* A pulse takes what is free, and cache once that is free; the headroom is left. */
static void return_by_pulse(const struct view *view, const struct gains *gains,
                            struct returns *returns)
{
    static const struct pulse_past nothing;
    uint64_t headroom = pulse_headroom_min(view->w->vm_ram, &nothing);
    uint64_t free = view_free_on_host(view);
    uint64_t cache = gains->takes_commands ? gains->cache : 0;

    if (view->w->balloon != 0) /* only an empty one is pulsed */
        return;
    returns->bytes[RETURN_PULSE] = saturating_subtract(free, headroom);
    returns->bytes[RETURN_RECLAIM] =
        saturating_subtract(cache, saturating_subtract(headroom, free));
}

static void return_by_reporting(const struct gains *gains, struct returns *returns)
{
    returns->bytes[RETURN_REPORT] = gains->waiting;
    if (!gains->takes_commands)
        return;
    returns->bytes[RETURN_RECLAIM] = gains->cache;
    returns->bytes[RETURN_COMPACT] = gains->trapped;
}

static void sum_up(const struct view *view, struct returns *returns)
{
    for (enum return_step step = RETURN_REPORT; step < RETURN_STEP_COUNT; step++) {
        if (returns->bytes[step] < view->worth)
            returns->bytes[step] = 0;
        returns->total += returns->bytes[step];
    }
}

/* What a lease could take beyond that. */
static uint64_t rest_for_balloon(const struct gains *gains, const struct returns *returns)
{
    uint64_t before = 0;

    for (enum return_step step = RETURN_REPORT; step < RETURN_BALLOON; step++)
        before += returns->bytes[step];
    return saturating_subtract(gains->balloon, before);
}

/* ---- why nothing ---- */

static bool stands_still(const struct view *view)
{
    return strcmp(view->vm->state, "paused") == 0 || strcmp(view->vm->state, "migrating") == 0;
}

static void say_blocked(const struct view *view, char *why, size_t size)
{
    if (view->host->foreign_balloon_owner[0] != '\0')
        text_format(why, size, "what it frees is not reported, and %s moves its balloon",
                    TEXT_CUT(view->host->foreign_balloon_owner, 64));
    else
        text_format(why, size, "what it frees does not come back: %s",
                    TEXT_CUT(view->vm->reporting, 120));
}

static void say_why(const struct view *view, const struct gains *gains, char *why, size_t size)
{
    if (view->vm->halted)
        text_format(why, size, "it is halted");
    else if (stands_still(view))
        text_format(why, size, "it is %s", TEXT_CUT(view->vm->state, 32));
    else if (!gains->is_known && view->vm->statistics == NULL)
        text_format(why, size, "nobody says what is free in it");
    else if (!view_host_is_known(view))
        text_format(why, size, "what the host holds for it is not known");
    else if (gains->is_known && !gains->comes_back && !gains->may_pulse)
        say_blocked(view, why, size);
    else if (gains->is_known && !gains->comes_back && view->w->balloon != 0)
        text_format(why, size, "%s of it are in its balloon", SIZE(view->w->balloon));
    else if (gains->is_known && !gains->takes_commands)
        text_format(why, size, "its agent takes no commands");
    else
        text_format(why, size, "less than %s by any step", SIZE(view->worth));
}

/* ---- all ---- */

void explain_returns(const struct explain_subject *subject, struct returns *ret_returns)
{
    struct returns returns = {0};
    struct gains gains;
    struct view view;

    view_init(&view, subject);
    view_gains(&view, &gains);
    if (!view.vm->halted && !stands_still(&view) && view_host_is_known(&view)) {
        if (!gains.is_known)
            returns.bytes[RETURN_PULSE] = view_agentless_pulse(&view);
        else if (gains.comes_back)
            return_by_reporting(&gains, &returns);
        else if (gains.may_pulse)
            return_by_pulse(&view, &gains, &returns);
        returns.bytes[RETURN_BALLOON] = rest_for_balloon(&gains, &returns);
    }
    sum_up(&view, &returns);
    if (returns.total == 0)
        say_why(&view, &gains, returns.why, sizeof(returns.why));
    *ret_returns = returns;
}
