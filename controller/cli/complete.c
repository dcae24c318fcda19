/* `vmreclaim complete -- WORD...`: what may follow, a line each, with its help behind a tab. The
 * shells' completion asks; nobody types it. ":file" stands for the names of files. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/text.h"
#include "controller/cli/cli.h"
#include "controller/cli/completing.h"
#include "controller/cli/coordinator.h"
#include "controller/cli/event-kinds.h"
#include "controller/cli/fleet-event-kinds.h"
#include "controller/cli/messages.h"
#include "fleet.pb-c.h"

#define NAMES_MAX  1000
#define NAMES_TIME (2 * NSEC_PER_SEC)

struct typed {
    struct cli *cli;
    const char *prefix; /* what is there of the word */
    char before[64];    /* "--vm=", which stays before it; "": nothing */
};

static void add(const char *word, const char *help, void *userdata)
{
    const struct typed *typed = userdata;

    if (strncmp(word, typed->prefix, strlen(typed->prefix)) != 0)
        return;
    print_text(typed->before);
    print_text(word);
    if (help != NULL && help[0] != '\0') {
        putchar('\t');
        print_text(help);
    }
    putchar('\n');
}

static int add_vms(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__ListVmsResponse *list = (const void *)message;

    for (size_t i = 0; i < list->n_vms; i++)
        add(list->vms[i]->name, list->vms[i]->state, userdata);
    return EXIT_DONE;
}

static int add_policies(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__ListPoliciesResponse *list = (const void *)message;

    for (size_t i = 0; i < list->n_policies; i++)
        add(list->policies[i]->name, "", userdata);
    return EXIT_DONE;
}

static int add_assigned(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__ListPoliciesResponse *list = (const void *)message;

    for (size_t i = 0; i < list->n_assignments; i++)
        add(list->assignments[i]->selector, list->assignments[i]->policy, userdata);
    return EXIT_DONE;
}

static int add_actions(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__ListActionsResponse *list = (const void *)message;

    for (size_t i = 0; i < list->n_actions; i++)
        add(list->actions[i]->id, list->actions[i]->kind, userdata);
    return EXIT_DONE;
}

static int add_fleet_hosts(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Fleet__V1__ListHostsResponse *list = (const void *)message;

    for (size_t i = 0; i < list->n_hosts; i++)
        add(list->hosts[i]->host, list->hosts[i]->presence, userdata);
    return EXIT_DONE;
}

static int add_fleet_policies(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Fleet__V1__ListFleetPoliciesResponse *list = (const void *)message;

    for (size_t i = 0; i < list->n_policies; i++)
        add(list->policies[i]->name, "", userdata);
    return EXIT_DONE;
}

/* The VMs of the host that is typed already: "rack7-12/". */
static int add_fleet_vms(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Fleet__V1__GetHostStatusResponse *response = (const void *)message;
    const struct typed *typed = userdata;
    int before = (int)strcspn(typed->prefix, "/");
    char word[256];

    if (response->host == NULL || response->host->status == NULL)
        return EXIT_DONE;
    for (size_t i = 0; i < response->host->status->n_vms; i++) {
        const Vmreclaim__Fleet__V1__VmStatus *vm = response->host->status->vms[i];

        text_format(word, sizeof(word), "%.*s/%s", before, typed->prefix, vm->name);
        add(word, vm->state, userdata);
    }
    return EXIT_DONE;
}

static void add_names_of_fleet(enum completing_kind kind, void *userdata)
{
    Vmreclaim__Fleet__V1__ListHostsRequest hosts = VMRECLAIM__FLEET__V1__LIST_HOSTS_REQUEST__INIT;
    Vmreclaim__Fleet__V1__GetHostStatusRequest host =
        VMRECLAIM__FLEET__V1__GET_HOST_STATUS_REQUEST__INIT;
    Vmreclaim__Fleet__V1__ListFleetPoliciesRequest policies =
        VMRECLAIM__FLEET__V1__LIST_FLEET_POLICIES_REQUEST__INIT;
    const struct typed *typed = userdata;
    struct cli fleet = fleet_cli(typed->cli);
    const char *slash = strchr(typed->prefix, '/');
    char name[128];

    if (kind == COMPLETING_FLEET_POLICY) {
        (void)client_list(&fleet, "ListFleetPolicies", &policies.base, NAMES_MAX,
                          add_fleet_policies, userdata);
    } else if (slash == NULL) {
        (void)client_list(&fleet, "ListHosts", &hosts.base, NAMES_MAX, add_fleet_hosts, userdata);
    } else {
        text_format(name, sizeof(name), "%.*s", (int)(slash - typed->prefix), typed->prefix);
        host.host = name;
        (void)client_call(&fleet, "GetHostStatus", &host.base, add_fleet_vms, userdata);
    }
}

/* Several may be typed, with commas: the last one is completed. */
static void add_last(const char *name, const char *help, void *userdata)
{
    const struct typed *typed = userdata;
    const char *comma = strrchr(typed->prefix, ',');
    int before = comma == NULL ? 0 : (int)(comma + 1 - typed->prefix);
    char word[256];

    text_format(word, sizeof(word), "%.*s%s", before, typed->prefix, name);
    add(word, help, userdata);
}

static void add_kinds(void *userdata)
{
    const struct event_kind *kind;

    for (size_t i = 0; (kind = event_kind_at(i)) != NULL; i++)
        add_last(kind->name, kind->help, userdata);
}

static void add_fleet_kinds(void *userdata)
{
    const struct fleet_event_kind *kind;

    for (size_t i = 0; (kind = fleet_event_kind_at(i)) != NULL; i++)
        add_last(kind->name, kind->help, userdata);
}

static void add_names(enum completing_kind kind, void *userdata)
{
    Vmreclaim__Controller__V1__ListVmsRequest vms =
        VMRECLAIM__CONTROLLER__V1__LIST_VMS_REQUEST__INIT;
    Vmreclaim__Controller__V1__ListPoliciesRequest policies =
        VMRECLAIM__CONTROLLER__V1__LIST_POLICIES_REQUEST__INIT;
    Vmreclaim__Controller__V1__ListActionsRequest actions =
        VMRECLAIM__CONTROLLER__V1__LIST_ACTIONS_REQUEST__INIT;
    struct cli *cli = ((struct typed *)userdata)->cli;

    cli->json = false;
    if (kind == COMPLETING_VM)
        (void)client_list(cli, "ListVms", &vms.base, NAMES_MAX, add_vms, userdata);
    else if (kind == COMPLETING_POLICY)
        (void)client_list(cli, "ListPolicies", &policies.base, NAMES_MAX, add_policies, userdata);
    else if (kind == COMPLETING_ASSIGNED)
        (void)client_list(cli, "ListPolicies", &policies.base, NAMES_MAX, add_assigned, userdata);
    else if (kind == COMPLETING_ACTION)
        (void)client_list(cli, "ListActions", &actions.base, 50, add_actions, userdata);
    else if (kind == COMPLETING_KINDS)
        add_fleet_kinds(userdata);
    else if (kind == COMPLETING_KIND)
        add_kinds(userdata);
    else if (kind == COMPLETING_FLEET_HOST || kind == COMPLETING_FLEET_POLICY)
        add_names_of_fleet(kind, userdata);
    else
        puts(":file");
}

/* "--vm=we" is two words here: the option, and what is typed. The NULL at its
 * end goes. */
static int split_option(struct typed *typed, char **words, int count)
{
    char *equals =
        count > 0 && strncmp(words[count - 1], "--", 2) == 0 ? strchr(words[count - 1], '=') : NULL;

    if (equals == NULL)
        return count;
    text_format(typed->before, sizeof(typed->before), "%.*s", (int)(equals + 1 - words[count - 1]),
                words[count - 1]);
    *equals = '\0';
    words[count] = equals + 1;
    return count + 1;
}

static int run(struct cli *cli, char **operands)
{
    struct typed typed = {.cli = cli, .prefix = ""};
    struct completing completing = {.cli = cli, .add = add, .names = add_names, .userdata = &typed};
    int count = 0;
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

    while (operands[count] != NULL)
        count++;
    count = split_option(&typed, operands, count); /* into the NULL's place */
    if (count > 0)
        typed.prefix = operands[count - 1];
    /* Who types wants no sentences in between. */
    if (nowhere >= 0)
        (void)dup2(nowhere, STDERR_FILENO);
    cli->is_unattended = true;
    client_set_timeout(NAMES_TIME);
    complete_line(&completing, operands, count);
    return EXIT_DONE;
}

const struct command command_complete = {
    .name = "complete",
    .operands = "[-- WORD...]",
    .operands_may_lack = true,
    .takes_more = true,
    .description = "Prints what may follow on a command line: for the shells' completion.",
    .example = "vmreclaim complete -- policy ''",
    .run = run,
};
