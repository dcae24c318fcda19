/* Taking options out of a command line, and saying what is wrong with them. */
#ifndef VMRECLAIM_CONTROLLER_CLI_OPTIONS_H
#define VMRECLAIM_CONTROLLER_CLI_OPTIONS_H

#include "controller/cli/cli.h"

#define OPTION_LIST_MAX 24

/* Zero-initialise. A copy: values still go where each option says. */
struct option_list {
    struct command_option options[OPTION_LIST_MAX];
    size_t count;
};

/* `options` is ended by a NULL name; NULL is fine. */
void option_list_add(struct option_list *list, const struct command_option *options);

/* Those of every command, before it and behind it; they go into `cli`. */
void option_list_add_global(struct option_list *list, struct cli *cli);

/* The option that `word` gives, "--name", "--name=value" or a letter "-n"; NULL: none. */
const struct command_option *option_list_find(const struct option_list *list, const char *word);

/* EXIT_DONE, or EXIT_USAGE after saying what is wrong with the value. */
int option_store(const struct command_option *option, const char *whose, const char *value);

/* Takes the options out of `arguments`, whose first is ignored as in main. `*ret_operands` are the
 * others, in order, ended by NULL. `up_to_word`: the first of these ends it. `whose` begins what is
 * said: "vm list: ", or "" before a command. --help and -h are found by `*ret_help` and end it.
 * EXIT_DONE, or EXIT_USAGE after saying what is wrong. */
int option_list_parse(const struct option_list *list, const char *whose, int count,
                      char **arguments, bool up_to_word, char ***ret_operands, bool *ret_help);

#endif
