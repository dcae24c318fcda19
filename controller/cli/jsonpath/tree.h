/* A template as a tree: template.c and path.c make it, follow.c and evaluate.c walk it. */
#ifndef VMRECLAIM_CONTROLLER_CLI_JSONPATH_TREE_H
#define VMRECLAIM_CONTROLLER_CLI_JSONPATH_TREE_H

#include <stdbool.h>

#include "controller/cli/jsonpath/jsonpath.h"

enum jsonpath_step_kind {
    JSONPATH_FIELD,
    JSONPATH_EACH,    /* elements of an array, values of an object */
    JSONPATH_DESCENT, /* it, and all objects and arrays below it */
    JSONPATH_SLICE,
    JSONPATH_UNION,
    JSONPATH_FILTER,
};

/* Elements `from` to before `to`; below 0: from the array's end. */
struct jsonpath_slice {
    int from;
    int to;
    int step;
    bool has_to;
    bool is_index; /* the element `from` alone */
};

struct jsonpath_step {
    enum jsonpath_step_kind kind;
    char *name; /* of a field */
    struct jsonpath_slice slice;
    struct jsonpath_filter *filter;
    struct jsonpath_step *first; /* of a union: where its first path begins */
    struct jsonpath_step *other; /* where the union's next path begins */
    struct jsonpath_step *next;
};

struct jsonpath_path {
    bool is_of_document; /* it begins there, not at what is at hand */
    struct jsonpath_step *steps;
};

enum jsonpath_comparison {
    JSONPATH_EXISTS, /* there is no right side */
    JSONPATH_EQUAL,
    JSONPATH_UNEQUAL,
    JSONPATH_LESS,
    JSONPATH_AT_MOST,
    JSONPATH_GREATER,
    JSONPATH_AT_LEAST,
};

struct jsonpath_operand {
    json_t *literal; /* NULL: the path's values */
    struct jsonpath_path path;
};

struct jsonpath_filter {
    struct jsonpath_operand left;
    enum jsonpath_comparison comparison;
    struct jsonpath_operand right;
};

enum jsonpath_node_kind { JSONPATH_TEXT, JSONPATH_VALUES, JSONPATH_RANGE };

struct jsonpath_node {
    enum jsonpath_node_kind kind;
    char *text;
    struct jsonpath_path path; /* of values and of a range */
    struct jsonpath_node *body;
    struct jsonpath_node *next;
};

struct jsonpath {
    struct jsonpath_node *nodes;
};

/* NULL and what is empty are fine. */
void jsonpath_destroy_steps(struct jsonpath_step *step);
void jsonpath_destroy_path(struct jsonpath_path *path);

#endif
