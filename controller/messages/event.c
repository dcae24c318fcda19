/* Events as messages. */
#include "controller/messages/event.h"

#include "controller/messages/action.h"
#include "controller/messages/text.h"

void event_to_message(const struct vm_event *event, struct event_message *ret_message)
{
    Vmreclaim__Controller__V1__Event *message = &ret_message->message;

    vmreclaim__controller__v1__event__init(message);
    message->vm = message_text(event->vm->name);
    message->kind = message_text(vm_event_kind_name(event->kind, event->vm));
    message->text = message_text(event->text);
    if (event->kind == VM_EVENT_SAMPLE) {
        waterfall_to_message(event->vm, false, &ret_message->waterfall);
        message->waterfall = &ret_message->waterfall.message;
    }
    if (event->record != NULL)
        message->action = (Vmreclaim__Controller__V1__Action *)event->record;
    if (event->guest_action != NULL) {
        guest_action_to_message(event->vm, event->guest_action, &ret_message->action);
        ret_message->action.finished = true;
        message->action = &ret_message->action;
    }
}
