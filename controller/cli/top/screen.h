/* The terminal: cells go out, keys come in. Thin: the only file that knows ncurses. One at a time.
 *
 * While it is there, standard error that is a terminal goes nowhere: what ssh has to say would be
 * written over the screen. */
#ifndef VMRECLAIM_CONTROLLER_CLI_TOP_SCREEN_H
#define VMRECLAIM_CONTROLLER_CLI_TOP_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"
#include "controller/cli/top/cells.h"
#include "controller/cli/top/model.h"

struct screen;

/* Takes the terminal of standard input and output. -ENOTTY: they are none; -ENOTSUP: one that
 * cannot place text; then `error` says what to do. It is in colour when `may_colour` and it can. */
int screen_create(bool may_colour, struct screen **ret_screen, struct error *error);

/* Gives the terminal back as it was. NULL is fine. */
void screen_destroy(struct screen *screen);

/* The same for a while, and takes it again: for a stop by job control. */
void screen_suspend(struct screen *screen);
void screen_resume(struct screen *screen);

/* Learns the terminal's size anew. */
void screen_resize(struct screen *screen, size_t *ret_rows, size_t *ret_columns);

/* Shows the page, which is of the screen's size; only what changed goes over the wire. */
void screen_draw(struct screen *screen, const struct page *page);

/* A key that was pressed; false: none more. */
bool screen_key(struct screen *screen, struct top_key *ret_key);

#endif
