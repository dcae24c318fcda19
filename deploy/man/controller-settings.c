/* Fills vmreclaimd.yaml(5) or vmreclaim-vm(5). usage: controller-settings daemon|vm */
#include <string.h>

#include "common/base/util.h"
#include "controller/config/daemon-config.h"
#include "controller/config/vm-file.h"
#include "deploy/man/setting.h"

int main(int argc, char **argv)
{
    const struct keys *keys = argc == 2 && strcmp(argv[1], "vm") == 0 ? &vm_keys : &daemon_keys;
    struct setting settings[64];
    size_t count = min_of(keys->count, ARRAY_SIZE(settings));

    for (size_t i = 0; i < count; i++) {
        const struct key *key = &keys->list[i];

        settings[i] =
            (struct setting){key->name, key->type, key->standard, key->since, key->is_fixed};
    }
    return setting_fill_page(settings, count);
}
