/* Plans of actions. */
#include "controller/cli/dry-run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/message/copy.h"
#include "controller/cli/document.h"
#include "controller/cli/interrupt.h"
#include "controller/cli/selector.h"
#include "controller/cli/table.h"
#include "controller/json/json.h"

typedef Vmreclaim__Controller__V1__PlanActionRequest Request;
typedef Vmreclaim__Controller__V1__PlanActionResponse Plan;
typedef Vmreclaim__Controller__V1__PlannedStep Step;

struct dry {
    struct cli *cli;
    const struct selected *selected;
    Request *requests;
    ProtobufCMessage **pointers;
    ProtobufCMessage **plans; /* copies; NULL: it failed */
    int *codes;
    char (*words)[256]; /* why */
};

/* ---- what is asked ---- */

static int prepare(struct dry *dry, const Request *request)
{
    size_t count = dry->selected->count;

    dry->requests = calloc(count, sizeof(*dry->requests));
    dry->pointers = calloc(count, sizeof(*dry->pointers));
    dry->plans = calloc(count, sizeof(*dry->plans));
    dry->codes = calloc(count, sizeof(*dry->codes));
    dry->words = calloc(count, sizeof(*dry->words));
    if (dry->requests == NULL || dry->pointers == NULL || dry->plans == NULL ||
        dry->codes == NULL || dry->words == NULL)
        return fail(EXIT_FAILED, "out of memory");
    for (size_t i = 0; i < count; i++) {
        dry->requests[i] = *request;
        dry->requests[i].vm = dry->selected->names[i];
        dry->pointers[i] = &dry->requests[i].base;
    }
    return EXIT_DONE;
}

static void finish(struct dry *dry)
{
    for (size_t i = 0; dry->plans != NULL && i < dry->selected->count; i++)
        if (dry->plans[i] != NULL)
            protobuf_c_message_free_unpacked(dry->plans[i], NULL);
    free(dry->requests);
    free((void *)dry->pointers);
    free((void *)dry->plans);
    free(dry->codes);
    free(dry->words);
}

/* ---- what is answered ---- */

/* Where something would be done, it is not refused. */
static int code_of(const Plan *plan)
{
    size_t refused = 0;

    for (size_t i = 0; i < plan->n_steps; i++)
        refused += plan->steps[i]->refused[0] != '\0';
    return refused > 0 && refused == plan->n_steps ? EXIT_REFUSED : EXIT_DONE;
}

static void on_told(size_t index, int code, const ProtobufCMessage *response, const char *words,
                    void *userdata)
{
    struct dry *dry = userdata;

    dry->codes[index] = code;
    text_copy_line(dry->words[index], sizeof(dry->words[index]), words);
    if (response == NULL)
        return;
    dry->plans[index] = message_copy(response);
    dry->codes[index] =
        dry->plans[index] == NULL ? EXIT_FAILED : code_of((const Plan *)(const void *)response);
}

/* ---- what is shown ---- */

static int print_plan(const struct dry *dry, size_t index)
{
    const char *name = dry->selected->names[index];
    const char *words = dry->words[index];
    json_t *document = NULL;

    if (dry->plans[index] == NULL)
        document = json_pack("{s:o, s:i, s:o}", "vm", json_text(name, strlen(name)), "code",
                             dry->codes[index], "error", json_text(words, strlen(words)));
    else
        (void)json_from_message(dry->plans[index], &document);
    return print_document(document);
}

static void add_row(struct table *table, const char *vm, const char *step, const char *gain)
{
    table_row(table);
    table_cell(table, "%s", vm);
    table_cell(table, "%s", step);
    table_cell(table, "%s", gain);
}

static void add_step(struct table *table, const char *vm, const Step *step)
{
    char text[32];
    bool is_refused = step->refused[0] != '\0';

    if (is_refused || !step->gain_is_known)
        add_row(table, vm, step->name, "-");
    else
        add_row(table, vm, step->name, bytes_format_short(step->gain, text, sizeof(text)));
    if (is_refused)
        table_cell(table, "refused: %s", step->refused);
    else if (step->note[0] != '\0')
        table_cell(table, "done: %s", step->note);
    else
        table_cell(table, "done");
}

static void add_plan(struct table *table, const struct dry *dry, size_t index)
{
    const Plan *plan = (const Plan *)(const void *)dry->plans[index];
    const char *name = dry->selected->names[index];

    if (plan == NULL) {
        add_row(table, name, "-", "-");
        table_cell(table, "%s", dry->words[index]);
        return;
    }
    for (size_t i = 0; i < plan->n_steps; i++)
        add_step(table, i == 0 ? name : "", plan->steps[i]);
    if (plan->reason[0] == '\0')
        return;
    add_row(table, plan->n_steps == 0 ? name : "", "end", "-");
    table_cell(table, "%s", plan->reason);
}

static int show(const struct dry *dry)
{
    static const struct table_column columns[] = {
        {"NAME", 0}, {"STEP", 0}, {"EXPECTED", TABLE_RIGHT}, {"WOULD BE", TABLE_WRAP}};
    struct table table;

    int r = EXIT_DONE;

    if (dry->cli->json) {
        for (size_t i = 0; r == EXIT_DONE && i < dry->selected->count; i++)
            r = print_plan(dry, i);
        return r;
    }
    table_init(&table, columns, ARRAY_SIZE(columns));
    for (size_t i = 0; i < dry->selected->count; i++)
        add_plan(&table, dry, i);
    return table_finish(&table, NULL);
}

static int ask(struct dry *dry, const Request *request)
{
    int code = prepare(dry, request);
    int shown;

    if (code == EXIT_DONE)
        code =
            client_each(dry->cli, "PlanAction", dry->pointers, dry->selected->count, on_told, dry);
    if (code != EXIT_DONE)
        return code;
    shown = show(dry);
    for (size_t i = 0; i < dry->selected->count; i++)
        code = worse_code(code, dry->codes[i]);
    return shown != EXIT_DONE ? shown : code;
}

int dry_run(struct cli *cli, const char *command, const Request *request, char **operands)
{
    struct selected selected;
    struct dry dry = {.cli = cli, .selected = &selected};
    int code;

    interrupt_say("\nNothing is done.\n");
    interrupt_set_trace(NULL);
    code = selector_take(cli, command, operands, &selected);
    if (code == EXIT_DONE) {
        code = ask(&dry, request);
        finish(&dry);
    }
    selected_finish(&selected);
    return code;
}
