/* Addresses of domains. */
#include "controller/hypervisors/libvirt/address.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "common/base/text.h"
#include "common/base/util.h"

#define UUID_LENGTH 36

int address_check_uri(const char *uri, struct error *error)
{
    /* Without a host: others' processes are not seen from here. "test" has none at all. */
    static const char *const begins[] = {"qemu:///", "qemu+unix:///", "test:///", "test+unix:///"};

    for (size_t i = 0; i < ARRAY_SIZE(begins); i++)
        if (strncmp(uri, begins[i], strlen(begins[i])) == 0 && strchr(uri, '#') == NULL &&
            strlen(uri) < CONNECTION_URI_SIZE)
            return 0;
    return error_set(error, -EINVAL,
                     "'%s' is not a URI of this host's libvirt, as in qemu:///system", uri);
}

static bool is_uuid(const char *text)
{
    if (strlen(text) != UUID_LENGTH)
        return false;
    for (size_t i = 0; i < UUID_LENGTH; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (is_dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
    }
    return true;
}

int address_parse_domain(const char *where, struct domain_address *ret_address, struct error *error)
{
    const char *hash = strrchr(where, '#');
    struct domain_address address = {0};

    if (hash == NULL || !is_uuid(hash + 1))
        return error_set(error, -EINVAL,
                         "'%s' is not the URI of libvirt, '#' and the UUID of a domain", where);
    text_copy_bytes(address.uri, sizeof(address.uri), where, (size_t)(hash - where));
    for (size_t i = 0; i < UUID_LENGTH; i++)
        address.uuid[i] = (char)tolower((unsigned char)hash[1 + i]);
    if ((size_t)(hash - where) >= sizeof(address.uri))
        return error_set(error, -EINVAL, "a URI of libvirt has at most %d characters",
                         CONNECTION_URI_SIZE - 1);
    if (address_check_uri(address.uri, error) < 0)
        return -EINVAL;
    *ret_address = address;
    return 0;
}

void address_format_domain(const char *uri, const char *uuid, char where[DRIVER_WHERE_SIZE])
{
    text_format(where, DRIVER_WHERE_SIZE, "%s#%s", uri, uuid);
}

void address_name_domain(const char *where, char *name, size_t size)
{
    const char *hash = strrchr(where, '#');

    text_format(name, size, "domain-%s", TEXT_CUT(hash == NULL ? where : hash + 1, 8));
}
