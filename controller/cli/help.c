/* Help on every level: one command, the commands that begin with the same word, all of them. */
#include <stdio.h>
#include <string.h>

#include "common/base/nearest.h"
#include "controller/cli/list.h"
#include "controller/cli/options.h"
#include "controller/cli/selector.h"
#include "controller/cli/table.h"

/* Names and what they mean. */
static void begin_help_table(struct table *table)
{
    static const struct table_column columns[] = {{"", 0}, {"", TABLE_WRAP}};

    table_init_plain(table, columns, ARRAY_SIZE(columns));
}

static void print_options(const struct command_option *options, size_t count)
{
    struct table table;

    begin_help_table(&table);
    for (size_t i = 0; i < count; i++) {
        const struct command_option *option = &options[i];
        char letter[8] = "";

        if (option->letter != 0)
            snprintf(letter, sizeof(letter), "-%c, ", option->letter);
        table_row(&table);
        table_cell(&table, "  %s--%s%s%s ", letter, option->name,
                   option->argument != NULL ? " " : "",
                   option->argument != NULL ? option->argument : "");
        table_cell(&table, "%s", option->help);
    }
    (void)table_finish(&table, NULL);
}

/* Those of a list, and when each is shown. */
static void print_columns(const struct list *list)
{
    struct table table;

    printf("\ncolumns, for --sort and -o columns=A,B:\n");
    begin_help_table(&table);
    for (const struct list_column *column = list->columns; column->key != NULL; column++) {
        table_row(&table);
        table_cell(&table, "  %s ", column->key);
        table_cell(&table, "%s%s", column->help,
                   (column->flags & LIST_BY_KEY) != 0 ? " (not in the table)"
                   : (column->flags & LIST_WIDE) != 0 ? " (with -o wide)"
                                                      : "");
    }
    (void)table_finish(&table, NULL);
}

static void print_own_options(const struct command *command)
{
    struct option_list list = {.count = 0};

    option_list_add(&list, command->options);
    if (command->selects)
        option_list_add(&list, selector_options);
    if (command->list != NULL)
        option_list_add(&list, list_options);
    if (list.count == 0)
        return;
    printf("\noptions:\n");
    print_options(list.options, list.count);
}

void command_print_help(const struct command *command)
{
    const char *separator = command->operands[0] == '\0' ? "" : " ";

    printf("usage: vmreclaim %s%s%s\n\n%s\n", command->name, separator, command->operands,
           command->description);
    print_own_options(command);
    if (command->list != NULL)
        print_columns(command->list);
    printf("\nexample:\n  %s\n", command->example);
    if (command->see_also != NULL)
        printf("\nSee also: %s\n", command->see_also);
}

/* The command's name begins with the word, and goes on. */
static bool is_of_group(const struct command *command, const char *word)
{
    size_t length = strlen(word);

    return strncmp(command->name, word, length) == 0 && command->name[length] == ' ';
}

/* Those of a group; NULL: all. */
static void print_commands(const char *group)
{
    struct table table;

    begin_help_table(&table);
    for (size_t i = 0; commands[i] != NULL; i++)
        if (commands[i]->summary != NULL && (group == NULL || is_of_group(commands[i], group))) {
            table_row(&table);
            table_cell(&table, "  %s %s ", commands[i]->name, commands[i]->operands);
            table_cell(&table, "%s", commands[i]->summary);
        }
    (void)table_finish(&table, NULL);
}

bool command_print_group(const char *word)
{
    for (size_t i = 0; commands[i] != NULL; i++)
        if (is_of_group(commands[i], word)) {
            printf("usage: vmreclaim %s COMMAND ...\n\ncommands:\n", word);
            print_commands(word);
            printf("\n`vmreclaim %s COMMAND --help` explains one of them.\n", word);
            return true;
        }
    return false;
}

void command_print_overview(void)
{
    struct cli none = {.json = false};
    struct option_list list = {.count = 0};

    option_list_add_global(&list, &none);
    printf("usage: vmreclaim [OPTION]... COMMAND ...\n\n"
           "Gives memory that guests no longer need back to this host, and shows where it is.\n"
           "Start with `vmreclaim vm list`, then `vmreclaim explain VM`.\n\ncommands:\n");
    print_commands(NULL);
    printf("\noptions of every command:\n");
    print_options(list.options, list.count);
    printf("\nA VM is named by its name, its UUID or cid:N. Sizes: 512MiB, 1.5GiB. "
           "Durations: 30s, 2m.\n"
           "\nexit status:\n"
           "  0 done   1 failed   2 usage   3 no such VM, policy or action\n"
           "  4 daemon or agent unreachable   5 refused   6 timed out   7 done in part\n"
           "  130 interrupted\n"
           "\n`vmreclaim COMMAND --help` explains one command with an example. Manual: "
           "vmreclaim(1).\n");
}

/* What somebody who typed `words` meant, as far as it is another command's first word or, in a
 * group, its second. NULL: nothing is near. */
static const char *nearest_command(char **words, int count)
{
    struct nearest first = {.wanted = words[0]};
    struct nearest whole = {.wanted = NULL};
    static char typed[64];

    if (count > 1) {
        snprintf(typed, sizeof(typed), "%s %s", words[0], words[1]);
        whole.wanted = typed;
    }
    for (size_t i = 0; commands[i] != NULL; i++) {
        if (commands[i]->summary == NULL)
            continue;
        nearest_offer(&first, commands[i]->name);
        if (whole.wanted != NULL && strchr(commands[i]->name, ' ') != NULL)
            nearest_offer(&whole, commands[i]->name);
    }
    return whole.name != NULL ? whole.name : first.name;
}

int command_refuse(char **words, int count)
{
    bool shown = false;
    const char *meant;

    for (size_t i = 0; commands[i] != NULL; i++) {
        if (!is_of_group(commands[i], words[0]))
            continue;
        if (!shown)
            (void)fail(0, count > 1 ? "\"%s %s\" is not a command; there is:" : "%s what?",
                       words[0], count > 1 ? words[1] : "");
        shown = true;
        fprintf(stderr, "  vmreclaim %s %s\n", commands[i]->name, commands[i]->operands);
    }
    if (shown)
        return EXIT_USAGE;
    meant = nearest_command(words, count);
    if (meant != NULL)
        return fail(EXIT_USAGE, "\"%s\" is not a command; did you mean: vmreclaim %s?", words[0],
                    meant);
    return fail(EXIT_USAGE, "\"%s\" is not a command; see: vmreclaim --help", words[0]);
}
