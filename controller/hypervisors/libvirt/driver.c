/* The driver for libvirt. */
#include "controller/hypervisors/driver.h"

#include <string.h>

#include "controller/hypervisors/libvirt/address.h"
#include "controller/hypervisors/libvirt/discoveries.h"
#include "controller/hypervisors/libvirt/sessions.h"

static int check(const char *where, struct error *error)
{
    struct domain_address address;

    return address_parse_domain(where, &address, error);
}

static void uuid_of(const char *where, char ret_uuid[DRIVER_UUID_SIZE])
{
    struct domain_address address;

    if (address_parse_domain(where, &address, NULL) < 0)
        address.uuid[0] = '\0';
    memcpy(ret_uuid, address.uuid, DRIVER_UUID_SIZE);
}

const struct driver libvirt_driver = {
    .abi = DRIVER_ABI,
    .name = "libvirt",
    .check = check,
    .uuid = uuid_of,
    .open = session_open,
    .close = session_close,
    .tick = session_tick,
    .start = session_start,
    .heard = session_heard,
    .suggest_name = address_name_domain,
    .check_place = address_check_uri,
    .discover = discovery_open,
    .discover_tick = discovery_tick,
    .discover_close = discovery_close,
};
