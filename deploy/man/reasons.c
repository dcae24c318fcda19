/* Prints the rows of vmreclaim(1)'s table of reasons, in scdoc(5): they come from the detectors'
 * own table. */
#include <stdio.h>

#include "controller/explain/view.h"

int main(void)
{
    const char *code;

    for (size_t i = 0; (code = explain_reason_code(i)) != NULL; i++)
        printf("|  %s\n:  %s\n", code, explain_reason_meaning(i));
    return 0;
}
