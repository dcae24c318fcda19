/* Addresses, places, and names of what drivers report. */
#include "controller/hypervisors/hypervisors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/directory.h"
#include "controller/hypervisors/table.h"

/* Without the driver's check. */
static int put_together(const struct driver *driver, const char *where,
                        struct hypervisor_address *address, struct error *error)
{
    int length = snprintf(address->text, sizeof(address->text), "%s:%s", driver->name, where);

    if (length < 0 || (size_t)length >= sizeof(address->text))
        return error_set(error, -EINVAL, "an address has at most %d characters",
                         HYPERVISOR_ADDRESS_SIZE - 1);
    address->driver = driver;
    return 0;
}

int hypervisor_address_join(const char *driver_name, const char *where,
                            struct hypervisor_address *ret_address, struct error *error)
{
    const struct driver *driver;
    struct hypervisor_address address;
    int r = driver_find(driver_name, &driver, error);

    if (r == 0)
        r = driver->check(where, error);
    if (r == 0)
        r = put_together(driver, where, &address, error);
    if (r == 0)
        *ret_address = address;
    return r;
}

/* Splits "DRIVER:WHERE". */
static int split(const char *text, char *name, size_t size, const char **ret_where,
                 struct error *error)
{
    const char *colon = strchr(text, ':');

    if (colon == NULL || colon == text || (size_t)(colon - text) >= size)
        return error_set(error, -EINVAL,
                         "'%s' is not of the form DRIVER:WHERE, as in qemu:/run/qemu/web-1.qmp",
                         text);
    snprintf(name, size, "%.*s", (int)(colon - text), text);
    *ret_where = colon + 1;
    return 0;
}

int hypervisor_address_parse(const char *text, struct hypervisor_address *ret_address,
                             struct error *error)
{
    const char *where;
    char name[32];
    int r = split(text, name, sizeof(name), &where, error);

    return r < 0 ? r : hypervisor_address_join(name, where, ret_address, error);
}

const char *hypervisor_address_where(const struct hypervisor_address *address)
{
    return address->driver == NULL ? "" : address->text + strlen(address->driver->name) + 1;
}

/* ---- places ---- */

int hypervisor_place_parse(const char *text, struct hypervisor_address *ret_place,
                           struct error *error)
{
    struct hypervisor_address place;
    const struct driver *driver;
    const char *where;
    char name[32];
    int r = split(text, name, sizeof(name), &where, error);

    if (r < 0)
        return r;
    r = driver_find(name, &driver, error);
    if (r < 0)
        return r;
    if (driver->discover != NULL)
        r = driver->check_place(where, error);
    else if (driver->is_vm == NULL)
        r = error_set(error, -EINVAL, "driver '%s' finds no VMs in a directory", driver->name);
    else if (where[0] != '/')
        r = error_set(error, -EINVAL, "'%s' is not an absolute path", where);
    if (r < 0)
        return r;
    r = put_together(driver, where, &place, error);
    if (r == 0)
        *ret_place = place;
    return r;
}

static int keep_vms(const struct driver *driver, char *const *paths, size_t count,
                    struct hypervisor_address *addresses, size_t *ret_kept, struct error *error)
{
    size_t kept = 0;
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++)
        if (driver->is_vm(paths[i]))
            r = put_together(driver, paths[i], &addresses[kept++], error);
    if (r == 0)
        *ret_kept = kept;
    return r;
}

int hypervisor_place_find(const struct hypervisor_address *place,
                          struct hypervisor_address **ret_addresses, size_t *ret_count,
                          struct error *error)
{
    const char *directory = hypervisor_address_where(place);
    struct hypervisor_address *addresses;
    char **paths;
    size_t count;
    int r = directory_list(directory, &paths, &count);

    if (r < 0)
        return error_set(error, r, "cannot read directory %s: %s", directory, strerror(-r));
    addresses = calloc(count + 1, sizeof(*addresses));
    r = addresses == NULL ? error_set(error, -ENOMEM, "out of memory")
                          : keep_vms(place->driver, paths, count, addresses, ret_count, error);
    directory_list_free(paths, count);
    if (r == 0)
        *ret_addresses = addresses;
    else
        free(addresses);
    return r;
}

/* ---- names ---- */

const char *memory_backing_name(enum memory_backing backing)
{
    static const char *const names[] = {
        [MEMORY_BACKING_UNKNOWN] = "",        [MEMORY_BACKING_ANONYMOUS] = "anonymous",
        [MEMORY_BACKING_MEMFD] = "memfd",     [MEMORY_BACKING_FILE] = "file",
        [MEMORY_BACKING_HUGETLB] = "hugetlb",
    };

    return names[backing];
}
