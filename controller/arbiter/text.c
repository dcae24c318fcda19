/* Why the arbiter does something or nothing, in one line with its numbers. */
#include "controller/arbiter/text.h"

#include "common/base/number.h"
#include "common/base/text.h"

#define SIZE ARBITER_TEXT_SIZE

static const struct {
    const char *name;
    const char *text; /* NULL: it has figures */
} reasons[ARBITER_REASON_COUNT] = {
    [ARBITER_IS_FINE] = {"fine", NULL},
    [ARBITER_UNASSIGNED] = {"unassigned", "it has no policy, or one that only observes"},
    [ARBITER_HALTED] = {"halted", "it is halted"},
    [ARBITER_FOREIGN] = {"foreign", "somebody else moves its balloon, and is left alone"},
    [ARBITER_UNMEASURED] = {"unmeasured", "what the host holds for it is not known"},
    [ARBITER_NO_MEANS] = {"no-means", NULL},
    [ARBITER_IN_NEED] = {"in-need", NULL},
    [ARBITER_PROMISED] = {"promised", "what it got back is its own for a while"},
    [ARBITER_OCCUPIED] = {"occupied", "something else is being done to it"},
    [ARBITER_STALLED] = {"stalled", "its balloon does not follow; the others give its part"},
    [ARBITER_COOLS_DOWN] = {"cools-down", NULL},
    [ARBITER_TURNED_OFTEN] = {"turned-often", "its memory went and came back as often as may be"},
    [ARBITER_AT_FLOOR] = {"at-floor", NULL},
    [ARBITER_WITHIN_SHARE] = {"within-share", NULL},
    [ARBITER_NOTHING_LEFT] = {"nothing-left", NULL},
    [ARBITER_ON_ITS_WAY] = {"on-its-way", "what was asked for is on its way"},
    [ARBITER_HOLDS] = {"holds", NULL},
    [ARBITER_COLD_CACHE] = {"cold-cache", NULL},
    [ARBITER_TRAPPED] = {"trapped", NULL},
    [ARBITER_FREE] = {"free", NULL},
    [ARBITER_OVER_SHARE] = {"over-share", NULL},
    [ARBITER_DOUBTED] = {"doubted", NULL},
    [ARBITER_RENEWED] = {"renewed", NULL},
    [ARBITER_HUNGRY] = {"hungry", NULL},
    [ARBITER_PLENTY] = {"plenty", NULL},
    [ARBITER_WITHDRAWN] = {"withdrawn", NULL},
};

static const char *const states[ARBITER_STATE_COUNT] = {
    [ARBITER_RESTING] = "resting",
    [ARBITER_TAKING] = "taking",
    [ARBITER_CRITICAL] = "critical",
    [ARBITER_GIVING] = "giving",
};

static const char *const steps[ARBITER_STEP_COUNT] = {
    [ARBITER_NO_STEP] = "none", [ARBITER_RECLAIM] = "reclaim", [ARBITER_COMPACT] = "compact",
    [ARBITER_PULSE] = "pulse",  [ARBITER_LEASE] = "lease",     [ARBITER_GIVE_BACK] = "give-back",
};

const char *arbiter_reason_name(enum arbiter_reason reason)
{
    return reasons[reason].name;
}

const char *arbiter_state_name(enum arbiter_state state)
{
    return states[state];
}

const char *arbiter_step_name(enum arbiter_step step)
{
    return steps[step];
}

/* ---- something is done ---- */

struct host_text {
    char text[80];
};

static struct host_text host_text(const struct arbiter_figures *figures)
{
    struct host_text host;

    text_format(host.text, sizeof(host.text), "the host has %s, %s than %s",
                BYTES_TEXT(figures->available),
                figures->available < figures->mark ? "less" : "more", BYTES_TEXT(figures->mark));
    return host;
}

static void say_taken(enum arbiter_reason reason, uint64_t bytes,
                      const struct arbiter_figures *figures, char *text)
{
    struct host_text host = host_text(figures);

    switch (reason) {
    case ARBITER_COLD_CACHE:
        text_format(text, SIZE, "takes %s of cache that was not used for long: %s",
                    BYTES_TEXT(bytes), host.text);
        break;
    case ARBITER_TRAPPED:
        text_format(text, SIZE, "joins %s of free memory in small pieces: %s", BYTES_TEXT(bytes),
                    host.text);
        break;
    case ARBITER_FREE:
        text_format(text, SIZE, "takes %s of free memory by a pulse: %s", BYTES_TEXT(bytes),
                    host.text);
        break;
    case ARBITER_OVER_SHARE:
        text_format(text, SIZE, "takes %s: it holds %s and its share is %s; %s", BYTES_TEXT(bytes),
                    BYTES_TEXT(figures->holds), BYTES_TEXT(figures->share), host.text);
        break;
    default:
        text_format(text, SIZE, "tries to take %s: it says it uses %s and its share is %s; %s",
                    BYTES_TEXT(bytes), BYTES_TEXT(figures->working), BYTES_TEXT(figures->share),
                    host.text);
        break;
    }
}

static void say_given(enum arbiter_reason reason, uint64_t bytes,
                      const struct arbiter_figures *figures, char *text)
{
    switch (reason) {
    case ARBITER_IN_NEED:
        text_format(text, SIZE, "gives %s back: its guest is short of memory", BYTES_TEXT(bytes));
        break;
    case ARBITER_HUNGRY:
        text_format(text, SIZE, "gives %s back: it uses all of %s and its share is %s",
                    BYTES_TEXT(bytes), BYTES_TEXT(figures->holds), BYTES_TEXT(figures->share));
        break;
    case ARBITER_PLENTY:
        text_format(text, SIZE, "gives %s back: %s", BYTES_TEXT(bytes), host_text(figures).text);
        break;
    default:
        text_format(text, SIZE,
                    "gives %s back: it has no policy any more, or one that only observes",
                    BYTES_TEXT(bytes));
        break;
    }
}

/* ---- nothing is done ---- */

/* Whole seconds, never "0s". */
static const char *wait_text(nsec_t wait, char *buffer, size_t size)
{
    nsec_t seconds = max_of((wait + NSEC_PER_SEC - 1) / NSEC_PER_SEC, (nsec_t)1);

    time_format_duration(seconds * NSEC_PER_SEC, buffer, size);
    return buffer;
}

static void say_nothing(enum arbiter_reason reason, const struct arbiter_figures *figures,
                        char *text)
{
    char wait[48];

    switch (reason) {
    case ARBITER_IS_FINE:
        text_format(text, SIZE, "%s", host_text(figures).text);
        break;
    case ARBITER_NO_MEANS:
        text_format(text, SIZE, "it holds %s, and nothing that can be done brings any back",
                    BYTES_TEXT(figures->holds));
        break;
    case ARBITER_IN_NEED:
        text_format(text, SIZE, "its guest is, or was, short of memory: it has %s",
                    BYTES_TEXT(figures->holds));
        break;
    case ARBITER_COOLS_DOWN:
        text_format(text, SIZE, "it rests after its last step; the next may come in %s",
                    wait_text(figures->wait, wait, sizeof(wait)));
        break;
    case ARBITER_AT_FLOOR:
        text_format(text, SIZE, "it holds %s and its floor is %s", BYTES_TEXT(figures->holds),
                    BYTES_TEXT(figures->floor));
        break;
    case ARBITER_HOLDS:
        text_format(text, SIZE, "what was taken is kept: %s", host_text(figures).text);
        break;
    default: /* its share is its own, or all that it has it uses */
        text_format(text, SIZE, "it holds %s, uses %s and its share is %s",
                    BYTES_TEXT(figures->holds), BYTES_TEXT(figures->working),
                    BYTES_TEXT(figures->share));
        break;
    }
}

const char *arbiter_text(enum arbiter_step step, enum arbiter_reason reason, uint64_t bytes,
                         const struct arbiter_figures *figures, char text[ARBITER_TEXT_SIZE])
{
    if (reason == ARBITER_RENEWED)
        text_format(text, SIZE, "its lease goes on: it holds %s and its share is %s",
                    BYTES_TEXT(figures->holds), BYTES_TEXT(figures->share));
    else if (step == ARBITER_GIVE_BACK)
        say_given(reason, bytes, figures, text);
    else if (step != ARBITER_NO_STEP)
        say_taken(reason, bytes, figures, text);
    else if (reasons[reason].text != NULL)
        text_copy_line(text, SIZE, reasons[reason].text);
    else
        say_nothing(reason, figures, text);
    return text;
}
