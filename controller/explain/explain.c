/* An explanation put together. */
#include "controller/explain/explain.h"

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

void explain_obstacles(const struct explain_subject *subject, struct explanation *ret_explanation)
{
    struct view view;

    view_init(&view, subject);
    ret_explanation->count = 0;
    explain_reasons(&view, ret_explanation);
}

bool explain_action(const struct explain_subject *subject, struct finding *ret_finding)
{
    struct view view;

    view_init(&view, subject);
    return explain_action_reason(&view, ret_finding);
}
