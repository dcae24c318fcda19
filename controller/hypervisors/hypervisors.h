/* The addresses of hypervisors.
 *
 * An address is "DRIVER:WHERE", as in "qemu:/run/qemu/web-1.qmp"; only the driver knows what WHERE
 * means. What a driver was called before is understood and never written. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_HYPERVISORS_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_HYPERVISORS_H

#include "common/base/error.h"
#include "controller/hypervisors/driver.h"

#define HYPERVISOR_ADDRESS_SIZE (DRIVER_WHERE_SIZE + 32)

/* All zero: there is none. */
struct hypervisor_address {
    const struct driver *driver;
    char text[HYPERVISOR_ADDRESS_SIZE]; /* with the driver's name of today */
};

/* "anonymous", "memfd", ...; "" when unknown. */
const char *memory_backing_name(enum memory_backing backing);

/* "DRIVER:WHERE". -EINVAL, and `error` says what the driver expects; or as driver_find. */
int hypervisor_address_parse(const char *text, struct hypervisor_address *ret_address,
                             struct error *error);

/* The same from its parts. */
int hypervisor_address_join(const char *driver, const char *where,
                            struct hypervisor_address *ret_address, struct error *error);

/* The part after the driver's name; "" of an address that is none. */
const char *hypervisor_address_where(const struct hypervisor_address *address);

/* Where VMs are found, "DRIVER:DIRECTORY", or "DRIVER:PLACE" of a driver that reports many.
 * -EINVAL: not that, or the driver finds none. */
int hypervisor_place_parse(const char *text, struct hypervisor_address *ret_place,
                           struct error *error);

/* The VMs at a place; the caller frees the array. */
int hypervisor_place_find(const struct hypervisor_address *place,
                          struct hypervisor_address **ret_addresses, size_t *ret_count,
                          struct error *error);

#endif
