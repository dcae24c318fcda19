/* Reads a flat YAML mapping from libyaml's events. */
#include "controller/config/mapping.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "common/base/text.h"

#define KEYS_MAX  64
#define KEY_BYTES 64

struct reading {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one */
    const char *source;
    mapping_visitor visit;
    void *userdata;
    char keys[KEYS_MAX][KEY_BYTES]; /* seen so far */
    size_t key_count;
};

static int fail_at(const struct reading *reading, const yaml_mark_t *mark, struct error *error,
                   const char *what)
{
    return error_set(error, -EINVAL, "%s:%zu: %s", reading->source, mark->line + 1, what);
}

/* Moves to the next event. */
static int next_event(struct reading *reading, struct error *error)
{
    yaml_event_delete(&reading->event);
    if (yaml_parser_parse(&reading->parser, &reading->event) == 0)
        return error_set(error, -EINVAL, "%s:%zu: not valid YAML: %s", reading->source,
                         reading->parser.problem_mark.line + 1,
                         reading->parser.problem != NULL ? reading->parser.problem
                                                         : "unknown problem");
    if (reading->event.type == YAML_ALIAS_EVENT)
        return fail_at(reading, &reading->event.start_mark, error, "aliases are not used here");
    return 0;
}

static bool may_be_shown(const char *text, size_t length)
{
    bool is_safe = true;

    for (size_t at = 0; is_safe && at < length;)
        at += text_take(text + at, length - at, TEXT_ONE_LINE, &is_safe);
    return is_safe;
}

/* The scalar's text; NULL: a NUL byte inside would hide the rest, or another character would do
 * harm where it is shown. */
static const char *scalar(const struct reading *reading)
{
    const char *text = (const char *)reading->event.data.scalar.value;
    size_t length = reading->event.data.scalar.length;

    return strlen(text) == length && may_be_shown(text, length) ? text : NULL;
}

static int visit_scalar(struct reading *reading, const char *key, struct error *error)
{
    const char *value = scalar(reading);
    size_t line = reading->event.start_mark.line + 1;
    int r;

    if (value == NULL)
        return fail_at(reading, &reading->event.start_mark, error,
                       "a value of more than one line, or with control characters");
    r = reading->visit(key, value, reading->userdata, error);
    return r < 0 ? error_prefix(error, r, "%s:%zu", reading->source, line) : 0;
}

static int read_list(struct reading *reading, const char *key, struct error *error)
{
    for (;;) {
        int r = next_event(reading, error);

        if (r < 0)
            return r;
        if (reading->event.type == YAML_SEQUENCE_END_EVENT)
            return 0;
        if (reading->event.type != YAML_SCALAR_EVENT)
            return fail_at(reading, &reading->event.start_mark, error,
                           "a list of plain values was expected");
        r = visit_scalar(reading, key, error);
        if (r < 0)
            return r;
    }
}

static int remember_key(struct reading *reading, struct error *error)
{
    const char *key = scalar(reading);
    const yaml_mark_t *mark = &reading->event.start_mark;

    if (key == NULL || strlen(key) >= KEY_BYTES)
        return fail_at(reading, mark, error, "the key is too long, or no key");
    for (size_t i = 0; i < reading->key_count; i++)
        if (strcmp(reading->keys[i], key) == 0)
            return error_set(error, -EINVAL, "%s:%zu: key '%s' is given twice", reading->source,
                             mark->line + 1, key);
    if (reading->key_count == KEYS_MAX)
        return fail_at(reading, mark, error, "too many keys");
    snprintf(reading->keys[reading->key_count++], KEY_BYTES, "%s", key);
    return 0;
}

static int read_pair(struct reading *reading, struct error *error)
{
    const char *key;
    int r;

    if (reading->event.type != YAML_SCALAR_EVENT)
        return fail_at(reading, &reading->event.start_mark, error, "a key was expected");
    r = remember_key(reading, error);
    if (r < 0)
        return r;
    key = reading->keys[reading->key_count - 1];
    r = next_event(reading, error);
    if (r < 0)
        return r;
    if (reading->event.type == YAML_SEQUENCE_START_EVENT)
        return read_list(reading, key, error);
    if (reading->event.type != YAML_SCALAR_EVENT)
        return fail_at(reading, &reading->event.start_mark, error,
                       "a plain value or a list was expected");
    return visit_scalar(reading, key, error);
}

static int read_mapping(struct reading *reading, struct error *error)
{
    for (;;) {
        int r = next_event(reading, error);

        if (r < 0)
            return r;
        if (reading->event.type == YAML_MAPPING_END_EVENT)
            return 0;
        r = read_pair(reading, error);
        if (r < 0)
            return r;
    }
}

/* An empty document reads as an empty mapping. */
static int read_stream(struct reading *reading, struct error *error)
{
    for (;;) {
        int r = next_event(reading, error);

        if (r < 0)
            return r;
        switch (reading->event.type) {
        case YAML_STREAM_END_EVENT:
            return 0;
        case YAML_MAPPING_START_EVENT:
            r = read_mapping(reading, error);
            if (r < 0)
                return r;
            break;
        case YAML_SCALAR_EVENT:
            if (reading->event.data.scalar.length == 0)
                break;
            __attribute__((fallthrough));
        case YAML_SEQUENCE_START_EVENT:
            return fail_at(reading, &reading->event.start_mark, error,
                           "lines of the form 'key: value' were expected");
        case YAML_DOCUMENT_START_EVENT:
            if (reading->key_count > 0)
                return fail_at(reading, &reading->event.start_mark, error,
                               "only one document is read");
            break;
        default:
            break;
        }
    }
}

int mapping_read(const char *text, size_t length, const char *source, mapping_visitor visit,
                 void *userdata, struct error *error)
{
    struct reading *reading = calloc(1, sizeof(*reading));
    int r;

    if (reading == NULL)
        return error_set(error, -ENOMEM, "%s: out of memory", source);
    reading->source = source;
    reading->visit = visit;
    reading->userdata = userdata;
    if (yaml_parser_initialize(&reading->parser) == 0) {
        free(reading);
        return error_set(error, -ENOMEM, "%s: out of memory", source);
    }
    yaml_parser_set_input_string(&reading->parser, (const unsigned char *)text, length);
    r = read_stream(reading, error);
    yaml_event_delete(&reading->event);
    yaml_parser_delete(&reading->parser);
    free(reading);
    return r;
}
