/* Where the host has it. */
#include "controller/explain/reason.h"

#include <ctype.h>

#include "common/base/text.h"

static bool host_swap(const struct view *view, struct finding *finding)
{
    if (view->w->swapped < view->worth)
        return false;
    reason_set(finding, view->w->swapped,
               "%s of this VM lies in the host's swap: not in memory, but it comes back when the "
               "guest touches it. Freed blocks leave swap when they are reported.",
               SIZE(view->w->swapped));
    finding_add(finding, "swapped", view->w->swapped, "bytes");
    return true;
}

/* What the balloon holds beside our leases: no lease is taken above the baseline. A lease that
 * waits for its hypervisor lies in the balloon already, and not below the baseline. */
static uint64_t taken_by_others(const struct view *view)
{
    const Vmreclaim__Controller__V1__Vm *vm = view->vm;
    uint64_t waiting = vm->balloon_target == vm->balloon_baseline ? vm->balloon_lease : 0;
    uint64_t ours = vm->balloon_baseline + waiting;

    return vm->balloon_baseline == 0 || ours >= vm->balloon_maximum ? 0
                                                                    : vm->balloon_maximum - ours;
}

/* It is said in one sentence who holds what, so not by foreign-balloon as well. */
static bool starved(const struct view *view, struct finding *finding)
{
    const char *alarm = view->vm->alarm;

    if (view->action != NULL || alarm[0] == '\0')
        return false;
    reason_set(finding, view->w->balloon, "%c%s.", toupper((unsigned char)alarm[0]),
               TEXT_CUT(alarm + 1, 320));
    if (view->vm->balloon_lease > 0)
        finding_command(finding, "vmreclaim release %s", view->name);
    finding_add(finding, "balloon", view->w->balloon, "bytes");
    return true;
}

static bool foreign_balloon(const struct view *view, struct finding *finding)
{
    uint64_t taken = view->action == NULL ? taken_by_others(view) : 0;

    if (view->action == NULL && view->vm->alarm[0] != '\0')
        return false;
    if (view->host->foreign_balloon_owner[0] != '\0')
        reason_set(finding, view->w->balloon,
                   "Someone else moves this VM's balloon (%s); vmreclaim leaves it alone.",
                   TEXT_CUT(view->host->foreign_balloon_owner, 64));
    else if (taken >= view->worth && view->host->migrated_in)
        reason_set(finding, taken,
                   "%s is in the balloon and under none of vmreclaim's leases: it came along when "
                   "the guest was migrated or restored to here, by whoever's doing; vmreclaim "
                   "leaves it there.",
                   SIZE(taken));
    else if (taken >= view->worth)
        reason_set(finding, taken,
                   "%s is in the balloon and under none of vmreclaim's leases: someone else took "
                   "it, and vmreclaim leaves it there.",
                   SIZE(taken));
    else
        return false;
    finding_add(finding, "balloon", view->w->balloon, "bytes");
    finding_add(finding, "baseline", view->vm->balloon_baseline, "bytes");
    return true;
}

/* What of the guest's parts is not on the host at that moment, less what never changes: its
 * kernel's own. So differences of two moments are exact. */
static int64_t absent_at(const ActionSample *sample)
{
    uint64_t parts =
        sample->in_use + sample->cache + sample->reportable + sample->trapped + sample->percpu;

    return (int64_t)(parts - sample->footprint - sample->swapped);
}

/* What an action took from the guest or made it let go, and what of that the host did not hold. */
struct moved {
    uint64_t bytes;
    uint64_t was_absent;
};

/* A guest may say anything: no more than the host's own figures leave. */
static uint64_t absent_at_most(const struct view *view, const ActionSample *before)
{
    return saturating_subtract(view->w->vm_ram,
                               before->footprint + before->swapped + before->balloon);
}

static struct moved moved_by(const struct view *view)
{
    const Action *action = view->action;
    const ActionSample *before = reason_sample(action, false);
    const ActionSample *after = reason_sample(action, true);
    struct moved moved = {0};
    int64_t fell;

    if (before == NULL || after == NULL || before->footprint == 0 || after->footprint == 0)
        return moved;
    fell = absent_at(before) - absent_at(after);
    moved.bytes =
        max_of(saturating_subtract(after->balloon, before->balloon), view_let_go(action->guest));
    if (fell > 0)
        moved.was_absent = min_of(moved.bytes, (uint64_t)fell);
    moved.was_absent = min_of(moved.was_absent, absent_at_most(view, before));
    return moved;
}

/* More cannot be untouched: the footprint was once so high. */
static uint64_t untouched_at_most(const struct view *view)
{
    return view->host->touched == 0 ? UINT64_MAX
                                    : saturating_subtract(view->w->vm_ram, view->host->touched);
}

static bool is_about_absent(const struct view *view, struct moved *ret_moved)
{
    *ret_moved = moved_by(view);
    return ret_moved->was_absent >= max_of(view->worth, ret_moved->bytes / 2);
}

static void add_moved(struct finding *finding, const struct view *view, const struct moved *moved)
{
    finding_add(finding, "moved", moved->bytes, "bytes");
    finding_add(finding, "was_not_on_the_host", moved->was_absent, "bytes");
    if (view->host->touched != 0)
        finding_add(finding, "touched", view->host->touched, "bytes");
}

static bool never_touched(const struct view *view, struct finding *finding)
{
    struct moved moved;

    if (view->action == NULL || !is_about_absent(view, &moved) ||
        untouched_at_most(view) < moved.was_absent / 2)
        return false;
    reason_set(
        finding, moved.was_absent,
        "Of %s that this was about, %s was not on the host: the guest had not touched it, or "
        "not since it left. It cost nothing.",
        SIZE(moved.bytes), SIZE(moved.was_absent));
    add_moved(finding, view, &moved);
    return true;
}

static bool already_returned(const struct view *view, struct finding *finding)
{
    struct moved moved;

    if (view->action == NULL || !is_about_absent(view, &moved) ||
        untouched_at_most(view) >= moved.was_absent / 2)
        return false;
    reason_set(finding, moved.was_absent,
               "Of %s that this was about, %s had left the host before, and the guest has not used "
               "it since. It cost nothing.",
               SIZE(moved.bytes), SIZE(moved.was_absent));
    add_moved(finding, view, &moved);
    return true;
}

static const struct reason list[] = {
    {"never-touched", "it was never on the host: the guest had not touched it",
     "moved was_not_on_the_host touched", "none needed: it costs the host nothing", never_touched,
     0},
    {"already-returned",
     "it had left the host before: reported, or taken and given back by a balloon",
     "moved was_not_on_the_host touched", "none needed: it costs the host nothing",
     already_returned, 0},
    {"host-swap", "in the host's swap instead of its memory", "swapped",
     "none needed for the memory. 'vmreclaim host' says what the host is short of", host_swap, 0},
    {"starved", "no reason, an alarm: the guest is short of memory while its balloon holds some",
     "balloon",
     "'vmreclaim release VM' where a lease holds it; else whoever moved the balloon gives it "
     "back",
     starved, 0},
    {"foreign-balloon", "somebody else moves the balloon, or has memory in it that no lease is for",
     "balloon baseline",
     "leave it to whoever moves it, or stop that: one may move a balloon, not two", foreign_balloon,
     0},
};

const struct reason_group reasons_host = {list, ARRAY_SIZE(list)};
