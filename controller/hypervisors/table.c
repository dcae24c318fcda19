/* The table of drivers. */
#include "controller/hypervisors/table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/text.h"
#include "controller/hypervisors/modules.h"

#define MODULES_MAX 16

/* What is loaded is the process's, as the code is. */
static const struct driver *modules[MODULES_MAX];
static size_t module_count;
static const char *module_directory = DRIVER_DIRECTORY;

void driver_set_directory(const char *directory)
{
    module_directory = directory;
}

bool driver_is_called(const struct driver *driver, const char *name)
{
    return strcmp(driver->name, name) == 0 ||
           (driver->old_name != NULL && strcmp(driver->old_name, name) == 0);
}

static const struct driver *find_known(const char *name)
{
    for (size_t i = 0; builtin_drivers[i] != NULL; i++)
        if (driver_is_called(builtin_drivers[i], name))
            return builtin_drivers[i];
    for (size_t i = 0; i < module_count; i++)
        if (driver_is_called(modules[i], name))
            return modules[i];
    return NULL;
}

static int is_unknown(const char *name, struct error *error)
{
    char known[128] = "";
    size_t used = 0;

    for (size_t i = 0; builtin_drivers[i] != NULL && used < sizeof(known); i++)
        used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", i == 0 ? "" : ", ",
                                 builtin_drivers[i]->name);
    return error_set(error, -EINVAL,
                     "there is no driver '%s'; built in are %s, others are looked for in %s",
                     TEXT_CUT(name, 32), known, module_directory);
}

int driver_find(const char *name, const struct driver **ret_driver, struct error *error)
{
    const struct driver *driver = find_known(name);
    int r;

    if (driver == NULL) {
        if (module_count == MODULES_MAX)
            return error_set(error, -EINVAL, "more than %d drivers are loaded", MODULES_MAX);
        r = driver_module_load(module_directory, name, &driver, error);
        if (r == -ENOENT)
            return is_unknown(name, error);
        if (r < 0)
            return r;
        modules[module_count++] = driver;
    }
    *ret_driver = driver;
    return 0;
}
