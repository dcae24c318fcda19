/* The end of a tree. */
#include <stdlib.h>

#include "controller/cli/jsonpath/tree.h"

static void destroy_filter(struct jsonpath_filter *filter)
{
    if (filter == NULL)
        return;
    jsonpath_destroy_path(&filter->left.path);
    json_decref(filter->left.literal);
    jsonpath_destroy_path(&filter->right.path);
    json_decref(filter->right.literal);
    free(filter);
}

void jsonpath_destroy_steps(struct jsonpath_step *step)
{
    while (step != NULL) {
        struct jsonpath_step *next = step->next;

        while (step->first != NULL) {
            struct jsonpath_step *other = step->first->other;

            jsonpath_destroy_steps(step->first);
            step->first = other;
        }
        destroy_filter(step->filter);
        free(step->name);
        free(step);
        step = next;
    }
}

void jsonpath_destroy_path(struct jsonpath_path *path)
{
    jsonpath_destroy_steps(path->steps);
}
