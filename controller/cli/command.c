/* Finding a command, its options and its help. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/cli/cli.h"
#include "controller/cli/table.h"

enum { OPTIONS_MAX = 16, FOUND_JSON = 255, FOUND_FIRST = 256 };

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

const struct command *command_find(char **words, int count, int *ret_used)
{
    for (size_t i = 0; commands[i] != NULL; i++) {
        int used = match_words(commands[i]->name, words, count);
        if (used == 0)
            continue;
        *ret_used = used;
        return commands[i];
    }
    return NULL;
}

/* Says what is wrong with a value, in the words of its kind. */
static int refuse_value(const struct command *command, const struct command_option *option,
                        const char *value)
{
    static const char *const forms[] = {
        [OPTION_DURATION] = "is not a duration; write 500ms, 30s or 2m",
        [OPTION_NUMBER] = "is not a whole number",
    };
    char problem[80];

    return fail(EXIT_USAGE, "%s: --%s: \"%s\" %s", command->name, option->name, value,
                option->kind == OPTION_BYTES ? bytes_problem(value, problem, sizeof(problem))
                                             : forms[option->kind]);
}

static int store_value(const struct command *command, const struct command_option *option,
                       char *value)
{
    int r = 0;

    if (option->is_given != NULL)
        *option->is_given = true;
    switch (option->kind) {
    case OPTION_FLAG:
        *(bool *)option->value = true;
        return EXIT_DONE;
    case OPTION_TEXT:
        *(const char **)option->value = value;
        return EXIT_DONE;
    case OPTION_BYTES:
        r = bytes_parse(value, option->value);
        break;
    case OPTION_DURATION:
        r = time_parse_duration(value, option->value);
        break;
    case OPTION_NUMBER:
        r = number_parse(value, option->value);
        break;
    }
    return r < 0 ? refuse_value(command, option, value) : EXIT_DONE;
}

/* The table in getopt_long's form. `letters` starts with ':' so that we word the errors. */
static size_t build_getopt(const struct command_option *table, struct option *options,
                           char *letters)
{
    size_t count = 0;

    *letters++ = ':';
    for (; table != NULL && table[count].name != NULL && count < OPTIONS_MAX; count++) {
        int has_value = table[count].kind == OPTION_FLAG ? no_argument : required_argument;
        options[count] =
            (struct option){table[count].name, has_value, NULL, FOUND_FIRST + (int)count};
        if (table[count].letter != 0) {
            *letters++ = table[count].letter;
            if (has_value == required_argument)
                *letters++ = ':';
        }
    }
    *letters++ = 'h';
    *letters = '\0';
    options[count] = (struct option){"help", no_argument, NULL, 'h'};
    options[count + 1] = (struct option){"json", no_argument, NULL, FOUND_JSON};
    options[count + 2] = (struct option){NULL, 0, NULL, 0};
    return count;
}

static const struct command_option *find_option(const struct command *command, size_t count,
                                                int found)
{
    if (found >= FOUND_FIRST)
        return &command->options[found - FOUND_FIRST];
    for (size_t i = 0; i < count; i++)
        if (command->options[i].letter == found)
            return &command->options[i];
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
    struct option options[OPTIONS_MAX + 3];
    char letters[2 * OPTIONS_MAX + 3];
    size_t known = build_getopt(command->options, options, letters);
    int found;

    opterr = 0;
    optind = 0; /* glibc: start anew */
    *ret_help = false;
    while ((found = getopt_long(count, arguments, letters, options, NULL)) != -1) {
        if (found == 'h') {
            *ret_help = true;
            return EXIT_DONE;
        }
        if (found == FOUND_JSON) {
            cli->json = true;
            continue;
        }
        if (found == ':')
            return fail(EXIT_USAGE, "%s: %s needs a value; see: vmreclaim %s --help", command->name,
                        arguments[optind - 1], command->name);
        if (found == '?')
            return fail(EXIT_USAGE, "%s: unknown option %s; see: vmreclaim %s --help",
                        command->name, arguments[optind - 1], command->name);
        const struct command_option *option = find_option(command, known, found);
        int r = store_value(command, option, optarg);
        if (r != EXIT_DONE)
            return r;
    }
    /* getopt_long has moved the operands to the end. */
    unsigned given = (unsigned)(count - optind);
    memmove(arguments, arguments + optind, (given + 1) * sizeof(*arguments));
    return check_operands(command, given, arguments);
}

/* Names and what they mean. */
static void begin_help_table(struct table *table)
{
    static const struct table_column columns[] = {{"", 0}, {"", TABLE_WRAP}};

    table_init_plain(table, columns, ARRAY_SIZE(columns));
}

static void print_options(const struct command_option *option)
{
    struct table table;

    begin_help_table(&table);
    for (; option->name != NULL; option++) {
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

void command_print_help(const struct command *command)
{
    const char *separator = command->operands[0] == '\0' ? "" : " ";

    printf("usage: vmreclaim %s%s%s\n\n%s\n", command->name, separator, command->operands,
           command->description);
    if (command->options != NULL) {
        printf("\noptions:\n");
        print_options(command->options);
    }
    printf("\nexample:\n  %s\n", command->example);
    if (command->see_also != NULL)
        printf("\nSee also: %s\n", command->see_also);
}

static void print_commands(void)
{
    struct table table;

    begin_help_table(&table);
    for (size_t i = 0; commands[i] != NULL; i++)
        if (commands[i]->summary != NULL) {
            table_row(&table);
            table_cell(&table, "  %s %s ", commands[i]->name, commands[i]->operands);
            table_cell(&table, "%s", commands[i]->summary);
        }
    (void)table_finish(&table, NULL);
}

void command_print_overview(void)
{
    printf("usage: vmreclaim [-H ssh://HOST] [--api ADDRESS] [--json] COMMAND ...\n\n"
           "Gives memory that guests no longer need back to this host, and shows where it is.\n"
           "Start with `vmreclaim vm list`, then `vmreclaim explain VM`.\n\ncommands:\n");
    print_commands();
    printf("\noptions, before the command:\n"
           "  -H, --host ssh://[USER@]HOST[:PORT]\n"
           "                    work on another host, through ssh\n"
           "  --api ADDRESS     the daemon's socket (default unix:/run/vmreclaim/api.sock,\n"
           "                    or VMRECLAIM_API)\n"
           "  --json            print what the daemon answered, for programs\n"
           "  --timeout D       give up after D (each command has its own default)\n"
           "  --version         print the version\n"
           "\nA VM is named by its name, its UUID or cid:N. Sizes: 512MiB, 1.5GiB. "
           "Durations: 30s, 2m.\n"
           "\nexit status:\n"
           "  0 done   1 failed   2 usage   3 no such VM, policy or action\n"
           "  4 daemon or agent unreachable   5 refused   6 timed out   7 done in part\n"
           "\n`vmreclaim COMMAND --help` explains one command with an example. Manual: "
           "vmreclaim(1).\n");
}
