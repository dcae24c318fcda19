/* Which VMs a command is for: names, globs, a label, all. One implementation for every command. */
#ifndef VMRECLAIM_CONTROLLER_CLI_SELECTOR_H
#define VMRECLAIM_CONTROLLER_CLI_SELECTOR_H

#include "controller/cli/cli.h"
#include "controller/cli/messages.h"

/* -l and --all, of commands that select; ended by a NULL name. */
extern const struct command_option selector_options[];

/* --all was given, and no label beside it. */
bool selector_is_all(void);

/* Names of VMs, ended by NULL. */
struct selected {
    char **names;
    size_t count;
    bool is_plain; /* one VM, called by its name: nothing was looked up */
};

/* The VMs that `operands`, -l and --all mean, each once. What is no glob is left to the daemon to
 * know. EXIT_USAGE: nothing was named; EXIT_NOT_FOUND: a glob or label means none; or as
 * client_list. Said on standard error. selected_finish() also after a failure. */
int selector_take(struct cli *cli, const char *command, char **operands, struct selected *ret);
void selected_finish(struct selected *selected);

/* Moves those of the list that the operands and -l mean to its front, in order; `*count` is how
 * many. Without any of them, and with --all, that is all. EXIT_USAGE: -l cannot be read;
 * EXIT_NOT_FOUND: an operand, or the label, means none; said on standard error. */
int selector_filter(const char *command, char **operands, Vm **list, size_t *count);

/* Runs `show` for one VM after the other, each under its name when there are several; the worst
 * exit code. */
int selector_show_each(struct cli *cli, const char *command, char **operands,
                       int (*show)(struct cli *cli, const char *vm));

/* The worse of two exit codes: how little of what was asked for was done. */
int worse_code(int one, int other);

#endif
