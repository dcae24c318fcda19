/* What the host's doctor says of a VM, as a message. */
#ifndef VMRECLAIM_CONTROLLER_MESSAGES_DIAGNOSIS_H
#define VMRECLAIM_CONTROLLER_MESSAGES_DIAGNOSIS_H

#include "controller.pb-c.h"
#include "controller/doctor/checks.h"

/* A response with everything it points to; `message` is valid as long as the diagnosis, the subject
 * and the VM's name are. */
struct diagnosis_message {
    Vmreclaim__Controller__V1__DiagnoseResponse message;
    Vmreclaim__Controller__V1__Check checks[DOCTOR_CHECKS_MAX];
    Vmreclaim__Controller__V1__Check *pointers[DOCTOR_CHECKS_MAX];
};

void diagnosis_to_message(const char *vm, const struct doctor_subject *subject,
                          const struct diagnosis *diagnosis, struct diagnosis_message *ret_message);

#endif
