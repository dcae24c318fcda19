/* Prints the keys of a policy for vmreclaim-policy(5), in scdoc(5): the manual page comes from the
 * field table too. */
#include <stdio.h>

#include "common/policy/policy.h"
#include "deploy/man/scdoc.h"

static void print_defaults(const char *key)
{
    for (unsigned profile = 0; profile < POLICY_PROFILE_COUNT; profile++) {
        struct policy policy;
        char value[64];

        policy_init(&policy, (enum policy_profile)profile);
        (void)policy_get(&policy, key, value, sizeof(value));
        printf("%s%s _%s_", profile == 0 ? "\t" : ", ",
               policy_profile_name((enum policy_profile)profile), value);
    }
    fputs("\n\n", stdout);
}

int main(void)
{
    const char *key;

    fputs("# KEYS\n\nA value outside of its range is refused. Below each key: what it is in "
          "each profile. All are there since version 0.1.0.\n\n",
          stdout);
    for (size_t i = 0; (key = policy_key(i)) != NULL; i++) {
        char range[64];

        fputs("*", stdout);
        scdoc_print(key);
        printf("*: _%s_\n\t", policy_range(i, range, sizeof(range)));
        scdoc_print(policy_help(i));
        fputs(".\n", stdout);
        print_defaults(key);
    }
    fputs("# PROFILES\n\n", stdout);
    for (unsigned profile = 0; profile < POLICY_PROFILE_COUNT; profile++) {
        printf("*%s*\n\t", policy_profile_name((enum policy_profile)profile));
        scdoc_print(policy_profile_reason((enum policy_profile)profile));
        fputs(".\n\n", stdout);
    }
    return 0;
}
