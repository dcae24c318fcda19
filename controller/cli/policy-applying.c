/* Applying policies. */
#include "controller/cli/policy-applying.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/text.h"
#include "controller/cli/interrupt.h"
#include "controller/cli/messages.h"
#include "controller/cli/policy-results.h"
#include "controller/cli/table.h"

typedef Vmreclaim__Controller__V1__ApplyVmPolicyRequest Request;
typedef Vmreclaim__Controller__V1__ApplyVmPolicyResponse Response;

/* One that is under way. */
struct run {
    const struct cli *cli;
    const struct policy_applying *applying;
    struct error *refusal;
    int code;
};

/* Nobody is meant: said aloud, for a selector with a slip in it looks the same. */
static void print_none(const char *vm)
{
    if (vm[0] == '\0')
        puts("it is assigned to no VM yet; assign it with --vm");
    else
        (void)fail(EXIT_DONE,
                   "warning: \"%s\" means no VM now; those that come later will get the policy",
                   vm);
}

/* A daemon of before does not know what a text was made from. */
static void check_revision(const Response *response, uint64_t made_from)
{
    if (made_from != 0 && response->revision > made_from + 1)
        (void)fail(EXIT_DONE,
                   "warning: revision %" PRIu64 " was made meanwhile by somebody else, and is not "
                   "in force any more\nSee: vmreclaim policy diff %s",
                   response->revision - 1, response->name);
}

static int print(const Response *response, const struct policy_applying *applying)
{
    fputs("policy ", stdout);
    print_text(response->name);
    printf(", revision %" PRIu64 ", is stored\n", response->revision);
    check_revision(response, applying->made_from);
    if (response->selects_none || (response->n_results == 0 && response->n_vms == 0))
        print_none(applying->vm);
    return policy_results_print(response->results, response->n_results, response->vms,
                                response->n_vms, response->results_omitted);
}

static int show(const ProtobufCMessage *message, void *userdata)
{
    const struct run *run = userdata;
    const Response *response = (const void *)message;

    return run->cli->json ? policy_results_json(message, response->results, response->n_results)
                          : print(response, run->applying);
}

static Request make_request(const struct policy_applying *applying)
{
    Request request = VMRECLAIM__CONTROLLER__V1__APPLY_VM_POLICY_REQUEST__INIT;
    const char *author = getlogin();

    request.vm = (char *)applying->vm;
    request.source = (char *)applying->text;
    request.source_name = (char *)applying->source;
    request.made_from = applying->made_from;
    if (applying->made_from_hash != NULL)
        request.made_from_hash = (char *)applying->made_from_hash;
    request.author = (char *)(author == NULL ? "" : author);
    return request;
}

int policy_applying_run(struct cli *cli, const struct policy_applying *applying)
{
    struct run run = {.cli = cli, .applying = applying};
    Request request = make_request(applying);

    return client_fetch(cli, "ApplyPolicy", &request.base, show, &run);
}

static void on_told(size_t index, int code, const ProtobufCMessage *response, const char *words,
                    void *userdata)
{
    struct run *run = userdata;

    if (response != NULL)
        run->code = show(response, run);
    else if (code == EXIT_USAGE)
        run->code = code;
    else
        run->code = fail(code, "%s", words);
    text_copy_line(run->refusal->text, sizeof(run->refusal->text), words);
}

int policy_applying_try(struct cli *cli, const struct policy_applying *applying,
                        struct error *refusal)
{
    struct run run = {.cli = cli, .applying = applying, .refusal = refusal, .code = EXIT_DONE};
    Request request = make_request(applying);
    ProtobufCMessage *requests[] = {&request.base};
    int code = client_each(cli, "ApplyPolicy", requests, 1, on_told, &run);

    return code != EXIT_DONE ? code : run.code;
}

/* ---- what would become of it ---- */

typedef Vmreclaim__Controller__V1__PlanPolicyResponse Plan;
typedef Vmreclaim__Controller__V1__PlannedPolicy Planned;

static void add_planned(struct table *table, const Planned *vm)
{
    table_row(table);
    table_cell(table, "%s", vm->vm);
    if (vm->policy_now[0] == '\0')
        table_cell(table, "-");
    else
        table_cell(table, "%s, %" PRIu64, vm->policy_now, vm->revision_now);
    table_cell(table, "%s%s%s", vm->outcome, vm->reason[0] == '\0' ? "" : ": ", vm->reason);
}

static int print_plan(const ProtobufCMessage *message, void *userdata)
{
    static const struct table_column columns[] = {
        {"NAME", 0}, {"HAS NOW", 0}, {"WOULD BE", TABLE_WRAP}};
    const struct policy_applying *applying = userdata;
    const Plan *plan = (const void *)message;
    struct table table;

    fputs("policy ", stdout);
    print_text(plan->name);
    printf(", revision %" PRIu64 ", would be stored\n", plan->revision);
    if (plan->selects_none || plan->n_vms == 0)
        print_none(applying->vm);
    table_init(&table, columns, ARRAY_SIZE(columns));
    for (size_t i = 0; i < plan->n_vms; i++)
        add_planned(&table, plan->vms[i]);
    if (plan->omitted > 0)
        printf("and %" PRIu32 " more VMs\n", plan->omitted);
    return table_finish(&table, "");
}

int policy_applying_plan(struct cli *cli, const struct policy_applying *applying)
{
    Vmreclaim__Controller__V1__PlanPolicyRequest plan =
        VMRECLAIM__CONTROLLER__V1__PLAN_POLICY_REQUEST__INIT;
    Request request = make_request(applying);

    interrupt_set_trace(NULL);
    plan.apply = &request;
    return client_call(cli, "PlanPolicy", &plan.base, print_plan, (void *)applying);
}
