/* vmreclaim fleet policy show NAME */
#include <inttypes.h>
#include <stdio.h>

#include "controller/cli/fleet/fleet.h"

typedef Vmreclaim__Fleet__V1__GetFleetPolicyResponse Response;
typedef Vmreclaim__Fleet__V1__FleetPolicyText Text;
typedef Vmreclaim__Fleet__V1__FleetPolicyHost Exception;

static void print_counts(const FleetPolicy *policy)
{
    fputs("# ", stdout);
    print_text(policy->name);
    printf(": wanted of %" PRIu32 " hosts, in force on %" PRIu32 ", waits on %" PRIu32 "\n"
           "# pinned on %" PRIu32 ", refused by %" PRIu32 ", left on %" PRIu32 "\n",
           policy->wanted, policy->in_force, policy->waits, policy->pinned, policy->refused,
           policy->left);
}

static void print_exception(const Exception *exception)
{
    printf("#   ");
    print_text(exception->host);
    printf(": %s", fleet_policy_state_name(exception->state));
    if (exception->reason[0] != '\0') {
        fputs(": ", stdout);
        print_text(exception->reason);
    }
    putchar('\n');
}

/* Each can be given to fleet rollout start again: what is said of it is a comment. */
static void print_one(const Text *text)
{
    char digest[FLEET_DIGEST_SIZE];

    printf("# text %s, wanted of %" PRIu32 " hosts", fleet_digest_text(&text->digest, digest),
           text->hosts);
    if (text->rollout[0] != '\0') {
        fputs(", by rollout ", stdout);
        print_text(text->rollout);
    }
    for (size_t i = 0; i < text->n_selectors; i++) {
        fputs(i == 0 ? "\n# for " : ", ", stdout);
        print_text(text->selectors[i]);
    }
    putchar('\n');
    print_lines(text->text[0] == '\0' ? "# it was replaced meanwhile\n" : text->text);
}

static int print(const ProtobufCMessage *message, void *userdata)
{
    const Response *response = (const Response *)message;

    if (response->policy == NULL)
        return fail(EXIT_FAILED, "the coordinator's answer has no policy in it");
    print_counts(response->policy);
    for (size_t i = 0; i < response->n_hosts; i++)
        print_exception(response->hosts[i]);
    for (size_t i = 0; i < response->n_texts; i++) {
        if (i > 0)
            puts("---");
        print_one(response->texts[i]);
    }
    return EXIT_DONE;
}

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Fleet__V1__GetFleetPolicyRequest request =
        VMRECLAIM__FLEET__V1__GET_FLEET_POLICY_REQUEST__INIT;
    struct cli fleet = fleet_cli(cli);

    request.name = operands[0];
    request.selector = (char *)fleet_hosts;
    return client_call(&fleet, "GetFleetPolicy", &request.base, print, NULL);
}

const struct command command_fleet_policy_show = {
    .name = "fleet policy show",
    .operands = "NAME",
    .operand_count = 1,
    .summary = "the text of a policy of the fleet, and where it is not in force",
    .description =
        "Each text of it that hosts want, that of most hosts first, eight at most. Before it as\n"
        "comments how many hosts have it, and the first hundred hosts that have not, with why.",
    .example = "vmreclaim fleet policy show night",
    .see_also = "fleet policy list; fleet policy why; fleet rollout status",
    .options = fleet_hosts_options,
    .run = run,
};
