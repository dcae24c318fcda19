/* What is read: paragraphs in lines, of which some are shown. */
#include <string.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "controller/cli/top/layout.h"

/* How a paragraph stands. */
static const struct {
    const char *before;
    size_t indent; /* columns of `before` */
    enum style style;
} forms[] = {
    [TOP_PARAGRAPH_TEXT] = {"", 0, STYLE_PLAIN},
    [TOP_PARAGRAPH_HEADING] = {"", 0, STYLE_STRONG},
    [TOP_PARAGRAPH_ITEM] = {"  - ", 4, STYLE_PLAIN},
    [TOP_PARAGRAPH_COMMAND] = {"      ", 6, STYLE_GOOD},
};

/* The lines of a paragraph from `skip` on; returns how many rows were used. */
static size_t put_paragraph(const struct top_paragraph *paragraph, struct page *page, size_t row,
                            size_t rows, size_t skip)
{
    size_t indent = forms[paragraph->kind].indent;
    size_t columns = page->columns - indent;
    const char *words = paragraph->text;
    size_t more;

    for (size_t i = 0; i < skip; i++) {
        words += text_break(words, columns, &more);
        words += more;
    }
    if (skip == 0)
        (void)page_put(page, row, 0, indent, STYLE_PLAIN, forms[paragraph->kind].before);
    return layout_words(page, row, rows, indent, columns, forms[paragraph->kind].style, words);
}

static size_t count_lines(const struct top_paragraph *paragraph, size_t columns)
{
    return layout_words(NULL, 0, 0, 0, columns - forms[paragraph->kind].indent, STYLE_PLAIN,
                        paragraph->text);
}

void layout_text(struct top_model *model, struct page *page, size_t row, size_t rows)
{
    struct top_text *text = &model->text;
    size_t used = 1;
    size_t line = 0;

    (void)page_put(page, row, 0, page->columns, STYLE_STRONG, text->title);
    model->fit.text_rows = rows - 1;
    model->fit.text_lines = 0;
    for (size_t i = 0; i < text->count; i++)
        model->fit.text_lines += count_lines(&text->list[i], page->columns);
    text->first =
        min_of(text->first, saturating_subtract(model->fit.text_lines, model->fit.text_rows));
    for (size_t i = 0; i < text->count && used < rows; i++) {
        size_t lines = count_lines(&text->list[i], page->columns);
        size_t skip = saturating_subtract(text->first, line);

        if (skip < lines)
            used += put_paragraph(&text->list[i], page, row + used, rows - used, skip);
        line += lines;
    }
}
