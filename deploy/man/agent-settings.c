/* Fills agent.conf(5) with the agent's own keys. */
#include "agent/config/configuration.h"
#include "common/base/util.h"
#include "deploy/man/setting.h"

int main(void)
{
    const struct configuration_key *key;
    struct setting settings[32];
    size_t count = 0;

    while (count < ARRAY_SIZE(settings) && (key = configuration_key(count)) != NULL) {
        settings[count] =
            (struct setting){key->name, key->type, key->standard, key->since, .is_fixed = false};
        count++;
    }
    return setting_fill_page(settings, count);
}
