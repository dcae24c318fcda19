/* The fleet's settings. */
#include "controller/config/fleet-settings.h"

#include <errno.h>
#include <string.h>

#include "common/base/text.h"

int fleet_set_host(struct fleet_settings *settings, const char *text, struct error *error)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t length = strlen(text);

    if (length == 0 || length >= sizeof(settings->host) || text[strspn(text, allowed)] != '\0')
        return error_set(error, -EINVAL,
                         "fleet_host '%s' is not 1 to %d letters, digits, '-' and '_'",
                         TEXT_CUT(text, 80), FLEET_HOST_SIZE - 1);
    memset(settings->host, 0, sizeof(settings->host));
    memcpy(settings->host, text, length);
    return 0;
}

int fleet_add_key(struct fleet_settings *settings, const char *text, struct error *error)
{
    struct signing_public_key key;
    int r = signing_public_key_parse(text, &key, error);

    if (r < 0)
        return error_prefix(error, r, "fleet_keys");
    for (size_t i = 0; i < settings->key_count; i++)
        if (memcmp(&settings->keys[i], &key, sizeof(key)) == 0)
            return error_set(error, -EINVAL, "fleet_keys: the same key twice");
    if (settings->key_count == FLEET_KEYS_MAX)
        return error_set(error, -EINVAL,
                         "fleet_keys: more than %d; take out the one that is not in use any more",
                         FLEET_KEYS_MAX);
    settings->keys[settings->key_count++] = key;
    return 0;
}

int fleet_set_policies(struct fleet_settings *settings, const char *text, struct error *error)
{
    if (strcmp(text, "apply") != 0 && strcmp(text, "refuse") != 0)
        return error_set(error, -EINVAL, "fleet_policies '%s' is neither apply nor refuse",
                         TEXT_CUT(text, 80));
    settings->refuses = text[0] == 'r';
    return 0;
}
