/* Documents for programs on standard output: JSON; YAML or by a template where that was asked
 * for. */
#ifndef VMRECLAIM_CONTROLLER_CLI_DOCUMENT_H
#define VMRECLAIM_CONTROLLER_CLI_DOCUMENT_H

#include <jansson.h>
#include <stdbool.h>

void document_choose_yaml(bool is_yaml);

/* Whether a form, of -o, is what a template makes of a document: "jsonpath=TEMPLATE" or
 * "jsonpath-file=FILE". */
bool document_is_template(const char *form);

/* From now on documents are printed by it. EXIT_DONE, or EXIT_USAGE after saying what is wrong,
 * behind `whose`. */
int document_choose_template(const char *whose, const char *form);

/* One document, and takes the reference; NULL: there was no memory for it. JSON is indented on a
 * terminal, else one line; YAML begins with "---"; what a template makes of it ends with the end of
 * a line, unless it is nothing. An exit code. */
int print_document(json_t *json);

#endif
