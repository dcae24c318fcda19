/* All VMs, found by name, UUID, CID or their hypervisor's address in constant time. Writes what a
 * VM is known by: vm->name, uuid, cid, address. */
#ifndef VMRECLAIM_CONTROLLER_VMS_REGISTRY_H
#define VMRECLAIM_CONTROLLER_VMS_REGISTRY_H

#include "common/base/error.h"
#include "common/base/hash.h"
#include "common/base/list.h"
#include "controller/vms/order.h"
#include "controller/vms/vm.h"

struct registry {
    struct list vms; /* struct vm, by age */
    size_t count;
    uint64_t last_serial;
    struct hash_table by_serial;
    struct vm_order in_order; /* of their names */
    struct hash_table by_name;
    struct hash_table by_uuid;
    struct hash_table by_cid;
    struct hash_table by_address;
};

void registry_init(struct registry *registry);

/* The VMs themselves must be gone. */
void registry_finish(struct registry *registry);

/* Under its name only, with a serial of its own. -EEXIST: the name is taken. */
int registry_add(struct registry *registry, struct vm *vm, struct error *error);
void registry_remove(struct registry *registry, struct vm *vm);

/* A name like this one that no VM has: itself, else "NAME-2" and so on. */
void registry_free_name(const struct registry *registry, const char *name,
                        char ret_name[VM_NAME_SIZE]);

/* Changes an identity of a VM in the registry; empty and 0 take it away. -EEXIST: another VM has
 * it; `error` says which. */
int registry_set_name(struct registry *registry, struct vm *vm, const char *name,
                      struct error *error);
int registry_set_uuid(struct registry *registry, struct vm *vm, const char *uuid,
                      struct error *error);
int registry_set_cid(struct registry *registry, struct vm *vm, uint32_t cid, struct error *error);
int registry_set_address(struct registry *registry, struct vm *vm,
                         const struct hypervisor_address *address, struct error *error);

/* NULL: not there. */
struct vm *registry_find_name(const struct registry *registry, const char *name);
struct vm *registry_find_serial(const struct registry *registry, uint64_t serial);
struct vm *registry_find_uuid(const struct registry *registry, const char *uuid);
struct vm *registry_find_cid(const struct registry *registry, uint32_t cid);
struct vm *registry_find_address(const struct registry *registry,
                                 const struct hypervisor_address *address);

/* A VM as a person names it: its name, its UUID or "cid:N". -ENOENT with the nearest name. */
int registry_find(const struct registry *registry, const char *text, struct vm **ret_vm,
                  struct error *error);

#endif
