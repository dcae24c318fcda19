/* Each step makes a list of values from a list of values, as kubectl does: those of a union come in
 * its own order. */
#include "controller/cli/jsonpath/follow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int add(struct jsonpath_walk *walk, struct jsonpath_values *values, const json_t *value)
{
    if (value == NULL)
        return 0;
    if (walk->values_left == 0)
        return -E2BIG;
    walk->values_left--;
    if (values->count == values->room) {
        size_t room = values->room == 0 ? 16 : 2 * values->room;
        const json_t **list = realloc(values->list, room * sizeof(const json_t *));

        if (list == NULL)
            return -ENOMEM;
        values->list = list;
        values->room = room;
    }
    values->list[values->count++] = value;
    return 0;
}

/* ---- steps ---- */

static int follow(struct jsonpath_walk *walk, const struct jsonpath_step *steps,
                  const struct jsonpath_values *from, struct jsonpath_values *to);

static int add_each(struct jsonpath_walk *walk, const json_t *value, struct jsonpath_values *to)
{
    const char *key;
    json_t *member;
    size_t index;
    int r = 0;

    json_array_foreach(value, index, member)
    {
        r = r < 0 ? r : add(walk, to, member);
    }
    json_object_foreach((json_t *)value, key, member)
    {
        r = r < 0 ? r : add(walk, to, member);
    }
    return r;
}

/* What has something in it, then what is in it. */
static int add_below(struct jsonpath_walk *walk, const json_t *value, unsigned level,
                     struct jsonpath_values *to)
{
    const char *key;
    json_t *member;
    size_t index;
    int r;

    if (json_object_size(value) == 0 && json_array_size(value) == 0)
        return 0;
    if (level == JSONPATH_LEVELS_MAX)
        return -E2BIG;
    r = add(walk, to, value);
    json_array_foreach(value, index, member)
    {
        r = r < 0 ? r : add_below(walk, member, level + 1, to);
    }
    json_object_foreach((json_t *)value, key, member)
    {
        r = r < 0 ? r : add_below(walk, member, level + 1, to);
    }
    return r;
}

/* Between the array's ends, whatever is asked for. */
static size_t place(int number, size_t size)
{
    size_t magnitude = number < 0 ? (size_t)-number : (size_t)number;

    if (number >= 0)
        return min_of(magnitude, size);
    return magnitude > size ? 0 : size - magnitude;
}

static int add_slice(struct jsonpath_walk *walk, const struct jsonpath_slice *slice,
                     const json_t *array, struct jsonpath_values *to)
{
    size_t size = json_array_size(array);
    size_t end = slice->has_to ? place(slice->to, size) : size;
    int r = 0;

    if (slice->is_index && slice->from < 0 && (size_t)-slice->from > size)
        return 0;
    if (slice->is_index)
        return add(walk, to, json_array_get(array, place(slice->from, size)));
    for (size_t i = place(slice->from, size); r == 0 && i < end; i += (size_t)slice->step)
        r = add(walk, to, json_array_get(array, i));
    return r;
}

static int add_union(struct jsonpath_walk *walk, const struct jsonpath_step *first,
                     const struct jsonpath_values *from, struct jsonpath_values *to)
{
    int r = 0;

    for (; r == 0 && first != NULL; first = first->other) {
        struct jsonpath_values found = {.list = NULL};

        r = follow(walk, first, from, &found);
        for (size_t i = 0; r == 0 && i < found.count; i++)
            r = add(walk, to, found.list[i]);
        free(found.list);
    }
    return r;
}

static int add_let_through(struct jsonpath_walk *walk, const struct jsonpath_filter *filter,
                           const json_t *array, struct jsonpath_values *to);

static int take_step(struct jsonpath_walk *walk, const struct jsonpath_step *step,
                     const json_t *value, struct jsonpath_values *to)
{
    switch (step->kind) {
    case JSONPATH_FIELD:
        return add(walk, to, json_object_get(value, step->name));
    case JSONPATH_EACH:
        return add_each(walk, value, to);
    case JSONPATH_DESCENT:
        return add_below(walk, value, 0, to);
    case JSONPATH_SLICE:
        return add_slice(walk, &step->slice, value, to);
    case JSONPATH_FILTER:
        return add_let_through(walk, step->filter, value, to);
    case JSONPATH_UNION: /* of all values at once */
        break;
    }
    return 0;
}

/* All steps from here on; `to` is empty. */
static int follow(struct jsonpath_walk *walk, const struct jsonpath_step *steps,
                  const struct jsonpath_values *from, struct jsonpath_values *to)
{
    struct jsonpath_values last = {.list = NULL};
    int r = 0;

    for (size_t i = 0; r == 0 && i < from->count; i++)
        r = add(walk, to, from->list[i]);
    for (const struct jsonpath_step *step = steps; r == 0 && step != NULL; step = step->next) {
        free(last.list);
        last = *to;
        *to = (struct jsonpath_values){.list = NULL};
        if (step->kind == JSONPATH_UNION)
            r = add_union(walk, step->first, &last, to);
        for (size_t i = 0; r == 0 && i < last.count; i++)
            r = take_step(walk, step, last.list[i], to);
    }
    free(last.list);
    return r;
}

int jsonpath_follow(struct jsonpath_walk *walk, const struct jsonpath_path *path,
                    const json_t *current, struct jsonpath_values *ret_values)
{
    const json_t *begin = path->is_of_document ? walk->document : current;
    const struct jsonpath_values from = {.list = &begin, .count = 1};

    *ret_values = (struct jsonpath_values){.list = NULL};
    return follow(walk, path->steps, &from, ret_values);
}

/* ---- filters ---- */

static int follow_operand(struct jsonpath_walk *walk, const struct jsonpath_operand *operand,
                          const json_t *current, struct jsonpath_values *ret_values)
{
    *ret_values = (struct jsonpath_values){.list = NULL};
    if (operand->literal != NULL)
        return add(walk, ret_values, operand->literal);
    return jsonpath_follow(walk, &operand->path, current, ret_values);
}

/* Below 0, 0, or above. False: the two have no order. */
static bool order_of(const json_t *a, const json_t *b, int *ret_order)
{
    if (json_is_integer(a) && json_is_integer(b))
        *ret_order = (json_integer_value(a) > json_integer_value(b)) -
                     (json_integer_value(a) < json_integer_value(b));
    else if (json_is_number(a) && json_is_number(b))
        *ret_order = (json_number_value(a) > json_number_value(b)) -
                     (json_number_value(a) < json_number_value(b));
    else if (json_is_string(a) && json_is_string(b))
        *ret_order = strcmp(json_string_value(a), json_string_value(b));
    else
        return false;
    return true;
}

static bool compare(enum jsonpath_comparison comparison, const json_t *a, const json_t *b)
{
    int order = 0;
    bool has_order = order_of(a, b, &order);
    bool is_equal = has_order ? order == 0 : json_equal(a, b);

    switch (comparison) {
    case JSONPATH_EQUAL:
        return is_equal;
    case JSONPATH_UNEQUAL:
        return !is_equal;
    case JSONPATH_LESS:
        return has_order && order < 0;
    case JSONPATH_AT_MOST:
        return has_order && order <= 0;
    case JSONPATH_GREATER:
        return has_order && order > 0;
    case JSONPATH_AT_LEAST:
        return has_order && order >= 0;
    case JSONPATH_EXISTS:
        break;
    }
    return true;
}

/* Any of several will do. */
static int any_holds(struct jsonpath_walk *walk, const struct jsonpath_filter *filter,
                     const struct jsonpath_values *left, const struct jsonpath_values *right,
                     bool *ret_holds)
{
    *ret_holds = filter->comparison == JSONPATH_EXISTS && left->count > 0;
    if (left->count * right->count > walk->values_left)
        return -E2BIG;
    walk->values_left -= left->count * right->count;
    for (size_t i = 0; i < left->count; i++)
        for (size_t j = 0; j < right->count && !*ret_holds; j++)
            *ret_holds = compare(filter->comparison, left->list[i], right->list[j]);
    return 0;
}

static int lets_through(struct jsonpath_walk *walk, const struct jsonpath_filter *filter,
                        const json_t *element, bool *ret_holds)
{
    struct jsonpath_values left;
    struct jsonpath_values right = {.list = NULL};
    int r = follow_operand(walk, &filter->left, element, &left);

    if (r == 0 && filter->comparison != JSONPATH_EXISTS)
        r = follow_operand(walk, &filter->right, element, &right);
    if (r == 0)
        r = any_holds(walk, filter, &left, &right, ret_holds);
    free(left.list);
    free(right.list);
    return r;
}

static int add_let_through(struct jsonpath_walk *walk, const struct jsonpath_filter *filter,
                           const json_t *array, struct jsonpath_values *to)
{
    json_t *element;
    size_t index;
    int r = 0;

    json_array_foreach(array, index, element)
    {
        bool holds = false;

        r = r < 0 ? r : lets_through(walk, filter, element, &holds);
        if (r == 0 && holds)
            r = add(walk, to, element);
    }
    return r;
}
