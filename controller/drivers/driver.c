/* The drivers that are built in, and names of what they tell. */
#include "controller/drivers/driver.h"

#include <string.h>

#include "common/base/util.h"
#include "controller/drivers/qmp_driver.h"

static const struct driver *const drivers[] = {&qmp_driver};

const struct driver *driver_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
        if (drivers[i]->version == DRIVER_VERSION && strcmp(drivers[i]->name, name) == 0)
            return drivers[i];
    return NULL;
}

const char *memory_backing_name(enum memory_backing backing)
{
    static const char *const names[] = {
        [MEMORY_BACKING_UNKNOWN] = "",        [MEMORY_BACKING_ANONYMOUS] = "anonymous",
        [MEMORY_BACKING_MEMFD] = "memfd",     [MEMORY_BACKING_FILE] = "file",
        [MEMORY_BACKING_HUGETLB] = "hugetlb",
    };

    return names[backing];
}
