/* vmreclaim fleet rollout start FILE */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "common/policy/policy-yaml.h"
#include "controller/cli/dry-run.h"
#include "controller/cli/fleet/fleet.h"
#include "controller/cli/policy-file.h"

typedef Vmreclaim__Fleet__V1__StartRolloutRequest Request;
typedef Vmreclaim__Fleet__V1__RolloutResponse Response;
typedef Vmreclaim__Fleet__V1__Gate Gate;

#define WAVES_MAX 16
#define GATES_MAX 16

static const char *to = "all";
static const char *vms = "*";
static const char *canary = "";
static const char *waves;
static const char *gates;
static nsec_t soak;
static nsec_t canary_soak;
static bool is_dry;

/* ---- options ---- */

/* "1%" -> 100. */
static bool parse_percent(const char *text, uint32_t *ret_permyriad)
{
    char *end;
    double percent = strtod(text, &end);

    if (end == text || strcmp(end, "%") != 0 || !(percent > 0) || percent > 100)
        return false;
    *ret_permyriad = (uint32_t)(percent * 100 + 0.5);
    return true;
}

/* `text` is taken apart. */
static int take_waves(Vmreclaim__Fleet__V1__Rollout *rollout, uint32_t *list, char *text)
{
    char *rest = NULL;

    if (text == NULL)
        return EXIT_DONE;
    rollout->waves_permyriad = list;
    for (char *wave = strtok_r(text, ",", &rest); wave != NULL; wave = strtok_r(NULL, ",", &rest))
        if (rollout->n_waves_permyriad == WAVES_MAX ||
            !parse_percent(wave, &list[rollout->n_waves_permyriad++]))
            return fail(EXIT_USAGE,
                        "fleet rollout start: --waves is parts that grow to 100%%, as in "
                        "1%%,5%%,25%%,100%%");
    return EXIT_DONE;
}

/* "3" hosts, or a selector. */
static void take_canary(Vmreclaim__Fleet__V1__Rollout *rollout)
{
    char *end;
    unsigned long count = strtoul(canary, &end, 10);

    if (canary[0] >= '0' && canary[0] <= '9' && *end == '\0' && count <= UINT32_MAX)
        rollout->canary_hosts = (uint32_t)count;
    else
        rollout->canary_selector = (char *)canary;
}

/* "pressure=200,returned=off", which is taken apart. */
static int take_gates(Vmreclaim__Fleet__V1__Rollout *rollout, Gate *list, Gate **pointers,
                      char *text)
{
    char *rest = NULL;

    if (text == NULL)
        return EXIT_DONE;
    rollout->gates = pointers;
    for (char *gate = strtok_r(text, ",", &rest); gate != NULL; gate = strtok_r(NULL, ",", &rest)) {
        char *value = strchr(gate, '=');
        Gate *next = &list[rollout->n_gates];
        char *end = NULL;

        if (value == NULL || rollout->n_gates == GATES_MAX)
            return fail(EXIT_USAGE, "fleet rollout start: --gate is NAME=LIMIT or NAME=off, "
                                    "several with commas");
        *value++ = '\0';
        errno = 0;
        vmreclaim__fleet__v1__gate__init(next);
        next->name = gate;
        next->limit = strcmp(value, "off") == 0 ? -1 : strtoll(value, &end, 10);
        if (end != NULL && (*end != '\0' || end == value || next->limit < 0 || errno != 0))
            return fail(EXIT_USAGE, "fleet rollout start: --gate %s: \"%s\" is no limit", gate,
                        value);
        pointers[rollout->n_gates++] = next;
    }
    return EXIT_DONE;
}

/* ---- the policy ---- */

/* Its name stands in the text, else the file's is taken. */
static int take_policy(const char *path, const char *text, struct policy *ret_policy)
{
    struct error error;

    if (policy_load_yaml(text, strlen(text), path, ret_policy, &error) < 0 ||
        policy_name_after(ret_policy, path, &error) < 0)
        return fail(EXIT_USAGE, "%s", error.text);
    return EXIT_DONE;
}

/* ---- the answer ---- */

static int print(const ProtobufCMessage *message, void *userdata)
{
    const Response *response = (const Response *)message;
    const Vmreclaim__Fleet__V1__Rollout *rollout = response->rollout;

    if (rollout == NULL)
        return fail(EXIT_FAILED, "the coordinator's answer has no rollout in it");
    if (!is_dry) {
        printf("rollout ");
        print_text(rollout->id);
        printf(" of policy ");
        print_text(rollout->policy);
        puts(" has started\nSee: vmreclaim fleet rollout status");
        return EXIT_DONE;
    }
    for (uint32_t i = 0; i < response->n_wave_hosts; i++) {
        char name[32];

        fleet_wave_name(rollout, i, name, sizeof(name));
        printf("%s: %" PRIu32 " hosts\n", name, response->wave_hosts[i]);
    }
    return EXIT_DONE;
}

/* ---- the command ---- */

static int start(struct cli *cli, const char *path, char *text)
{
    Vmreclaim__Fleet__V1__Rollout rollout = VMRECLAIM__FLEET__V1__ROLLOUT__INIT;
    Request request = VMRECLAIM__FLEET__V1__START_ROLLOUT_REQUEST__INIT;
    char *selectors[] = {(char *)vms};
    uint32_t parts[WAVES_MAX];
    Gate list[GATES_MAX];
    Gate *pointers[GATES_MAX];
    struct policy policy;
    struct cli fleet = fleet_cli(cli);
    int code = take_policy(path, text, &policy);

    if (code == EXIT_DONE)
        code = take_waves(&rollout, parts, (char *)waves);
    if (code == EXIT_DONE)
        code = take_gates(&rollout, list, pointers, (char *)gates);
    if (code != EXIT_DONE)
        return code;
    take_canary(&rollout);
    rollout.policy = policy.name;
    rollout.text = text;
    rollout.vm_selectors = selectors;
    rollout.n_vm_selectors = 1;
    rollout.host_selector = (char *)to;
    rollout.soak_ns = (int64_t)soak;
    rollout.canary_soak_ns = (int64_t)canary_soak;
    request.rollout = &rollout;
    request.dry_run = is_dry;
    return client_call(&fleet, "StartRollout", &request.base, print, NULL);
}

static int run(struct cli *cli, char **operands)
{
    char *text;
    int code = policy_file_read(operands[0], &text);

    if (code != EXIT_DONE)
        return code;
    code = start(cli, operands[0], text);
    free(text);
    return code;
}

static const struct command_option options[] = {
    {"to", 0, OPTION_TEXT, "HOSTS", "a name, a glob, or label:KEY=VALUE (default: all)", &to, NULL},
    {"vm", 0, OPTION_TEXT, "VM", "which VMs of a host: a name, a glob, or a label (default: *)",
     &vms, NULL},
    {"canary", 0, OPTION_TEXT, "N|HOSTS", "who gets it first: so many, or these", &canary, NULL},
    {"waves", 0, OPTION_TEXT, "PARTS", "of the hosts (default: 1%,5%,25%,100%)", &waves, NULL},
    {"soak", 0, OPTION_DURATION, "T", "how long each wave runs it (default: 5m)", &soak, NULL},
    {"canary-soak", 0, OPTION_DURATION, "T", "how long the canary does (default: 1h)", &canary_soak,
     NULL},
    {"gate", 0, OPTION_TEXT, "NAME=LIMIT", "another limit, or off; several with commas", &gates,
     NULL},
    DRY_RUN_OPTION(&is_dry),
    {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
};

const struct command command_fleet_rollout_start = {
    .name = "fleet rollout start",
    .operands = "FILE",
    .operand_count = 1,
    .summary = "give hosts of the fleet a policy, wave by wave",
    .description =
        "Hosts get the policy in waves; after each, the hosts that have it are compared with\n"
        "those that have not. A gate that fails takes the policy back from all of them, and\n"
        "says which VM and which number. Where nobody measured anything it waits.\n"
        "A host's own operator keeps what he has set there.",
    .example = "vmreclaim fleet rollout start night.yaml --to label:rack=2 --canary 1",
    .see_also = "fleet rollout status; fleet rollout pause, resume, abort and rollback",
    .options = options,
    .goes_on = "What the coordinator has taken goes on by itself.",
    .trace = "vmreclaim fleet rollout status",
    .run = run,
};
