/* What files say: VMs and their policies, where hypervisors are found. */
#include "controller/daemon-files.h"

#include <errno.h>
#include <string.h>

#include "controller/policies/push.h"
#include "controller/vms/files.h"
#include "controller/vms/found.h"
#include "controller/vms/sources.h"

/* Several VMs may have the same policy. */
static void add_policy_problem(const struct policy_file *file, struct problems *problems)
{
    if (file->status < 0 && problems_find(problems, file->path) == NULL)
        problems_add(problems, "policy", file->path, &file->error);
}

/* What a file said before it could not be read any more holds. */
static void keep_policies(const struct daemon *daemon, struct reading *reading)
{
    list_for_each (link, &daemon->supervisor.registry.vms) {
        struct vm *vm = list_entry(link, struct vm, link);
        const struct vm_definition *definition = vm->sources.definition;
        const struct policy_file *file;

        if (definition == NULL || definition->policy == NULL) {
            (void)policy_keep_file(vm, NULL);
            continue;
        }
        file = reading_find_policy(reading, definition->policy);
        if (file == NULL)
            continue;
        add_policy_problem(file, &reading->problems);
        if (file->status == 0)
            (void)policy_keep_file(vm, &file->policy);
    }
}

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

static void take_found(struct daemon *daemon, struct reading *reading)
{
    const struct hypervisor_address *place = &reading->config.hypervisor_directory;

    if (place->driver == NULL)
        return;
    if (reading->found_status == 0)
        supervisor_set_found(&daemon->supervisor, reading->found, reading->found_count,
                             &reading->problems);
    else
        problems_add(&reading->problems, "hypervisors", hypervisor_address_where(place),
                     &reading->found_error);
}

void daemon_take_vms(struct daemon *daemon, struct reading *reading)
{
    if (reading->files_status == 0)
        supervisor_define(&daemon->supervisor, &reading->files, &reading->problems);
    else if (reading->files_status != -ENOENT || !may_be_absent(daemon))
        problems_add(&reading->problems, "vms", reading->config.vms, &reading->files_error);
    keep_policies(daemon, reading);
    take_found(daemon, reading);
    policy_give_all(&daemon->assignments);
}

/* ---- the check ---- */

/* As if the daemon had no VM yet. */
static void check_together(const struct registry *none, struct reading *reading)
{
    struct file_plan plan;
    struct error error;

    if (file_plan_init(&plan, none, &reading->files, &error) < 0)
        problems_add(&reading->problems, "vms", "", &error);
    for (size_t i = 0; i < plan.count; i++)
        if (plan.claimants[i].refused)
            problems_add(&reading->problems, "vms", plan.files[i].source, &plan.claimants[i].error);
    list_for_each (link, &reading->policies)
        add_policy_problem(list_entry(link, struct policy_file, in_order), &reading->problems);
    file_plan_finish(&plan);
}

static void check_reading(const struct registry *none, struct reading *reading)
{
    const struct daemon_config *config = &reading->config;

    reading_run(reading);
    if (reading->files_status == 0)
        check_together(none, reading);
    else if (reading->files_status != -ENOENT || strcmp(config->vms, DAEMON_VMS_DIRECTORY) != 0)
        problems_add(&reading->problems, "vms", config->vms, &reading->files_error);
    if (reading->found_status < 0)
        problems_add(&reading->problems, "hypervisors",
                     hypervisor_address_where(&config->hypervisor_directory),
                     &reading->found_error);
}

void daemon_check(const struct daemon_sources *sources, struct problems *problems)
{
    struct daemon_config config;
    struct registry none;
    struct reading reading;
    struct error error;
    struct api_groups groups;
    int r = daemon_config_gather(&config, sources, &error);

    if (r == 0) {
        registry_init(&none);
        reading_init(&reading, sources, &config, &none);
        check_reading(&none, &reading);
        *problems = reading.problems;
        reading_finish(&reading);
        registry_finish(&none);
        r = daemon_find_groups(&config, &groups, &error);
    }
    if (r < 0)
        problems_add(problems, "configuration", sources->path, &error);
}
