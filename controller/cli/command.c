/* Finding a command and its operands. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "controller/cli/list.h"
#include "controller/cli/options.h"
#include "controller/cli/selector.h"

/* How many of the words spell the command's name; 0 when they do not. */
static int match_words(const char *name, char **words, int count)
{
    int used = 0;

    while (used < count) {
        size_t length = strcspn(name, " ");
        if (strlen(words[used]) != length || strncmp(words[used], name, length) != 0)
            return 0;
        used++;
        name += length;
        if (*name == '\0')
            return used;
        name++;
    }
    return 0;
}

/* As people know them from other programs. */
static const struct {
    const char *name;
    const char *of;
} aliases[] = {
    {"ls", "vm list"},
    {"list", "vm list"},
    {"vm ls", "vm list"},
    {"get vms", "vm list"},
    {"get vm", "vm show"},
    {"get policies", "policy list"},
    {"get policy", "policy show"},
    {"get actions", "actions"},
    {"get events", "events"},
    {"get", "vm show"},
    {"show", "vm show"},
    {"info", "vm show"},
    {"inspect", "vm show"},
    {"describe vm", "explain"},
    {"describe", "explain"},
    {"policy ls", "policy list"},
    {"policies", "policy list"},
    {"apply", "policy apply"},
};

static const struct command *find_by_name(const char *name)
{
    size_t i = 0;

    while (commands[i] != NULL && strcmp(commands[i]->name, name) != 0)
        i++;
    assert(commands[i] != NULL);
    return commands[i];
}

const struct command *command_find(char **words, int count, int *ret_used)
{
    for (size_t i = 0; commands[i] != NULL; i++) {
        int used = match_words(commands[i]->name, words, count);
        if (used == 0)
            continue;
        *ret_used = used;
        return commands[i];
    }
    for (size_t i = 0; i < ARRAY_SIZE(aliases); i++) {
        int used = match_words(aliases[i].name, words, count);
        if (used == 0)
            continue;
        *ret_used = used;
        return find_by_name(aliases[i].of);
    }
    return NULL;
}

static int check_operands(const struct command *command, unsigned given, char **operands)
{
    const char *separator = command->operands[0] == '\0' ? "" : " ";

    if (given == command->operand_count || (given == 0 && command->operands_may_lack) ||
        (given > command->operand_count && command->takes_more))
        return EXIT_DONE;
    if (given > command->operand_count)
        return fail(EXIT_USAGE,
                    "%s: \"%s\" is one word too many\nusage: vmreclaim %s%s%s\n"
                    "More: vmreclaim %s --help",
                    command->name, operands[command->operand_count], command->name, separator,
                    command->operands, command->name);
    return fail(EXIT_USAGE,
                "%s: something is missing\nusage: vmreclaim %s%s%s\nMore: vmreclaim %s --help",
                command->name, command->name, separator, command->operands, command->name);
}

int command_parse(struct cli *cli, const struct command *command, int count, char **arguments,
                  bool *ret_help)
{
    struct option_list list = {.count = 0};
    char whose[40];
    char **operands;
    int r;

    snprintf(whose, sizeof(whose), "%s: ", command->name);
    option_list_add(&list, command->options);
    if (command->selects)
        option_list_add(&list, selector_options);
    if (command->list != NULL)
        option_list_add(&list, list_options);
    option_list_add_global(&list, cli);
    r = option_list_parse(&list, whose, count, arguments, false, &operands, ret_help);
    if (r != EXIT_DONE || *ret_help)
        return r;
    unsigned given = (unsigned)(arguments + count - operands);
    memmove(arguments, operands, (given + 1) * sizeof(*arguments));
    return check_operands(command, given, arguments);
}
