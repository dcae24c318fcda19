/* What files say: groups, VMs and their policies, where hypervisors are found. */
#include "controller/daemon_files.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/policy/policy-yaml.h"
#include "controller/config/sources.h"
#include "controller/vms/claims.h"
#include "controller/vms/sources.h"

/* ---- groups ---- */

static int find_group(const char *name, gid_t *ret_group, struct error *error)
{
    const struct group *group;

    if (name[0] == '\0') {
        *ret_group = API_GROUP_NONE;
        return 0;
    }
    group = getgrnam(name);
    if (group == NULL)
        return error_set(error, -ENOENT,
                         "there is no group '%s'; create it or correct the "
                         "configuration",
                         name);
    *ret_group = group->gr_gid;
    return 0;
}

int daemon_find_groups(const struct daemon_config *config, gid_t *ret_read, gid_t *ret_control,
                       struct error *error)
{
    int r = find_group(config->read_group, ret_read, error);

    return r < 0 ? r : find_group(config->control_group, ret_control, error);
}

/* ---- VM files and hypervisors ---- */

static void complain(const struct error *error, void *userdata)
{
    log_error("%s; the VM is left out until the file is right", error->text);
}

static int find_hypervisors(struct daemon *daemon, struct error *error)
{
    const struct hypervisor_address *place = &daemon->config.hypervisor_directory;
    struct hypervisor_address *addresses;
    size_t count;
    int r;

    if (place->driver == NULL)
        return 0;
    r = hypervisor_place_find(place, &addresses, &count, error);
    if (r < 0)
        return r;
    r = supervisor_set_found(&daemon->supervisor, addresses, count, error);
    free(addresses);
    return r;
}

/* A definition's policy file; its text's hash tells whether it changed. */
struct policy_file {
    char vm[VM_NAME_SIZE];
    uint64_t hash; /* 0: the VM has none, or it is wrong */
    struct policy policy;
};

static int read_policy_file(const struct vm_definition *definition, struct policy_file *file,
                            struct error *error)
{
    cleanup_free char *text = NULL;
    size_t length;
    int r;

    (void)snprintf(file->vm, sizeof(file->vm), "%s", definition->name);
    if (definition->policy == NULL)
        return 0;
    r = file_read(AT_FDCWD, definition->policy, POLICY_YAML_MAX, &text, &length);
    if (r < 0)
        return error_set(error, r, "%s: cannot read policy %s: %s", definition->source,
                         definition->policy, strerror(-r));
    r = policy_load_yaml(text, length, definition->policy, &file->policy, error);
    if (r == 0)
        file->hash = hash_text(text);
    return r;
}

static int read_policy_files(struct vm_definition *const *definitions, size_t count, bool strict,
                             struct policy_file *files, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        int r = read_policy_file(definitions[i], &files[i], error);

        if (r < 0 && strict)
            return r;
        if (r < 0)
            log_error("%s; the VM keeps its agent's policy until the file is right", error->text);
    }
    return 0;
}

/* What an operator assigned holds before what a file says; the file's turn comes with the first
 * reading after it is assigned no more. */
static void assign_policy_files(struct daemon *daemon, const struct policy_file *files,
                                size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct vm *vm = registry_find_name(&daemon->supervisor.registry, files[i].vm);

        if (vm != NULL && files[i].hash != 0 && files[i].hash != vm->assigned.file_hash)
            policy_offer_file(&daemon->assignments, vm, &files[i].policy, files[i].hash);
    }
}

static void destroy_definitions(struct vm_definition **definitions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        vm_definition_destroy(definitions[i]);
}

int daemon_read_vms(struct daemon *daemon, bool strict, struct error *error)
{
    struct vm_definition **definitions;
    struct policy_file *files;
    size_t count;
    int r = sources_read_vm_files(daemon->config.vms, strict ? NULL : complain, NULL, &definitions,
                                  &count, error);

    if (r < 0)
        return r;
    files = calloc(count + 1, sizeof(*files));
    r = files == NULL ? error_set(error, -ENOMEM, "out of memory")
                      : read_policy_files(definitions, count, strict, files, error);
    if (r < 0)
        destroy_definitions(definitions, count);
    else
        r = supervisor_define(&daemon->supervisor, definitions, count, error);
    if (r == 0)
        assign_policy_files(daemon, files, count);
    free(files);
    free(definitions);
    if (r == 0)
        r = find_hypervisors(daemon, error);
    return r;
}

int daemon_check(const struct daemon_sources *sources, struct error *error)
{
    struct vm_definition **definitions;
    struct daemon_config config;
    size_t count;
    gid_t read_group;
    gid_t control_group;
    int r = daemon_config_gather(&config, sources, error);

    if (r == 0)
        r = daemon_find_groups(&config, &read_group, &control_group, error);
    if (r == 0)
        r = sources_read_vm_files(config.vms, NULL, NULL, &definitions, &count, error);
    if (r < 0)
        return r;
    r = claims_check(definitions, count, error);
    for (size_t i = 0; i < count && r == 0; i++) {
        struct policy_file file = {.hash = 0};

        r = read_policy_file(definitions[i], &file, error);
    }
    destroy_definitions(definitions, count);
    free(definitions);
    return r;
}
