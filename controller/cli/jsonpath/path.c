/* Paths are read by descent; filters within each other are counted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "controller/cli/jsonpath/parser.h"

/* `tail` is where the path's next step goes. */
static int add_step(enum jsonpath_step_kind kind, struct jsonpath_step ***tail,
                    struct jsonpath_step **ret_step)
{
    struct jsonpath_step *step = calloc(1, sizeof(*step));

    if (step == NULL)
        return -ENOMEM;
    step->kind = kind;
    **tail = step;
    *tail = &step->next;
    if (ret_step != NULL)
        *ret_step = step;
    return 0;
}

static int take_field(struct jsonpath_parser *parser, const char *ends,
                      struct jsonpath_step ***tail)
{
    const char *begin = parser->at;
    struct jsonpath_step *step;
    int r = add_step(JSONPATH_FIELD, tail, &step);

    if (r == 0)
        r = jsonpath_take_name(parser, ends, &step->name);
    if (r < 0)
        return r;
    return step->name[0] == '\0'
               ? jsonpath_refuse(parser, begin, "a field has a name: .NAME or ['NAME']")
               : 0;
}

/* ['a.b'] is .a.b, as kubectl has it. */
static int take_key(struct jsonpath_parser *parser, struct jsonpath_step ***tail)
{
    const char *begin = parser->at;
    const char ends[] = {*begin, '.', '\0'};
    int r;

    do {
        parser->at++;
        r = take_field(parser, ends, tail);
    } while (r == 0 && *parser->at == '.');
    if (r < 0)
        return r;
    if (*parser->at != *begin)
        return jsonpath_refuse(parser, begin, "the quote is not closed");
    parser->at++;
    return 0;
}

/* False: there is none, or one that no array has. */
static bool take_number(struct jsonpath_parser *parser, int *ret_number)
{
    const char *digits = parser->at + (*parser->at == '-');
    size_t length = strspn(digits, "0123456789");

    if (length == 0 || length > 9)
        return false;
    *ret_number = (int)strtol(parser->at, NULL, 10);
    parser->at = digits + length;
    return true;
}

/* N, or FROM:TO:STEP of which each may lack. */
static int take_slice(struct jsonpath_parser *parser, struct jsonpath_step ***tail)
{
    const char *begin = parser->at;
    struct jsonpath_step *step;
    int r = add_step(JSONPATH_SLICE, tail, &step);

    if (r < 0)
        return r;
    step->slice = (struct jsonpath_slice){.step = 1};
    step->slice.is_index = take_number(parser, &step->slice.from) && *parser->at != ':';
    if (step->slice.is_index)
        return 0;
    if (*parser->at != ':')
        return jsonpath_refuse(parser, begin,
                               "write [0], [-1], [1:3], [*], ['NAME'] or [?(@.NAME)]");
    parser->at++;
    step->slice.has_to = take_number(parser, &step->slice.to);
    if (*parser->at == ':') {
        parser->at++;
        (void)take_number(parser, &step->slice.step);
    }
    return step->slice.step > 0
               ? 0
               : jsonpath_refuse(parser, begin, "a slice goes forward: [FROM:TO:STEP]");
}

static int take_filter(struct jsonpath_parser *parser, struct jsonpath_step ***tail);

/* One of what stands in brackets. */
static int take_item(struct jsonpath_parser *parser, struct jsonpath_step ***tail)
{
    jsonpath_skip_blanks(parser);
    if (*parser->at == '\'' || *parser->at == '"')
        return take_key(parser, tail);
    if (jsonpath_take(parser, "*"))
        return add_step(JSONPATH_EACH, tail, NULL);
    if (jsonpath_take(parser, "?("))
        return take_filter(parser, tail);
    return take_slice(parser, tail);
}

/* Several are a union; one is as if there were no brackets. */
static int take_brackets(struct jsonpath_parser *parser, struct jsonpath_step ***tail)
{
    const char *begin = parser->at++;
    struct jsonpath_step **single = *tail;
    struct jsonpath_step *all;
    int r = take_item(parser, tail);

    if (r == 0 && jsonpath_take(parser, ",")) {
        struct jsonpath_step **before = &(*single)->other;
        struct jsonpath_step *first = *single;

        *single = NULL;
        *tail = single;
        r = add_step(JSONPATH_UNION, tail, &all);
        if (r < 0) {
            jsonpath_destroy_steps(first);
            return r;
        }
        all->first = first;
        do {
            struct jsonpath_step **end = before;

            r = take_item(parser, &end);
            if (*before != NULL)
                before = &(*before)->other;
        } while (r == 0 && jsonpath_take(parser, ","));
    }
    if (r == 0 && !jsonpath_take(parser, "]"))
        return jsonpath_refuse(parser, begin, "the bracket is not closed by ]");
    return r;
}

/* What a name cannot have without a backslash. */
#define NAME_ENDS ".[]{}(),'\"=!<>|& \t\n\r"

/* What a dot leads to: a field, all of them, or what is anywhere below. */
static int take_dot(struct jsonpath_parser *parser, bool is_first, struct jsonpath_step ***tail)
{
    bool is_descent = *++parser->at == '.';

    if (is_descent) {
        int r = add_step(JSONPATH_DESCENT, tail, NULL);

        if (r < 0)
            return r;
        parser->at++;
    }
    if (*parser->at == '*') {
        parser->at++;
        return add_step(JSONPATH_EACH, tail, NULL);
    }
    if (*parser->at == '[')
        return 0;
    if ((is_first || is_descent) && *parser->at != '.' &&
        (*parser->at == '\0' || strchr(NAME_ENDS, *parser->at) != NULL))
        return 0; /* {.} is what is at hand */
    return take_field(parser, NAME_ENDS, tail);
}

int jsonpath_take_path(struct jsonpath_parser *parser, struct jsonpath_path *path)
{
    struct jsonpath_step **tail = &path->steps;
    bool is_first = true;
    int r = 0;

    path->is_of_document = *parser->at == '$';
    if (*parser->at == '$' || *parser->at == '@')
        parser->at++;
    for (; r == 0 && (*parser->at == '.' || *parser->at == '['); is_first = false)
        r = *parser->at == '.' ? take_dot(parser, is_first, &tail) : take_brackets(parser, &tail);
    return r;
}

/* ---- filters ---- */

bool jsonpath_begins_path(char character)
{
    return character != '\0' && strchr("$@.[", character) != NULL;
}

/* A number, true or false, as JSON has them. */
static int take_bare(struct jsonpath_parser *parser, json_t **ret_literal)
{
    size_t length = strcspn(parser->at, ")]}=!<>&| \t\n\r");
    json_t *literal = json_loadb(parser->at, length, JSON_DECODE_ANY, NULL);

    if (!json_is_number(literal) && !json_is_boolean(literal)) {
        json_decref(literal);
        return jsonpath_refuse(parser, parser->at, "write @.NAME, 'TEXT', a number, true or false");
    }
    parser->at += length;
    *ret_literal = literal;
    return 0;
}

static int take_operand(struct jsonpath_parser *parser, struct jsonpath_operand *operand)
{
    cleanup_free char *text = NULL;
    int r;

    jsonpath_skip_blanks(parser);
    if (jsonpath_begins_path(*parser->at))
        return jsonpath_take_path(parser, &operand->path);
    if (*parser->at != '\'' && *parser->at != '"')
        return take_bare(parser, &operand->literal);
    r = jsonpath_take_quoted(parser, &text);
    if (r < 0)
        return r;
    operand->literal = json_string(text);
    return operand->literal == NULL ? jsonpath_refuse(parser, parser->at, "that text is no UTF-8")
                                    : 0;
}

static int take_comparison(struct jsonpath_parser *parser, enum jsonpath_comparison *ret_comparison)
{
    static const struct {
        const char *words;
        enum jsonpath_comparison comparison;
    } all[] = {
        {"==", JSONPATH_EQUAL},    {"!=", JSONPATH_UNEQUAL}, {"<=", JSONPATH_AT_MOST},
        {">=", JSONPATH_AT_LEAST}, {"<", JSONPATH_LESS},     {">", JSONPATH_GREATER},
    };

    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        if (jsonpath_take(parser, all[i].words)) {
            *ret_comparison = all[i].comparison;
            return 0;
        }
    return jsonpath_refuse(parser, parser->at, "there are ==, !=, <, <=, > and >=");
}

/* One comparison, as kubectl has it. Behind the parenthesis. */
static int take_filter(struct jsonpath_parser *parser, struct jsonpath_step ***tail)
{
    struct jsonpath_step *step;
    int r = add_step(JSONPATH_FILTER, tail, &step);

    if (r == 0)
        r = jsonpath_nest(parser);
    if (r < 0)
        return r;
    step->filter = calloc(1, sizeof(*step->filter));
    if (step->filter == NULL)
        return -ENOMEM;
    r = take_operand(parser, &step->filter->left);
    if (r == 0 && !jsonpath_take(parser, ")")) {
        r = take_comparison(parser, &step->filter->comparison);
        if (r == 0)
            r = take_operand(parser, &step->filter->right);
        if (r == 0 && !jsonpath_take(parser, ")"))
            r = jsonpath_refuse(
                parser, parser->at,
                "a filter has one comparison and ends with ); for more: -o json and jq(1)");
    }
    parser->nested--;
    return r;
}
