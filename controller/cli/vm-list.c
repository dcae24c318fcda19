/* vmreclaim vm list */
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "controller/cli/list.h"
#include "controller/cli/messages.h"
#include "controller/cli/selector.h"

/* What matters most. */
static void get_state(const struct list_row *row, struct list_value *value)
{
    static const char *const away[] = {"lost", "stalled", "gone"};
    const Vm *vm = (const Vm *)row->message;

    list_text(value, "%s", vm->alarm[0] != '\0' ? "starved" : vm->halted ? "halted" : vm->state);
    if (vm->alarm[0] != '\0')
        value->color = COLOR_BAD;
    for (size_t i = 0; i < ARRAY_SIZE(away); i++)
        if (value->color == COLOR_NONE && strcmp(value->text, away[i]) == 0)
            value->color = COLOR_WARNING;
}

static void get_agent(const struct list_row *row, struct list_value *value)
{
    const Vm *vm = (const Vm *)row->message;

    if (vm->agent_connected)
        list_text(value, "%s", vm->announced ? "yes" : "unannounced");
}

/* Nothing is a figure where both sides are known. */
static void get_returnable(const struct list_row *row, struct list_value *value)
{
    const Vm *vm = (const Vm *)row->message;
    bool is_known = vm->returns != NULL && vm->waterfall != NULL;

    if (is_known)
        list_number(value,
                    vm->returns->bytes != 0 ||
                        (vm->waterfall->guest_is_known && vm->waterfall->host_is_known),
                    (int64_t)vm->returns->bytes);
}

/* Why nothing could come back, in as few words as there are. */
static const char *why_nothing(const Vm *vm)
{
    if (vm->halted)
        return "halted";
    if (strcmp(vm->state, "paused") == 0 || strcmp(vm->state, "migrating") == 0)
        return vm->state;
    if (!vm->agent_connected && vm->statistics == NULL)
        return "no agent";
    if (vm->waterfall == NULL || !vm->waterfall->host_is_known)
        return "footprint unknown";
    return vm->returns->reason;
}

static const char *how_to_take(const char *step)
{
    return strcmp(step, "report") == 0 ? "by itself" : step;
}

static int compare_steps(const void *left, const void *right)
{
    const HostStep *const *a = left;
    const HostStep *const *b = right;

    return ((*a)->bytes < (*b)->bytes) - ((*a)->bytes > (*b)->bytes);
}

/* The steps that bring it, what brings most first. */
static void get_how(const struct list_row *row, struct list_value *value)
{
    const Vm *vm = (const Vm *)row->message;
    const HostStep *steps[8];
    size_t count = vm->returns == NULL ? 0 : min_of(vm->returns->n_steps, ARRAY_SIZE(steps));
    size_t used = 0;

    if (vm->returns != NULL && vm->returns->bytes == 0)
        list_text(value, "%s", why_nothing(vm));
    for (size_t i = 0; i < count; i++)
        steps[i] = vm->returns->steps[i];
    qsort(steps, count, sizeof(*steps), compare_steps);
    for (size_t i = 0; i < count && used < sizeof(value->text); i++)
        used += (size_t)text_format(value->text + used, sizeof(value->text) - used, "%s%s",
                                    i == 0 ? "" : ", ", how_to_take(steps[i]->name));
    value->is_known = value->text[0] != '\0';
}

static const struct list_column columns[] = {
    {"name", "NAME", LIST_TEXT, LIST_NAME | LIST_SHORTEN, "name", NULL, "what it is called"},
    {"state", "STATE", LIST_TEXT, 0, NULL, get_state, "of its life, or starved, or halted"},
    {"agent", "AGENT", LIST_TEXT, LIST_WIDE, NULL, get_agent, "connected, and vouched for"},
    {"footprint", "FOOTPRINT", LIST_BYTES, LIST_SUM, "waterfall.footprint", NULL,
     "what the host holds for it"},
    {"memory", "MEMORY", LIST_BYTES, LIST_SUM, "waterfall.vm_ram", NULL, "what it was given"},
    {"in-use", "IN USE", LIST_BYTES, LIST_WIDE | LIST_SUM, "waterfall.in_use", NULL,
     "by its processes and kernel"},
    {"cache", "CACHE", LIST_BYTES, LIST_WIDE | LIST_SUM, "waterfall.cache", NULL,
     "that the guest could give up"},
    {"trapped", "TRAPPED", LIST_BYTES, LIST_WIDE | LIST_SUM, "waterfall.trapped", NULL,
     "free, in pieces too small to return"},
    {"reported", "REPORTED", LIST_BYTES, LIST_WIDE | LIST_SUM, "waterfall.reported", NULL,
     "free and returned"},
    {"balloon", "BALLOON", LIST_BYTES, LIST_WIDE | LIST_SUM, "waterfall.balloon", NULL,
     "taken from the guest by it"},
    {"swapped", "SWAPPED", LIST_BYTES, LIST_BY_KEY | LIST_SUM, "waterfall.swapped", NULL,
     "in the host's swap"},
    {"policy", "POLICY", LIST_TEXT, LIST_WIDE, "policy", NULL, "in force there"},
    {"title", "TITLE", LIST_TEXT, LIST_BY_KEY, "title", NULL, "as its hypervisor has it"},
    {"labels", "LABELS", LIST_TEXT, LIST_BY_KEY, "labels", NULL, "KEY=VALUE, ..."},
    {"uuid", "UUID", LIST_TEXT, LIST_BY_KEY, "uuid", NULL, "of its hypervisor"},
    {"cid", "CID", LIST_NUMBER, LIST_BY_KEY, "cid", NULL, "of its vsock device"},
    {"pid", "PID", LIST_NUMBER, LIST_BY_KEY, "pid", NULL, "of its hypervisor"},
    {"driver", "DRIVER", LIST_TEXT, LIST_BY_KEY, "driver", NULL, "qemu, libvirt, ..."},
    {"returnable", "RETURNABLE", LIST_BYTES, LIST_SUM, NULL, get_returnable,
     "what could come back, by all steps"},
    {"how", "HOW", LIST_TEXT, LIST_CUT, NULL, get_how, "by which steps, or why nothing could"},
    {NULL, NULL, LIST_TEXT, 0, NULL, NULL, NULL},
};

static const struct list list = {
    .rows = "vms",
    .columns = columns,
    .total = "VMs",
    .empty = "No VMs. The daemon finds them in /etc/vmreclaim/vms/NAME.yaml; see vmreclaimd(8).",
};

/* Shows those that are meant; the others stay behind them, to be freed with them. */
static int show(const ProtobufCMessage *message, void *userdata)
{
    Vmreclaim__Controller__V1__ListVmsResponse *answer = (void *)message;
    size_t count = answer->n_vms;
    int code = selector_filter("vm list", userdata, answer->vms, &answer->n_vms);

    if (code == EXIT_DONE)
        code = list_print(&list, list_view(), message);
    answer->n_vms = count;
    return code;
}

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__ListVmsRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_VMS_REQUEST__INIT;
    struct cli plain = *cli;

    plain.json = false; /* a document is the list's, too */
    request.with_returns = list_view()->form != LIST_FORM_NAME;
    return client_list(&plain, "ListVms", &request.base, UINT64_MAX, show, operands);
}

const struct command command_vm_list = {
    .name = "vm list",
    .operands = "[VM...]",
    .operands_may_lack = true,
    .takes_more = true,
    .selects = true,
    .list = &list,
    .summary = "every VM: what it costs the host, and what could come back",
    .description =
        "Lists the VMs the daemon knows, or those that are named or have the labels, with the\n"
        "newest measurement of each.\n\n"
        "FOOTPRINT is what the host holds for the VM, MEMORY what the VM was given. RETURNABLE\n"
        "could come back, HOW says by which steps, what brings most first, or why nothing could.\n"
        "With -o wide there is where the rest is: IN USE, CACHE, TRAPPED and REPORTED come from\n"
        "the agent in the guest.",
    .example = "vmreclaim vm list --sort -returnable\n"
               "  vmreclaim vm list -l tier=front,env!=test\n"
               "  vmreclaim vm list -o json | jq '.vms[] | .name'",
    .see_also = "vm show, explain, host",
    .run = run,
};
