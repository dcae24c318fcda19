/* Reading a template, from its beginning to its end: what words.c, path.c and template.c share. All
 * return 0, -EINVAL after `error` has been set, or -ENOMEM. */
#ifndef VMRECLAIM_CONTROLLER_CLI_JSONPATH_PARSER_H
#define VMRECLAIM_CONTROLLER_CLI_JSONPATH_PARSER_H

#include "controller/cli/jsonpath/tree.h"

struct jsonpath_parser {
    const char *at;
    unsigned nested; /* ranges and filters that it is in */
    struct error *error;
};

/* ---- words.c ---- */

/* Says what is wrong there. -EINVAL. */
int jsonpath_refuse(const struct jsonpath_parser *parser, const char *at, const char *format, ...)
    printf_like(3, 4);

/* Begins a range or a filter; `nested` is counted down at its end. */
int jsonpath_nest(struct jsonpath_parser *parser);

void jsonpath_skip_blanks(struct jsonpath_parser *parser);

/* Takes it, and the blanks before it in any case. */
bool jsonpath_take(struct jsonpath_parser *parser, const char *what);

/* Takes a word that does not go on. */
bool jsonpath_take_word(struct jsonpath_parser *parser, const char *word);

/* A name up to one of the `ends`, any of which a backslash makes part of it. May be empty. */
int jsonpath_take_name(struct jsonpath_parser *parser, const char *ends, char **ret_name);

/* Text in the quotes that begin here. */
int jsonpath_take_quoted(struct jsonpath_parser *parser, char **ret_text);

/* ---- path.c ---- */

bool jsonpath_begins_path(char character);

/* As far as it goes. What was taken is in `path`, after a failure too. */
int jsonpath_take_path(struct jsonpath_parser *parser, struct jsonpath_path *path);

#endif
