/* A driver's discovery that a test scripts: a module under libvirt's name, with the null driver's
 * sessions. Its place is a file that has a line "NAME UUID LABELS" for each VM; without the file
 * its daemon is away. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "controller/hypervisors/driver.h"

#define VMS_MAX 8

struct driver_discovery {
    char place[DRIVER_WHERE_SIZE];
    const struct driver_discovery_callbacks *callbacks;
    void *userdata;
    bool is_listed;
    struct driver_vm vms[VMS_MAX];
    size_t count;
};

/* False: its daemon is away. */
static bool read_script(const char *place, struct driver_vm *vms, size_t *ret_count)
{
    FILE *file = fopen(place, "r");
    char line[512];
    size_t count = 0;

    if (file == NULL)
        return false;
    while (count < VMS_MAX && fgets(line, sizeof(line), file) != NULL) {
        struct driver_vm vm = {.where = ""};

        if (sscanf(line, "%63s %36s %511s", vm.name, vm.uuid, vm.labels) < 2)
            continue;
        text_copy(vm.where, sizeof(vm.where), vm.name);
        vms[count++] = vm;
    }
    (void)fclose(file);
    *ret_count = count;
    return true;
}

/* NULL: it is not among them. */
static const struct driver_vm *find(const struct driver_vm *vms, size_t count, const char *where)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(vms[i].where, where) == 0)
            return &vms[i];
    return NULL;
}

static void discover_tick(struct driver_discovery *discovery, nsec_t now)
{
    struct driver_vm vms[VMS_MAX];
    struct error error;
    size_t count;

    if (!read_script(discovery->place, vms, &count)) {
        error_set(&error, -ENOTCONN, "%s: the script's daemon is away", discovery->place);
        discovery->callbacks->on_failed(-ENOTCONN, &error, discovery->userdata); /* closes it */
        return;
    }
    for (size_t i = 0; i < discovery->count; i++)
        if (find(vms, count, discovery->vms[i].where) == NULL)
            discovery->callbacks->on_vm_gone(discovery->vms[i].where, discovery->userdata);
    for (size_t i = 0; i < count; i++) {
        const struct driver_vm *known = find(discovery->vms, discovery->count, vms[i].where);

        if (known == NULL || memcmp(known, &vms[i], sizeof(vms[i])) != 0)
            discovery->callbacks->on_vm(&vms[i], discovery->userdata);
    }
    memcpy(discovery->vms, vms, sizeof(vms));
    discovery->count = count;
    if (!discovery->is_listed)
        discovery->callbacks->on_listed(discovery->userdata);
    discovery->is_listed = true;
}

static int discover(uv_loop_t *loop, const char *place, nsec_t timeout,
                    const struct driver_discovery_callbacks *callbacks, void *userdata,
                    struct driver_discovery **ret_discovery)
{
    struct driver_discovery *discovery = calloc(1, sizeof(*discovery));

    if (discovery == NULL)
        return -ENOMEM;
    text_copy(discovery->place, sizeof(discovery->place), place);
    discovery->callbacks = callbacks;
    discovery->userdata = userdata;
    *ret_discovery = discovery;
    return 0;
}

static void discover_close(struct driver_discovery *discovery)
{
    free(discovery);
}

static int check_place(const char *place, struct error *error)
{
    return place[0] == '/' ? 0 : error_set(error, -EINVAL, "'%s' is not a script's path", place);
}

static void suggest_name(const char *where, char *name, size_t size)
{
    text_copy(name, size, where);
}

extern const struct driver null_driver;
static struct driver driver;
extern const struct driver *const vmreclaim_driver;
__attribute__((visibility("default"))) const struct driver *const vmreclaim_driver = &driver;

__attribute__((constructor)) static void make_driver(void)
{
    driver = null_driver;
    driver.name = "libvirt";
    driver.suggest_name = suggest_name;
    driver.check_place = check_place;
    driver.discover = discover;
    driver.discover_tick = discover_tick;
    driver.discover_close = discover_close;
}
