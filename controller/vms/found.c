/* Hypervisors that were found. */
#include "controller/vms/found.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "controller/vms/intervals.h"
#include "controller/vms/sources.h"

/* ---- whether it is the same ---- */

static pid_t pid_of(const struct vm *vm)
{
    if (hypervisor_process_is_open(&vm->measured.process))
        return vm->measured.process.pid;
    return vm->found.pid;
}

static uint64_t start_time_of(const struct vm *vm)
{
    if (hypervisor_process_is_open(&vm->measured.process))
        return vm->measured.process.start_time;
    return vm->found.start_time;
}

/* Both are known, and they are two. */
static bool are_two(const struct vm *vm, pid_t pid)
{
    return pid != 0 && pid_of(vm) != 0 && pid_of(vm) != pid;
}

static bool is_process(const struct vm *vm, pid_t pid, uint64_t start_time)
{
    return pid != 0 && pid_of(vm) == pid &&
           (start_time == 0 || start_time_of(vm) == 0 || start_time_of(vm) == start_time);
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* One socket by two paths, as below /run and /var/run. */
static bool is_socket(const struct vm *vm, const struct hypervisor_address *address)
{
    const struct driver *driver = address->driver;
    const char *ours = hypervisor_address_where(&vm->address);
    const char *theirs = hypervisor_address_where(address);
    uint64_t identity;

    if (driver == NULL || vm->address.driver != driver || driver->identify == NULL ||
        strcmp(base_of(ours), base_of(theirs)) != 0)
        return false;
    identity = driver->identify(theirs);
    return identity != 0 && driver->identify(ours) == identity;
}

static struct vm *find_record(const struct registry *registry, const struct finding *finding)
{
    struct vm *vm = registry_find_address(registry, &finding->address);

    if (vm == NULL && finding->vm.uuid[0] != '\0') {
        vm = registry_find_uuid(registry, finding->vm.uuid);
        if (vm != NULL && are_two(vm, finding->vm.pid))
            vm = NULL;
    }
    if (vm != NULL)
        return vm;
    list_for_each (link, &registry->vms) {
        vm = list_entry(link, struct vm, link);
        if (is_process(vm, finding->vm.pid, finding->start_time) ||
            is_socket(vm, &finding->address))
            return vm;
    }
    return NULL;
}

/* ---- what is reported of it ---- */

/* How good a way it is to reach the VM. */
static int rank(const struct hypervisor_address *address)
{
    const struct driver *driver = address->driver;

    if (driver == NULL)
        return 0;
    if (driver->owner != NULL && driver->owner(hypervisor_address_where(address)) != NULL)
        return 1;
    return driver->discover == NULL ? 2 : 3;
}

/* What a file says stays, and what memory is owed by. */
static bool may_readdress(const struct vm *vm)
{
    const struct vm_definition *definition = vm->sources.definition;

    return !vm->leased && (definition == NULL || definition->hypervisor.driver == NULL);
}

static void take_address(struct vm *vm, const struct finding *finding)
{
    if (finding->address.driver == NULL && vm->address.driver == NULL)
        text_copy_line(vm->found.problem, sizeof(vm->found.problem),
                       finding->problem == NULL ? "" : finding->problem);
    if (rank(&finding->address) <= rank(&vm->address) || !may_readdress(vm))
        return;
    vm_leave_hypervisor(vm);
    (void)registry_set_address(&vm->supervisor->registry, vm, &finding->address, NULL);
}

/* Others may know nothing of it. Whoever gave it takes it back, once the hypervisor was asked. */
static bool is_news(const struct vm *vm, enum finder finder, const char *text, unsigned by)
{
    return text[0] != '\0' || (by == (unsigned)finder && vm->hypervisor.ready);
}

static void take_title(struct vm *vm, enum finder finder, const char *title)
{
    if (!is_news(vm, finder, title, vm->found.title_by))
        return;
    text_copy_line(vm->found.title, sizeof(vm->found.title), title);
    vm->found.title_by = (unsigned)finder;
}

static void take_labels(struct vm *vm, enum finder finder, const char *labels)
{
    struct vm_found *found = &vm->found;

    if (!is_news(vm, finder, labels, found->labels_by))
        return;
    found->labels_by = (unsigned)finder;
    for (size_t i = 0; i < found->label_count; i++)
        free(found->labels[i]);
    found->label_count = 0;
    while (labels[0] != '\0' && found->label_count < VM_LABELS_MAX) {
        size_t length = strcspn(labels, ",");
        char *label = length == 0 ? NULL : strndup(labels, length);

        if (label != NULL)
            found->labels[found->label_count++] = label;
        labels += length + (labels[length] == ',');
    }
}

/* Only Proxmox VE's files have it, which are read with the processes. */
static void take_owner(struct vm *vm, enum finder finder, const char *owner)
{
    if (finder == FINDER_PROCESSES)
        text_copy_line(vm->found.balloon_owner, sizeof(vm->found.balloon_owner), owner);
}

static void take(struct vm *vm, enum finder finder, const struct finding *finding)
{
    const struct driver_vm *told = &finding->vm;

    vm->found.by |= (unsigned)finder;
    vm->found.marked |= (unsigned)finder;
    vm_add_source(vm, VM_SOURCE_FOUND);
    if (told->pid != 0) {
        vm->found.pid = told->pid;
        vm->found.start_time = finding->start_time;
    }
    take_title(vm, finder, told->title);
    take_labels(vm, finder, told->labels);
    take_owner(vm, finder, told->balloon_owner);
    if (told->uuid[0] != '\0' && vm->uuid[0] == '\0')
        (void)registry_set_uuid(&vm->supervisor->registry, vm, told->uuid, NULL);
    take_address(vm, finding);
}

static void make_name(const struct registry *registry, const struct finding *finding,
                      char name[VM_NAME_SIZE])
{
    char suggested[VM_NAME_SIZE];
    char text[VM_NAME_SIZE];

    if (finding->vm.name[0] != '\0')
        text_copy_line(suggested, sizeof(suggested), finding->vm.name);
    else if (finding->address.driver != NULL && finding->address.driver->suggest_name != NULL)
        finding->address.driver->suggest_name(hypervisor_address_where(&finding->address),
                                              suggested, sizeof(suggested));
    else
        snprintf(suggested, sizeof(suggested), "pid-%d", (int)finding->vm.pid);
    vm_name_make(suggested, text);
    registry_free_name(registry, text, name);
}

int vms_found(struct supervisor *supervisor, enum finder finder, const struct finding *finding,
              struct error *error)
{
    struct registry *registry = &supervisor->registry;
    struct vm *vm = find_record(registry, finding);
    char name[VM_NAME_SIZE];
    int r;

    if (vm == NULL) {
        make_name(registry, finding, name);
        r = sources_add(supervisor, name, VM_SOURCE_FOUND, &vm, error);
        if (r < 0)
            return r;
    }
    take(vm, finder, finding);
    return 0;
}

/* ---- what is not reported any more ---- */

void vm_found_gone(struct vm *vm, enum finder finder)
{
    vm->found.by &= ~(unsigned)finder;
    if (vm->found.by == 0)
        vm_drop_source(vm, VM_SOURCE_FOUND);
}

void vms_found_all(struct supervisor *supervisor, enum finder finder)
{
    list_for_each_safe (link, following, &supervisor->registry.vms) {
        struct vm *vm = list_entry(link, struct vm, link);
        bool is_told = (vm->found.marked & (unsigned)finder) != 0;

        vm->found.marked &= ~(unsigned)finder;
        if ((vm->found.by & (unsigned)finder) != 0 && !is_told)
            vm_found_gone(vm, finder);
    }
}

void vms_found_anew(struct supervisor *supervisor, enum finder finder)
{
    list_for_each (link, &supervisor->registry.vms)
        list_entry(link, struct vm, link)->found.marked &= ~(unsigned)finder;
}

void supervisor_set_found(struct supervisor *supervisor, const struct hypervisor_address *addresses,
                          size_t count, struct problems *problems)
{
    for (size_t i = 0; i < count; i++) {
        const struct finding finding = {.address = addresses[i]};
        struct error error;

        if (vms_found(supervisor, FINDER_DIRECTORY, &finding, &error) < 0) {
            error_prefix(&error, 0, "hypervisor %s", addresses[i].text);
            problems_add(problems, "hypervisor", hypervisor_address_where(&addresses[i]), &error);
        }
    }
    vms_found_all(supervisor, FINDER_DIRECTORY);
}

/* ---- two records of one VM ---- */

/* The VM whose file this one's hypervisor belongs to: the file gives its UUID or CID and leaves the
 * hypervisor open. NULL: none. */
static struct vm *find_owner(const struct registry *registry, const struct vm *found)
{
    const struct driver_facts *facts = &found->hypervisor.facts;
    struct vm *vm = registry_find_uuid(registry, facts->uuid);

    if (vm == NULL || vm == found)
        vm = registry_find_cid(registry, facts->guest_cid);
    return vm != NULL && vm != found && (vm->sources.set & VM_SOURCE_FILE) != 0 &&
                   vm->address.driver == NULL
               ? vm
               : NULL;
}

/* Another record of the same hypervisor. NULL: none. */
static struct vm *find_twin(const struct registry *registry, struct vm *found)
{
    struct vm *vm = registry_find_uuid(registry, found->hypervisor.facts.uuid);
    pid_t pid = pid_of(found);

    if (vm != NULL && vm != found && !are_two(vm, pid))
        return vm;
    if (pid == 0 || found->found.compared == pid)
        return NULL;
    found->found.compared = pid;
    list_for_each (link, &registry->vms) {
        vm = list_entry(link, struct vm, link);
        if (vm != found && is_process(vm, pid, start_time_of(found)))
            return vm;
    }
    return NULL;
}

/* It has nothing but what it was found by. */
static bool may_go(const struct vm *vm)
{
    return vm->sources.set == VM_SOURCE_FOUND && !vm->leased && vm->action == NULL;
}

/* Its hypervisor becomes the other's, unless that one has a better. */
static void give(struct vm *from, struct vm *to)
{
    struct registry *registry = &from->supervisor->registry;
    const struct hypervisor_address address = from->address;
    static const struct hypervisor_address none;

    vm_leave_hypervisor(from);
    (void)registry_set_address(registry, from, &none, NULL);
    if (rank(&address) > rank(&to->address) && may_readdress(to)) {
        vm_leave_hypervisor(to);
        (void)registry_set_address(registry, to, &address, NULL);
    }
    to->found.by |= from->found.by;
    to->found.marked |= from->found.marked;
    vm_add_source(to, VM_SOURCE_FOUND);
    vm_warn(to, "its hypervisor was found: %s", address.text);
    vm_drop_source(from, VM_SOURCE_FOUND);
}

bool vm_found_join(struct vm *vm)
{
    struct registry *registry = &vm->supervisor->registry;
    struct vm *other;

    if (!may_go(vm) || !vm->hypervisor.known)
        return false;
    other = find_owner(registry, vm);
    if (other == NULL)
        other = find_twin(registry, vm);
    if (other == NULL)
        return false;
    give(vm, other); /* never the other way round: it may be the next that is visited */
    return true;
}
