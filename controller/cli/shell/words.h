/* A line that is typed as words: blanks between them, quotes and backslashes as a POSIX shell has
 * them, ';' between commands, '#' before what is for people. Nothing is expanded. Pure. */
#ifndef VMRECLAIM_CONTROLLER_CLI_SHELL_WORDS_H
#define VMRECLAIM_CONTROLLER_CLI_SHELL_WORDS_H

#include <stdbool.h>
#include <stddef.h>

struct shell_words {
    char **list; /* ended by NULL */
    size_t count;
    bool is_open;     /* the text ends in the last one, not behind it */
    bool is_followed; /* by ';': the text goes on with another command */
    char quote;       /* that it ends in; 0: none */
    char *storage;
};

/* The next command's; `*text` is behind it then. The list has room for one more. 0; -EINVAL: a
 * quote is not closed, the words are there; -ENOMEM. shell_words_finish() in any case. */
int shell_words_take(const char **text, struct shell_words *ret_words);
void shell_words_finish(struct shell_words *words);

#endif
