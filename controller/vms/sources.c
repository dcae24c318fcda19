/* VM files. */
#include "controller/vms/sources.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/text.h"
#include "controller/vms/announce.h"
#include "controller/vms/files.h"
#include "controller/vms/hypervisor.h"
#include "controller/vms/intervals.h"
#include "controller/vms/life.h"
#include "controller/vms/links.h"

/* A VM has a definition exactly while a file is a source of it. */
static void check(const struct vm *vm)
{
    assert(((vm->sources.set & VM_SOURCE_FILE) != 0) == (vm->sources.definition != NULL));
}

void vm_drop_source(struct vm *vm, enum vm_source source)
{
    check(vm);
    assert((vm->sources.set & source) != 0);
    vm->sources.set &= ~(unsigned)source;
    if (source == VM_SOURCE_FILE) {
        vm_definition_destroy(vm->sources.definition);
        vm->sources.definition = NULL;
    }
    if (vm->sources.set == 0)
        vm_remove(vm);
    else if (source == VM_SOURCE_FILE) {
        announce_withdraw(vm, "the VM's file is gone");
        vm_hypervisor_ask_again(vm);
    }
}

void vm_add_source(struct vm *vm, enum vm_source source)
{
    assert(vm->sources.set != VM_SOURCE_AGENT); /* its records join another's instead */
    vm->sources.set |= (unsigned)source;
}

/* ---- names ---- */

static int change_name(struct registry *registry, struct vm *vm, const char *name,
                       struct error *error)
{
    char text[VM_NAME_SIZE + 32];
    int r;

    snprintf(text, sizeof(text), "was called '%s' until now", vm->name);
    r = registry_set_name(registry, vm, name, error);
    assert(r < 0 || registry_find_name(registry, name) == vm);
    if (r == 0)
        vm_emit(vm, VM_EVENT_RENAMED, text);
    return r;
}

/* Another record that is known by this name gets one that is like it. */
static int make_way(struct registry *registry, const char *name, struct error *error)
{
    struct vm *other = registry_find_name(registry, name);
    char another[VM_NAME_SIZE];

    if (other == NULL)
        return 0;
    registry_free_name(registry, name, another);
    return change_name(registry, other, another, error);
}

static int rename_vm(struct registry *registry, struct vm *vm, const char *name,
                     struct error *error)
{
    int r;

    if (strcmp(vm->name, name) == 0)
        return 0;
    r = make_way(registry, name, error);
    return r < 0 ? r : change_name(registry, vm, name, error);
}

/* ---- VM files ---- */

/* A file that names no hypervisor leaves a VM whose hypervisor was found at that one. */
static bool keeps_hypervisor(const struct vm *vm, const struct vm_definition *definition)
{
    if (definition->hypervisor.driver == NULL && (vm->sources.set & VM_SOURCE_FOUND) != 0)
        return true;
    return strcmp(vm->address.text, definition->hypervisor.text) == 0;
}

/* Whether another guest, or another hypervisor, may be behind the VM from now on. */
static bool is_readdressed(const struct vm *vm, const struct vm_definition *definition)
{
    const struct vm_definition *old = vm->sources.definition;

    if (!keeps_hypervisor(vm, definition))
        return true;
    if (old == NULL) /* another source found it: what the file leaves open stays */
        return definition->agent != NULL || (definition->cid != 0 && definition->cid != vm->cid);
    return old->cid != definition->cid || !text_equal(old->agent, definition->agent);
}

/* What the files do not say any more is taken away before anything is given, so that VMs may
 * exchange what they are known by. */
static void release(struct registry *registry, struct vm *vm,
                    const struct vm_definition *definition)
{
    const struct vm_definition *old = vm->sources.definition;
    static const struct hypervisor_address none;

    check(vm);
    if (old->cid != definition->cid || strcmp(old->uuid, definition->uuid) != 0) {
        (void)registry_set_cid(registry, vm, 0, NULL);
        (void)registry_set_uuid(registry, vm, "", NULL);
        vm_hypervisor_doubt(vm);
    }
    if (!keeps_hypervisor(vm, definition)) {
        announce_withdraw(vm, "the VM's file gives another address");
        vm_leave_hypervisor(vm);
        vm_hypervisor_doubt(vm);
        (void)registry_set_address(registry, vm, &none, NULL);
    }
}

static int give_identity(struct registry *registry, struct vm *vm,
                         const struct vm_definition *definition, struct error *error)
{
    int r = rename_vm(registry, vm, definition->name, error);

    if (r == 0 && !keeps_hypervisor(vm, definition)) {
        vm_leave_hypervisor(vm);
        r = registry_set_address(registry, vm, &definition->hypervisor, error);
    }
    if (r == 0 && definition->uuid[0] != '\0')
        r = registry_set_uuid(registry, vm, definition->uuid, error);
    if (r == 0 && definition->cid != 0)
        r = registry_set_cid(registry, vm, definition->cid, error);
    return r;
}

/* Takes the definition over. Connections whose address changed are closed and made anew. */
static int take_definition(struct registry *registry, struct vm *vm,
                           struct vm_definition *definition, struct error *error)
{
    int r;

    if (is_readdressed(vm, definition))
        announce_withdraw(vm, "the VM's file gives another address");
    vm_hypervisor_ask_again(vm);
    r = give_identity(registry, vm, definition, error);
    vm_definition_destroy(vm->sources.definition);
    vm->sources.definition = definition;
    vm->sources.set |= VM_SOURCE_FILE;
    check(vm);
    return r;
}

/* The UUID and CID that the file gives are nobody else's from now on. A record that is nothing but
 * its agent, or this file, becomes part of the file's VM: it is returned. */
static struct vm *take_claims(struct registry *registry, const struct vm *vm, struct vm *old,
                              const struct vm_definition *definition)
{
    struct vm *other = registry_find_uuid(registry, definition->uuid);
    struct vm *part = old != vm ? old : NULL;

    if (other != NULL && other != vm)
        (void)registry_set_uuid(registry, other, "", NULL);
    other = registry_find_cid(registry, definition->cid);
    if (other != NULL && other != vm) {
        (void)registry_set_cid(registry, other, 0, NULL);
        if (other->sources.set == VM_SOURCE_AGENT && part == NULL)
            part = other;
        else if (other->sources.set == VM_SOURCE_AGENT)
            vm_remove(other);
        else if (other != old)
            announce_withdraw(other, "a VM file gives its CID to another VM");
    }
    assert(part == NULL || part != vm);
    return part;
}

/* What was the file's record, or an agent's alone, and is known to be the same VM. */
static void join(struct vm *vm, struct vm *part)
{
    if (part->sources.set == VM_SOURCE_AGENT || part->sources.set == VM_SOURCE_FILE)
        vm_links_adopt(vm, part);
    else
        vm_drop_source(part, VM_SOURCE_FILE);
}

int sources_add(struct supervisor *supervisor, const char *name, enum vm_source source,
                struct vm **ret_vm, struct error *error)
{
    struct vm *vm;
    int r = vm_create(name, source, &vm);

    if (r == 0)
        r = supervisor_add_vm(supervisor, vm, error);
    else
        error_set(error, r, "out of memory");
    if (r < 0)
        vm_destroy(vm);
    else
        *ret_vm = vm;
    return r;
}

static int put_in_force(struct supervisor *supervisor, struct file_plan *plan, size_t index,
                        struct error *error)
{
    struct registry *registry = &supervisor->registry;
    struct planned_file *file = &plan->files[index];
    struct vm *vm = file_plan_find(plan, registry, index);
    struct vm *part;
    int r = 0;

    if (vm == NULL)
        r = make_way(registry, file->next->name, error);
    if (vm == NULL && r == 0)
        r = sources_add(supervisor, file->next->name, VM_SOURCE_FILE, &vm, error);
    if (r < 0)
        return r;
    part = take_claims(registry, vm, file->vm, file->next);
    r = take_definition(registry, vm, take_pointer(file->next), error);
    if (part != NULL)
        join(vm, part);
    return r;
}

static void release_all(struct registry *registry, const struct file_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        if (file_plan_changes(plan, i) && plan->files[i].vm != NULL)
            release(registry, plan->files[i].vm, plan->files[i].next);
}

/* Whoever took the record over since is not dropped: then the definition is another's. */
static void drop_gone(struct supervisor *supervisor, const struct file_plan *plan)
{
    list_for_each_safe (link, following, &supervisor->registry.vms) {
        struct vm *vm = list_entry(link, struct vm, link);

        if (file_plan_is_gone(plan, vm))
            vm_drop_source(vm, VM_SOURCE_FILE);
    }
}

void supervisor_define(struct supervisor *supervisor, struct vm_files *files,
                       struct problems *problems)
{
    struct file_plan plan;
    struct error error;
    int r = file_plan_init(&plan, &supervisor->registry, files, &error);

    if (r < 0)
        problems_add(problems, "vms", "", &error);
    else
        release_all(&supervisor->registry, &plan);
    for (size_t i = 0; r == 0 && i < plan.count; i++) {
        if (plan.claimants[i].refused)
            problems_add(problems, "vms", plan.files[i].source, &plan.claimants[i].error);
        else if (file_plan_changes(&plan, i) && put_in_force(supervisor, &plan, i, &error) < 0)
            problems_add(problems, "vms", plan.files[i].source, &error);
    }
    if (r == 0)
        drop_gone(supervisor, &plan);
    file_plan_finish(&plan);
}
