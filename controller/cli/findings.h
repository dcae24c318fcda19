/* The findings of an explanation, as a person reads them. */
#ifndef VMRECLAIM_CONTROLLER_CLI_FINDINGS_H
#define VMRECLAIM_CONTROLLER_CLI_FINDINGS_H

/* They come in order of kind; each kind is a paragraph. */
struct finding_paragraph {
    int kind;
    const char *heading;
};

enum { FINDING_PARAGRAPHS = 5 };
extern const struct finding_paragraph finding_paragraphs[FINDING_PARAGRAPHS];

#endif
