/* Why the arbiter does something or nothing, in one line. */
#include "common/base/text.h"
#include "common/base/number.h"
#include "controller/arbiter/text.h"

static const struct {
    const char *name;
    const char *text;
} reasons[ARBITER_REASON_COUNT] = {
    [ARBITER_IS_FINE] = {"fine", "the host is not short"},
    [ARBITER_UNASSIGNED] = {"unassigned", "no policy is assigned to it, so nothing is done to it"},
    [ARBITER_HALTED] = {"halted", "it is halted"},
    [ARBITER_FOREIGN] = {"foreign", "somebody else moves its balloon, and is left alone"},
    [ARBITER_UNMEASURED] = {"unmeasured", "what the host holds for it is not known"},
    [ARBITER_NO_MEANS] = {"no-means", "nothing that can be done to it brings memory back"},
    [ARBITER_IN_NEED] = {"in-need", "the guest is short of memory"},
    [ARBITER_PROMISED] = {"promised", "what it got back is its own for a while"},
    [ARBITER_OCCUPIED] = {"occupied", "something else is being done to it"},
    [ARBITER_STALLED] = {"stalled", "its balloon does not follow"},
    [ARBITER_COOLS_DOWN] = {"cools-down", "the last step was a moment ago"},
    [ARBITER_TURNED_OFTEN] = {"turned-often", "memory was taken and given back often enough"},
    [ARBITER_AT_FLOOR] = {"at-floor", "it has no more than its floor"},
    [ARBITER_WITHIN_SHARE] = {"within-share", "it holds no more than its share"},
    [ARBITER_NOTHING_LEFT] = {"nothing-left", "no step would bring enough"},
    [ARBITER_ON_ITS_WAY] = {"on-its-way", "what was asked for is on its way"},
    [ARBITER_HOLDS] = {"holds", "its lease is kept until the host has plenty"},
    [ARBITER_COLD_CACHE] = {"cold-cache", "its cache was not used for long"},
    [ARBITER_TRAPPED] = {"trapped", "its free memory is in small pieces"},
    [ARBITER_FREE] = {"free", "its free memory does not come back by itself"},
    [ARBITER_OVER_SHARE] = {"over-share", "it holds more than its share"},
    [ARBITER_DOUBTED] = {"doubted", "it says that it uses more than its share"},
    [ARBITER_RENEWED] = {"renewed", "the lease goes on"},
    [ARBITER_HUNGRY] = {"hungry", "its guest uses all that it has"},
    [ARBITER_PLENTY] = {"plenty", "the host has enough"},
    [ARBITER_WITHDRAWN] = {"withdrawn", "no policy is assigned to it any more"},
};

const char *arbiter_reason_name(enum arbiter_reason reason)
{
    return reasons[reason].name;
}

const char *arbiter_text(enum arbiter_step step, enum arbiter_reason reason, uint64_t bytes,
                         const struct arbiter_figures *figures, char text[ARBITER_TEXT_SIZE])
{
    text_copy_line(text, ARBITER_TEXT_SIZE, reasons[reason].text);
    return text;
}
