/* Where everything stands: the host above, the VMs, what happens, and a line to talk in. */
#include "controller/cli/top/layout.h"
#include "controller/cli/text-width.h"

#include <string.h>
#include <time.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/time.h"
#include "common/base/util.h"

enum { ROOMY = 72 }; /* columns */

/* How the rows are shared out. */
struct rows {
    size_t host;      /* lines of the host's head */
    size_t bar;       /* 1: the host has one */
    size_t separator; /* 1: there is one above what happens */
    size_t happened;
    size_t foot; /* of the question, or what else is said last */
};

/* ---- small things ---- */

size_t layout_words(struct page *page, size_t row, size_t rows, size_t column, size_t columns,
                    enum style style, const char *words)
{
    char line[sizeof(((struct top_paragraph *)NULL)->text) + 1];
    size_t lines = 0;
    size_t skip;

    do {
        size_t bytes = text_break(words, columns, &skip);

        text_copy_bytes(line, sizeof(line), words, bytes);
        if (page != NULL && lines < rows)
            (void)page_put(page, row + lines, column, columns, style, line);
        words += bytes + skip;
        lines++;
    } while (*words != '\0');
    return page == NULL ? lines : min_of(lines, rows);
}

static enum style style_of_letter(char letter)
{
    static const struct {
        const char *letters;
        enum style style;
    } styles[] = {
        {"UV", STYLE_IN_USE}, {"Co", STYLE_CACHE}, {"T", STYLE_TRAPPED},
        {"pf", STYLE_FREE},   {"k.", STYLE_FAINT}, {"?", STYLE_ALARM},
    };

    for (size_t i = 0; i < ARRAY_SIZE(styles); i++)
        if (strchr(styles[i].letters, letter) != NULL)
            return styles[i].style;
    return STYLE_PLAIN;
}

void layout_bar(struct page *page, size_t row, size_t column, size_t columns,
                const struct bar_part *parts, size_t count, uint64_t whole)
{
    char letters[PAGE_COLUMNS_MAX + 1];

    columns = min_of(columns, (size_t)PAGE_COLUMNS_MAX);
    bar_draw(parts, count, whole, columns, letters);
    for (size_t i = 0; i < columns; i++)
        (void)page_put(page, row, column + i, 1, style_of_letter(letters[i]),
                       (char[]){letters[i], '\0'});
}

/* "12:03:01", by the local clock. */
static const char *clock_of(int64_t time, char text[static 16])
{
    time_t seconds = (time_t)(time / (int64_t)NSEC_PER_SEC);
    struct tm broken;

    if (time == 0 || localtime_r(&seconds, &broken) == NULL ||
        strftime(text, 16, "%H:%M:%S", &broken) == 0)
        text_copy(text, 16, "-");
    return text;
}

/* ---- the head ---- */

/* What is not known is not counted, and said. */
static void sum_text(const struct top_model *model, char *text, size_t size)
{
    const struct top_vms *vms = &model->vms;
    const char *noun = model->kind->noun;
    const char *plural = vms->count == 1 ? "" : "s";

    if (vms->unknown == 0)
        text_format(text, size, "%zu %s%s hold%s %s, %s could come back", vms->count, noun, plural,
                    vms->count == 1 ? "s" : "", BYTES_TEXT(vms->footprint),
                    BYTES_TEXT(vms->could_return));
    else if (vms->unknown == vms->count)
        text_format(text, size, "%zu %s%s; what they hold is not known", vms->count, noun, plural);
    else
        text_format(text, size, "%zu %s%s, %zu of them hold %s, %s could come back", vms->count,
                    noun, plural, vms->count - vms->unknown, BYTES_TEXT(vms->footprint),
                    BYTES_TEXT(vms->could_return));
}

static void put_title(const struct top_model *model, struct page *page)
{
    char text[256];
    char now[16];
    size_t column = 0;

    if (page->columns >= ROOMY) {
        column = page_put(page, 0, 0, page->columns, STYLE_STRONG, model->kind->program) + 2;
        column = page_put(page, 0, column, 10, STYLE_PLAIN, clock_of(model->time, now)) + 2;
    }
    sum_text(model, text, sizeof(text));
    column = page_put(page, 0, column, page->columns - column, STYLE_PLAIN, text);
    if (model->filter[0] == '\0' || model->mode == TOP_FILTER)
        return;
    text_format(text, sizeof(text), "; %zu shown: %s", model->vms.shown_count, model->filter);
    (void)page_put(page, 0, column, page->columns - column, STYLE_WARNING, text);
}

/* The daemon is away: why, and of when the figures are. */
static size_t put_away(const struct top_model *model, struct page *page, size_t rows)
{
    char text[384];
    char heard[16];

    text_format(text, sizeof(text), "THE %s DOES NOT ANSWER (figures of %s; it is tried again): %s",
                model->kind->peer_loud, clock_of(model->heard, heard), model->away);
    return layout_words(page, 1, rows, 0, page->columns, STYLE_ALARM, text);
}

/* As many of the host's facts on a line as go. */
static size_t put_host(const struct top_model *model, struct page *page, size_t rows)
{
    size_t row = 1;
    size_t column = 0;

    for (size_t i = 0; i < model->head_count && row <= rows; i++) {
        size_t columns = text_width(model->head[i]);

        if (column > 0 && column + 3 + columns > page->columns) {
            row++;
            column = 0;
        }
        if (row > rows)
            return rows;
        if (column > 0)
            column = page_put(page, row, column, 3, STYLE_FAINT, " | ");
        column = page_put(page, row, column, page->columns - column, STYLE_PLAIN, model->head[i]);
    }
    return column > 0 ? row : row - 1;
}

/* Returns the first row below. */
static size_t put_head(const struct top_model *model, struct page *page, const struct rows *rows)
{
    const struct top_vms *all = model->kind->is_part ? &model->other : &model->vms;
    struct bar_part parts[HOST_PARTS_MAX];
    size_t row;

    put_title(model, page);
    row = 1 + (model->away[0] != '\0' ? put_away(model, page, max_of(rows->host, (size_t)2))
                                      : put_host(model, page, rows->host));
    if (rows->bar == 0 || model->host_total == 0)
        return row;
    host_parts(model->host_total, model->host_available, all->footprint, parts);
    layout_bar(page, row, page_put(page, row, 0, 6, STYLE_PLAIN, "host  "), page->columns - 6,
               parts, HOST_PARTS_MAX, model->host_total);
    return row + 1;
}

/* ---- what happens ---- */

static void put_separator(struct page *page, size_t row)
{
    size_t column = page_put(page, row, 0, page->columns, STYLE_FAINT, "-- what happens ");

    while (column < page->columns)
        column = page_put(page, row, column, 1, STYLE_FAINT, "-");
}

/* The newest is the last line. */
static void put_happenings(const struct top_model *model, struct page *page, size_t row,
                           size_t rows)
{
    char time[16];

    for (size_t i = 0; i < rows; i++) {
        const struct happening *happening = happenings_get(&model->happenings, rows - 1 - i);
        enum style style;

        if (happening == NULL)
            continue;
        style = happening->is_bad ? STYLE_WARNING : STYLE_PLAIN;
        (void)page_put(page, row + i, 0, 9, STYLE_FAINT, clock_of(happening->time, time));
        (void)page_put(page, row + i, 10, page->columns, style, happening->text);
    }
}

/* ---- the foot ---- */

/* What is said last; the mode says what that is. */
static void foot_text(const struct top_model *model, enum style *ret_style, char *text, size_t size)
{
    *ret_style = STYLE_STRONG;
    if (model->mode == TOP_CONFIRM)
        text_format(text, size, "%s (y/n)", model->question);
    else if (model->mode == TOP_FILTER)
        text_format(text, size, "/%s_   Enter: keep it, Esc: as before", model->filter);
    else if (model->mode == TOP_READING)
        text_format(text, size, "lines %zu-%zu of %zu   j k PgUp PgDn: move, q: back",
                    min_of(model->text.first + 1, model->fit.text_lines),
                    min_of(model->text.first + model->fit.text_rows, model->fit.text_lines),
                    model->fit.text_lines);
    else if (model->message[0] != '\0') {
        *ret_style = model->message_is_bad ? STYLE_WARNING : STYLE_GOOD;
        text_copy(text, size, model->message);
    } else {
        *ret_style = STYLE_FAINT;
        text_copy(text, size, model->kind->keys);
    }
}

static size_t foot_rows(const struct top_model *model, size_t columns)
{
    char text[640];
    enum style style;

    foot_text(model, &style, text, sizeof(text));
    return model->mode == TOP_LIST && model->message[0] == '\0'
               ? 1
               : layout_words(NULL, 0, 0, 0, columns, style, text);
}

static void put_foot(const struct top_model *model, struct page *page, size_t row, size_t rows)
{
    char text[640];
    enum style style;

    foot_text(model, &style, text, sizeof(text));
    (void)layout_words(page, row, rows, 0, page->columns, style, text);
}

/* What there is to say of the chosen VM. */
static void put_note(const struct top_model *model, struct page *page, size_t row)
{
    const struct top_vm *vm = top_model_chosen(model);
    char text[320];

    if (vm == NULL)
        return;
    text_format(text, sizeof(text), "%s: %s%s%s", vm->name, vm->state,
                vm->note[0] == '\0' ? "" : "; ", vm->note);
    (void)page_put(page, row, 0, page->columns, vm->is_alarming ? STYLE_ALARM : STYLE_PLAIN, text);
}

/* ---- the whole ---- */

static void share_rows(const struct top_model *model, const struct page *page,
                       struct rows *ret_rows)
{
    bool is_low = page->rows < 18;
    bool is_short = is_low || model->kind->is_quiet;

    *ret_rows = (struct rows){
        .host = is_low            ? 1
                : page->rows < 30 ? 3
                                  : 6,
        .bar = is_low ? 0 : 1,
        .separator = is_short ? 0 : 1,
        .happened = is_short ? 1 : (page->rows - 10) / 3,
        .foot = min_of(foot_rows(model, page->columns), page->rows / 3),
    };
}

static void put_too_small(struct page *page)
{
    char text[96];

    text_format(text, sizeof(text), "too small: %zux%zu, top needs %dx%d", page->columns,
                page->rows, LAYOUT_COLUMNS_MIN, LAYOUT_ROWS_MIN);
    if (page->columns > 0)
        (void)layout_words(page, 0, page->rows, 0, page->columns, STYLE_ALARM, text);
}

void layout_draw(struct top_model *model, struct page *page)
{
    struct rows rows;
    size_t row;
    size_t below;

    page_clear(page);
    if (page->rows < LAYOUT_ROWS_MIN || page->columns < LAYOUT_COLUMNS_MIN) {
        put_too_small(page);
        return;
    }
    share_rows(model, page, &rows);
    if (model->mode == TOP_READING) {
        put_title(model, page);
        layout_text(model, page, 1, page->rows - 1 - rows.foot);
        put_foot(model, page, page->rows - rows.foot, rows.foot);
        return;
    }
    row = put_head(model, page, &rows);
    below = 1 + rows.separator + rows.happened + rows.foot;
    layout_list(model, page, row, page->rows - row - below);
    row = page->rows - below;
    put_note(model, page, row++);
    if (rows.separator != 0)
        put_separator(page, row++);
    put_happenings(model, page, row, rows.happened);
    put_foot(model, page, row + rows.happened, rows.foot);
}
