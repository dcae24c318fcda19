/* What files say: groups, VMs and their policies, where hypervisors are found. */
#include "controller/daemon-files.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/base/hash.h"
#include "common/policy/policy-yaml.h"
#include "controller/config/sources.h"
#include "controller/vms/files.h"
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

/* ---- the policies of VM files ---- */

/* `*ret_hash` is of the file's text. */
static int read_policy_file(const struct vm_definition *definition, struct policy *ret_policy,
                            uint64_t *ret_hash, struct error *error)
{
    cleanup_free char *text = NULL;
    size_t length;
    int r = file_read(AT_FDCWD, definition->policy, POLICY_YAML_MAX, &text, &length);

    if (r < 0)
        return error_set(error, r, "%s: cannot read policy %s: %s", definition->source,
                         definition->policy, strerror(-r));
    r = policy_load_yaml(text, length, definition->policy, ret_policy, error);
    if (r == 0)
        *ret_hash = hash_text(text);
    return r;
}

/* Several VMs may have the same policy. */
static int read_policy(const struct vm_definition *definition, struct policy *ret_policy,
                       uint64_t *ret_hash, struct problems *problems)
{
    struct error error;
    int r = read_policy_file(definition, ret_policy, ret_hash, &error);

    if (r < 0 && problems_find(problems, definition->policy) == NULL)
        problems_add(problems, "policy", definition->policy, &error);
    return r;
}

/* What an operator assigned holds before what a file says; the file's turn comes with the first
 * reading after it is assigned no more. */
static void assign_policy_files(struct daemon *daemon, struct problems *problems)
{
    list_for_each (link, &daemon->supervisor.registry.vms) {
        struct vm *vm = list_entry(link, struct vm, link);
        const struct vm_definition *definition = vm->sources.definition;
        struct policy policy;
        uint64_t hash;

        if (definition != NULL && definition->policy != NULL &&
            read_policy(definition, &policy, &hash, problems) == 0 &&
            hash != vm->assigned.file_hash)
            policy_offer_file(&daemon->assignments, vm, &policy, hash);
    }
}

/* ---- VM files and hypervisors ---- */

/* The default directory need not be there until there is something in it. */
static bool may_be_absent(const struct daemon *daemon)
{
    if (strcmp(daemon->config.vms, DAEMON_VMS_DIRECTORY) != 0)
        return false;
    list_for_each (link, &daemon->supervisor.registry.vms)
        if (list_entry(link, struct vm, link)->sources.definition != NULL)
            return false;
    return true;
}

static void read_vm_files(struct daemon *daemon, struct problems *problems)
{
    struct vm_files files;
    struct error error;
    int r = vm_files_read(daemon->config.vms, problems, &files, &error);

    if (r == 0) {
        supervisor_define(&daemon->supervisor, &files, problems);
        vm_files_finish(&files);
    } else if (r != -ENOENT || !may_be_absent(daemon))
        problems_add(problems, "vms", daemon->config.vms, &error);
    assign_policy_files(daemon, problems);
}

static void find_hypervisors(struct daemon *daemon, struct problems *problems)
{
    const struct hypervisor_address *place = &daemon->config.hypervisor_directory;
    struct hypervisor_address *addresses;
    struct error error;
    size_t count;

    if (place->driver == NULL)
        return;
    if (hypervisor_place_find(place, &addresses, &count, &error) < 0) {
        problems_add(problems, "hypervisors", hypervisor_address_where(place), &error);
        return;
    }
    supervisor_set_found(&daemon->supervisor, addresses, count, problems);
    free(addresses);
}

void daemon_read_vms(struct daemon *daemon, struct problems *problems)
{
    read_vm_files(daemon, problems);
    find_hypervisors(daemon, problems);
}

/* ---- the check ---- */

/* As if the daemon had no VM yet. */
static void check_together(struct vm_files *files, struct problems *problems)
{
    struct registry none;
    struct file_plan plan;
    struct policy policy;
    struct error error;
    uint64_t hash;

    registry_init(&none);
    if (file_plan_init(&plan, &none, files, &error) < 0)
        problems_add(problems, "vms", "", &error);
    for (size_t i = 0; i < plan.count; i++) {
        const struct claimant *claimant = &plan.claimants[i];

        if (claimant->refused)
            problems_add(problems, "vms", plan.files[i].source, &claimant->error);
        if (claimant->next->policy != NULL)
            (void)read_policy(claimant->next, &policy, &hash, problems);
    }
    file_plan_finish(&plan);
    registry_finish(&none);
}

static void check_vms(const struct daemon_config *config, struct problems *problems)
{
    const struct hypervisor_address *place = &config->hypervisor_directory;
    struct hypervisor_address *addresses = NULL;
    struct vm_files files;
    struct error error;
    size_t count;
    int r = vm_files_read(config->vms, problems, &files, &error);

    if (r == 0) {
        check_together(&files, problems);
        vm_files_finish(&files);
    } else if (r != -ENOENT || strcmp(config->vms, DAEMON_VMS_DIRECTORY) != 0)
        problems_add(problems, "vms", config->vms, &error);
    if (place->driver != NULL && hypervisor_place_find(place, &addresses, &count, &error) < 0)
        problems_add(problems, "hypervisors", hypervisor_address_where(place), &error);
    free(addresses);
}

void daemon_check(const struct daemon_sources *sources, struct problems *problems)
{
    struct daemon_config config;
    struct error error;
    gid_t read_group;
    gid_t control_group;
    int r = daemon_config_gather(&config, sources, &error);

    if (r == 0)
        check_vms(&config, problems);
    if (r == 0)
        r = daemon_find_groups(&config, &read_group, &control_group, &error);
    if (r < 0)
        problems_add(problems, "configuration", sources->path, &error);
}
