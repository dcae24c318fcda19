/* A VM's waterfall as a message. */
#include "controller/messages/waterfall.h"

#include "controller/messages/text.h"

void waterfall_to_message(const struct vm *vm, bool with_guest,
                          struct waterfall_message *ret_message)
{
    const struct waterfall *w = &vm->measured.waterfall;
    Vmreclaim__Controller__V1__Waterfall *message = &ret_message->message;

    vmreclaim__controller__v1__waterfall__init(message);
    message->time_ns = vm->measured.time;
    message->skew_ns = w->skew;
    message->footprint = w->footprint;
    message->swapped = w->swapped;
    message->reported = w->reported;
    message->reportable = w->reportable;
    message->held_back = w->held_back;
    message->trapped = w->trapped;
    message->percpu = w->percpu;
    message->cache = w->cache;
    message->balloon = w->balloon;
    message->in_use = w->in_use;
    message->unmanaged = w->unmanaged;
    message->remainder = w->remainder;
    message->vm_ram = w->ram;
    message->host_is_known = w->host_is_known;
    message->guest_is_known = w->guest_is_known;
    message->reported_is_known = w->reported_is_known;
    message->balloon_is_known = w->balloon_is_known;
    message->footprint_source = message_text(
        footprint_source_format(vm->measured.host.sources, ret_message->footprint_source,
                                sizeof(ret_message->footprint_source)));
    if (with_guest && w->guest_is_known) {
        guest_memory_to_message(&vm->measured.guest, &ret_message->guest);
        message->guest = &ret_message->guest;
    }
}
