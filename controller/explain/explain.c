/* An explanation put together, and as messages. */
#include "controller/explain/explain.h"

#include <errno.h>
#include <stdlib.h>

#include "controller/explain/view.h"

void explain_vm(const struct explain_subject *subject, struct explanation *ret_explanation)
{
    struct explain_subject without_action = *subject;
    struct view view;

    without_action.action = NULL;
    view_init(&view, &without_action);
    ret_explanation->count = 0;
    explain_holds(&view, ret_explanation);
    explain_plan(&view, ret_explanation);
    explain_advice(&view, ret_explanation);
    explain_reasons(&view, ret_explanation);
}

bool explain_action(const struct explain_subject *subject, struct finding *ret_finding)
{
    struct view view;

    view_init(&view, subject);
    return explain_action_reason(&view, ret_finding);
}

/* ---- as messages ---- */

/* A finding with everything it points to, in one allocation. */
struct finding_message {
    Vmreclaim__Controller__V1__Finding message;
    Vmreclaim__Controller__V1__Evidence evidence[FINDING_EVIDENCE_MAX];
    Vmreclaim__Controller__V1__Evidence *pointers[FINDING_EVIDENCE_MAX];
};

static char *text_of(const char *text)
{
    return (char *)text;
}

static void fill_message(const struct finding *finding, struct finding_message *entry)
{
    Vmreclaim__Controller__V1__Finding *message = &entry->message;

    vmreclaim__controller__v1__finding__init(message);
    message->kind = (Vmreclaim__Controller__V1__FindingKind)finding->kind;
    message->code = text_of(finding->code);
    message->bytes = finding->bytes;
    message->sentence = text_of(finding->sentence);
    message->command = text_of(finding->command);
    message->evidence = entry->pointers;
    message->n_evidence = finding->evidence_count;
    for (size_t i = 0; i < finding->evidence_count; i++) {
        vmreclaim__controller__v1__evidence__init(&entry->evidence[i]);
        entry->evidence[i].name = text_of(finding->evidence[i].name);
        entry->evidence[i].value = finding->evidence[i].value;
        entry->evidence[i].unit = text_of(finding->evidence[i].unit);
        entry->pointers[i] = &entry->evidence[i];
    }
}

int explain_to_message(const struct explanation *explanation,
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
        fill_message(&explanation->findings[i], &entries[i]);
        pointers[i] = &entries[i].message;
    }
    pointers[explanation->count] = &entries[0].message; /* also with no finding: what to free */
    message->findings = pointers;
    message->n_findings = explanation->count;
    return 0;
}

void explain_release_message(Vmreclaim__Controller__V1__ExplainResponse *message)
{
    if (message->findings == NULL)
        return;
    free(message->findings[message->n_findings]);
    free((void *)message->findings);
    message->findings = NULL;
    message->n_findings = 0;
}
