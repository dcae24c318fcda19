/* Scans directories that name VMs. */
#include "controller/config/sources.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    size_t end_length = strlen(end);

    return length > end_length && strcmp(text + length - end_length, end) == 0;
}

static int is_vm_file(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && ends_with(entry->d_name, ".yaml");
}

static int is_socket_name(const struct dirent *entry)
{
    return entry->d_name[0] != '.' &&
           (ends_with(entry->d_name, ".qmp") || ends_with(entry->d_name, ".sock"));
}

/* The entries as paths. A directory that is not there has none. */
static int scan(const char *directory, int (*filter)(const struct dirent *entry), char ***ret_paths,
                size_t *ret_count, struct error *error)
{
    struct dirent **entries = NULL;
    int count = scandir(directory, &entries, filter, alphasort);
    char **paths;
    size_t path_count = 0;

    if (count < 0 && errno != ENOENT)
        return error_set(error, -errno, "cannot read directory %s: %s", directory, strerror(errno));
    count = count < 0 ? 0 : count;
    paths = calloc((size_t)count + 1, sizeof(*paths));
    for (int i = 0; i < count; i++) {
        if (paths != NULL &&
            asprintf(&paths[path_count], "%s/%s", directory, entries[i]->d_name) >= 0)
            path_count++;
        free(entries[i]);
    }
    free(entries);
    if (paths == NULL || path_count < (size_t)count) {
        sources_free_paths(paths, path_count);
        return error_set(error, -ENOMEM, "out of memory");
    }
    *ret_paths = paths;
    *ret_count = path_count;
    return 0;
}

void sources_free_paths(char **paths, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(paths[i]);
    free(paths);
}

static void free_definitions(struct vm_definition **definitions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        vm_definition_destroy(definitions[i]);
    free(definitions);
}

static int read_files(char *const *paths, size_t path_count, source_complaint complain,
                      void *userdata, struct vm_definition **definitions, size_t *ret_count,
                      struct error *error)
{
    size_t count = 0;

    for (size_t i = 0; i < path_count; i++) {
        int r = vm_definition_read(paths[i], &definitions[count], error);

        if (r == 0)
            count++;
        else if (complain != NULL)
            complain(error, userdata);
        else {
            *ret_count = count;
            return r;
        }
    }
    *ret_count = count;
    return 0;
}

int sources_read_vm_files(const char *directory, source_complaint complain, void *userdata,
                          struct vm_definition ***ret_definitions, size_t *ret_count,
                          struct error *error)
{
    struct vm_definition **definitions;
    char **paths;
    size_t path_count;
    size_t count = 0;
    int r = scan(directory, is_vm_file, &paths, &path_count, error);

    if (r < 0)
        return r;
    definitions = calloc(path_count + 1, sizeof(struct vm_definition *));
    r = definitions == NULL
            ? error_set(error, -ENOMEM, "out of memory")
            : read_files(paths, path_count, complain, userdata, definitions, &count, error);
    sources_free_paths(paths, path_count);
    if (r < 0) {
        free_definitions(definitions, count);
        return r;
    }
    *ret_definitions = definitions;
    *ret_count = count;
    return 0;
}

int sources_find_sockets(const char *directory, char ***ret_paths, size_t *ret_count,
                         struct error *error)
{
    char **paths;
    size_t count;
    size_t kept = 0;
    int r = scan(directory, is_socket_name, &paths, &count, error);

    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++) {
        struct stat file;

        if (stat(paths[i], &file) == 0 && S_ISSOCK(file.st_mode))
            paths[kept++] = paths[i];
        else
            free(paths[i]);
    }
    *ret_paths = paths;
    *ret_count = kept;
    return 0;
}
