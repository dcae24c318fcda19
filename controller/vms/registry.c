/* The registry of VMs. */
#include "controller/vms/registry.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/base/nearest.h"
#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/util.h"

void registry_init(struct registry *registry)
{
    *registry = (struct registry){0};
    list_init(&registry->vms);
    hash_table_init(&registry->by_serial);
    hash_table_init(&registry->by_name);
    hash_table_init(&registry->by_uuid);
    hash_table_init(&registry->by_cid);
    hash_table_init(&registry->by_address);
}

/* What a VM is known by is what it is found by, and by nothing else. */
static void check(const struct registry *registry, const struct vm *vm)
{
    assert(registry->count == registry->by_name.count);
    assert(registry->count == registry->by_serial.count && vm->by_serial.linked);
    assert(registry->count == registry->in_order.count);
    assert(registry->by_uuid.count <= registry->count);
    assert(registry->by_cid.count <= registry->count);
    assert(registry->by_address.count <= registry->count);
    assert(vm->by_name.linked && !list_is_empty(&vm->link));
    assert(vm->by_uuid.linked == (vm->uuid[0] != '\0'));
    assert(vm->by_cid.linked == (vm->cid != 0));
    assert(vm->by_address.linked == (vm->address.driver != NULL));
    assert((vm->address.driver != NULL) == (vm->address.text[0] != '\0'));
}

void registry_finish(struct registry *registry)
{
    assert(registry->count == 0 && list_is_empty(&registry->vms));
    hash_table_finish(&registry->by_serial);
    vm_order_finish(&registry->in_order);
    hash_table_finish(&registry->by_name);
    hash_table_finish(&registry->by_uuid);
    hash_table_finish(&registry->by_cid);
    hash_table_finish(&registry->by_address);
}

struct vm *registry_find_name(const struct registry *registry, const char *name)
{
    struct hash_link *link = hash_table_first(&registry->by_name, hash_text(name));

    for (; link != NULL; link = hash_table_next(link)) {
        struct vm *vm = container_of(link, struct vm, by_name);

        if (strcmp(vm->name, name) == 0)
            return vm;
    }
    return NULL;
}

struct vm *registry_find_serial(const struct registry *registry, uint64_t serial)
{
    struct hash_link *link = hash_table_first(&registry->by_serial, hash_number(serial));

    for (; link != NULL; link = hash_table_next(link)) {
        struct vm *vm = container_of(link, struct vm, by_serial);

        if (vm->serial == serial)
            return vm;
    }
    return NULL;
}

struct vm *registry_find_uuid(const struct registry *registry, const char *uuid)
{
    struct hash_link *link = hash_table_first(&registry->by_uuid, hash_text(uuid));

    for (; link != NULL; link = hash_table_next(link)) {
        struct vm *vm = container_of(link, struct vm, by_uuid);

        if (strcmp(vm->uuid, uuid) == 0)
            return vm;
    }
    return NULL;
}

struct vm *registry_find_cid(const struct registry *registry, uint32_t cid)
{
    struct hash_link *link = hash_table_first(&registry->by_cid, hash_number(cid));

    for (; link != NULL; link = hash_table_next(link)) {
        struct vm *vm = container_of(link, struct vm, by_cid);

        if (vm->cid == cid)
            return vm;
    }
    return NULL;
}

struct vm *registry_find_address(const struct registry *registry,
                                 const struct hypervisor_address *address)
{
    struct hash_link *link = hash_table_first(&registry->by_address, hash_text(address->text));

    for (; link != NULL; link = hash_table_next(link)) {
        struct vm *vm = container_of(link, struct vm, by_address);

        if (strcmp(vm->address.text, address->text) == 0)
            return vm;
    }
    return NULL;
}

int registry_set_address(struct registry *registry, struct vm *vm,
                         const struct hypervisor_address *address, struct error *error)
{
    const struct vm *other =
        address->driver == NULL ? NULL : registry_find_address(registry, address);
    int r = 0;

    if (other != NULL && other != vm)
        return error_set(error, -EEXIST, "hypervisor %s is already that of VM '%s'", address->text,
                         other->name);
    check(registry, vm);
    assert(vm->hypervisor.session == NULL); /* it is with the one at the old address */
    hash_table_remove(&registry->by_address, &vm->by_address);
    vm->address = *address;
    if (address->driver != NULL)
        r = hash_table_add(&registry->by_address, &vm->by_address, hash_text(address->text));
    if (r < 0)
        vm->address = (struct hypervisor_address){0};
    check(registry, vm);
    return r < 0 ? error_set(error, r, "out of memory") : 0;
}

int registry_set_name(struct registry *registry, struct vm *vm, const char *name,
                      struct error *error)
{
    int r;

    if (registry_find_name(registry, name) != NULL)
        return error_set(error, -EEXIST, "there is already a VM named '%s'", name);
    check(registry, vm);
    hash_table_remove(&registry->by_name, &vm->by_name);
    vm_order_remove(&registry->in_order, vm);
    snprintf(vm->name, sizeof(vm->name), "%s", name);
    r = hash_table_add(&registry->by_name, &vm->by_name, hash_text(vm->name));
    if (r == 0)
        r = vm_order_add(&registry->in_order, vm);
    assert(r == 0); /* what held it has room */
    check(registry, vm);
    return r;
}

void registry_free_name(const struct registry *registry, const char *name,
                        char ret_name[VM_NAME_SIZE])
{
    char candidate[VM_NAME_SIZE];
    char number[16] = "";

    for (unsigned i = 2;; i++) {
        int room = (int)(sizeof(candidate) - 1 - strlen(number));

        snprintf(candidate, sizeof(candidate), "%.*s%s", room, name, number);
        if (registry_find_name(registry, candidate) == NULL)
            break;
        snprintf(number, sizeof(number), "-%u", i);
    }
    memcpy(ret_name, candidate, sizeof(candidate));
}

int registry_set_uuid(struct registry *registry, struct vm *vm, const char *uuid,
                      struct error *error)
{
    const struct vm *other = uuid[0] == '\0' ? NULL : registry_find_uuid(registry, uuid);
    int r = 0;

    if (other != NULL && other != vm)
        return error_set(error, -EEXIST, "UUID %s is already that of VM '%s'", uuid, other->name);
    check(registry, vm);
    hash_table_remove(&registry->by_uuid, &vm->by_uuid);
    snprintf(vm->uuid, sizeof(vm->uuid), "%s", uuid);
    if (uuid[0] != '\0')
        r = hash_table_add(&registry->by_uuid, &vm->by_uuid, hash_text(vm->uuid));
    if (r < 0)
        vm->uuid[0] = '\0';
    check(registry, vm);
    return r < 0 ? error_set(error, r, "out of memory") : 0;
}

int registry_set_cid(struct registry *registry, struct vm *vm, uint32_t cid, struct error *error)
{
    const struct vm *other = cid == 0 ? NULL : registry_find_cid(registry, cid);
    int r = 0;

    if (other != NULL && other != vm)
        return error_set(error, -EEXIST, "CID %" PRIu32 " is already that of VM '%s'", cid,
                         other->name);
    check(registry, vm);
    hash_table_remove(&registry->by_cid, &vm->by_cid);
    vm->cid = cid;
    if (cid != 0)
        r = hash_table_add(&registry->by_cid, &vm->by_cid, hash_number(cid));
    if (r < 0)
        vm->cid = 0;
    check(registry, vm);
    return r < 0 ? error_set(error, r, "out of memory") : 0;
}

int registry_add(struct registry *registry, struct vm *vm, struct error *error)
{
    assert(list_is_empty(&vm->link) && !vm->by_name.linked);
    assert(vm->uuid[0] == '\0' && vm->cid == 0 && vm->address.driver == NULL);
    if (registry_find_name(registry, vm->name) != NULL)
        return error_set(error, -EEXIST, "there is already a VM named '%s'", vm->name);
    if (vm_order_add(&registry->in_order, vm) < 0)
        return error_set(error, -ENOMEM, "out of memory");
    if (hash_table_add(&registry->by_name, &vm->by_name, hash_text(vm->name)) < 0) {
        vm_order_remove(&registry->in_order, vm);
        return error_set(error, -ENOMEM, "out of memory");
    }
    vm->serial = ++registry->last_serial;
    if (hash_table_add(&registry->by_serial, &vm->by_serial, hash_number(vm->serial)) < 0) {
        hash_table_remove(&registry->by_name, &vm->by_name);
        vm_order_remove(&registry->in_order, vm);
        return error_set(error, -ENOMEM, "out of memory");
    }
    list_append(&registry->vms, &vm->link);
    registry->count++;
    check(registry, vm);
    return 0;
}

void registry_remove(struct registry *registry, struct vm *vm)
{
    check(registry, vm);
    assert(registry->count > 0);
    hash_table_remove(&registry->by_serial, &vm->by_serial);
    vm_order_remove(&registry->in_order, vm);
    hash_table_remove(&registry->by_name, &vm->by_name);
    hash_table_remove(&registry->by_uuid, &vm->by_uuid);
    hash_table_remove(&registry->by_cid, &vm->by_cid);
    hash_table_remove(&registry->by_address, &vm->by_address);
    list_remove(&vm->link);
    registry->count--;
}

static int not_found(const struct registry *registry, const char *text, struct error *error)
{
    struct nearest nearest = {.wanted = text};

    list_for_each (link, &registry->vms)
        nearest_offer(&nearest, list_entry(link, struct vm, link)->name);
    if (nearest.name != NULL)
        return error_set(error, -ENOENT, "there is no VM '%s'; did you mean '%s'?",
                         TEXT_CUT(text, 64), nearest.name);
    return error_set(error, -ENOENT, "there is no VM '%s'; 'vmreclaim vm list' shows all %zu",
                     TEXT_CUT(text, 64), registry->count);
}

int registry_find(const struct registry *registry, const char *text, struct vm **ret_vm,
                  struct error *error)
{
    struct vm *vm = registry_find_name(registry, text);
    uint64_t cid;

    if (vm == NULL)
        vm = registry_find_uuid(registry, text);
    if (vm == NULL && strncasecmp(text, "cid:", 4) == 0 && number_parse(text + 4, &cid) == 0 &&
        cid <= UINT32_MAX)
        vm = registry_find_cid(registry, (uint32_t)cid);
    if (vm == NULL)
        return not_found(registry, text, error);
    *ret_vm = vm;
    return 0;
}
