/* Completion at the prompt: what `vmreclaim complete` says to any shell. */
#ifndef VMRECLAIM_CONTROLLER_CLI_SHELL_COMPLETION_H
#define VMRECLAIM_CONTROLLER_CLI_SHELL_COMPLETION_H

#include "controller/cli/cli.h"

struct shell_completion {
    char *lines;         /* what may follow: words, each with its help behind a tab */
    size_t count;        /* of them */
    bool has_files;      /* names of files, too */
    char insertion[256]; /* what they all go on with from what is typed */
};

/* Of the text before the cursor. 0, -ENOMEM, or another negative errno; shell_completion_finish()
 * in any case. */
int shell_complete(const struct cli *cli, const char *text, struct shell_completion *ret);
void shell_completion_finish(struct shell_completion *completion);

/* What of `lines` goes on from `typed`, the word before the cursor, whose quote is still open; 0:
 * it has none. One word that fits is whole, and gets a blank. Pure; `ret->lines` stays. */
void shell_completion_compare(const char *lines, const char *typed, char quote,
                              struct shell_completion *ret);

/* Shows them, in as many lines as fit. */
void shell_completion_print(const struct shell_completion *completion, size_t lines_max);

#endif
