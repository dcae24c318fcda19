/* Loads drivers. */
#include "controller/hypervisors/modules.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/text.h"

#define SYMBOL "vmreclaim_driver"

static int check_owner(const char *name, const char *path, const struct stat *file,
                       struct error *error)
{
    if (file->st_uid != 0 && file->st_uid != geteuid())
        return error_set(error, -EACCES,
                         "driver '%s' is refused: %s belongs to user %u; it must be root's", name,
                         path, (unsigned)file->st_uid);
    if ((file->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return error_set(error, -EACCES,
                         "driver '%s' is refused: others may write to %s; run chmod go-w on it",
                         name, path);
    return 0;
}

/* Nobody else can put another file there: what was looked at is what is loaded. */
static int check_files(const char *directory, const char *name, const char *path,
                       struct error *error)
{
    struct stat file;
    int r;

    if (lstat(path, &file) < 0)
        return error_set(error, -errno, "there is no driver '%s': %s: %s", name, path,
                         strerror(errno));
    if (!S_ISREG(file.st_mode))
        return error_set(error, -EACCES, "driver '%s' is refused: %s is not a file", name, path);
    r = check_owner(name, path, &file, error);
    if (r < 0)
        return r;
    if (stat(directory, &file) < 0)
        return error_set(error, -errno, "driver '%s': %s: %s", name, directory, strerror(errno));
    return check_owner(name, directory, &file, error);
}

static int check_driver(const char *name, const char *path, const struct driver *driver,
                        struct error *error)
{
    if (driver->abi != DRIVER_ABI)
        return error_set(error, -ENOEXEC,
                         "driver '%s' is refused: %s has ABI %u, this vmreclaimd %d; install "
                         "both of one version",
                         name, path, driver->abi, DRIVER_ABI);
    if (strcmp(driver->name, name) != 0)
        return error_set(error, -ENOEXEC, "driver '%s' is refused: %s is driver '%s'", name, path,
                         TEXT_CUT(driver->name, 32));
    return 0;
}

int driver_module_load(const char *directory, const char *name, const struct driver **ret_driver,
                       struct error *error)
{
    const struct driver *const *symbol;
    char path[PATH_MAX];
    void *module;
    int r;

    if (strspn(name, "abcdefghijklmnopqrstuvwxyz-") != strlen(name) ||
        snprintf(path, sizeof(path), "%s/%s.so", directory, name) >= (int)sizeof(path))
        return error_set(error, -ENOENT, "there is no driver '%s'", TEXT_CUT(name, 32));
    r = check_files(directory, name, path, error);
    if (r < 0)
        return r;
    module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (module == NULL)
        return error_set(error, -ENOEXEC, "driver '%s' cannot be loaded: %s", name, dlerror());
    symbol = dlsym(module, SYMBOL);
    if (symbol == NULL)
        return error_set(error, -ENOEXEC, "driver '%s' is refused: %s is no driver", name, path);
    r = check_driver(name, path, *symbol, error);
    if (r == 0)
        *ret_driver = *symbol;
    return r;
}
