/* vmreclaim fleet doctor [FILE] */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "controller/cli/checks.h"
#include "controller/cli/fleet/fleet-view.h"
#include "controller/cli/run-program.h"

#define PROGRAM          "vmreclaim-fleet"
#define HOST_FILE        "/etc/vmreclaim/fleet.yaml"
#define COORDINATOR_FILE "/etc/vmreclaim/coordinator.yaml"
#define UNIX             "unix:"

typedef Vmreclaim__Fleet__V1__FleetDiagnosis FleetDiagnosis;

/* Of one run; what has no room is left out. */
struct doctor {
    Check checks[64];
    Check *pointers[64];
    size_t count;
    size_t failures;
    struct fleet_view view;
};

/* The texts are freed with the process. */
static void add(const char *status, const char *name, const char *reason, void *userdata)
{
    struct doctor *doctor = userdata;
    Check *check = &doctor->checks[doctor->count];

    if (doctor->count == ARRAY_SIZE(doctor->checks))
        return;
    vmreclaim__controller__v1__check__init(check);
    check->status = strdup(status);
    check->name = strdup(name);
    check->reason = strdup(reason);
    if (check->status == NULL || check->name == NULL || check->reason == NULL)
        return;
    doctor->pointers[doctor->count++] = check;
    doctor->failures += strcmp(status, "failure") == 0;
}

/* ---- this machine ---- */

/* "STATUS: NAME: REASON" */
static void add_line(struct doctor *doctor, char *line)
{
    char *name = strstr(line, ": ");
    char *reason = name == NULL ? NULL : strstr(name + 2, ": ");

    if (reason == NULL)
        return;
    *name = *reason = '\0';
    add(line, name + 2, reason + 2, doctor);
}

static void look_at_file(struct doctor *doctor, const char *path)
{
    const char *const arguments[] = {PROGRAM, "--check", "--config", path, NULL};
    cleanup_free char *output = NULL;
    char reason[256];
    char *rest = NULL;
    size_t before = doctor->failures;
    int r = run_program(arguments, NULL, &output);

    if (output != NULL)
        for (char *line = strtok_r(output, "\n", &rest); line != NULL;
             line = strtok_r(NULL, "\n", &rest))
            add_line(doctor, line);
    if (r == 0 || doctor->failures > before)
        return;
    snprintf(reason, sizeof(reason), "%s: " PROGRAM " --check: %s", path,
             r < 0 ? strerror(-r) : "it has failed, see above");
    add("failure", "configuration", reason, doctor);
}

/* False: there is none. */
static bool look_at_files(struct doctor *doctor, const char *path)
{
    bool has_host = access(HOST_FILE, F_OK) == 0;
    bool has_coordinator = access(COORDINATOR_FILE, F_OK) == 0;

    if (path != NULL)
        look_at_file(doctor, path);
    else if (has_host)
        look_at_file(doctor, HOST_FILE);
    if (path == NULL && has_coordinator)
        look_at_file(doctor, COORDINATOR_FILE);
    return path != NULL || has_host || has_coordinator;
}

/* ---- the fleet ---- */

static int use_coordinator(const ProtobufCMessage *message, void *userdata)
{
    struct doctor *doctor = userdata;

    fleet_view_coordinator(&doctor->view, (const Coordinator *)message, add, doctor);
    return EXIT_DONE;
}

struct page {
    struct doctor *doctor;
    char next[128];
};

static int use_hosts(const ProtobufCMessage *message, void *userdata)
{
    const HostPage *hosts = (const HostPage *)message;
    struct page *page = userdata;

    fleet_view_hosts(&page->doctor->view, hosts, time_realtime());
    snprintf(page->next, sizeof(page->next), "%s", hosts->next_page_token);
    return EXIT_DONE;
}

static int ask_coordinator(struct cli *fleet, struct doctor *doctor)
{
    const Vmreclaim__Fleet__V1__GetCoordinatorRequest request =
        VMRECLAIM__FLEET__V1__GET_COORDINATOR_REQUEST__INIT;
    Vmreclaim__Fleet__V1__ListHostsRequest list = VMRECLAIM__FLEET__V1__LIST_HOSTS_REQUEST__INIT;
    struct page page = {.doctor = doctor};
    int r = client_fetch(fleet, "GetCoordinator", &request.base, use_coordinator, doctor);

    do {
        list.page_token = page.next;
        if (r == EXIT_DONE)
            r = client_fetch(fleet, "ListHosts", &list.base, use_hosts, &page);
    } while (r == EXIT_DONE && page.next[0] != '\0');
    if (r == EXIT_DONE)
        fleet_view_end(&doctor->view, add, doctor);
    return r;
}

/* A coordinator that is to be here and is not; elsewhere none is missed. */
static int look_at_fleet(struct cli *cli, struct doctor *doctor)
{
    struct cli fleet = fleet_cli(cli);
    bool is_unix = strncmp(fleet.api, UNIX, strlen(UNIX)) == 0;

    if (!is_unix || access(fleet.api + strlen(UNIX), F_OK) == 0)
        return ask_coordinator(&fleet, doctor);
    if (access(COORDINATOR_FILE, F_OK) == 0)
        add("failure", "coordinator",
            "it does not run: systemctl enable --now vmreclaim-fleet-coordinator", doctor);
    return EXIT_DONE;
}

static int print(struct cli *cli, struct doctor *doctor)
{
    FleetDiagnosis diagnosis = VMRECLAIM__FLEET__V1__FLEET_DIAGNOSIS__INIT;
    int r;

    diagnosis.checks = doctor->pointers;
    diagnosis.n_checks = doctor->count;
    r = cli->json ? print_json(&diagnosis.base) : checks_print(doctor->pointers, doctor->count);
    return r == EXIT_DONE && doctor->failures > 0 ? EXIT_FAILED : r;
}

static int run(struct cli *cli, char **operands)
{
    static struct doctor doctor;
    bool is_in_fleet;
    int r;

    if (cli->host != NULL)
        return fail(EXIT_USAGE, "fleet doctor: it looks at this machine's files; run it there");
    is_in_fleet = look_at_files(&doctor, operands[0]);
    r = look_at_fleet(cli, &doctor);
    if (r != EXIT_DONE)
        add("failure", "coordinator", "it does not answer; see above", &doctor);
    if (!is_in_fleet && doctor.count == 0)
        add("failure", "configuration",
            "this machine is in no fleet: there is neither " HOST_FILE " nor " COORDINATOR_FILE
            "; see vmreclaim-fleet(8), A HOST JOINS",
            &doctor);
    return print(cli, &doctor);
}

const struct command command_fleet_doctor = {
    .name = "fleet doctor",
    .operands = "[FILE]",
    .operand_count = 1,
    .operands_may_lack = true,
    .summary = "what does not work in this machine's place in a fleet, and what to do",
    .description =
        "Of a host: its configuration, its key, the clock, whether the bus lets it in and "
        "answers,\n"
        "and whether the daemon takes what the fleet has signed. Of a coordinator: its keys, the\n"
        "streams and their copies, who leads, which hosts are lost, have another clock, refuse\n"
        "what they are to run, or run what a former key has signed. It changes nothing. Type it "
        "as\n"
        "root: what is looked at is done as the service's user.\n\n"
        "FILE is the configuration of vmreclaim-fleet; else " HOST_FILE " and\n" COORDINATOR_FILE
        ", where they are. Exit status 1: something fails.",
    .example = "vmreclaim fleet doctor\n  vmreclaim --json fleet doctor | jq -r '.checks[] | "
               "select(.status != \"ok\") | .reason'",
    .see_also = "fleet status; fleet hosts; doctor, for VMs",
    .run = run,
};
