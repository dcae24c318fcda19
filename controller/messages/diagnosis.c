/* A diagnosis as a message. */
#include "controller/messages/diagnosis.h"

#include "controller/messages/text.h"

static void finding_to_check(const struct doctor_finding *finding,
                             Vmreclaim__Controller__V1__Check *check)
{
    const struct remedy_line *line = &finding->line;

    vmreclaim__controller__v1__check__init(check);
    check->name = message_text(finding->name);
    check->status = message_text(doctor_status_name(finding->status));
    check->reason = message_text(finding->reason);
    check->advice = message_text(finding->advice);
    if (line->text[0] == '\0')
        return;
    check->remedy = message_text(remedy_name(line->remedy));
    check->form = message_text(remedy_form_name(line->form));
    check->time = message_text(remedy_time_name(line->time));
    check->line = message_text(line->text);
}

void diagnosis_to_message(const char *vm, const struct doctor_subject *subject,
                          const struct diagnosis *diagnosis, struct diagnosis_message *ret_message)
{
    Vmreclaim__Controller__V1__DiagnoseResponse *message = &ret_message->message;

    vmreclaim__controller__v1__diagnose_response__init(message);
    message->vm = message_text(vm);
    message->manager = message_text(doctor_manager_name(subject->manager));
    message->name = message_text(subject->name);
    message->place = message_text(subject->place);
    for (size_t i = 0; i < diagnosis->count; i++) {
        finding_to_check(&diagnosis->findings[i], &ret_message->checks[i]);
        ret_message->pointers[i] = &ret_message->checks[i];
    }
    message->checks = ret_message->pointers;
    message->n_checks = diagnosis->count;
}
