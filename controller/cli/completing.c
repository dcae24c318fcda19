/* Completion from the table of commands. */
#include "controller/cli/completing.h"

#include <stdio.h>
#include <string.h>

#include "controller/cli/list.h"
#include "controller/cli/options.h"
#include "controller/cli/selector.h"

enum { WORDS_MAX = 32 };

/* What of the line is whole. */
struct line {
    char *words[WORDS_MAX]; /* those that are neither options nor their values */
    int count;
    const struct command *command;         /* NULL: not known yet */
    int used;                              /* words that name it */
    struct option_list options;            /* that are known so far */
    const struct command_option *awaiting; /* its value is what is typed; NULL: none */
    bool only_operands;                    /* "--" was there */
};

static enum completing_kind kind_of(const char *name, size_t length, const char *command)
{
    static const struct {
        const char *name;
        enum completing_kind kind;
    } kinds[] = {
        {"VM", COMPLETING_VM},
        {"VM...", COMPLETING_VM},
        {"ACTION", COMPLETING_ACTION},
        {"POLICY", COMPLETING_POLICY},
        {"FILE", COMPLETING_FILE},
        {"KIND", COMPLETING_KIND},
        {"KINDS", COMPLETING_KINDS},
        {"VM|GLOB|LABEL", COMPLETING_ASSIGNED},
        {"FILE|DIR|-", COMPLETING_FILE},
        {"HOST[/VM", COMPLETING_FLEET_HOST},
        {"HOSTS", COMPLETING_FLEET_HOST},
    };

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (strlen(kinds[i].name) == length && strncmp(kinds[i].name, name, length) == 0)
            return kinds[i].kind;
    /* What a policy is called, of commands about policies. */
    if (length != 4 || strncmp(name, "NAME", 4) != 0)
        return COMPLETING_NOTHING;
    if (strncmp(command, "fleet policy ", 13) == 0)
        return COMPLETING_FLEET_POLICY;
    return strncmp(command, "policy ", 7) == 0 ? COMPLETING_POLICY : COMPLETING_NOTHING;
}

static void know_command(const struct completing *completing, struct line *line)
{
    int used;
    const struct command *command = command_find(line->words, line->count, &used);

    if (command == NULL || command == line->command)
        return;
    line->command = command;
    line->used = used;
    line->options.count = 0;
    option_list_add(&line->options, command->options);
    if (command->selects)
        option_list_add(&line->options, selector_options);
    if (command->list != NULL)
        option_list_add(&line->options, list_options);
    option_list_add_global(&line->options, completing->cli);
}

/* An option that is whole. Those of every command say whom to ask for names. */
static void take_option(const struct completing *completing, struct line *line, char *word)
{
    const struct command_option *option = option_list_find(&line->options, word);
    char *value = strchr(word, '=');

    if (option == NULL || option->kind == OPTION_FLAG)
        return;
    if (value == NULL)
        line->awaiting = option;
    else if (option->value == &completing->cli->api || option->value == &completing->cli->host)
        (void)option_store(option, "", value + 1);
}

static void take_word(const struct completing *completing, struct line *line, char *word)
{
    if (line->awaiting != NULL) {
        if (line->awaiting->value == &completing->cli->api ||
            line->awaiting->value == &completing->cli->host)
            (void)option_store(line->awaiting, "", word);
        line->awaiting = NULL;
    } else if (!line->only_operands && strcmp(word, "--") == 0) {
        line->only_operands = true;
    } else if (!line->only_operands && word[0] == '-' && word[1] != '\0') {
        take_option(completing, line, word);
    } else if (line->count < WORDS_MAX) {
        line->words[line->count++] = word;
        know_command(completing, line);
    }
}

/* ---- values that this program knows ---- */

static void add_words(const struct completing *completing, const char *const *words)
{
    for (; *words != NULL; words++)
        completing->add(*words, "", completing->userdata);
}

/* Keys behind what is there of the word: "columns=name,". */
static void add_columns(const struct completing *completing, const struct list *list,
                        const char *before)
{
    char word[256];

    for (const struct list_column *column = list->columns; column->key != NULL; column++) {
        snprintf(word, sizeof(word), "%s%s", before, column->key);
        completing->add(word, column->help, completing->userdata);
    }
}

static void add_forms(const struct completing *completing, const struct line *line,
                      const char *typed)
{
    static const char *const documents[] = {"json", "yaml", "jsonpath=", "jsonpath-file=", NULL};
    static const char *const forms[] = {"table", "wide", "name", "columns=", NULL};
    const char *comma = strrchr(typed, ',');
    const char *last = comma != NULL ? comma : strchr(typed, '=');
    char before[192];

    add_words(completing, documents);
    if (line->command != NULL && line->command->list == NULL)
        return;
    add_words(completing, forms);
    if (line->command == NULL || last == NULL)
        return;
    snprintf(before, sizeof(before), "%.*s", (int)(last + 1 - typed), typed);
    add_columns(completing, line->command->list, before);
}

/* True: the option's value is one of these. */
static bool add_values(const struct completing *completing, const struct line *line,
                       const char *typed)
{
    static const char *const times[] = {"auto", "always", "never", NULL};
    const char *argument = line->awaiting->argument;

    if (strcmp(argument, "FORM") == 0) {
        add_forms(completing, line, typed);
    } else if (strcmp(argument, "WHEN") == 0) {
        add_words(completing, times);
    } else if (strcmp(argument, "COLUMN") == 0) {
        add_columns(completing, line->command->list, "");
        add_columns(completing, line->command->list, "-");
    } else {
        return false;
    }
    return true;
}

/* ---- words ---- */

static void add_options(const struct completing *completing, const struct line *line)
{
    char word[64];

    for (size_t i = 0; i < line->options.count; i++) {
        snprintf(word, sizeof(word), "--%s", line->options.options[i].name);
        completing->add(word, line->options.options[i].help, completing->userdata);
    }
    completing->add("--help", "explain it, with an example", completing->userdata);
}

/* The next word of each command whose first words are on the line; once each. */
static void add_commands(const struct completing *completing, const struct line *line)
{
    char before[64] = "";

    for (size_t i = 0; commands[i] != NULL; i++) {
        const char *rest = commands[i]->name;
        char word[64];
        int matched = 0;
        size_t length;

        while (matched < line->count && *rest != '\0') {
            length = strcspn(rest, " ");
            if (strlen(line->words[matched]) != length ||
                strncmp(line->words[matched], rest, length) != 0)
                break;
            rest += length + (rest[length] == ' ');
            matched++;
        }
        if (matched < line->count || *rest == '\0' || commands[i]->summary == NULL)
            continue;
        length = strcspn(rest, " ");
        snprintf(word, sizeof(word), "%.*s", (int)length, rest);
        if (strcmp(word, before) == 0)
            continue;
        snprintf(before, sizeof(before), "%s", word);
        completing->add(word, rest[length] == '\0' ? commands[i]->summary : "",
                        completing->userdata);
    }
}

/* The operand that stands at the place of the next word; the last one may be there many times. */
static enum completing_kind next_operand(const struct line *line)
{
    const char *operand = line->command->operands;
    int before = line->count - line->used;
    size_t length;

    operand += strspn(operand, "[");
    length = strcspn(operand, " ]");
    for (; before > 0; before--) {
        const char *next = operand + length + strspn(operand + length, " ][");

        if (*next == '\0' || *next == '|' || *next == '-')
            return line->command->takes_more ? kind_of(operand, length, line->command->name)
                                             : COMPLETING_NOTHING;
        operand = next;
        length = strcspn(operand, " ]");
    }
    return kind_of(operand, length, line->command->name);
}

void complete_line(const struct completing *completing, char **words, int count)
{
    struct line line = {.count = 0};
    enum completing_kind kind = COMPLETING_NOTHING;

    if (count == 0)
        return;
    option_list_add_global(&line.options, completing->cli);
    for (int i = 0; i < count - 1; i++)
        take_word(completing, &line, words[i]);
    if (line.awaiting != NULL) {
        const char *argument = line.awaiting->argument;

        if (add_values(completing, &line, words[count - 1]))
            return;
        kind = kind_of(argument, strlen(argument), line.command == NULL ? "" : line.command->name);
    } else if (words[count - 1][0] == '-' && !line.only_operands) {
        add_options(completing, &line);
    } else {
        if (line.command == NULL || line.count == line.used)
            add_commands(completing, &line);
        if (line.command != NULL)
            kind = next_operand(&line);
    }
    if (kind != COMPLETING_NOTHING)
        completing->names(kind, completing->userdata);
}
