/* What may be done to a VM from the screen. */
#include "controller/cli/top/actions.h"

#include "common/base/number.h"
#include "common/base/text.h"

const struct top_action top_actions[TOP_ACTION_COUNT] = {
    {'r', "reclaim", "Reclaim", "file cache that the guest does not need"},
    {'c', "compact", "Compact", "free memory in pieces too small to return"},
    {'p', "pulse", "Pulse", "free memory that the guest does not report"},
};

void top_action_ask(const struct top_action *action, const struct top_vm *vm, char *text,
                    size_t size)
{
    uint64_t bytes = top_vm_step(vm, action->name);

    if (bytes != 0)
        text_format(text, size, "%s %s: could bring back %s, %s. Do it?", action->name, vm->name,
                    BYTES_TEXT(bytes), action->what);
    else
        text_format(text, size, "%s %s: it seems that nothing would come back%s%s. Do it anyway?",
                    action->name, vm->name, vm->note[0] == '\0' ? "" : ": ", vm->note);
}

void top_action_ask_planned(const struct top_action *action, const char *vm,
                            const PlannedStep *step, char *text, size_t size)
{
    if (step->refused[0] != '\0')
        text_format(text, size, "%s %s would be refused: %s. Try it anyway?", action->name, vm,
                    step->refused);
    else if (step->gain_is_known)
        text_format(text, size, "%s %s: would bring back %s, %s%s%s. Do it?", action->name, vm,
                    BYTES_TEXT(step->gain), action->what, step->note[0] == '\0' ? "" : "; ",
                    step->note);
    else
        text_format(text, size, "%s %s: nobody knows what it would bring back%s%s. Do it?",
                    action->name, vm, step->note[0] == '\0' ? "" : "; ", step->note);
}
