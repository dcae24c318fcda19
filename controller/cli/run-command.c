/* Running one command, from its words to its exit code. */
#include <stdio.h>
#include <string.h>

#include "common/base/text.h"
#include "controller/cli/color.h"
#include "controller/cli/interrupt.h"
#include "controller/cli/list.h"
#include "controller/cli/options.h"
#include "controller/cli/progress.h"
#include "controller/cli/watch.h"

static int print_version(void)
{
    printf("vmreclaim %s\n", VMRECLAIM_VERSION);
    return EXIT_DONE;
}

static bool asks_for_help(char **words, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0)
            return true;
    return false;
}

/* `vmreclaim help [COMMAND]`, and `vmreclaim policy --help`. */
static int run_help(char **words, int count)
{
    int used;
    const struct command *command = count > 0 ? command_find(words, count, &used) : NULL;

    if (command != NULL)
        command_print_help(command);
    else if (count == 0)
        command_print_overview();
    else if (!command_print_group(words[0]))
        return command_refuse(words, count);
    return EXIT_DONE;
}

/* What is said while it takes long, when it is interrupted, and when it has no answer. */
static void prepare_saying(const struct command *command, char **operands)
{
    bool is_of_one = strcmp(command->operands, "VM...") == 0 && operands[0] != NULL &&
                     operands[1] == NULL && strpbrk(operands[0], "*?[") == NULL;
    char trace[160];
    char text[320];

    progress_name(command->name, operands);
    if (command->trace == NULL)
        return;
    text_format(trace, sizeof(trace), "%s%s%s", command->trace, is_of_one ? " --vm " : "",
                is_of_one ? operands[0] : "");
    interrupt_set_trace(trace);
    if (command->goes_on == NULL)
        return;
    text_format(text, sizeof(text), "\n%s\nSee: %s\n", command->goes_on, trace);
    text_make_safe(text, TEXT_LINES);
    interrupt_say(text);
}

static int run_words(struct cli *cli, char **words, int count)
{
    int used;
    bool help;
    const struct command *command;

    if (strcmp(words[0], "help") == 0)
        return run_help(words + 1, count - 1);
    command = command_find(words, count, &used);
    if (command == NULL)
        return asks_for_help(words, count) ? run_help(words, count) : command_refuse(words, count);
    /* The name's last word stands where getopt_long expects the program's name. */
    char **arguments = words + used - 1;
    int r = command_parse(cli, command, count - used + 1, arguments, &help);
    if (r != EXIT_DONE)
        return r;
    if (help) {
        command_print_help(command);
        return EXIT_DONE;
    }
    if (cli->version)
        return print_version();
    if (cli->timeout_is_given && cli->timeout == 0)
        return fail(EXIT_USAGE, "--timeout: \"0\" is not a duration; write 500ms, 30s or 2m");
    if (cli->color != NULL && color_choose(cli->color) < 0)
        return fail(EXIT_USAGE, "--color: \"%s\" is not auto, always or never", cli->color);
    r = list_choose(cli, command);
    if (r != EXIT_DONE)
        return r;
    client_set_timeout(cli->timeout != 0 ? cli->timeout : command->timeout);
    if (list_is_watched())
        return watch_command(cli, command, arguments);
    prepare_saying(command, arguments);
    return command->run(cli, arguments);
}

/* Options before the command. `*ret_words` are what follows. */
static int parse_global(struct cli *cli, int argc, char **argv, char ***ret_words, bool *ret_help)
{
    struct option_list list = {.count = 0};

    option_list_add_global(&list, cli);
    return option_list_parse(&list, "", argc, argv, true, ret_words, ret_help);
}

int command_run(struct cli *cli, int argc, char **argv)
{
    char **words;
    bool help;
    int r = parse_global(cli, argc, argv, &words, &help);

    if (r != EXIT_DONE)
        return r;
    if (help) {
        command_print_overview();
        return EXIT_DONE;
    }
    if (cli->version)
        return print_version();
    int count = (int)(argv + argc - words);
    if (count == 0) {
        command_print_overview();
        return EXIT_USAGE;
    }
    return run_words(cli, words, count);
}
