/* JSON values through libyaml's emitter. */
#include "controller/cli/yaml.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "common/base/cleanup.h"
#include "common/base/text.h"
#include "common/base/util.h"

/* ---- texts ---- */

/* Words that YAML 1.1 takes for true, false or nothing. */
static bool is_reserved(const char *text)
{
    static const char *const words[] = {"y",   "n",    "yes",   "no",  "on",
                                        "off", "true", "false", "null"};

    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (strcasecmp(text, words[i]) == 0)
            return true;
    return false;
}

/* Numbers and times begin with a digit, a sign or a point. */
static bool may_be_plain(const char *text)
{
    char first = text[0];

    return ((first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') || first == '/') &&
           !is_reserved(text);
}

static bool text_is_safe(const char *text, size_t length)
{
    size_t step;
    bool safe;

    for (; (step = text_take(text, length, TEXT_LINES, &safe)) > 0; text += step, length -= step)
        if (!safe)
            return false;
    return true;
}

static bool is_safe(const json_t *json)
{
    const char *key;
    json_t *member;
    size_t index;

    if (json_is_string(json))
        return text_is_safe(json_string_value(json), json_string_length(json));
    json_array_foreach(json, index, member) if (!is_safe(member)) return false;
    json_object_foreach((json_t *)json, key, member) if (!is_safe(member)) return false;
    return true;
}

/* ---- events ---- */

/* The emitter takes another style where this one cannot hold the text. */
static bool emit_scalar(yaml_emitter_t *emitter, const char *text, size_t length,
                        yaml_scalar_style_t style)
{
    bool may_be_bare = style == YAML_PLAIN_SCALAR_STYLE;
    yaml_event_t event;

    return yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text, (int)length,
                                        may_be_bare, 1, style) &&
           yaml_emitter_emit(emitter, &event);
}

static bool emit_text(yaml_emitter_t *emitter, const char *text, size_t length)
{
    return emit_scalar(emitter, text, length,
                       strchr(text, '\n') != NULL ? YAML_LITERAL_SCALAR_STYLE
                       : may_be_plain(text)       ? YAML_PLAIN_SCALAR_STYLE
                                                  : YAML_SINGLE_QUOTED_SCALAR_STYLE);
}

/* Numbers, true, false, null: as JSON writes them. */
static bool emit_plain(yaml_emitter_t *emitter, const json_t *json)
{
    cleanup_free char *text = json_dumps(json, JSON_ENCODE_ANY);

    return text != NULL && emit_scalar(emitter, text, strlen(text), YAML_PLAIN_SCALAR_STYLE);
}

static bool emit(yaml_emitter_t *emitter, const json_t *json);

static bool emit_object(yaml_emitter_t *emitter, const json_t *json)
{
    yaml_event_t event;
    const char *key;
    json_t *member;
    bool ok = yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_ANY_MAPPING_STYLE) &&
              yaml_emitter_emit(emitter, &event);

    json_object_foreach((json_t *)json, key, member)
    {
        ok = ok && emit_text(emitter, key, strlen(key)) && emit(emitter, member);
    }
    return ok && yaml_mapping_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

static bool emit_array(yaml_emitter_t *emitter, const json_t *json)
{
    yaml_event_t event;
    json_t *member;
    size_t index;
    bool ok =
        yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_ANY_SEQUENCE_STYLE) &&
        yaml_emitter_emit(emitter, &event);

    json_array_foreach(json, index, member)
    {
        ok = ok && emit(emitter, member);
    }
    return ok && yaml_sequence_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

/* As deep as the value is, which our own messages bound. */
static bool emit(yaml_emitter_t *emitter, const json_t *json)
{
    if (json_is_object(json))
        return emit_object(emitter, json);
    if (json_is_array(json))
        return emit_array(emitter, json);
    if (json_is_string(json))
        return emit_text(emitter, json_string_value(json), json_string_length(json));
    return emit_plain(emitter, json);
}

static bool emit_document(yaml_emitter_t *emitter, const json_t *json)
{
    yaml_event_t event;

    return yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) &&
           yaml_emitter_emit(emitter, &event) &&
           yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 0) &&
           yaml_emitter_emit(emitter, &event) && emit(emitter, json) &&
           yaml_document_end_event_initialize(&event, 1) && yaml_emitter_emit(emitter, &event) &&
           yaml_stream_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

int yaml_print(const json_t *json, FILE *to)
{
    yaml_emitter_t emitter;
    bool done;
    bool lacks_memory;

    if (!yaml_emitter_initialize(&emitter))
        return -ENOMEM;
    yaml_emitter_set_output_file(&emitter, to);
    yaml_emitter_set_width(&emitter, -1); /* a value stays on its line */
    yaml_emitter_set_unicode(&emitter, is_safe(json));
    done = emit_document(&emitter, json);
    lacks_memory = emitter.error != YAML_WRITER_ERROR;
    yaml_emitter_delete(&emitter);
    return done ? 0 : lacks_memory ? -ENOMEM : -EIO;
}
