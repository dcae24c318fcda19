/* What a template prints of a document. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/text.h"
#include "controller/cli/jsonpath/follow.h"

struct evaluation {
    struct jsonpath_walk walk;
    size_t bytes_left; /* that may be printed */
    FILE *output;
};

static int print(struct evaluation *evaluation, const char *text, size_t length)
{
    if (length > evaluation->bytes_left)
        return -E2BIG;
    evaluation->bytes_left -= length;
    return fwrite(text, 1, length, evaluation->output) == length ? 0 : -ENOMEM;
}

/* Bytes at the beginning that may be shown; `*ret_unsafe` are those of the next character, 0 at the
 * end. */
static size_t find_unsafe(const char *text, size_t length, size_t *ret_unsafe)
{
    size_t safe_length = 0;
    size_t step;
    bool safe;

    do {
        while (safe_length < length && text[safe_length] >= ' ' && text[safe_length] <= '~')
            safe_length++; /* what nearly all is: fast */
        step = text_take(text + safe_length, length - safe_length, TEXT_LINES, &safe);
        safe_length += step > 0 && safe ? step : 0;
    } while (step > 0 && safe);
    *ret_unsafe = step;
    return safe_length;
}

/* What may not be shown is an escape in JSON, '?' elsewhere. */
static int print_safe(struct evaluation *evaluation, const char *text, size_t length, bool is_json)
{
    char escape[16] = "?";
    size_t unsafe = 1;
    int r = 0;

    while (r == 0 && unsafe > 0) {
        size_t shown = find_unsafe(text, length, &unsafe);

        r = print(evaluation, text, shown);
        text += shown;
        if (is_json && unsafe > 0)
            snprintf(escape, sizeof(escape), "\\u%04" PRIx32, text_code_point(text, unsafe));
        if (r == 0 && unsafe > 0)
            r = print(evaluation, escape, strlen(escape));
        text += unsafe;
        length -= shown + unsafe;
    }
    return r;
}

/* What jansson writes is UTF-8. */
static int print_value(struct evaluation *evaluation, const json_t *value)
{
    cleanup_free char *text = NULL;

    if (json_is_string(value))
        return print_safe(evaluation, json_string_value(value), json_string_length(value), false);
    text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_PRESERVE_ORDER);
    return text == NULL ? -ENOMEM : print_safe(evaluation, text, strlen(text), true);
}

static int print_values(struct evaluation *evaluation, const struct jsonpath_values *values)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < values->count; i++) {
        r = print(evaluation, " ", i > 0);
        if (r == 0)
            r = print_value(evaluation, values->list[i]);
    }
    return r;
}

static int print_nodes(struct evaluation *evaluation, const struct jsonpath_node *node,
                       const json_t *current);

static int print_range(struct evaluation *evaluation, const struct jsonpath_node *body,
                       const struct jsonpath_values *values)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < values->count; i++)
        r = print_nodes(evaluation, body, values->list[i]);
    return r;
}

static int print_nodes(struct evaluation *evaluation, const struct jsonpath_node *node,
                       const json_t *current)
{
    int r = 0;

    for (; r == 0 && node != NULL; node = node->next) {
        struct jsonpath_values values;

        if (node->kind == JSONPATH_TEXT) {
            r = print(evaluation, node->text, strlen(node->text));
            continue;
        }
        r = jsonpath_follow(&evaluation->walk, &node->path, current, &values);
        if (r == 0)
            r = node->kind == JSONPATH_RANGE ? print_range(evaluation, node->body, &values)
                                             : print_values(evaluation, &values);
        free(values.list);
    }
    return r;
}

int jsonpath_evaluate(const struct jsonpath *jsonpath, const json_t *document, char **ret_text,
                      size_t *ret_length)
{
    struct evaluation evaluation = {
        .walk = {.document = document, .values_left = JSONPATH_VALUES_MAX},
        .bytes_left = JSONPATH_OUTPUT_MAX};
    char *text = NULL;
    int r;

    evaluation.output = open_memstream(&text, ret_length);
    if (evaluation.output == NULL)
        return -ENOMEM;
    r = print_nodes(&evaluation, jsonpath->nodes, document);
    if (fclose(evaluation.output) != 0 && r == 0)
        r = -ENOMEM;
    if (r == 0)
        *ret_text = take_pointer(text);
    free(text);
    return r;
}
