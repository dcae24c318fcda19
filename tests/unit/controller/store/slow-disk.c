/* SQLite's own file system, with a sync that can be held. */
#include "tests/unit/controller/store/slow-disk.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

static uv_mutex_t lock;
static uv_cond_t changed;
static bool is_held;
static unsigned waiting;
static unsigned syncs;

static sqlite3_vfs disk;
static const sqlite3_vfs *real;
/* Of databases, and of files without locks. */
static const sqlite3_io_methods *real_methods[2];
static sqlite3_io_methods methods[2];

static int sync_when_let(sqlite3_file *file, int flags)
{
    uv_mutex_lock(&lock);
    waiting++;
    syncs++;
    uv_cond_broadcast(&changed);
    while (is_held)
        uv_cond_wait(&changed, &lock);
    waiting--;
    uv_mutex_unlock(&lock);
    return real_methods[file->pMethods - methods]->xSync(file, flags);
}

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                     int *ret_flags)
{
    int kind = (flags & SQLITE_OPEN_MAIN_DB) == 0;
    int r = real->xOpen((sqlite3_vfs *)real, name, file, flags, ret_flags);

    if (r != SQLITE_OK)
        return r;
    uv_mutex_lock(&lock);
    real_methods[kind] = file->pMethods;
    methods[kind] = *file->pMethods;
    methods[kind].xSync = sync_when_let;
    uv_mutex_unlock(&lock);
    file->pMethods = &methods[kind];
    return r;
}

void slow_disk_install(void)
{
    if (real != NULL)
        return;
    (void)uv_mutex_init(&lock);
    (void)uv_cond_init(&changed);
    real = sqlite3_vfs_find(NULL);
    disk = *real;
    disk.zName = "slow-disk";
    disk.xOpen = open_file;
    disk.pNext = NULL;
    (void)sqlite3_vfs_register(&disk, 1);
}

static void set_held(bool held)
{
    uv_mutex_lock(&lock);
    is_held = held;
    uv_cond_broadcast(&changed);
    uv_mutex_unlock(&lock);
}

void slow_disk_hold(void)
{
    set_held(true);
}

void slow_disk_let_go(void)
{
    set_held(false);
}

void slow_disk_await(void)
{
    uv_mutex_lock(&lock);
    while (waiting == 0)
        uv_cond_wait(&changed, &lock);
    uv_mutex_unlock(&lock);
}

unsigned slow_disk_syncs(void)
{
    uv_mutex_lock(&lock);
    unsigned count = syncs;
    uv_mutex_unlock(&lock);
    return count;
}
