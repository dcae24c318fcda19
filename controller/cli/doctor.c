/* vmreclaim doctor [VM] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "controller/cli/checks.h"
#include "controller/cli/cli.h"
#include "controller/cli/doctor-fix.h"
#include "controller/cli/messages.h"
#include "controller/cli/table.h"

static bool fix;
static bool yes;

/* ---- one VM ---- */

static const char *when_it_works(const Check *check)
{
    return strcmp(check->time, "now") == 0 ? "works in the running VM"
                                           : "needs a cold start: power off, then start";
}

/* The exact line stands alone and unbroken, to be copied. */
static void print_line(const Check *check)
{
    static const struct {
        const char *form;
        const char *words;
    } forms[] = {
        /* A second balloon, or a second memory, would be refused. */
        {"xml", "the domain's XML must have"},
        {"option", "the command line must have"},
        {"command", "type"},
        {"request", "ask its API before the guest starts"},
    };
    const char *words = "add";

    for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
        if (strcmp(forms[i].form, check->form) == 0)
            words = forms[i].words;
    if (strcmp(check->form, "xml") == 0 && strcmp(check->time, "now") == 0)
        words = "give to virsh attach-device --live --config";
    printf("    %s; %s:\n        ", words, when_it_works(check));
    print_text(check->line);
    putchar('\n');
}

static void print_remedies(const Diagnosis *diagnosis)
{
    for (size_t i = 0; i < diagnosis->n_checks; i++) {
        const Check *check = diagnosis->checks[i];

        if (check->line[0] == '\0' && check->advice[0] == '\0')
            continue;
        printf("\n  ");
        print_text(check->name);
        putchar('\n');
        if (check->line[0] != '\0')
            print_line(check);
        if (check->advice[0] != '\0')
            (void)print_wrapped("    ", check->advice);
    }
}

static int print_all(const ProtobufCMessage *message, void *userdata)
{
    const Diagnosis *diagnosis = (const void *)message;
    int r;

    print_text(diagnosis->vm);
    putchar('\n');
    r = checks_print(diagnosis->checks, diagnosis->n_checks);
    print_remedies(diagnosis);
    return r;
}

static int print_and_fix(const ProtobufCMessage *message, void *userdata)
{
    int r = print_all(message, userdata);

    return r == EXIT_DONE ? doctor_fix((const Diagnosis *)message, yes) : r;
}

static int diagnose(struct cli *cli, const char *vm)
{
    Vmreclaim__Controller__V1__DiagnoseRequest request =
        VMRECLAIM__CONTROLLER__V1__DIAGNOSE_REQUEST__INIT;

    request.vm = (char *)vm;
    return client_call(cli, "Diagnose", &request.base, fix ? print_and_fix : print_all, NULL);
}

/* ---- all of them ---- */

struct names {
    char (*texts)[64];
    size_t count;
};

static int take_names(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__ListVmsResponse *list = (const void *)message;
    struct names *names = userdata;

    names->texts = calloc(list->n_vms + 1, sizeof(*names->texts));
    if (names->texts == NULL)
        return fail(EXIT_FAILED, "out of memory");
    for (size_t i = 0; i < list->n_vms; i++)
        text_copy(names->texts[names->count++], sizeof(*names->texts), list->vms[i]->name);
    return EXIT_DONE;
}

/* One that went away meanwhile is no failure. */
static int diagnose_all(struct cli *cli)
{
    Vmreclaim__Controller__V1__ListVmsRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_VMS_REQUEST__INIT;
    struct names names = {0};
    int r = client_fetch(cli, "ListVms", &request.base, take_names, &names);

    for (size_t i = 0; i < names.count && (r == EXIT_DONE || r == EXIT_NOT_FOUND); i++) {
        if (i > 0 && !cli->json)
            putchar('\n');
        r = diagnose(cli, names.texts[i]);
    }
    if (r == EXIT_DONE && names.count == 0 && !cli->json)
        puts("No VMs. The daemon finds them in /etc/vmreclaim/vms/NAME.yaml; see vmreclaimd(8).");
    free(names.texts);
    return r == EXIT_NOT_FOUND ? EXIT_DONE : r;
}

static int run(struct cli *cli, char **operands)
{
    if (fix && operands[0] == NULL)
        return fail(EXIT_USAGE, "doctor: --fix is for one VM: say which");
    if (fix && (cli->json || cli->host != NULL))
        return fail(EXIT_USAGE, "doctor: --fix asks a person, on the VM's own host");
    if (yes && !fix)
        return fail(EXIT_USAGE, "doctor: --yes goes with --fix");
    return operands[0] == NULL ? diagnose_all(cli) : diagnose(cli, operands[0]);
}

static const struct command_option options[] = {
    {"fix", 0, OPTION_FLAG, NULL, "do what can be done now or at the next start; asks first", &fix,
     NULL},
    {"yes", 0, OPTION_FLAG, NULL, "with --fix: do not ask", &yes, NULL},
    {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
};

const struct command command_doctor = {
    .name = "doctor",
    .operands = "[VM]",
    .operand_count = 1,
    .operands_may_lack = true,
    .summary = "what a VM lacks for giving memory back, and the line that gives it",
    .description =
        "Looks at one VM, or at each, as the host sees it: its hypervisor and its QMP socket, "
        "vsock\n"
        "device, agent, balloon, free page reporting, deflate-on-oom, statistics, backing, huge\n"
        "pages, khugepaged, assigned devices, locked memory. Each is ok, a warning (memory comes\n"
        "back, but less or later), a failure, or not known (-). Where something can be done, the\n"
        "exact line to add follows: XML for libvirt, an option of the hypervisor's command line, "
        "a\n"
        "command to type; and whether it works in the running VM or needs a cold start. A reboot\n"
        "from inside the guest is no cold start.\n\n"
        "It changes nothing but with --fix, which shows what it would run, asks, and runs it: "
        "virsh\n"
        "for libvirt, qm for Proxmox VE, ch-remote for Cloud Hypervisor. A vsock device and\n"
        "statistics come to the running VM where its manager can do that; a balloon's switches "
        "are\n"
        "written for the next cold start, never plugged live: such a VM could be neither saved "
        "nor\n"
        "migrated any more.",
    .example = "vmreclaim doctor web1\n  vmreclaim --json doctor | jq -r '.checks[] | .line'",
    .see_also = "explain; in the guest, vmreclaim-agent --doctor",
    .options = options,
    .run = run,
};
