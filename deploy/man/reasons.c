/* Prints the reasons of vmreclaim-reasons(7), in scdoc(5): they come from the detectors' own table.
 */
#include <ctype.h>
#include <stdio.h>

#include "controller/explain/view.h"
#include "deploy/man/scdoc.h"

/* A sentence of what a row has without capital and stop. */
static void print_sentence(const char *label, const char *text)
{
    printf("%s", label);
    scdoc_print_character((char)toupper((unsigned char)text[0]));
    scdoc_print(text + 1);
    fputs(".\n\n", stdout);
}

static void print_evidence(const char *names)
{
    if (names == NULL)
        return;
    fputs("\tEvidence: _", stdout);
    for (; *names != '\0'; names++)
        if (*names == ' ')
            fputs("_, _", stdout);
        else
            scdoc_print_character(*names);
    fputs("_.\n\n", stdout);
}

int main(void)
{
    const char *name;

    fputs("# REASONS\n\n", stdout);
    for (size_t i = 0; (name = explain_reason_code(i)) != NULL; i++) {
        printf("*%s*\n", name);
        print_sentence("\t", explain_reason_meaning(i));
        print_evidence(explain_reason_evidence(i));
        fputs("\tWhat to do: ", stdout);
        scdoc_print(explain_reason_cure(i));
        fputs(".\n\n", stdout);
    }
    fputs("# EVIDENCE\n\nWhat the names of a finding's evidence mean, of the VM, in *--json*.\n\n",
          stdout);
    for (size_t i = 0; (name = explain_evidence_name(i)) != NULL; i++) {
        fputs("*", stdout);
        scdoc_print(name);
        print_sentence("*\n\t", explain_evidence_meaning(i));
    }
    return 0;
}
