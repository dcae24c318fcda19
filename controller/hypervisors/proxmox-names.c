/* The thread that reads Proxmox VE's configurations. */
#include "controller/hypervisors/proxmox-names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/base/thread.h"
#include "controller/hypervisors/proxmox.h"

#define CONFIGURATION_MAX 65536

struct entry {
    unsigned vmid;
    struct driver_vm vm; /* its name, labels and the owner of its balloon */
};

struct proxmox_names {
    int root;
    uv_mutex_t lock;
    uv_cond_t is_read;
    /* ---- under the lock ---- */
    unsigned references; /* the owner, and the thread */
    bool is_reading;
    struct entry *entries; /* not replaced while the thread reads */
    size_t count;
};

static void unref(struct proxmox_names *names)
{
    bool is_last;

    uv_mutex_lock(&names->lock);
    is_last = --names->references == 0;
    uv_mutex_unlock(&names->lock);
    if (!is_last)
        return;
    uv_cond_destroy(&names->is_read);
    uv_mutex_destroy(&names->lock);
    close(names->root);
    free(names->entries);
    free(names);
}

/* ---- the thread ---- */

/* What cannot be read, or is not there, has neither name nor tags. */
static void read_one(int root, unsigned vmid, struct driver_vm *vm)
{
    cleanup_free char *text = NULL;
    char path[64];
    size_t length;

    snprintf(path, sizeof(path), "etc/pve/qemu-server/%u.conf", vmid);
    if (file_read(root, path, CONFIGURATION_MAX, &text, &length) == 0)
        proxmox_read(text, vm);
}

static void *read_all(void *userdata)
{
    struct proxmox_names *names = userdata;

    for (size_t i = 0; i < names->count; i++) {
        struct driver_vm vm = {.where = ""};

        read_one(names->root, names->entries[i].vmid, &vm);
        uv_mutex_lock(&names->lock);
        names->entries[i].vm = vm;
        uv_mutex_unlock(&names->lock);
    }
    uv_mutex_lock(&names->lock);
    names->is_reading = false;
    uv_cond_signal(&names->is_read);
    uv_mutex_unlock(&names->lock);
    unref(names);
    return NULL;
}

/* ---- who asks ---- */

/* Under the lock. NULL: it is not known. */
static struct entry *find(const struct proxmox_names *names, unsigned vmid)
{
    for (size_t i = 0; i < names->count; i++)
        if (names->entries[i].vmid == vmid)
            return &names->entries[i];
    return NULL;
}

/* Under the lock. What is known of them stays. */
static int replace(struct proxmox_names *names, const unsigned *vmids, size_t count)
{
    struct entry *entries = calloc(count + 1, sizeof(*entries));

    if (entries == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const struct entry *known = find(names, vmids[i]);

        if (known != NULL)
            entries[i] = *known;
        entries[i].vmid = vmids[i];
    }
    free(names->entries);
    names->entries = entries;
    names->count = count;
    return 0;
}

/* Under the lock. */
static int wait_for_it(struct proxmox_names *names)
{
    nsec_t end = time_monotonic() + PROXMOX_NAMES_WAIT;

    while (names->is_reading) {
        nsec_t now = time_monotonic();

        if (now >= end)
            return -ETIMEDOUT;
        (void)uv_cond_timedwait(&names->is_read, &names->lock, end - now);
    }
    return 0;
}

static int read_locked(struct proxmox_names *names, const unsigned *vmids, size_t count)
{
    int r;

    if (names->is_reading)
        return -EBUSY;
    r = replace(names, vmids, count);
    if (r < 0 || count == 0)
        return r;
    r = thread_start(read_all, names);
    if (r < 0)
        return r;
    names->is_reading = true;
    names->references++;
    return wait_for_it(names);
}

int proxmox_names_read(struct proxmox_names *names, const unsigned *vmids, size_t count)
{
    int r;

    uv_mutex_lock(&names->lock);
    r = read_locked(names, vmids, count);
    uv_mutex_unlock(&names->lock);
    return r;
}

void proxmox_names_describe(struct proxmox_names *names, struct driver_vm *vm)
{
    unsigned vmid = proxmox_vmid(vm->where);
    const struct entry *entry;

    if (vmid == 0)
        return;
    uv_mutex_lock(&names->lock);
    entry = find(names, vmid);
    if (entry != NULL && entry->vm.name[0] != '\0')
        memcpy(vm->name, entry->vm.name, sizeof(vm->name));
    if (entry != NULL) {
        memcpy(vm->labels, entry->vm.labels, sizeof(vm->labels));
        memcpy(vm->balloon_owner, entry->vm.balloon_owner, sizeof(vm->balloon_owner));
    }
    uv_mutex_unlock(&names->lock);
}

int proxmox_names_create(int root, struct proxmox_names **ret_names)
{
    struct proxmox_names *names = calloc(1, sizeof(*names));

    if (names == NULL)
        return -ENOMEM;
    names->root = fcntl(root, F_DUPFD_CLOEXEC, 0);
    if (names->root < 0) {
        free(names);
        return -errno;
    }
    (void)uv_mutex_init(&names->lock);
    (void)uv_cond_init(&names->is_read);
    names->references = 1;
    *ret_names = names;
    return 0;
}

void proxmox_names_destroy(struct proxmox_names *names)
{
    if (names != NULL)
        unref(names);
}
