/* Pages about settings: what a table says of one is put where the page has a line "@NAME". */
#ifndef VMRECLAIM_DEPLOY_MAN_SETTING_H
#define VMRECLAIM_DEPLOY_MAN_SETTING_H

#include <stdbool.h>
#include <stddef.h>

struct setting {
    const char *name;
    const char *type;
    const char *standard; /* NULL: none */
    const char *since;    /* NULL: the first version */
    bool is_fixed;        /* a change takes a restart */
};

/* Copies the page from standard input to standard output. 0; 1 with a message: a line names no
 * setting, or a setting has no line. */
int setting_fill_page(const struct setting *settings, size_t count);

#endif
