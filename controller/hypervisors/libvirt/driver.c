/* The driver for libvirt. */
#include "controller/hypervisors/driver.h"

#include "controller/hypervisors/libvirt/address.h"
#include "controller/hypervisors/libvirt/discoveries.h"
#include "controller/hypervisors/libvirt/sessions.h"

static int check(const char *where, struct error *error)
{
    struct domain_address address;

    return address_parse_domain(where, &address, error);
}

const struct driver libvirt_driver = {
    .abi = DRIVER_ABI,
    .name = "libvirt",
    .check = check,
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
