/* Documents for programs on standard output: JSON, or YAML where that was asked for. */
#ifndef VMRECLAIM_CONTROLLER_CLI_DOCUMENT_H
#define VMRECLAIM_CONTROLLER_CLI_DOCUMENT_H

#include <jansson.h>
#include <stdbool.h>

void document_choose_yaml(bool is_yaml);

/* One document, and takes the reference; NULL: there was no memory for it. JSON is indented on a
 * terminal, else one line; YAML begins with "---". An exit code. */
int print_document(json_t *json);

#endif
