/* The VMs, a row each. */
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/cli/text-width.h"
#include "controller/cli/top/layout.h"

enum { NAME_MIN = 4, SIZE_COLUMNS = 11, HOW_COLUMNS = 12, ROOMY = 60 };

/* Columns of the parts of a row. */
struct widths {
    size_t name;
    size_t how; /* 0: left out */
    size_t bar;
};

static void share_columns(const struct top_model *model, size_t columns, struct widths *ret_widths)
{
    bool is_roomy = columns >= ROOMY;
    size_t name = max_of(text_width(model->kind->heading), (size_t)NAME_MIN);

    for (size_t i = 0; i < model->vms.shown_count; i++)
        name = max_of(name, text_width(model->vms.shown[i]->name));
    name = min_of(name, is_roomy ? columns / 4 : (size_t)10);
    *ret_widths = (struct widths){
        .name = name,
        .how = is_roomy ? HOW_COLUMNS : 0,
    };
    ret_widths->bar = columns - name - 2 * SIZE_COLUMNS - ret_widths->how - 2;
}

static void put_heading(const struct top_model *model, struct page *page, size_t row,
                        const struct widths *widths)
{
    static const enum style chosen[] = {STYLE_PLAIN, STYLE_STRONG};
    size_t column = 0;

    (void)page_put(page, row, column, widths->name, chosen[model->order == TOP_BY_NAME],
                   model->kind->heading);
    column = page_put_right(page, row, widths->name, SIZE_COLUMNS,
                            chosen[model->order == TOP_BY_SIZE], "HOLDS");
    column = page_put_right(page, row, column, SIZE_COLUMNS, chosen[model->order == TOP_BY_WASTE],
                            "RETURN");
    column += 2;
    if (widths->how > 0)
        (void)page_put(page, row, column, widths->how, STYLE_PLAIN, model->kind->how);
    (void)page_put(page, row, column + widths->how, widths->bar, STYLE_PLAIN,
                   widths->bar >= 26 ? model->kind->bars : "MEMORY");
}

/* What brings it back, or is under way. */
static void put_how(struct page *page, size_t row, size_t column, const struct top_vm *vm)
{
    char text[64];
    enum style style = STYLE_PLAIN;

    if (vm->acting[0] != '\0') {
        text_format(text, sizeof(text), "%s...", vm->acting);
        style = STYLE_GOOD;
    } else if (vm->is_alarming) {
        text_copy(text, sizeof(text), vm->how[0] == '\0' ? "STARVED" : vm->how);
        style = STYLE_ALARM;
    } else if (vm->how[0] != '\0')
        text_copy(text, sizeof(text), vm->how);
    else if (vm->step_count == 0)
        text_copy(text, sizeof(text), "-");
    else if (vm->step_count == 1)
        text_copy(text, sizeof(text), vm->steps[0].name);
    else
        text_format(text, sizeof(text), "%s +%zu", vm->steps[0].name, vm->step_count - 1);
    (void)page_put(page, row, column, HOW_COLUMNS - 1, style, text);
}

static void put_size(struct page *page, size_t row, size_t *column, bool is_known, uint64_t bytes,
                     enum style style)
{
    *column =
        page_put_right(page, row, *column, SIZE_COLUMNS, style, is_known ? BYTES_TEXT(bytes) : "-");
}

static void put_vm(const struct top_vm *vm, struct page *page, size_t row,
                   const struct widths *widths)
{
    size_t column = widths->name;

    (void)page_put(page, row, 0, widths->name, vm->is_alarming ? STYLE_ALARM : STYLE_PLAIN,
                   vm->name);
    put_size(page, row, &column, vm->footprint_is_known, vm->footprint, STYLE_PLAIN);
    put_size(page, row, &column, vm->could_return != 0, vm->could_return, STYLE_STRONG);
    column += 2;
    if (widths->how > 0)
        put_how(page, row, column, vm);
    column += widths->how;
    if (vm->part_count > 0)
        layout_bar(page, row, column, widths->bar, vm->parts, vm->part_count, vm->whole);
    else
        (void)page_put(page, row, column, widths->bar, STYLE_FAINT, "not known");
}

/* Why there is no row. */
static void put_nothing(const struct top_model *model, struct page *page, size_t row)
{
    char text[96];

    text_format(text, sizeof(text), "No %s's name has this in it; Esc shows all.",
                model->kind->noun);
    (void)page_put(page, row, 0, page->columns, STYLE_FAINT,
                   model->vms.count > 0 ? text : model->kind->nothing);
}

void layout_list(struct top_model *model, struct page *page, size_t row, size_t rows)
{
    const struct top_vms *vms = &model->vms;
    struct widths widths;
    size_t first;

    if (rows == 0)
        return;
    model->fit.list_rows = --rows; /* but the heading */
    first = min_of(model->fit.list_first, saturating_subtract(vms->shown_count, rows));
    if (model->place < first)
        first = model->place;
    if (rows > 0 && model->place >= first + rows)
        first = model->place - rows + 1;
    model->fit.list_first = first;
    share_columns(model, page->columns, &widths);
    put_heading(model, page, row, &widths);
    if (vms->shown_count == 0 && rows > 0)
        put_nothing(model, page, row + 1);
    for (size_t i = 0; i < rows && first + i < vms->shown_count; i++) {
        put_vm(vms->shown[first + i], page, row + 1 + i, &widths);
        if (first + i == model->place)
            page_choose_row(page, row + 1 + i);
    }
}
