/* Templates that pick from a JSON document, in the JSONPath that kubectl has for its -o jsonpath.
 *
 * Text stands for itself. In braces there is an expression, whose values are printed with blanks
 * between them; text in quotes with \n, \t, \r, \\, \' and \"; or {range EXPRESSION} ... {end},
 * which repeats what is between for each value.
 *
 * An expression goes from the document ($), or from what is at hand (@, or nothing): to a field
 * (.NAME, ['NAME'], where \. is a dot of the name), to elements ([N], [-1], [FROM:TO:STEP]), to all
 * of them ([*], .*), to several (['A','B'], [0,2]), to whatever is below (..NAME), and to the
 * elements that a filter lets through: [?(@.NAME)] has one, [?(@.NAME=="TEXT")] compares by ==, !=,
 * <, <=, > or >= with a text, a number, true, false or another expression. What is not there is
 * nothing. Objects and arrays are printed as JSON. Pure. */
#ifndef VMRECLAIM_CONTROLLER_CLI_JSONPATH_JSONPATH_H
#define VMRECLAIM_CONTROLLER_CLI_JSONPATH_JSONPATH_H

#include <jansson.h>
#include <stddef.h>

#include "common/base/error.h"

struct jsonpath;

/* Bytes of a template; ranges and filters within each other; levels of a document. */
enum { JSONPATH_TEMPLATE_MAX = 64 * 1024, JSONPATH_NESTED_MAX = 16, JSONPATH_LEVELS_MAX = 256 };

/* Bytes that one document may become, and values that may be looked at for it. */
#define JSONPATH_OUTPUT_MAX ((size_t)64 << 20)
#define JSONPATH_VALUES_MAX ((size_t)4 << 20)

/* -EINVAL: `error` says what is wrong and where; -ENOMEM. */
int jsonpath_parse(const char *template, struct jsonpath **ret_jsonpath, struct error *error);
void jsonpath_destroy(struct jsonpath *jsonpath); /* NULL is fine */

/* What the template makes of the document; `*ret_text` is to be freed. Nothing that the document
 * has steers a terminal there. -E2BIG: it is over a limit; -ENOMEM. */
int jsonpath_evaluate(const struct jsonpath *jsonpath, const json_t *document, char **ret_text,
                      size_t *ret_length);

#endif
