/* The findings of an explanation. */
#include "controller/cli/findings.h"

#include "controller.pb-c.h"

#define KIND(name) VMRECLAIM__CONTROLLER__V1__FINDING_KIND__FINDING_KIND_##name

const struct finding_paragraph finding_paragraphs[FINDING_PARAGRAPHS] = {
    {KIND(UNSPECIFIED), "Findings"},
    {KIND(HOLDS), "What holds the memory"},
    {KIND(PLAN), "What the policy will do, and when"},
    {KIND(CAN_DO), "What you can do now"},
    {KIND(STUCK), "What cannot come back, and why"},
};
