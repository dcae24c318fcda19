/* A text in the editor of whoever sits there. */
#ifndef VMRECLAIM_CONTROLLER_CLI_EDITOR_H
#define VMRECLAIM_CONTROLLER_CLI_EDITOR_H

#include <limits.h>

/* A file of ours, readable by us only, until editor_finish. */
struct editor {
    char path[PATH_MAX];
};

/* Makes the file in $TMPDIR; its name ends as `name`, for editors that know kinds of files by that.
 * -errno. */
int editor_init(struct editor *editor, const char *name);

/* Writes the text, has it edited by $VISUAL, $EDITOR or vi, and reads it again: `*ret_text`, to be
 * freed. An exit code; what is wrong has been said. */
int editor_run(const struct editor *editor, const char *text, char **ret_text);

/* Removes the file. */
void editor_finish(const struct editor *editor);

#endif
