/* A terminal for tests. */
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "common/base/text.h"
#include "tests/lib/terminal.h"

/* ---- the screen ---- */

static void blank(struct terminal *t, size_t row, size_t from, size_t to)
{
    for (size_t column = from; column < to; column++)
        t->cells[row][column] = L' ';
}

static void blank_rows(struct terminal *t, size_t from, size_t to)
{
    for (size_t row = from; row < to; row++)
        blank(t, row, 0, TERMINAL_COLUMNS_MAX);
}

void terminal_init(struct terminal *t, size_t rows, size_t columns)
{
    assert_true(rows <= TERMINAL_ROWS_MAX && columns <= TERMINAL_COLUMNS_MAX);
    *t = (struct terminal){.rows = rows, .columns = columns, .bottom = rows};
    blank_rows(t, 0, TERMINAL_ROWS_MAX);
}

const char *terminal_row(const struct terminal *t, size_t row)
{
    static char text[TERMINAL_COLUMNS_MAX + 1];
    size_t length = t->columns;

    for (size_t i = 0; i < length; i++)
        text[i] = t->cells[row][i] < 0x80 ? (char)t->cells[row][i] : '*';
    while (length > 0 && text[length - 1] == ' ')
        length--;
    text[length] = '\0';
    return text;
}

bool terminal_has(const struct terminal *t, const char *words)
{
    for (size_t row = 0; row < t->rows; row++)
        if (strstr(terminal_row(t, row), words) != NULL)
            return true;
    return false;
}

/* The lines of the region from `from` on move; what goes out is lost. */
static void scroll(struct terminal *t, size_t from, bool is_up, size_t count)
{
    size_t size = sizeof(t->cells[0]);

    assert_true(from <= t->bottom);
    count = count > t->bottom - from ? t->bottom - from : count;
    if (is_up) {
        memmove(t->cells[from], t->cells[from + count], (t->bottom - from - count) * size);
        blank_rows(t, t->bottom - count, t->bottom);
    } else {
        memmove(t->cells[from + count], t->cells[from], (t->bottom - from - count) * size);
        blank_rows(t, from, from + count);
    }
}

static void go(struct terminal *t, size_t row, size_t column)
{
    t->row = row < t->rows ? row : t->rows - 1;
    t->column = column < t->columns ? column : t->columns - 1;
}

static void line_feed(struct terminal *t)
{
    if (t->row + 1 == t->bottom)
        scroll(t, t->top, true, 1);
    else if (t->row + 1 < t->rows)
        t->row++;
}

static void put(struct terminal *t, wchar_t character)
{
    int width = wcwidth(character);

    if (width <= 0)
        return;
    if (t->column + (size_t)width > t->columns) {
        t->column = 0;
        line_feed(t);
    }
    t->cells[t->row][t->column] = character;
    if (width == 2)
        t->cells[t->row][t->column + 1] = L'*';
    t->column += (size_t)width;
}

/* ---- sequences: ESC [ PARAMETERS LETTER ---- */

struct parameters {
    size_t list[TERMINAL_PARAMETERS_MAX];
    size_t count;
    bool is_private; /* "?" before them */
};

static void parse(const char *text, struct parameters *ret)
{
    *ret = (struct parameters){.is_private = *text == '?'};
    text += *text == '?' || *text == '>';
    while (ret->count < TERMINAL_PARAMETERS_MAX) {
        char *end;

        ret->list[ret->count++] = strtoul(text, &end, 10);
        if (*end != ';' && *end != ':')
            break;
        text = end + 1;
    }
}

static size_t count_of(const struct parameters *p)
{
    return p->list[0] == 0 ? 1 : p->list[0];
}

static void erase_lines(struct terminal *t, size_t what)
{
    if (what == 0) {
        blank(t, t->row, t->column, t->columns);
        blank_rows(t, t->row + 1, t->rows);
    } else if (what == 1) {
        blank_rows(t, 0, t->row);
        blank(t, t->row, 0, t->column + 1);
    } else {
        blank_rows(t, 0, t->rows);
    }
}

static void erase_line(struct terminal *t, size_t what)
{
    blank(t, t->row, what == 0 ? t->column : 0, what == 1 ? t->column + 1 : t->columns);
}

static void move_characters(struct terminal *t, bool is_insert, size_t count)
{
    wchar_t *line = t->cells[t->row];
    size_t left = t->columns - t->column;

    count = count > left ? left : count;
    if (is_insert)
        memmove(line + t->column + count, line + t->column, (left - count) * sizeof(*line));
    else
        memmove(line + t->column, line + t->column + count, (left - count) * sizeof(*line));
    if (is_insert)
        blank(t, t->row, t->column, t->column + count);
    else
        blank(t, t->row, t->columns - count, t->columns);
}

static void set_modes(struct terminal *t, const struct parameters *p, bool is_on)
{
    if (!p->is_private || p->list[0] != 1049)
        return;
    t->is_other_screen = is_on;
    blank_rows(t, 0, t->rows);
}

static void set_colours(struct terminal *t, const struct parameters *p)
{
    for (size_t i = 0; i < p->count; i++)
        t->was_coloured =
            t->was_coloured || (p->list[i] >= 30 && p->list[i] <= 48 && p->list[i] != 39);
}

static void repeat(struct terminal *t, size_t count)
{
    wchar_t last = t->column == 0 ? L' ' : t->cells[t->row][t->column - 1];

    while (count-- > 0)
        put(t, last);
}

static void move_cursor(struct terminal *t, char letter, size_t count)
{
    if (letter == 'A')
        go(t, t->row - (count > t->row ? t->row : count), t->column);
    else if (letter == 'B')
        go(t, t->row + count, t->column);
    else if (letter == 'C')
        go(t, t->row, t->column + count);
    else
        go(t, t->row, t->column - (count > t->column ? t->column : count));
}

static void obey(struct terminal *t, char letter, const struct parameters *p)
{
    size_t count = count_of(p);

    if (strchr("ABCD", letter) != NULL)
        move_cursor(t, letter, count);
    else if (letter == 'H')
        go(t, count - 1, p->count > 1 && p->list[1] > 0 ? p->list[1] - 1 : 0);
    else if (letter == 'G')
        go(t, t->row, count - 1);
    else if (letter == 'd')
        go(t, count - 1, t->column);
    else if (letter == 'J')
        erase_lines(t, p->list[0]);
    else if (letter == 'K')
        erase_line(t, p->list[0]);
    else if (letter == 'X')
        blank(t, t->row, t->column,
              t->column + count < t->columns ? t->column + count : t->columns);
    else if (letter == '@' || letter == 'P')
        move_characters(t, letter == '@', count);
    else if (letter == 'L' || letter == 'M')
        scroll(t, t->row, letter == 'M', count);
    else if (letter == 'S' || letter == 'T')
        scroll(t, t->top, letter == 'S', count);
    else if (letter == 'r') {
        t->top = count - 1;
        t->bottom = p->count > 1 && p->list[1] > 0 && p->list[1] < t->rows ? p->list[1] : t->rows;
        go(t, 0, 0);
    } else if (letter == 'b')
        repeat(t, count);
    else if (letter == 'h' || letter == 'l')
        set_modes(t, p, letter == 'h');
    else if (letter == 'm')
        set_colours(t, p);
    else if (letter != 't')
        fail_msg("the terminal does not know ESC [ %s", t->sequence + 2);
}

/* ESC LETTER, without parameters. */
static void obey_short(struct terminal *t, char letter)
{
    if (letter == 'M' && t->row == t->top)
        scroll(t, t->top, false, 1);
    else if (letter == 'M')
        t->row -= t->row > 0;
    else if (strchr("=>78c", letter) == NULL)
        fail_msg("the terminal does not know ESC %c", letter);
}

/* ---- bytes ---- */

static void control(struct terminal *t, char byte)
{
    if (byte == '\r')
        t->column = 0;
    else if (byte == '\n')
        line_feed(t);
    else if (byte == '\b')
        t->column -= t->column > 0;
    else if (byte == '\t')
        go(t, t->row, (t->column / 8 + 1) * 8);
    else if (byte != '\a' && byte != 0x0e && byte != 0x0f)
        fail_msg("the terminal does not know the control character %d", byte);
}

static void end_sequence(struct terminal *t)
{
    t->length = 0;
    memset(t->sequence, 0, sizeof(t->sequence));
}

/* The sequence has a byte more. */
static void take_escape(struct terminal *t)
{
    char kind = t->sequence[1];
    char last = t->sequence[t->length - 1];
    struct parameters p;

    if (t->length < 2)
        return;
    if (kind == '[') {
        if (t->length < 3 || last < '@')
            return;
        parse(t->sequence + 2, &p);
        obey(t, last, &p);
    } else if (kind == ']') {
        if (last != '\a' && !(last == '\\' && t->sequence[t->length - 2] == '\x1b'))
            return;
    } else if (kind == '(' || kind == ')') {
        if (t->length < 3)
            return;
    } else {
        obey_short(t, kind);
    }
    end_sequence(t);
}

static void take_byte(struct terminal *t, char byte)
{
    bool is_control = (unsigned char)byte < 0x20 || byte == 0x7f;

    if (t->length == 0 && is_control && byte != '\x1b') {
        control(t, byte);
        return;
    }
    assert_true(t->length < sizeof(t->sequence) - 1);
    t->sequence[t->length++] = byte;
    if (t->sequence[0] == '\x1b') {
        take_escape(t);
        return;
    }
    if (text_character(t->sequence, t->length) == t->length) {
        put(t, (wchar_t)text_code_point(t->sequence, t->length));
        end_sequence(t);
    }
}

void terminal_take(struct terminal *t, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        take_byte(t, bytes[i]);
}
