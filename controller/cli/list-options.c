/* What is asked of a list: its form, its columns, its order. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/nearest.h"
#include "controller/cli/document.h"
#include "controller/cli/list.h"

#define COLUMNS_PREFIX "columns="

static const char *sort_by;
static bool no_headings;
static bool quiet;
static bool watched;
static struct list_view chosen;

const struct command_option list_options[] = {
    {"sort", 0, OPTION_TEXT, "COLUMN", "in the order of this column; -COLUMN: the largest first",
     &sort_by, NULL},
    {"no-headings", 0, OPTION_FLAG, NULL, "rows alone, for scripts", &no_headings, NULL},
    {"quiet", 'q', OPTION_FLAG, NULL, "names alone, as -o name", &quiet, NULL},
    {"watch", 'w', OPTION_FLAG, NULL, "show it again whenever it changes, until interrupted",
     &watched, NULL},
    {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
};

/* ---- columns ---- */

/* "There are: name, state, ..." in lines of at most 80 columns. */
static void list_keys(const struct list *list, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "There are:");
    size_t line = used;

    for (const struct list_column *column = list->columns; column->key != NULL; column++) {
        const char *comma = column[1].key != NULL ? "," : "";
        size_t length = strlen(column->key) + 2;
        bool breaks = line + length > 78;

        if (used + length + 2 >= size)
            return;
        used += (size_t)snprintf(text + used, size - used, "%s%s%s", breaks ? "\n  " : " ",
                                 column->key, comma);
        line = breaks ? 2 + length : line + length;
    }
}

static int refuse_column(const struct list *list, const char *whose, const char *key)
{
    struct nearest nearest = {.wanted = key};
    char keys[512];

    for (const struct list_column *column = list->columns; column->key != NULL; column++)
        nearest_offer(&nearest, column->key);
    if (nearest.name != NULL)
        return fail(EXIT_USAGE, "%sthere is no column \"%s\"; did you mean \"%s\"?", whose, key,
                    nearest.name);
    list_keys(list, keys, sizeof(keys));
    return fail(EXIT_USAGE, "%sthere is no column \"%s\"\n%s", whose, key, keys);
}

static int find_column(const struct list *list, const char *whose, const char *key, size_t length,
                       const struct list_column **ret_column)
{
    char text[64];

    snprintf(text, sizeof(text), "%.*s", (int)length, key);
    for (const struct list_column *column = list->columns; column->key != NULL; column++)
        if (strcasecmp(column->key, text) == 0) {
            *ret_column = column;
            return EXIT_DONE;
        }
    return refuse_column(list, whose, text);
}

static int take_columns(const struct list *list, const char *whose, const char *keys,
                        struct list_view *view)
{
    int code = EXIT_DONE;

    while (code == EXIT_DONE) {
        size_t length = strcspn(keys, ",");

        if (view->column_count == ARRAY_SIZE(view->columns))
            return fail(EXIT_USAGE, "%sat most %zu columns", whose, ARRAY_SIZE(view->columns));
        code = find_column(list, whose, keys, length, &view->columns[view->column_count++]);
        if (keys[length] == '\0')
            break;
        keys += length + 1;
    }
    return code;
}

static void take_columns_with(const struct list *list, unsigned without, struct list_view *view)
{
    for (const struct list_column *column = list->columns; column->key != NULL; column++)
        if ((column->flags & without) == 0) {
            assert(view->column_count < ARRAY_SIZE(view->columns));
            view->columns[view->column_count++] = column;
        }
}

static int take_name(const struct list *list, const char *whose, struct list_view *view)
{
    for (const struct list_column *column = list->columns; column->key != NULL; column++)
        if ((column->flags & LIST_NAME) != 0) {
            view->columns[view->column_count++] = column;
            return EXIT_DONE;
        }
    return fail(EXIT_USAGE, "%sits rows have no names; choose columns with -o columns=A,B", whose);
}

/* ---- forms ---- */

static const struct {
    const char *name;
    enum list_form form;
    bool is_document;
    bool is_yaml;
} forms[] = {
    {"table", LIST_FORM_TABLE, false, false}, {"wide", LIST_FORM_WIDE, false, false},
    {"name", LIST_FORM_NAME, false, false},   {"json", LIST_FORM_TABLE, true, false},
    {"yaml", LIST_FORM_TABLE, true, true},
};

static bool is_columns(const char *output)
{
    return strncmp(output, COLUMNS_PREFIX, strlen(COLUMNS_PREFIX)) == 0;
}

/* Its index in `forms`; -EINVAL: it is none of them. A template is for JSON. */
static int find_form(const char *output)
{
    const char *name = document_is_template(output) ? "json" : output;

    for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
        if (strcmp(forms[i].name, name) == 0)
            return (int)i;
    return -EINVAL;
}

static int take_form(const struct list *list, const char *whose, const char *output,
                     struct list_view *view)
{
    int index = find_form(output);

    if (is_columns(output)) {
        view->form = LIST_FORM_COLUMNS;
        return take_columns(list, whose, output + strlen(COLUMNS_PREFIX), view);
    }
    if (index < 0)
        return fail(EXIT_USAGE,
                    "%s-o \"%s\" is no form\n"
                    "Write table, wide, name, json, yaml, columns=A,B or jsonpath='{.FIELD}'",
                    whose, output);
    view->form = forms[index].form;
    view->is_document = forms[index].is_document;
    if (view->form == LIST_FORM_NAME)
        return take_name(list, whose, view);
    take_columns_with(list, view->form == LIST_FORM_WIDE ? LIST_BY_KEY : LIST_BY_KEY | LIST_WIDE,
                      view);
    return EXIT_DONE;
}

int list_view_parse(const struct list *list, const char *whose, const char *output,
                    const char *sort, struct list_view *ret_view)
{
    int code;

    *ret_view = (struct list_view){.sort_is_given = sort != NULL};
    code = take_form(list, whose, output == NULL ? "table" : output, ret_view);
    if (sort == NULL)
        sort = list->sort;
    if (code != EXIT_DONE || sort == NULL)
        return code;
    ret_view->is_descending = sort[0] == '-';
    sort += ret_view->is_descending;
    return find_column(list, whose, sort, strlen(sort), &ret_view->sort);
}

/* ---- commands ---- */

/* A command that is no list has its own words, or a document. */
static int choose_document(struct cli *cli, const char *whose)
{
    int index = cli->output == NULL ? 0 : find_form(cli->output);
    bool fits = index >= 0 && (forms[index].is_document || index == 0);

    if (!fits)
        return fail(EXIT_USAGE,
                    "%s-o \"%s\": it is no list; write json, yaml or jsonpath='{.FIELD}'", whose,
                    cli->output);
    cli->json = cli->json || forms[index].is_document;
    document_choose_yaml(forms[index].is_yaml);
    return EXIT_DONE;
}

static int check(const struct cli *cli, const char *whose)
{
    bool is_json = cli->output != NULL && strcmp(cli->output, "json") == 0;

    if (cli->json && cli->output != NULL && !is_json)
        return fail(EXIT_USAGE, "%s--json is -o json; leave one of --json and -o out", whose);
    if (quiet && (cli->json || cli->output != NULL))
        return fail(EXIT_USAGE, "%s-q is -o name; leave one of the two out", whose);
    return EXIT_DONE;
}

int list_choose(struct cli *cli, const struct command *command)
{
    char whose[40];
    int code;

    snprintf(whose, sizeof(whose), "%s: ", command->name);
    code = check(cli, whose);
    if (code == EXIT_DONE && cli->output != NULL && document_is_template(cli->output))
        code = document_choose_template(whose, cli->output);
    if (code != EXIT_DONE)
        return code;
    if (command->list == NULL)
        return choose_document(cli, whose);
    code = list_view_parse(command->list, whose,
                           quiet       ? "name"
                           : cli->json ? "json"
                                       : cli->output,
                           sort_by, &chosen);
    chosen.has_no_headings = no_headings;
    cli->json = chosen.is_document;
    document_choose_yaml(chosen.is_document && cli->output != NULL &&
                         strcmp(cli->output, "yaml") == 0);
    return code;
}

const struct list_view *list_view(void)
{
    return &chosen;
}

bool list_flows(void)
{
    return !chosen.sort_is_given &&
           (chosen.is_document || (chosen.form == LIST_FORM_TABLE && !chosen.has_no_headings));
}

bool list_is_watched(void)
{
    return watched;
}
