/* What controller/explain finds, as messages. */
#ifndef VMRECLAIM_CONTROLLER_MESSAGES_FINDING_H
#define VMRECLAIM_CONTROLLER_MESSAGES_FINDING_H

#include "controller/explain/explain.h"

/* The numbers that a finding rests on; they point into the finding. */
struct evidence_messages {
    Vmreclaim__Controller__V1__Evidence messages[FINDING_EVIDENCE_MAX];
    Vmreclaim__Controller__V1__Evidence *pointers[FINDING_EVIDENCE_MAX];
};
void evidence_to_messages(const struct finding *finding, struct evidence_messages *ret_evidence);

/* Sets the message's findings; they point into `explanation`. -ENOMEM. */
int explanation_to_message(const struct explanation *explanation,
                           Vmreclaim__Controller__V1__ExplainResponse *message);

/* Frees what explanation_to_message added. */
void explanation_release_message(Vmreclaim__Controller__V1__ExplainResponse *message);

#endif
