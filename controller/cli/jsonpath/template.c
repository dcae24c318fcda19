/* Templates are read by descent; ranges within each other are counted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "controller/cli/jsonpath/parser.h"

static void destroy_nodes(struct jsonpath_node *node)
{
    while (node != NULL) {
        struct jsonpath_node *next = node->next;

        destroy_nodes(node->body);
        jsonpath_destroy_path(&node->path);
        free(node->text);
        free(node);
        node = next;
    }
}

static int close_braces(struct jsonpath_parser *parser, const char *begin)
{
    if (jsonpath_take(parser, "}"))
        return 0;
    if (*parser->at == '\0')
        return jsonpath_refuse(parser, begin, "the brace is not closed by }");
    return jsonpath_refuse(parser, parser->at,
                           "that does not go on from what is before it; close it with }");
}

static int take_nodes(struct jsonpath_parser *parser, const char *range,
                      struct jsonpath_node **ret_nodes);

static int take_range(struct jsonpath_parser *parser, const char *begin, struct jsonpath_node *node)
{
    int r = jsonpath_nest(parser);

    if (r < 0)
        return r;
    node->kind = JSONPATH_RANGE;
    jsonpath_skip_blanks(parser);
    if (!jsonpath_begins_path(*parser->at))
        return jsonpath_refuse(parser, begin, "write {range .NAME[*]} ... {end}");
    r = jsonpath_take_path(parser, &node->path);
    if (r == 0)
        r = close_braces(parser, begin);
    if (r == 0)
        r = take_nodes(parser, begin, &node->body);
    parser->nested--;
    return r;
}

/* Behind the brace, and not {end}. */
static int take_braces(struct jsonpath_parser *parser, const char *begin,
                       struct jsonpath_node *node)
{
    int r;

    if (jsonpath_take_word(parser, "range"))
        return take_range(parser, begin, node);
    if (*parser->at == '\'' || *parser->at == '"') {
        r = jsonpath_take_quoted(parser, &node->text);
    } else if (jsonpath_begins_path(*parser->at)) {
        node->kind = JSONPATH_VALUES;
        r = jsonpath_take_path(parser, &node->path);
    } else if (*parser->at == '}' || *parser->at == '\0') {
        return jsonpath_refuse(parser, begin,
                               "there is nothing in the braces; {.} is all there is");
    } else {
        return jsonpath_refuse(parser, begin,
                               "a field begins with a dot, and text is in quotes: {.%s}",
                               TEXT_CUT(parser->at, 24));
    }
    return r == 0 ? close_braces(parser, begin) : r;
}

static int take_text(struct jsonpath_parser *parser, struct jsonpath_node *node)
{
    size_t length = strcspn(parser->at, "{");

    node->text = strndup(parser->at, length);
    parser->at += length;
    return node->text == NULL ? -ENOMEM : 0;
}

/* Up to the end, or to {end} in a range, which begins at `range`; NULL: in none. */
static int take_nodes(struct jsonpath_parser *parser, const char *range,
                      struct jsonpath_node **ret_nodes)
{
    int r = 0;

    while (r == 0 && *parser->at != '\0') {
        const char *begin = parser->at;
        bool is_text = *begin != '{';
        struct jsonpath_node *node;

        if (!is_text) {
            parser->at++;
            jsonpath_skip_blanks(parser);
            if (jsonpath_take_word(parser, "end"))
                return range != NULL
                           ? close_braces(parser, begin)
                           : jsonpath_refuse(parser, begin, "there is no {range ...} before it");
        }
        node = calloc(1, sizeof(*node));
        if (node == NULL)
            return -ENOMEM;
        *ret_nodes = node;
        ret_nodes = &node->next;
        r = is_text ? take_text(parser, node) : take_braces(parser, begin, node);
    }
    return r == 0 && range != NULL ? jsonpath_refuse(parser, range, "it has no {end}") : r;
}

int jsonpath_parse(const char *template, struct jsonpath **ret_jsonpath, struct error *error)
{
    struct jsonpath_parser parser = {.at = template, .error = error};
    struct jsonpath *jsonpath;
    int r;

    if (strlen(template) > JSONPATH_TEMPLATE_MAX)
        return error_set(error, -EINVAL, "it has more than %d bytes", JSONPATH_TEMPLATE_MAX);
    if (strchr(template, '{') == NULL)
        return error_set(error, -EINVAL, "\"%s\" has no expression in braces; write {.%s}",
                         TEXT_CUT(template, 24), TEXT_CUT(template + strspn(template, "."), 24));
    jsonpath = calloc(1, sizeof(*jsonpath));
    if (jsonpath == NULL)
        return error_set(error, -ENOMEM, "out of memory");
    r = take_nodes(&parser, NULL, &jsonpath->nodes);
    if (r < 0) {
        jsonpath_destroy(jsonpath);
        return r == -ENOMEM ? error_set(error, r, "out of memory") : r;
    }
    *ret_jsonpath = jsonpath;
    return 0;
}

void jsonpath_destroy(struct jsonpath *jsonpath)
{
    if (jsonpath == NULL)
        return;
    destroy_nodes(jsonpath->nodes);
    free(jsonpath);
}
