/* vmreclaim vm show VM... */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "controller/cli/cli.h"
#include "controller/cli/messages.h"
#include "controller/cli/selector.h"
#include "controller/cli/table.h"
#include "controller/cli/waterfall.h"

static bool cached;

static void add_text(struct table *table, const char *name, const char *text)
{
    if (text[0] == '\0')
        return;
    table_row(table);
    table_cell(table, "%s", name);
    table_cell(table, "%s", text);
}

static void add_bytes(struct table *table, const char *name, uint64_t bytes)
{
    char text[32];

    if (bytes != 0)
        add_text(table, name, bytes_format_short(bytes, text, sizeof(text)));
}

static void add_number(struct table *table, const char *name, int64_t number)
{
    char text[32];

    snprintf(text, sizeof(text), "%" PRId64, number);
    if (number != 0)
        add_text(table, name, text);
}

static void add_identity(struct table *table, const Vm *vm)
{
    add_text(table, "UUID", vm->uuid);
    add_number(table, "CID", vm->cid);
    add_number(table, "process", vm->pid);
    add_text(table, "driver", vm->driver);
    add_text(table, "driver state", vm->driver_state);
    add_text(table, "agent",
             !vm->agent_connected ? "not connected"
             : vm->announced      ? vm->agent_version
                                  : "connected, but no hypervisor vouches for its CID");
    add_text(table, "title", vm->title);
    add_text(table, "halted", vm->halted ? "nothing is done to it until it is resumed" : "");
    add_text(table, "boot id", vm->boot_id);
    add_text(table, "reporting", vm->reporting);
    for (size_t i = 0; i < vm->n_labels; i++)
        add_text(table, "label", vm->labels[i]);
    for (size_t i = 0; i < vm->n_unsupported_keys; i++)
        add_text(table, "unsupported key", vm->unsupported_keys[i]);
}

static void add_balloon(struct table *table, const Vm *vm)
{
    add_bytes(table, "balloon target", vm->balloon_target);
    add_bytes(table, "balloon baseline", vm->balloon_baseline);
    add_bytes(table, "balloon lease", vm->balloon_lease);
    add_text(table, "balloon owner", vm->balloon_owner);
}

/* What the agent's doctor complains about. */
static void add_checks(struct table *table, const AgentInfo *info)
{
    char text[512];

    for (size_t i = 0; i < info->n_checks; i++) {
        const Vmreclaim__Agent__V1__Check *check = info->checks[i];
        bool is_failure = check->status == VMRECLAIM__AGENT__V1__CHECK_STATUS__CHECK_STATUS_FAILURE;

        text_format(text, sizeof(text), "%s: %s -> %s", check->name, check->reason, check->fix);
        add_text(table, is_failure ? "FAILURE" : "warning", text);
    }
}

static void add_order(struct table *table, const AgentInfo *info)
{
    char text[32];

    if (!info->reporting_order_is_known) {
        add_text(table, "reporting order", "-: the guest reports nothing");
        return;
    }
    snprintf(text, sizeof(text), "%" PRIu32, info->reporting_order);
    add_text(table, "reporting order", text);
    add_bytes(table, "smallest report", info->page_size << (info->reporting_order & 31));
}

static void add_guest(struct table *table, const AgentInfo *info)
{
    char text[512];

    add_text(table, "kernel", info->kernel_release);
    add_number(table, "CPUs", info->cpu_count);
    add_order(table, info);
    add_checks(table, info);
    /* An agent of the release before reports its features only. */
    for (size_t i = 0; i < info->n_features && info->n_checks == 0; i++) {
        const Vmreclaim__Agent__V1__Feature *feature = info->features[i];
        if (feature->available)
            continue;
        text_format(text, sizeof(text), "%s: %s%s%s", feature->name, feature->reason,
                    feature->replacement[0] != '\0' ? "; instead: " : "", feature->replacement);
        add_text(table, "lacks", text);
    }
}

/* "3 returned 1.2 GiB, 1 failed". */
static void add_total(struct table *table, const Vmreclaim__Controller__V1__ActionTotals *total)
{
    char text[256] = "";

    for (size_t i = 0; i < total->n_outcomes; i++) {
        size_t length = strlen(text);

        text_format(text + length, sizeof(text) - length, "%s%" PRIu64 " %s", i == 0 ? "" : ", ",
                    total->outcomes[i]->count, total->outcomes[i]->outcome);
        length = strlen(text);
        if (strcmp(total->outcomes[i]->outcome, "returned") == 0)
            text_format(text + length, sizeof(text) - length, " %s",
                        BYTES_TEXT(total->host_returned));
    }
    add_text(table, total->kind, text);
}

static int print(const ProtobufCMessage *message, void *userdata)
{
    static const struct table_column columns[] = {{"", 0}, {"", TABLE_WRAP}};
    const Vmreclaim__Controller__V1__GetVmResponse *response = (const void *)message;
    const Vm *vm = response->vm;
    struct table table;

    if (vm == NULL)
        return fail(EXIT_FAILED, "the daemon answered without a VM");
    waterfall_print_head(vm);
    int r = vm->waterfall == NULL ? EXIT_DONE : waterfall_print(vm);
    if (r != EXIT_DONE)
        return r;
    putchar('\n');
    table_init_plain(&table, columns, ARRAY_SIZE(columns));
    add_identity(&table, vm);
    add_balloon(&table, vm);
    if (response->info != NULL)
        add_guest(&table, response->info);
    for (size_t i = 0; i < response->n_totals; i++)
        add_total(&table, response->totals[i]);
    return table_finish(&table, "");
}

static int show_vm(struct cli *cli, const char *vm)
{
    Vmreclaim__Controller__V1__GetVmRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_VM_REQUEST__INIT;

    request.vm = (char *)vm;
    request.fresh = !cached;
    return client_call(cli, "GetVm", &request.base, print, NULL);
}

static int run(struct cli *cli, char **operands)
{
    return selector_show_each(cli, "vm show", operands, show_vm);
}

static const struct command_option options[] = {
    {"cached", 0, OPTION_FLAG, NULL, "show the last sample instead of taking a new one", &cached,
     NULL},
    {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
};

const struct command command_vm_show = {
    .name = "vm show",
    .operands = "VM...",
    .takes_more = true,
    .selects = true,
    .summary = "one VM: its waterfall, its identity, its guest",
    .description =
        "Measures the VM on both sides and shows where its memory is. The upper bar is the\n"
        "guest's memory by part, the lower one what the host holds of it. Below: who the VM is,\n"
        "its balloon, and what its kernel lacks.",
    .example = "vmreclaim vm show web1",
    .see_also = "explain, for what can be done about it",
    .options = options,
    .run = run,
};
