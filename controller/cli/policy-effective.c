/* The policy that a VM runs, as a person reads it. */
#include "controller/cli/policy-effective.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/text.h"
#include "common/base/time.h"
#include "controller/cli/cli.h"
#include "controller/cli/table.h"
#include "controller/cli/when.h"

#define ORIGIN(name) VMRECLAIM__CONTROLLER__V1__SETTING_ORIGIN__SETTING_ORIGIN_##name

typedef Vmreclaim__Controller__V1__EffectiveSetting EffectiveSetting;
typedef Vmreclaim__Controller__V1__EffectiveSchedule EffectiveSchedule;

/* The policy that is for the VM, and by what. */
static void print_policy(const GetEffectivePolicyResponse *response)
{
    fputs(" runs policy ", stdout);
    print_text(response->name);
    if (response->revision != 0)
        printf(", revision %" PRIu64, response->revision);
    else
        fputs(", of its file", stdout);
    fputs(", profile ", stdout);
    print_text(response->profile);
    fputs(response->pending ? "; pending: its agent has not taken it yet" : "", stdout);
}

static bool is_set_in_guest(const GetEffectivePolicyResponse *response)
{
    for (size_t i = 0; i < response->n_settings; i++)
        if (response->settings[i]->origin == ORIGIN(OWN))
            return true;
    return false;
}

/* No policy is for the VM. */
static void print_own(const GetEffectivePolicyResponse *response)
{
    if (response->own_is_not_known) {
        fputs(" runs what its guest's own configuration says.\n"
              "What that is is not known: its agent is away, or too old to say",
              stdout);
        return;
    }
    fputs(is_set_in_guest(response)
              ? " runs its guest's own configuration, profile "
              : " runs its agent's default (nobody has set anything), profile ",
          stdout);
    print_text(response->profile);
}

static void print_head(const GetEffectivePolicyResponse *response)
{
    print_text(response->vm);
    if (response->name[0] != '\0')
        print_policy(response);
    else
        print_own(response);
    fputs("\n\n", stdout);
}

static int format_origin(const GetEffectivePolicyResponse *response,
                         const EffectiveSetting *setting, char *buffer, size_t size)
{
    switch ((int)setting->origin) {
    case ORIGIN(GUEST):
        return text_format(buffer, size, "the guest's limit (policy: %s)", setting->asked);
    case ORIGIN(PROFILE):
        return text_format(buffer, size, "profile %s", response->profile);
    case ORIGIN(DEFAULT):
        return text_format(buffer, size, "default");
    case ORIGIN(FILE):
        return text_format(buffer, size, "file %s", response->file);
    case ORIGIN(OWN):
        return text_format(buffer, size, "the guest's own configuration");
    default:
        return response->revision == 0 ? text_format(buffer, size, "override")
                                       : text_format(buffer, size, "policy %s, revision %" PRIu64,
                                                     response->name, response->revision);
    }
}

static void format_from(const GetEffectivePolicyResponse *response, const EffectiveSetting *setting,
                        char *buffer, size_t size)
{
    int used = format_origin(response, setting, buffer, size);

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
        format_from(response, setting, text, sizeof(text));
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

int policy_effective_print(const GetEffectivePolicyResponse *response)
{
    int r = EXIT_DONE;

    print_head(response);
    if (response->n_settings > 0)
        r = print_settings(response);
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
