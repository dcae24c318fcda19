/* Lines about VMs and a policy. */
#include "controller/cli/policy-results.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/util.h"
#include "controller/cli/cli.h"

#define OUTCOME(name) VMRECLAIM__CONTROLLER__V1__POLICY_OUTCOME__POLICY_OUTCOME_##name

static const char *outcome_text(const PolicyResult *result)
{
    switch ((int)result->outcome) {
    case OUTCOME(IN_FORCE):
        return result->unchanged ? "in force already" : "in force now";
    case OUTCOME(PENDING):
        return "waits for its agent: ";
    case OUTCOME(REFUSED):
        return "refused: ";
    case OUTCOME(OVERRIDDEN):
        return "not for it: ";
    default:
        return "unknown outcome: ";
    }
}

static void print_keys(const char *before, char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fputs(i == 0 ? before : ", ", stdout);
        print_text(keys[i]);
    }
}

/* No policy is for it any more. */
static void print_own(const PolicyResult *result)
{
    if (result->own_profile[0] == '\0') {
        fputs("its guest's own configuration: ", stdout);
        return;
    }
    fputs(result->own_is_default ? "its agent's default, profile "
                                 : "its guest's own configuration, profile ",
          stdout);
    print_text(result->own_profile);
    fputs(": ", stdout);
}

static void print_policy(const PolicyResult *result)
{
    if (result->policy[0] == '\0') {
        print_own(result);
        return;
    }
    fputs("policy ", stdout);
    print_text(result->policy);
    if (result->selector[0] != '\0') {
        fputs(", assigned to ", stdout);
        print_text(result->selector);
    } else if (result->revision == 0)
        fputs(", of its file", stdout);
    fputs(": ", stdout);
}

static void print_result(const PolicyResult *result, int width, bool with_policy)
{
    int length = (int)strlen(result->vm);

    fputs("  ", stdout);
    print_text(result->vm);
    printf("%*s  ", length < width ? width - length : 0, "");
    if (with_policy)
        print_policy(result);
    fputs(outcome_text(result), stdout);
    print_text(result->reason);
    print_keys("; the guest does not know ", result->unsupported_keys, result->n_unsupported_keys);
    print_keys("; capped by the guest's own configuration: ", result->capped_keys,
               result->n_capped_keys);
    putchar('\n');
}

static int exit_code_of(PolicyResult *const *results, size_t count)
{
    size_t taken = 0;
    size_t refused = 0;

    for (size_t i = 0; i < count; i++) {
        taken +=
            results[i]->outcome == OUTCOME(IN_FORCE) || results[i]->outcome == OUTCOME(PENDING);
        refused += results[i]->outcome == OUTCOME(REFUSED);
    }
    if (taken == 0 && refused > 0)
        return EXIT_REFUSED;
    return refused > 0 || (taken == 0 && count > 0) ? EXIT_PARTIAL : EXIT_DONE;
}

static int print_results(PolicyResult *const *results, size_t count, uint32_t omitted,
                         bool with_policies)
{
    int width = 0;

    for (size_t i = 0; i < count; i++)
        width = max_of(width, (int)strlen(results[i]->vm));
    for (size_t i = 0; i < count; i++)
        print_result(results[i], width, with_policies);
    if (omitted > 0)
        printf("  and %" PRIu32 " VMs more, about which there was no room to tell\n", omitted);
    return exit_code_of(results, count);
}

int policy_results_print(PolicyResult *const *results, size_t count, char *const *vms,
                         size_t vm_count, uint32_t omitted)
{
    if (count == 0 && vm_count > 0) {
        print_keys("  assigned to ", vms, vm_count);
        puts("; whether it is in force there an older daemon does not say");
    }
    return print_results(results, count, omitted, false);
}

int policy_results_json(const ProtobufCMessage *message, PolicyResult *const *results, size_t count)
{
    int r = print_json(message);

    return r == EXIT_DONE ? exit_code_of(results, count) : r;
}

int policy_results_show(const struct policy_withdrawal *withdrawal, const ProtobufCMessage *answer,
                        PolicyResult *const *results, size_t count, uint32_t omitted)
{
    if (withdrawal->cli->json)
        return policy_results_json(answer, results, count);
    withdrawal->print_head(answer, withdrawal->name);
    putchar('\n');
    if (count > 0)
        puts("instead:");
    return print_results(results, count, omitted, true);
}
