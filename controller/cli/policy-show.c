/* vmreclaim policy show NAME, policy show --effective VM */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/text.h"
#include "common/base/time.h"
#include "controller/cli/cli.h"
#include "controller/cli/messages.h"
#include "controller/cli/table.h"
#include "controller/cli/when.h"

#define ORIGIN(name) VMRECLAIM__CONTROLLER__V1__SETTING_ORIGIN__SETTING_ORIGIN_##name

typedef Vmreclaim__Controller__V1__EffectiveSetting EffectiveSetting;
typedef Vmreclaim__Controller__V1__EffectiveSchedule EffectiveSchedule;
typedef Vmreclaim__Controller__V1__GetEffectivePolicyResponse GetEffectivePolicyResponse;

static uint64_t revision;
static bool effective;

/* ---- a stored policy ---- */

static int print(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__GetPolicyResponse *response = (const void *)message;
    const PolicyRevision *policy = response->policy;
    char time[32];

    if (policy == NULL)
        return fail(EXIT_FAILED, "the daemon answered without a policy");
    fputs("# ", stdout);
    print_text(policy->name);
    printf(", revision %" PRIu64 " of %s", policy->revision,
           when_format(policy->time_ns, time, sizeof(time)));
    if (policy->author[0] != '\0') {
        fputs(" by ", stdout);
        print_text(policy->author);
    }
    if (policy->rolled_back_to != 0)
        printf(", back to revision %" PRIu64, policy->rolled_back_to);
    putchar('\n');
    print_lines(policy->text);
    return EXIT_DONE;
}

/* ---- what a VM runs ---- */

static void print_head(const GetEffectivePolicyResponse *response)
{
    print_text(response->vm);
    fputs(" runs policy ", stdout);
    print_text(response->name[0] != '\0' ? response->name : "without a name");
    if (response->revision != 0)
        printf(", revision %" PRIu64, response->revision);
    else
        fputs(", of its file", stdout);
    fputs(", profile ", stdout);
    print_text(response->profile);
    fputs(response->pending ? "; pending: its agent has not taken it yet\n\n" : "\n\n", stdout);
}

static void format_origin(const GetEffectivePolicyResponse *response,
                          const EffectiveSetting *setting, char *buffer, size_t size)
{
    int used = 0;

    if (setting->origin == ORIGIN(GUEST))
        used = text_format(buffer, size, "the guest's limit (policy: %s)", setting->asked);
    else if (setting->origin == ORIGIN(PROFILE))
        used = text_format(buffer, size, "profile %s", response->profile);
    else if (response->revision != 0)
        used = text_format(buffer, size, "override, revision %" PRIu64, response->revision);
    else
        used = text_format(buffer, size, "override");
    if (setting->unsupported && used >= 0 && (size_t)used < size)
        text_format(buffer + used, size - (size_t)used, "; the agent does not know it");
}

static int print_settings(const GetEffectivePolicyResponse *response)
{
    static const struct table_column columns[] = {
        {"KEY", 0}, {"VALUE", TABLE_RIGHT}, {"FROM", TABLE_WRAP}};
    struct table table;
    char text[256];

    table_init(&table, columns, ARRAY_SIZE(columns));
    for (size_t i = 0; i < response->n_settings; i++) {
        const EffectiveSetting *setting = response->settings[i];
        table_row(&table);
        table_cell(&table, "%s", setting->key);
        table_cell(&table, "%s", setting->value[0] != '\0' ? setting->value : "unknown");
        format_origin(response, setting, text, sizeof(text));
        table_cell(&table, "%s", text);
    }
    return table_finish(&table, "");
}

static void print_schedule(const EffectiveSchedule *schedule)
{
    char duration[48];

    fputs("schedule: ", stdout);
    print_text(schedule->effect);
    fputs(" from \"", stdout);
    print_text(schedule->cron);
    printf("\" for %s, ", time_format_duration(schedule->duration_ns, duration, sizeof(duration)));
    print_text(schedule->zone[0] != '\0' ? schedule->zone : "UTC");
    printf(" (now UTC%+.4g h", schedule->utc_offset_seconds / 3600.0);
    if (schedule->offset_change_ns != 0) {
        char time[32];
        printf(", UTC%+.4g h from %s", schedule->utc_offset_after_seconds / 3600.0,
               when_format(schedule->offset_change_ns, time, sizeof(time)));
    }
    fputs(")\n", stdout);
}

static int print_effective(const ProtobufCMessage *message, void *userdata)
{
    const GetEffectivePolicyResponse *response = (const void *)message;

    print_head(response);
    int r = print_settings(response);
    if (r != EXIT_DONE)
        return r;
    if (response->n_schedules + response->n_unsupported_keys > 0)
        putchar('\n');
    for (size_t i = 0; i < response->n_schedules; i++)
        print_schedule(response->schedules[i]);
    for (size_t i = 0; i < response->n_unsupported_keys; i++) {
        fputs("the agent does not know: ", stdout);
        print_text(response->unsupported_keys[i]);
        putchar('\n');
    }
    return EXIT_DONE;
}

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__GetPolicyRequest stored =
        VMRECLAIM__CONTROLLER__V1__GET_POLICY_REQUEST__INIT;
    Vmreclaim__Controller__V1__GetEffectivePolicyRequest running =
        VMRECLAIM__CONTROLLER__V1__GET_EFFECTIVE_POLICY_REQUEST__INIT;

    if (effective && revision != 0)
        return fail(EXIT_USAGE, "policy show: --effective is about what a VM runs now, --revision "
                                "about what is stored; give one of them");
    stored.name = operands[0];
    stored.revision = revision;
    running.vm = operands[0];
    return effective ? client_call(cli, "GetEffectivePolicy", &running.base, print_effective, NULL)
                     : client_call(cli, "GetPolicy", &stored.base, print, NULL);
}

static const struct command_option options[] = {
    {"effective", 'e', OPTION_FLAG, NULL, "what a VM runs, each value with where it comes from",
     &effective, NULL},
    {"revision", 'r', OPTION_NUMBER, "N", "an older one (default: the newest)", &revision, NULL},
    {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
};

const struct command command_policy_show = {
    .name = "policy show",
    .operands = "NAME | -e VM",
    .operand_count = 1,
    .summary = "the text of a stored policy, or what a VM runs",
    .description =
        "Prints a policy as it was applied, with a comment that says which revision it is.\n"
        "What is printed can be applied again.\n"
        "With --effective NAME is a VM. Every key is shown with the value in force there and\n"
        "where it comes from: the profile, the policy's own text, or the guest's own limit. Keys\n"
        "that the agent does not know are marked.",
    .example = "vmreclaim policy show idle > idle.yaml",
    .see_also = "policy history, policy diff",
    .options = options,
    .run = run,
};
