/* Options: the table of a command in getopt_long's form, and words for what goes wrong. */
#include "controller/cli/options.h"

#include <assert.h>
#include <getopt.h>
#include <string.h>

#include "common/base/nearest.h"
#include "common/base/number.h"

enum { FOUND_FIRST = 256 };

void option_list_add(struct option_list *list, const struct command_option *options)
{
    for (; options != NULL && options->name != NULL; options++) {
        assert(list->count < OPTION_LIST_MAX);
        list->options[list->count++] = *options;
    }
}

void option_list_add_global(struct option_list *list, struct cli *cli)
{
    const struct command_option options[] = {
        {"host", 'H', OPTION_TEXT, "ssh://[USER@]HOST[:PORT]", "work on another host, through ssh",
         &cli->host, NULL},
        {"api", 0, OPTION_TEXT, "ADDRESS", "the daemon's socket, or VMRECLAIM_API", &cli->api,
         NULL},
        {"output", 'o', OPTION_TEXT, "FORM",
         "json, yaml, jsonpath=TEMPLATE; of lists also table, wide, name, columns=A,B",
         &cli->output, NULL},
        {"json", 0, OPTION_FLAG, NULL, "as -o json", &cli->json, NULL},
        {"color", 0, OPTION_TEXT, "WHEN", "auto, always or never", &cli->color, NULL},
        {"timeout", 0, OPTION_DURATION, "D", "give up after D (each command has its own default)",
         &cli->timeout, &cli->timeout_is_given},
        {"version", 0, OPTION_FLAG, NULL, "print the version", &cli->version, NULL},
        {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
    };

    option_list_add(list, options);
}

const struct command_option *option_list_find(const struct option_list *list, const char *word)
{
    bool is_long = word[0] == '-' && word[1] == '-';
    size_t length = is_long ? strcspn(word + 2, "=") : 0;

    for (size_t i = 0; i < list->count; i++) {
        const struct command_option *option = &list->options[i];

        if (is_long ? strlen(option->name) == length && strncmp(option->name, word + 2, length) == 0
                    : word[0] == '-' && word[1] == option->letter && word[1] != '\0')
            return option;
    }
    return NULL;
}

/* Says what is wrong with a value, in the words of its kind. */
static int refuse_value(const struct command_option *option, const char *whose, const char *value)
{
    static const char *const forms[] = {
        [OPTION_DURATION] = "is not a duration; write 500ms, 30s or 2m",
        [OPTION_NUMBER] = "is not a whole number",
    };
    char problem[80];

    return fail(EXIT_USAGE, "%s--%s: \"%s\" %s", whose, option->name, value,
                option->kind == OPTION_BYTES ? bytes_problem(value, problem, sizeof(problem))
                                             : forms[option->kind]);
}

int option_store(const struct command_option *option, const char *whose, const char *value)
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
    return r < 0 ? refuse_value(option, whose, value) : EXIT_DONE;
}

/* The list in getopt_long's form. ':' before the letters: errors are ours to word. */
static void build(const struct option_list *list, bool up_to_word, struct option *options,
                  char *letters)
{
    if (up_to_word)
        *letters++ = '+';
    *letters++ = ':';
    for (size_t i = 0; i < list->count; i++) {
        const struct command_option *option = &list->options[i];
        int has_value = option->kind == OPTION_FLAG ? no_argument : required_argument;

        options[i] = (struct option){option->name, has_value, NULL, FOUND_FIRST + (int)i};
        if (option->letter == 0)
            continue;
        *letters++ = option->letter;
        if (has_value == required_argument)
            *letters++ = ':';
    }
    *letters++ = 'h';
    *letters = '\0';
    options[list->count] = (struct option){"help", no_argument, NULL, 'h'};
    options[list->count + 1] = (struct option){NULL, 0, NULL, 0};
}

/* "--bytse" has "--bytes" near it. */
static int refuse_option(const struct option_list *list, const char *whose, const char *word)
{
    struct nearest nearest = {.wanted = word + strspn(word, "-")};

    for (size_t i = 0; word[1] == '-' && i < list->count; i++)
        nearest_offer(&nearest, list->options[i].name);
    if (nearest.name != NULL)
        return fail(EXIT_USAGE, "%sunknown option %s; did you mean --%s?", whose, word,
                    nearest.name);
    return fail(EXIT_USAGE, "%sunknown option %s; see: vmreclaim %.*s --help", whose, word,
                (int)strcspn(whose, ":"), whose);
}

static const struct command_option *find(const struct option_list *list, int found)
{
    const char letter[] = {'-', (char)found, '\0'};

    return found >= FOUND_FIRST ? &list->options[found - FOUND_FIRST]
                                : option_list_find(list, letter);
}

int option_list_parse(const struct option_list *list, const char *whose, int count,
                      char **arguments, bool up_to_word, char ***ret_operands, bool *ret_help)
{
    struct option options[OPTION_LIST_MAX + 2];
    char letters[2 * OPTION_LIST_MAX + 4];
    int found;

    build(list, up_to_word, options, letters);
    opterr = 0;
    optind = 0; /* glibc: start anew */
    *ret_help = false;
    while ((found = getopt_long(count, arguments, letters, options, NULL)) != -1) {
        int r;

        if (found == 'h') {
            *ret_help = true;
            return EXIT_DONE;
        }
        if (found == ':')
            return fail(EXIT_USAGE, "%s%s needs a value; see: vmreclaim %.*s --help", whose,
                        arguments[optind - 1], (int)strcspn(whose, ":"), whose);
        if (found == '?')
            return refuse_option(list, whose, arguments[optind - 1]);
        r = option_store(find(list, found), whose, optarg);
        if (r != EXIT_DONE)
            return r;
    }
    *ret_operands = arguments + optind; /* getopt_long has moved them to the end */
    return EXIT_DONE;
}
