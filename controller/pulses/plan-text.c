/* Why a VM gets no pulse, in words. */

#include "common/base/number.h"
#include "common/base/text.h"
#include "controller/pulses/plan.h"

static const struct {
    const char *name;
    const char *text; /* NULL: it has figures */
} reasons[PULSE_REASON_COUNT] = {
    [PULSE_IS_DUE] = {"due", NULL},
    [PULSE_UNASSIGNED] = {"unassigned", "no policy is assigned to it, so nothing is done to it"},
    [PULSE_SWITCHED_OFF] = {"switched-off", "its policy has pulse: false"},
    [PULSE_HALTED] = {"halted", "it is halted"},
    [PULSE_UNREACHABLE] = {"unreachable", "its hypervisor does not answer"},
    [PULSE_NO_BALLOON] = {"no-balloon", "it has no balloon that can be moved"},
    [PULSE_REPORTED] = {"reported", "it reports its free memory, which comes back without"},
    [PULSE_PINNED] = {"pinned", "an assigned device pins all of its memory"},
    [PULSE_ENCRYPTED] = {"encrypted", "its memory is encrypted"},
    [PULSE_LOCKED] = {"locked", "its memory is locked on the host"},
    [PULSE_HUGE_PAGES] = {"huge-pages", "huge pages back its memory, and come back whole only"},
    [PULSE_FOREIGN] = {"foreign", NULL},
    [PULSE_STANDS_STILL] = {"stands-still", "it is paused, or migrates"},
    [PULSE_STARVED] = {"starved", "the guest is short of memory"},
    [PULSE_HOLDS] = {"holds", NULL},
    [PULSE_OCCUPIED] = {"occupied", "something else is being done to it"},
    [PULSE_UNREAD] = {"unread", NULL},
    [PULSE_UNMEASURED] = {"unmeasured", "what the host holds for it is not known"},
    [PULSE_FORBIDDEN] = {"forbidden", "a schedule of its policy forbids it now"},
    [PULSE_WATCHING] = {"watching", NULL},
    [PULSE_WORKS] = {"works", "the guest is not idle"},
    [PULSE_FREE_IS_LITTLE] = {"free-is-little", NULL},
    [PULSE_HOST_HAS_LITTLE] = {"host-has-little", NULL},
    [PULSE_TOO_SOON] = {"too-soon", NULL},
    [PULSE_QUEUES] = {"queues", "as many pulses as may be are on; its own comes after them"},
};

const char *pulse_reason_name(enum pulse_reason reason)
{
    return reasons[reason].name;
}

/* "2m"; never "0s". */
static const char *duration(nsec_t time, char *buffer, size_t size)
{
    nsec_t unit = time < 3600 * NSEC_PER_SEC ? NSEC_PER_SEC : 60 * NSEC_PER_SEC;

    time_format_duration((time / unit + (time % unit != 0)) * unit, buffer, size);
    return buffer;
}

static void say_foreign(const struct pulse_plan *plan, const struct pulse_facts *facts, char *text)
{
    char wait[32];

    if (facts->foreign_owner[0] != '\0')
        text_format(text, PULSE_TEXT_SIZE, "%s moves its balloon, and is left alone",
                    TEXT_CUT(facts->foreign_owner, 64));
    else
        text_format(text, PULSE_TEXT_SIZE,
                    "somebody else has moved its balloon, and is left alone for another %s",
                    duration(plan->wait, wait, sizeof(wait)));
}

static void say_too_soon(const struct pulse_plan *plan, const struct pulse_history *history,
                         char *text)
{
    char wait[32];

    text_format(text, PULSE_TEXT_SIZE,
                "the last one brought %s; the next may come in %s, for about %s",
                BYTES_TEXT(history->brought), duration(plan->wait, wait, sizeof(wait)),
                BYTES_TEXT(plan->gain));
}

void pulse_plan_text(const struct pulse_plan *plan, const struct pulse_facts *facts,
                     const struct pulse_history *history, const struct policy *policy,
                     char text[PULSE_TEXT_SIZE])
{
    char wait[32];

    switch (plan->reason) {
    case PULSE_IS_DUE:
        text_format(text, PULSE_TEXT_SIZE, "it is due, for about %s", BYTES_TEXT(plan->gain));
        break;
    case PULSE_FOREIGN:
        say_foreign(plan, facts, text);
        break;
    case PULSE_HOLDS:
        text_format(text, PULSE_TEXT_SIZE, "its balloon holds %s already",
                    BYTES_TEXT(facts->in_balloon));
        break;
    case PULSE_UNREAD:
        text_copy_line(text, PULSE_TEXT_SIZE,
                       facts->unread != NULL ? facts->unread : facts->reading.problem);
        break;
    case PULSE_WATCHING:
        text_format(text, PULSE_TEXT_SIZE, "it is calm; for another %s it is watched",
                    duration(plan->wait, wait, sizeof(wait)));
        break;
    case PULSE_FREE_IS_LITTLE:
        text_format(text, PULSE_TEXT_SIZE, "%s is free: less than %s above what stays free",
                    BYTES_TEXT(facts->reading.free), BYTES_TEXT(policy->pulse_min_gain));
        break;
    case PULSE_HOST_HAS_LITTLE:
        text_format(text, PULSE_TEXT_SIZE,
                    "of what is free, the host holds %s beyond what stays free",
                    BYTES_TEXT(plan->gain));
        break;
    case PULSE_TOO_SOON:
        say_too_soon(plan, history, text);
        break;
    default:
        text_copy_line(text, PULSE_TEXT_SIZE, reasons[plan->reason].text);
    }
}
