/* Findings and their evidence as messages. */
#include "controller/messages/finding.h"

#include <errno.h>
#include <stdlib.h>

#include "controller/messages/text.h"

/* A finding with everything it points to, in one allocation. */
struct finding_message {
    Vmreclaim__Controller__V1__Finding message;
    struct evidence_messages evidence;
};

void evidence_to_messages(const struct finding *finding, struct evidence_messages *ret_evidence)
{
    for (size_t i = 0; i < finding->evidence_count; i++) {
        Vmreclaim__Controller__V1__Evidence *message = &ret_evidence->messages[i];

        vmreclaim__controller__v1__evidence__init(message);
        message->name = message_text(finding->evidence[i].name);
        message->value = finding->evidence[i].value;
        message->unit = message_text(finding->evidence[i].unit);
        ret_evidence->pointers[i] = message;
    }
}

static void finding_to_message(const struct finding *finding, struct finding_message *ret_message)
{
    Vmreclaim__Controller__V1__Finding *message = &ret_message->message;

    vmreclaim__controller__v1__finding__init(message);
    message->kind = (Vmreclaim__Controller__V1__FindingKind)finding->kind;
    message->code = message_text(finding->code);
    message->bytes = finding->bytes;
    message->sentence = message_text(finding->sentence);
    message->command = message_text(finding->command);
    evidence_to_messages(finding, &ret_message->evidence);
    message->evidence = ret_message->evidence.pointers;
    message->n_evidence = finding->evidence_count;
}

int explanation_to_message(const struct explanation *explanation,
                           Vmreclaim__Controller__V1__ExplainResponse *message)
{
    struct finding_message *entries = calloc(explanation->count + 1, sizeof(*entries));
    Vmreclaim__Controller__V1__Finding **pointers =
        calloc(explanation->count + 1, sizeof(*pointers));

    if (entries == NULL || pointers == NULL) {
        free(entries);
        free(pointers);
        return -ENOMEM;
    }
    for (size_t i = 0; i < explanation->count; i++) {
        finding_to_message(&explanation->findings[i], &entries[i]);
        pointers[i] = &entries[i].message;
    }
    pointers[explanation->count] = &entries[0].message; /* also with no finding: what to free */
    message->findings = pointers;
    message->n_findings = explanation->count;
    return 0;
}

void explanation_release_message(Vmreclaim__Controller__V1__ExplainResponse *message)
{
    if (message->findings == NULL)
        return;
    free(message->findings[message->n_findings]);
    free((void *)message->findings);
    message->findings = NULL;
    message->n_findings = 0;
}
