/* Addresses of domains, "URI#UUID", and URIs of libvirt. Pure. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_ADDRESS_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_ADDRESS_H

#include <stddef.h>

#include "common/base/error.h"
#include "controller/hypervisors/driver.h"
#include "controller/hypervisors/libvirt/connection.h"

struct domain_address {
    char uri[CONNECTION_URI_SIZE];
    char uuid[DRIVER_UUID_SIZE]; /* lower case */
};

/* A URI of this host's libvirt whose domains have processes here. -EINVAL. */
int address_check_uri(const char *uri, struct error *error);

/* -EINVAL, and `error` says what is expected. */
int address_parse_domain(const char *where, struct domain_address *ret_address,
                         struct error *error);

/* The inverse. */
void address_format_domain(const char *uri, const char *uuid, char where[DRIVER_WHERE_SIZE]);

/* What a domain is called that nobody named: "domain-20b51cfa". */
void address_name_domain(const char *where, char *name, size_t size);

#endif
