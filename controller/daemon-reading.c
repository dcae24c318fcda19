/* Reading files and directories. */
#include "controller/daemon-reading.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/policy/policy-yaml.h"
#include "common/policy/zone-files.h"
#include "controller/policies/revision.h"
#include "controller/vms/registry.h"

#define GROUP_BYTES_MIN 1024
#define GROUP_BYTES_MAX (4 * 1024 * 1024) /* it may have thousands of members */

/* ---- groups ---- */

/* A positive errno; ERANGE: `size` bytes are not enough. */
static int ask_group(const char *name, size_t size, bool *ret_found, gid_t *ret_group)
{
    cleanup_free char *buffer = malloc(size);
    struct group entry;
    struct group *found = NULL;
    int r = buffer == NULL ? ENOMEM : getgrnam_r(name, &entry, buffer, size, &found);

    *ret_found = r == 0 && found != NULL;
    if (*ret_found)
        *ret_group = found->gr_gid;
    return r;
}

static int find_group(const char *name, gid_t *ret_group, struct error *error)
{
    size_t size = GROUP_BYTES_MIN;
    bool is_found;
    int r;

    if (name[0] == '\0') {
        *ret_group = API_GROUP_NONE;
        return 0;
    }
    while ((r = ask_group(name, size, &is_found, ret_group)) == ERANGE && size < GROUP_BYTES_MAX)
        size *= 4;
    return is_found ? 0
                    : error_set(error, -ENOENT,
                                "there is no group '%s'%s%s; create it or correct the "
                                "configuration",
                                name, r == 0 ? "" : ": ", r == 0 ? "" : strerror(r));
}

int daemon_find_groups(const struct daemon_config *config, struct api_groups *ret_groups,
                       struct error *error)
{
    int r = find_group(config->read_group, &ret_groups->read, error);

    if (r == 0)
        r = find_group(config->control_group, &ret_groups->control, error);
    return r < 0 ? r : find_group(config->fleet_group, &ret_groups->fleet, error);
}

/* ---- the policies of VM files ---- */

static struct policy_file *find_policy(const struct reading *reading, const char *path)
{
    struct hash_link *link = hash_table_first(&reading->by_path, hash_text(path));

    for (; link != NULL; link = hash_table_next(link)) {
        struct policy_file *file = container_of(link, struct policy_file, link);

        if (strcmp(file->path, path) == 0)
            return file;
    }
    return NULL;
}

const struct policy_file *reading_find_policy(const struct reading *reading, const char *path)
{
    return find_policy(reading, path);
}

static void destroy_policy(struct policy_file *file)
{
    free(file->path);
    free(file->named_by);
    free(file);
}

/* Without memory it is not read; the next reading tries again. */
static void add_policy(struct reading *reading, const struct vm_definition *definition)
{
    struct policy_file *file;

    if (definition->policy == NULL || find_policy(reading, definition->policy) != NULL)
        return;
    file = calloc(1, sizeof(*file));
    if (file == NULL)
        return;
    file->path = strdup(definition->policy);
    file->named_by = strdup(definition->source);
    if (file->path == NULL || file->named_by == NULL ||
        hash_table_add(&reading->by_path, &file->link, hash_text(file->path)) < 0) {
        destroy_policy(file);
        return;
    }
    list_append(&reading->policies, &file->in_order);
}

static void read_policy(struct policy_file *file)
{
    cleanup_free char *text = NULL;
    size_t length;
    int r = file_read_configured(AT_FDCWD, file->path, POLICY_YAML_MAX, &text, &length);

    if (r < 0)
        file->status =
            error_set(&file->error, r, "%s: cannot read policy %s: %s", file->named_by, file->path,
                      r == -EINVAL ? "it is a named pipe, and a file is wanted" : strerror(-r));
    else if (strlen(text) != length)
        file->status =
            error_set(&file->error, -EINVAL, "%s: is no text: it holds a zero byte", file->path);
    else
        file->status = policy_revision_read(text, file->path, &file->policy, &file->error);
}

/* ---- all ---- */

void reading_init(struct reading *reading, const struct daemon_sources *sources,
                  const struct daemon_config *config, const struct registry *registry)
{
    *reading = (struct reading){.sources = sources, .config = *config};
    hash_table_init(&reading->by_path);
    list_init(&reading->policies);
    list_for_each (link, &registry->vms) {
        const struct vm *vm = list_entry(link, struct vm, link);

        if (vm->sources.definition != NULL)
            add_policy(reading, vm->sources.definition);
    }
}

static void read_configuration(struct reading *reading)
{
    struct error *error = &reading->error;
    int r;

    reading->at = reading->sources->path;
    r = daemon_config_gather(&reading->next, reading->sources, error);
    if (r == 0)
        r = daemon_config_check_fixed(&reading->config, &reading->next, error);
    reading->at = "the host's groups";
    if (r == 0)
        r = daemon_find_groups(&reading->next, &reading->groups, error);
    reading->status = r;
}

/* Who reads the directory reports that it is not there. */
static void watch(struct reading *reading, size_t index, const char *path)
{
    struct error error;
    int r;

    if (path[0] == '\0')
        return;
    reading->at = path;
    r = directory_watches_put(reading->watches, index, path);
    if (r < 0)
        reading->watch_status = r;
    if (r == 0 || r == -ENOENT)
        return;
    error_set(&error, r, "cannot watch %s: %s; after a change run 'vmreclaim reload'", path,
              strerror(-r));
    problems_add(&reading->problems, "watch", path, &error);
}

/* Directories first: what changes while they are read is read again. */
void reading_run(struct reading *reading)
{
    const struct hypervisor_address *place = &reading->config.hypervisor_directory;

    if (reading->watches != NULL) {
        watch(reading, 0, reading->config.vms);
        watch(reading, 1, hypervisor_address_where(place));
    }
    reading->at = ZONE_DIRECTORY;
    (void)zone_files_load(); /* without memory they are as they were */
    if (reading->configures)
        read_configuration(reading);
    reading->at = reading->config.vms;
    reading->files_status = vm_files_read(reading->config.vms, &reading->problems, &reading->files,
                                          &reading->files_error);
    for (size_t i = 0; i < reading->files.count; i++)
        add_policy(reading, reading->files.definitions[i]);
    list_for_each (link, &reading->policies) {
        struct policy_file *file = list_entry(link, struct policy_file, in_order);

        reading->at = file->path;
        read_policy(file);
    }
    reading->at = hypervisor_address_where(place);
    if (place->driver != NULL)
        reading->found_status = hypervisor_place_find(place, &reading->found, &reading->found_count,
                                                      &reading->found_error);
}

void reading_finish(struct reading *reading)
{
    if (reading->files_status == 0)
        vm_files_finish(&reading->files);
    list_for_each_safe (link, following, &reading->policies)
        destroy_policy(list_entry(link, struct policy_file, in_order));
    hash_table_finish(&reading->by_path);
    free(reading->found);
}
