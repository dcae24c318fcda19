/* One action on several VMs at once: a line as each ends, one table of all, the worst exit code. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "controller/cli/action.h"
#include "controller/cli/document.h"
#include "controller/cli/selector.h"
#include "controller/cli/table.h"
#include "controller/json/json.h"

/* How it ended for one VM. */
struct outcome {
    int code;
    int64_t returned;
    bool is_measured;
    uint64_t duration; /* nanoseconds; 0: it did not begin */
    char words[256];
};

struct run {
    struct cli *cli;
    const struct selected *selected;
    ProtobufCMessage **requests;
    struct outcome *outcomes;
    size_t ended;
};

/* ---- requests ---- */

/* A copy of the request, for another VM. Its other texts are the first one's. */
static ProtobufCMessage *request_for(const ProtobufCMessage *request, char *vm)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(request->descriptor, "vm");
    ProtobufCMessage *copy = malloc(request->descriptor->sizeof_message);

    if (copy == NULL)
        return NULL;
    memcpy(copy, request, request->descriptor->sizeof_message);
    memcpy((char *)copy + field->offset, &vm, sizeof(vm));
    return copy;
}

static int make_requests(struct run *run, const ProtobufCMessage *request)
{
    size_t count = run->selected->count;

    run->requests = calloc(count, sizeof(*run->requests));
    run->outcomes = calloc(count, sizeof(*run->outcomes));
    if (run->requests == NULL || run->outcomes == NULL)
        return fail(EXIT_FAILED, "out of memory");
    for (size_t i = 0; i < count; i++) {
        run->requests[i] = request_for(request, run->selected->names[i]);
        if (run->requests[i] == NULL)
            return fail(EXIT_FAILED, "out of memory");
    }
    return EXIT_DONE;
}

static void free_requests(struct run *run)
{
    for (size_t i = 0; run->requests != NULL && i < run->selected->count; i++)
        free(run->requests[i]);
    free(run->requests);
    free(run->outcomes);
}

/* ---- ends ---- */

static void note_action(struct outcome *outcome, const Action *action)
{
    outcome->code = action_exit_code(action);
    outcome->is_measured = action->footprint_before != 0;
    outcome->returned = action->host_returned;
    outcome->duration = action->duration_ns;
    if (action->reason[0] != '\0' || action->guest == NULL)
        text_copy_line(outcome->words, sizeof(outcome->words),
                       action->reason[0] != '\0' ? action->reason : "done");
    else
        text_format(outcome->words, sizeof(outcome->words), "%s%s%s", action_outcome(action->guest),
                    action->guest->reason[0] != '\0' ? ": " : "", action->guest->reason);
}

/* One document per VM and line; what failed has its words. */
static void print_end_document(const struct run *run, size_t index,
                               const ProtobufCMessage *response)
{
    const struct outcome *outcome = &run->outcomes[index];
    const char *name = run->selected->names[index];
    json_t *document = NULL;

    if (response == NULL)
        document =
            json_pack("{s:o, s:i, s:o}", "vm", json_text(name, strlen(name)), "code", outcome->code,
                      "error", json_text(outcome->words, strlen(outcome->words)));
    else
        (void)json_from_message(response, &document);
    (void)print_document(document);
}

static const char *returned_text(const struct outcome *outcome, char text[40])
{
    char size[32];
    uint64_t bytes =
        outcome->returned < 0 ? 0 - (uint64_t)outcome->returned : (uint64_t)outcome->returned;

    if (!outcome->is_measured)
        return "-";
    snprintf(text, 40, "%s%s", outcome->returned < 0 ? "-" : "",
             bytes_format_short(bytes, size, sizeof(size)));
    return text;
}

static void print_end(const struct run *run, size_t index)
{
    const struct outcome *outcome = &run->outcomes[index];
    char text[40];

    print_text(run->selected->names[index]);
    if (outcome->is_measured)
        printf(": returned %s", returned_text(outcome, text));
    printf(": ");
    print_text(outcome->words);
    printf("  (%zu of %zu)\n", run->ended, run->selected->count);
    (void)fflush(stdout);
}

static void on_told(size_t index, int code, const ProtobufCMessage *response, const char *words,
                    void *userdata)
{
    const ActionResponse *answer = (const void *)response;
    struct run *run = userdata;
    struct outcome *outcome = &run->outcomes[index];

    run->ended++;
    outcome->code = code;
    text_copy_line(outcome->words, sizeof(outcome->words), words);
    if (answer != NULL && answer->action != NULL)
        note_action(outcome, answer->action);
    if (run->cli->json)
        print_end_document(run, index, response);
    else
        print_end(run, index);
}

/* ---- all of them ---- */

static int print_table(const struct run *run)
{
    static const struct table_column columns[] = {{"NAME", 0},
                                                  {"RETURNED", TABLE_RIGHT},
                                                  {"TOOK", TABLE_RIGHT},
                                                  {"HOW IT ENDED", TABLE_WRAP}};
    struct table table;
    char text[40];

    printf("\n");
    table_init(&table, columns, ARRAY_SIZE(columns));
    for (size_t i = 0; i < run->selected->count; i++) {
        const struct outcome *outcome = &run->outcomes[i];

        table_row(&table);
        table_cell(&table, "%s", run->selected->names[i]);
        table_cell(&table, "%s", returned_text(outcome, text));
        if (outcome->duration == 0)
            table_cell(&table, "-");
        else
            table_cell(&table, "%.1f s", (double)outcome->duration / 1e9);
        table_cell(&table, "%s", outcome->words);
    }
    return table_finish(&table, NULL);
}

static int worst_of(const struct run *run)
{
    int worst = EXIT_DONE;

    for (size_t i = 0; i < run->selected->count; i++)
        worst = worse_code(worst, run->outcomes[i].code);
    return worst;
}

static int run_many(struct cli *cli, const char *method, const ProtobufCMessage *request,
                    const struct selected *selected)
{
    struct run run = {.cli = cli, .selected = selected};
    int code = make_requests(&run, request);

    if (code == EXIT_DONE)
        code = client_each(cli, method, run.requests, selected->count, on_told, &run);
    if (run.ended == selected->count) {
        if (!cli->json)
            (void)print_table(&run);
        code = worst_of(&run);
    }
    free_requests(&run);
    return code;
}

int action_run(struct cli *cli, const char *command, const char *method, ProtobufCMessage *request,
               char **operands)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(request->descriptor, "vm");
    struct selected selected;
    int code = selector_take(cli, command, operands, &selected);

    if (code == EXIT_DONE && selected.is_plain) {
        memcpy((char *)request + field->offset, &selected.names[0], sizeof(selected.names[0]));
        code = action_run_one(cli, method, request);
    } else if (code == EXIT_DONE)
        code = run_many(cli, method, request, &selected);
    selected_finish(&selected);
    return code;
}
