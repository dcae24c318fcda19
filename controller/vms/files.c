/* VM files and their records. */
#include "controller/vms/files.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/cleanup.h"
#include "common/base/util.h"

/* ---- the files ---- */

static struct planned_file *find_file(const struct file_plan *plan, const char *source)
{
    struct hash_link *link = hash_table_first(&plan->by_source, hash_text(source));

    for (; link != NULL; link = hash_table_next(link)) {
        struct planned_file *file = container_of(link, struct planned_file, link);

        if (strcmp(file->source, source) == 0)
            return file;
    }
    return NULL;
}

static int add_file(struct file_plan *plan, const char *source, struct planned_file **ret_file)
{
    struct planned_file *file = &plan->files[plan->count];

    file->source = strdup(source);
    if (file->source == NULL)
        return -ENOMEM;
    plan->count++;
    if (hash_table_add(&plan->by_source, &file->link, hash_text(source)) < 0)
        return -ENOMEM;
    *ret_file = file;
    return 0;
}

static int add_in_force(struct file_plan *plan, const struct registry *registry)
{
    list_for_each (link, &registry->vms) {
        struct vm *vm = list_entry(link, struct vm, link);
        const struct vm_definition *definition = vm->sources.definition;
        struct planned_file *file;

        if (definition == NULL)
            continue;
        if (add_file(plan, definition->source, &file) < 0)
            return -ENOMEM;
        file->vm = vm;
        plan->claimants[file - plan->files].now = definition;
    }
    return 0;
}

static int add_read(struct file_plan *plan, struct vm_definition **definition)
{
    struct planned_file *file = find_file(plan, (*definition)->source);
    struct claimant *claimant;

    if (file == NULL && add_file(plan, (*definition)->source, &file) < 0)
        return -ENOMEM;
    file->is_there = true;
    claimant = &plan->claimants[file - plan->files];
    if (claimant->now != NULL && vm_definition_equal(claimant->now, *definition))
        return 0;
    file->next = take_pointer(*definition);
    claimant->next = file->next;
    assert(claimant_stands(claimant) == file->next);
    return 0;
}

/* What a file said before it could not be read any more holds. */
static void add_unread(struct file_plan *plan, const char *path)
{
    struct planned_file *file = find_file(plan, path);

    if (file != NULL)
        file->is_there = true;
}

static int gather(struct file_plan *plan, const struct registry *registry, struct vm_files *files)
{
    int r = add_in_force(plan, registry);

    for (size_t i = 0; r == 0 && i < files->count; i++)
        r = add_read(plan, &files->definitions[i]);
    for (size_t i = 0; r == 0 && i < files->unread_count; i++)
        add_unread(plan, files->unread[i]);
    for (size_t i = 0; i < plan->count; i++)
        if (!plan->files[i].is_there)
            plan->claimants[i].now = NULL; /* claims nothing any more */
    return r;
}

bool file_plan_changes(const struct file_plan *plan, size_t index)
{
    const struct claimant *claimant = &plan->claimants[index];

    return claimant->next != NULL && !claimant->refused;
}

/* ---- their records ---- */

static const struct planned_file *file_of(const struct file_plan *plan, const struct vm *vm)
{
    return vm->sources.definition == NULL ? NULL : find_file(plan, vm->sources.definition->source);
}

bool file_plan_is_gone(const struct file_plan *plan, const struct vm *vm)
{
    const struct planned_file *file = file_of(plan, vm);

    return file != NULL && !file->is_there;
}

bool file_plan_ends(const struct file_plan *plan, const struct vm *vm)
{
    return file_plan_is_gone(plan, vm) && vm->sources.set == VM_SOURCE_FILE;
}

/* No other file that is there names it. */
static bool may_take(const struct file_plan *plan, const struct planned_file *file,
                     const struct vm *vm)
{
    const struct planned_file *other = vm == NULL ? NULL : file_of(plan, vm);

    if (vm == NULL || vm->sources.set == VM_SOURCE_AGENT)
        return false;
    return other == NULL || other == file || !other->is_there;
}

/* By its name alone a record is not taken for that of another hypervisor. */
static bool may_be_at(const struct vm *vm, const struct planned_file *file,
                      const struct vm_definition *definition)
{
    return vm == file->vm || vm->address.driver == NULL || definition->hypervisor.driver == NULL ||
           strcmp(vm->address.text, definition->hypervisor.text) == 0;
}

static struct vm *find_record(const struct file_plan *plan, const struct registry *registry,
                              const struct planned_file *file,
                              const struct vm_definition *definition)
{
    struct vm *const found[] = {
        definition->hypervisor.driver == NULL
            ? NULL
            : registry_find_address(registry, &definition->hypervisor),
        definition->uuid[0] == '\0' ? NULL : registry_find_uuid(registry, definition->uuid),
        definition->cid == 0 ? NULL : registry_find_cid(registry, definition->cid),
    };
    struct vm *named = registry_find_name(registry, definition->name);

    for (size_t i = 0; i < ARRAY_SIZE(found); i++)
        if (may_take(plan, file, found[i]))
            return found[i];
    return may_take(plan, file, named) && may_be_at(named, file, definition) ? named : NULL;
}

struct vm *file_plan_find(const struct file_plan *plan, const struct registry *registry,
                          size_t index)
{
    return find_record(plan, registry, &plan->files[index], plan->claimants[index].next);
}

/* ---- what hypervisors say ---- */

/* A record that stays, and is another than what the file is about. */
static bool is_in_the_way(const struct file_plan *plan, const struct vm *vm,
                          const struct vm *record)
{
    return vm != NULL && vm != record && !file_plan_ends(plan, vm);
}

/* Its hypervisor was found, and its own file leaves open which one it is. */
static bool has_found_address(const struct vm *vm)
{
    return (vm->sources.set & VM_SOURCE_FOUND) != 0 &&
           (vm->sources.definition == NULL || vm->sources.definition->hypervisor.driver == NULL);
}

/* A CID or UUID that another VM's own hypervisor gives it cannot be this one's. */
static int check_against(const struct file_plan *plan, const struct registry *registry,
                         const struct planned_file *file, const struct vm_definition *definition,
                         struct error *error)
{
    const struct vm *record = find_record(plan, registry, file, definition);
    const struct vm *vm = registry_find_cid(registry, definition->cid);

    if (definition->cid != 0 && is_in_the_way(plan, vm, record) && vm->hypervisor.known &&
        vm->hypervisor.facts.guest_cid == definition->cid)
        return error_set(error, -EEXIST,
                         "%s: cid %" PRIu32 " is that of VM '%s': its hypervisor "
                         "at %s says so",
                         definition->source, definition->cid, vm->name, vm->address.text);
    vm = registry_find_uuid(registry, definition->uuid);
    if (definition->uuid[0] != '\0' && is_in_the_way(plan, vm, record) && vm->hypervisor.known &&
        strcasecmp(vm->hypervisor.facts.uuid, definition->uuid) == 0)
        return error_set(error, -EEXIST,
                         "%s: uuid %s is that of VM '%s': its hypervisor at %s "
                         "says so",
                         definition->source, definition->uuid, vm->name, vm->address.text);
    vm = registry_find_address(registry, &definition->hypervisor);
    if (definition->hypervisor.driver != NULL && is_in_the_way(plan, vm, record) &&
        has_found_address(vm))
        return error_set(error, -EEXIST,
                         "%s: hypervisor %s is that of VM '%s', which has a file "
                         "of its own",
                         definition->source, definition->hypervisor.text, vm->name);
    return 0;
}

static void check_all(struct file_plan *plan, const struct registry *registry)
{
    for (size_t i = 0; i < plan->count; i++) {
        struct claimant *claimant = &plan->claimants[i];

        if (claimant->next != NULL &&
            check_against(plan, registry, &plan->files[i], claimant->next, &claimant->error) < 0)
            claimant->refused = true;
    }
}

/* ---- the whole ---- */

int file_plan_init(struct file_plan *plan, const struct registry *registry, struct vm_files *files,
                   struct error *error)
{
    size_t most = registry->count + files->count;
    int r = -ENOMEM;

    *plan = (struct file_plan){
        .claimants = calloc(most + 1, sizeof(*plan->claimants)),
        .files = calloc(most + 1, sizeof(*plan->files)),
    };
    hash_table_init(&plan->by_source);
    if (plan->claimants != NULL && plan->files != NULL)
        r = gather(plan, registry, files);
    if (r < 0)
        return error_set(error, r, "out of memory");
    assert(plan->count <= most);
    check_all(plan, registry);
    return claims_settle(plan->claimants, plan->count, error);
}

void file_plan_finish(struct file_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        vm_definition_destroy(plan->files[i].next);
        free(plan->files[i].source);
    }
    hash_table_finish(&plan->by_source);
    free(plan->claimants);
    free(plan->files);
}
