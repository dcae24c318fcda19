/* Lines of the text format. A sample costs a few copies: a page has tens of thousands. */
#include "controller/web/exposition.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"

enum { ROOM_MIN = 64 << 10 };

void exposition_init(struct exposition *exposition)
{
    *exposition = (struct exposition){.text = NULL};
}

void exposition_finish(struct exposition *exposition)
{
    free(exposition->text);
}

static bool reserve(struct exposition *exposition, size_t length)
{
    size_t room = exposition->room;
    char *text;

    if (exposition->is_out_of_memory)
        return false;
    if (exposition->length + length <= room)
        return true;
    while (room < exposition->length + length)
        room = room == 0 ? ROOM_MIN : 2 * room;
    text = realloc(exposition->text, room);
    if (text == NULL) {
        exposition->is_out_of_memory = true;
        return false;
    }
    exposition->text = text;
    exposition->room = room;
    return true;
}

static void append(struct exposition *exposition, const char *text, size_t length)
{
    if (!reserve(exposition, length))
        return;
    memcpy(exposition->text + exposition->length, text, length);
    exposition->length += length;
}

static void append_text(struct exposition *exposition, const char *text)
{
    append(exposition, text, strlen(text));
}

void exposition_family(struct exposition *exposition, const char *name, const char *type,
                       const char *help)
{
    exposition->name = name;
    exposition->type = type;
    exposition->help = help;
    exposition->is_begun = false;
}

/* Help is a text of another program, too. */
static void append_help(struct exposition *exposition, const char *help)
{
    for (; *help != '\0'; help++)
        if (*help == '\\')
            append(exposition, "\\\\", 2);
        else if (*help == '\n')
            append(exposition, "\\n", 2);
        else
            append(exposition, help, 1);
}

static void begin(struct exposition *exposition)
{
    if (exposition->is_begun)
        return;
    exposition->is_begun = true;
    append_text(exposition, "# HELP " EXPOSITION_PREFIX);
    append_text(exposition, exposition->name);
    append_text(exposition, " ");
    append_help(exposition, exposition->help);
    append_text(exposition, "\n# TYPE " EXPOSITION_PREFIX);
    append_text(exposition, exposition->name);
    append_text(exposition, " ");
    append_text(exposition, exposition->type);
    append_text(exposition, "\n");
}

/* Names come from outside: one byte that is not UTF-8 would fail the whole page. */
static void append_value(struct exposition *exposition, const char *value)
{
    size_t left = strlen(value);

    while (left > 0) {
        size_t step = text_character(value, left);

        if (step == 0)
            append(exposition, "?", 1);
        else if (*value == '\\')
            append(exposition, "\\\\", 2);
        else if (*value == '"')
            append(exposition, "\\\"", 2);
        else if (*value == '\n')
            append(exposition, "\\n", 2);
        else
            append(exposition, value, step);
        step = step == 0 ? 1 : step;
        value += step;
        left -= step;
    }
}

static void append_labels(struct exposition *exposition, const struct exposition_label *labels,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        append_text(exposition, i == 0 ? "{" : ",");
        append_text(exposition, labels[i].name);
        append_text(exposition, "=\"");
        append_value(exposition, labels[i].value);
        append_text(exposition, "\"");
    }
    if (count > 0)
        append_text(exposition, "}");
}

const char *exposition_number(int64_t value, unsigned decimals, char buffer[EXPOSITION_NUMBER_SIZE])
{
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    size_t at = EXPOSITION_NUMBER_SIZE - 1;

    buffer[at] = '\0';
    while (decimals > 0 && left % 10 == 0) {
        left /= 10;
        decimals--;
    }
    for (unsigned i = 0; left != 0 || i <= decimals; i++) {
        if (decimals > 0 && i == decimals)
            buffer[--at] = '.';
        buffer[--at] = (char)('0' + left % 10);
        left /= 10;
    }
    if (value < 0)
        buffer[--at] = '-';
    return buffer + at;
}

void exposition_sample(struct exposition *exposition, const char *suffix,
                       const struct exposition_label *labels, size_t count, int64_t value,
                       unsigned decimals)
{
    char number[EXPOSITION_NUMBER_SIZE];

    begin(exposition);
    append_text(exposition, EXPOSITION_PREFIX);
    append_text(exposition, exposition->name);
    append_text(exposition, suffix);
    append_labels(exposition, labels, count);
    append_text(exposition, " ");
    append_text(exposition, exposition_number(value, decimals, number));
    append_text(exposition, "\n");
}

bool exposition_is_name(const char *name)
{
    size_t length = strlen(name);

    return length > 0 && !(name[0] >= '0' && name[0] <= '9') &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}
