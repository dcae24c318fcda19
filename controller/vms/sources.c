/* VM files and hypervisors that were found. */
#include "controller/vms/sources.h"

#include <string.h>

#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/vms/announce.h"
#include "controller/vms/claims.h"
#include "controller/vms/hypervisor.h"
#include "controller/vms/life.h"
#include "controller/vms/links.h"

void vm_drop_source(struct vm *vm, enum vm_source source)
{
    vm->sources.set &= ~(unsigned)source;
    if (source == VM_SOURCE_FILE) {
        vm_definition_destroy(vm->sources.definition);
        vm->sources.definition = NULL;
    }
    if (vm->sources.set == 0)
        vm_remove(vm);
}

/* ---- marking while a source is read again ---- */

static void unmark_all(const struct supervisor *supervisor)
{
    list_for_each (link, &supervisor->registry.vms)
        list_entry(link, struct vm, link)->sources.marked = false;
}

static void drop_unmarked(struct supervisor *supervisor, enum vm_source source)
{
    list_for_each_safe (link, following, &supervisor->registry.vms) {
        struct vm *vm = list_entry(link, struct vm, link);

        if ((vm->sources.set & source) != 0 && !vm->sources.marked)
            vm_drop_source(vm, source);
    }
}

/* ---- VM files ---- */

static bool same_hypervisor(const struct vm *vm, const struct vm_definition *definition)
{
    return strcmp(vm->address.text, definition->hypervisor.text) == 0;
}

/* Whether another guest, or another hypervisor, may be behind the VM from now on. */
static bool is_readdressed(const struct vm *vm, const struct vm_definition *definition)
{
    const struct vm_definition *old = vm->sources.definition;

    if (old == NULL) /* another source found it: what the file leaves open stays */
        return definition->agent != NULL || !same_hypervisor(vm, definition) ||
               (definition->cid != 0 && definition->cid != vm->cid);
    return old->cid != definition->cid || !text_equal(old->agent, definition->agent) ||
           strcmp(old->hypervisor.text, definition->hypervisor.text) != 0;
}

/* Takes the definition over. Connections whose address changed are closed and made anew. */
static int take_definition(struct supervisor *supervisor, struct vm *vm,
                           struct vm_definition *definition, struct error *error)
{
    int r = 0;

    if (is_readdressed(vm, definition))
        announce_withdraw(vm, "the VM's file gives another address");
    vm_hypervisor_ask_again(vm);
    if (!same_hypervisor(vm, definition)) {
        vm_hypervisor_drop(vm);
        r = registry_set_address(&supervisor->registry, vm, &definition->hypervisor, error);
    }
    if (r == 0 && definition->uuid[0] != '\0')
        r = registry_set_uuid(&supervisor->registry, vm, definition->uuid, error);
    if (r == 0 && definition->cid != 0)
        r = registry_set_cid(&supervisor->registry, vm, definition->cid, error);
    vm_definition_destroy(vm->sources.definition);
    vm->sources.definition = definition;
    vm->sources.set |= VM_SOURCE_FILE;
    return r;
}

/* The VM that the definition is about: by name, or one that another source found first. */
static struct vm *find_defined(const struct registry *registry,
                               const struct vm_definition *definition)
{
    struct vm *vm = registry_find_name(registry, definition->name);

    if (vm != NULL)
        return vm;
    if (definition->uuid[0] != '\0')
        vm = registry_find_uuid(registry, definition->uuid);
    if (vm == NULL && definition->hypervisor.driver != NULL)
        vm = registry_find_address(registry, &definition->hypervisor);
    return vm != NULL && vm->sources.definition == NULL ? vm : NULL;
}

/* An unannounced VM gives its CID to the VM whose file names it. */
static struct vm *take_unannounced(struct supervisor *supervisor, uint32_t cid)
{
    struct vm *vm = cid == 0 ? NULL : registry_find_cid(&supervisor->registry, cid);

    if (vm == NULL || vm->sources.set != VM_SOURCE_AGENT)
        return NULL;
    (void)registry_set_cid(&supervisor->registry, vm, 0, NULL);
    return vm;
}

static int find_or_add(struct supervisor *supervisor, const struct vm_definition *definition,
                       struct vm **ret_vm, struct error *error)
{
    struct vm *vm = find_defined(&supervisor->registry, definition);
    int r = 0;

    if (vm == NULL) {
        r = vm_create(definition->name, VM_SOURCE_FILE, &vm);
        if (r == 0)
            r = supervisor_add_vm(supervisor, vm, error);
        if (r < 0) {
            vm_destroy(vm);
            return r;
        }
    } else if (strcmp(vm->name, definition->name) != 0)
        r = registry_set_name(&supervisor->registry, vm, definition->name, error);
    if (r == 0)
        *ret_vm = vm;
    return r;
}

static int define_one(struct supervisor *supervisor, struct vm_definition *definition,
                      struct error *error)
{
    struct vm *unannounced;
    struct vm *vm = NULL;
    int r = find_or_add(supervisor, definition, &vm, error);

    if (r < 0 || (vm->sources.definition != NULL &&
                  vm_definition_equal(vm->sources.definition, definition))) {
        vm_definition_destroy(definition);
        return r;
    }
    unannounced = take_unannounced(supervisor, definition->cid);
    r = take_definition(supervisor, vm, definition, error);
    if (unannounced != NULL)
        vm_links_adopt(vm, unannounced);
    return r;
}

/* What the files do not say any more is taken away before anything is given, so that two VMs may
 * exchange their CIDs. */
static void release_changed(struct supervisor *supervisor, struct vm_definition *const *definitions,
                            size_t count)
{
    unmark_all(supervisor);
    for (size_t i = 0; i < count; i++) {
        struct vm *vm = registry_find_name(&supervisor->registry, definitions[i]->name);

        if (vm == NULL)
            continue;
        vm->sources.marked = true;
        if (vm->sources.definition == NULL ||
            vm_definition_equal(vm->sources.definition, definitions[i]))
            continue;
        (void)registry_set_cid(&supervisor->registry, vm, 0, NULL);
        (void)registry_set_uuid(&supervisor->registry, vm, "", NULL);
        vm_hypervisor_doubt(vm);
    }
}

int supervisor_define(struct supervisor *supervisor, struct vm_definition **definitions,
                      size_t count, struct error *error)
{
    int r = claims_check(definitions, count, error);

    if (r < 0) {
        for (size_t i = 0; i < count; i++)
            vm_definition_destroy(definitions[i]);
        return r;
    }
    release_changed(supervisor, definitions, count);
    drop_unmarked(supervisor, VM_SOURCE_FILE);
    for (size_t i = 0; i < count; i++) {
        int failed = define_one(supervisor, definitions[i], error);

        r = r < 0 ? r : failed;
    }
    return r;
}

/* ---- hypervisors that were found ---- */

static int add_found(struct supervisor *supervisor, const struct hypervisor_address *address,
                     struct error *error)
{
    struct vm *vm = registry_find_address(&supervisor->registry, address);
    char name[VM_NAME_SIZE];
    int r;

    if (vm != NULL) {
        vm->sources.set |= VM_SOURCE_FOUND;
        vm->sources.marked = true;
        return 0;
    }
    address->driver->suggest_name(hypervisor_address_where(address), name, sizeof(name));
    r = vm_name_check(name, error);
    if (r == 0)
        r = vm_create(name, VM_SOURCE_FOUND, &vm);
    if (r < 0)
        return error_prefix(error, r, "hypervisor %s", address->text);
    vm->sources.marked = true;
    r = supervisor_add_vm(supervisor, vm, error);
    if (r < 0) {
        vm_destroy(vm);
        return error_prefix(error, r, "hypervisor %s", address->text);
    }
    return registry_set_address(&supervisor->registry, vm, address, error);
}

int supervisor_set_found(struct supervisor *supervisor, const struct hypervisor_address *addresses,
                         size_t count, struct error *error)
{
    int r = 0;

    unmark_all(supervisor);
    for (size_t i = 0; i < count; i++) {
        int failed = add_found(supervisor, &addresses[i], error);

        r = r < 0 ? r : failed;
    }
    drop_unmarked(supervisor, VM_SOURCE_FOUND);
    return r;
}
