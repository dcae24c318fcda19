/* Where on a page everything stands. Pure: a model goes in, lines of cells come out. */
#ifndef VMRECLAIM_CONTROLLER_CLI_TOP_LAYOUT_H
#define VMRECLAIM_CONTROLLER_CLI_TOP_LAYOUT_H

#include "controller/cli/top/cells.h"
#include "controller/cli/top/model.h"

/* Less is too little; then the page says so and nothing else. */
enum { LAYOUT_ROWS_MIN = 10, LAYOUT_COLUMNS_MIN = 40 };

/* Fills the page, whatever its size is, and tells the model what fitted. The model was arranged. */
void layout_draw(struct top_model *model, struct page *page);

/* ---- its parts: rows from `row` on ---- */

/* The VMs under their heading, in `rows` rows; the chosen one is among them. */
void layout_list(struct top_model *model, struct page *page, size_t row, size_t rows);

/* What is read, in so many rows. */
void layout_text(struct top_model *model, struct page *page, size_t row, size_t rows);

/* Words in as many lines as they need, at most `rows`, from `column` on; returns how many. With
 * `page` NULL it only counts. */
size_t layout_words(struct page *page, size_t row, size_t rows, size_t column, size_t columns,
                    enum style style, const char *words);

/* A bar of `columns`, its letters in their colours. */
void layout_bar(struct page *page, size_t row, size_t column, size_t columns,
                const struct bar_part *parts, size_t count, uint64_t whole);

#endif
