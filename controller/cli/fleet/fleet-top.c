/* vmreclaim fleet top */
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "controller/cli/fleet/fleet.h"
#include "controller/cli/fleet/top-rows.h"
#include "controller/cli/top/run.h"

#define SERVICE (&vmreclaim__fleet__v1__fleet__descriptor)

enum { PAGE_SIZE = 500, VMS_MOST = 500 };

/* ---- lists ---- */

static struct fleet_top_sums under_way; /* of the pass over the hosts */

static void select_hosts(ProtobufCMessage *request)
{
    Vmreclaim__Fleet__V1__ListHostsRequest *hosts = (void *)request;

    hosts->selector = (char *)fleet_hosts;
    if (hosts->page_token[0] == '\0')
        under_way = (struct fleet_top_sums){.hosts = 0};
}

static void select_vms(ProtobufCMessage *request)
{
    Vmreclaim__Fleet__V1__ListFleetVmsRequest *vms = (void *)request;

    vms->selector = (char *)fleet_hosts;
    vms->most = VMS_MOST;
}

/* While it is the first pass, what is there so far is shown. */
static int take_hosts(struct top_model *model, const ProtobufCMessage *message)
{
    const Vmreclaim__Fleet__V1__ListHostsResponse *page = (const void *)message;
    struct top_vms *rows = top_model_rows(model, &fleet_top_hosts);
    bool is_last = page->next_page_token[0] == '\0';
    int r = 0;

    model->has_answered = true;
    for (size_t i = 0; i < page->n_hosts && r == 0; i++) {
        struct top_vm row;

        fleet_top_fill_host(page->hosts[i], &row);
        fleet_top_add(&under_way, page->hosts[i]);
        r = top_vms_put(rows, &row);
    }
    if (is_last || rows->pass == 0)
        fleet_top_show(&under_way, model);
    if (is_last)
        top_vms_end_pass(rows);
    return r;
}

static int take_vms(struct top_model *model, const ProtobufCMessage *message)
{
    const Vmreclaim__Fleet__V1__ListFleetVmsResponse *page = (const void *)message;
    struct top_vms *rows = top_model_rows(model, &fleet_top_vms);
    int r = 0;

    for (size_t i = 0; i < page->n_vms && r == 0; i++) {
        struct top_vm row;

        fleet_top_fill_vm(page->vms[i], &row);
        r = top_vms_put(rows, &row);
    }
    top_vms_end_pass(rows);
    return r;
}

/* ---- one of them ---- */

static ProtobufCMessage *make_explain(const struct top_model *model, const char *name,
                                      const char **ret_method)
{
    static char host[TOP_NAME_SIZE];
    ProtobufCMessage *request;
    char *vm;

    text_copy(host, sizeof(host), name);
    vm = model->kind == &fleet_top_vms ? fleet_split_vm(host) : NULL;
    *ret_method = vm == NULL ? "GetHostStatus" : "ExplainFleetVm";
    request = top_make_request(SERVICE, *ret_method, "host", host);
    if (request != NULL && vm != NULL)
        ((Vmreclaim__Fleet__V1__ExplainFleetVmRequest *)(void *)request)->vm = vm;
    return request;
}

/* ---- the command ---- */

static const struct top_peer coordinator = {
    .service = SERVICE,
    .lists = {{"ListHosts", PAGE_SIZE, select_hosts, take_hosts},
              {"ListFleetVms", 0, select_vms, take_vms}},
    .make_explain = make_explain,
    .take_explanation = fleet_top_explain,
};

static int run(struct cli *cli, char **operands)
{
    struct cli fleet = fleet_cli(cli);

    if (!top_may_run(cli))
        return fail(EXIT_USAGE,
                    "fleet top: is for a person at a terminal\n"
                    "For programs: vmreclaim --json fleet hosts, or fleet vms --most N");
    return top_run(&fleet, &coordinator, &fleet_top_hosts);
}

const struct command command_fleet_top = {
    .name = "fleet top",
    .operands = "",
    .summary = "all hosts of the fleet on one screen, by what could come back",
    .description =
        "Hosts with what their VMs hold and what could come back, most first, and what all of\n"
        "them are together; v shows the 500 VMs that could return most. A page of 500 hosts is\n"
        "asked for each second. Enter explains one, s sorts, / filters, ? has all keys, q quits.\n"
        "Actions are each host's own: vmreclaim -H ssh://HOST top.",
    .example = "vmreclaim fleet top --hosts label:rack=2",
    .see_also = "fleet hosts; fleet vms; fleet explain; top, for this host alone",
    .options = fleet_hosts_options,
    .run = run,
};
