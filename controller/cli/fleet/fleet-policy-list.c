/* vmreclaim fleet policy list */
#include "controller/cli/fleet/fleet.h"
#include "controller/cli/list.h"

static void get_digest(const struct list_row *row, struct list_value *value)
{
    char text[FLEET_DIGEST_SIZE];

    list_text(value, "%s", fleet_digest_text(&((const FleetPolicy *)row->message)->digest, text));
}

static void get_refused(const struct list_row *row, struct list_value *value)
{
    uint32_t refused = ((const FleetPolicy *)row->message)->refused;

    list_number(value, true, refused);
    if (refused > 0)
        value->color = COLOR_BAD;
}

static const struct list_column columns[] = {
    {"name", "NAME", LIST_TEXT, LIST_NAME | LIST_SHORTEN, "name", NULL, "what it is called"},
    {"wanted", "WANTED", LIST_NUMBER, 0, "wanted", NULL, "of so many hosts"},
    {"in-force", "IN FORCE", LIST_NUMBER, 0, "in_force", NULL, "on so many, as it is wanted"},
    {"waits", "WAITS", LIST_NUMBER, 0, "waits", NULL, "so many have not said that they have it"},
    {"pinned", "PINNED", LIST_NUMBER, 0, "pinned", NULL, "their own operators hold it"},
    {"refused", "REFUSED", LIST_NUMBER, 0, NULL, get_refused, "so many took nothing"},
    {"left", "LEFT", LIST_NUMBER, LIST_WIDE, "left", NULL, "have it, though it is not wanted"},
    {"texts", "TEXTS", LIST_NUMBER, 0, "texts", NULL, "different ones that are wanted"},
    {"rollout", "ROLLOUT", LIST_TEXT, LIST_CUT, "rollout", NULL, "that brought what most want"},
    {"digest", "DIGEST", LIST_TEXT, LIST_WIDE, NULL, get_digest,
     "of that, its SHA-256's beginning"},
    {NULL, NULL, LIST_TEXT, 0, NULL, NULL, NULL},
};

static const struct list list = {
    .rows = "policies", .columns = columns, .empty = "No policy was rolled out yet."};

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Fleet__V1__ListFleetPoliciesRequest request =
        VMRECLAIM__FLEET__V1__LIST_FLEET_POLICIES_REQUEST__INIT;
    struct cli fleet = fleet_cli(cli);

    request.selector = (char *)fleet_hosts;
    return list_run(&fleet, &list, "ListFleetPolicies", &request.base, UINT64_MAX);
}

const struct command command_fleet_policy_list = {
    .name = "fleet policy list",
    .operands = "",
    .list = &list,
    .summary = "the fleet's policies, and on how many hosts each is in force",
    .description =
        "What the fleet wants of its hosts, and what became of it there. A host that waits\n"
        "may be lost, or has another text yet. What a host's own operator holds is pinned.",
    .example = "vmreclaim fleet policy list --hosts label:rack=2",
    .see_also = "fleet policy show; fleet policy why; policy list, for this host alone",
    .options = fleet_hosts_options,
    .run = run,
};
