/* Reads the directory of VM files. */
#include "controller/config/sources.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/directory.h"

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    size_t end_length = strlen(end);

    return length > end_length && strcmp(text + length - end_length, end) == 0;
}

/* Frees the others. */
static size_t keep_vm_files(char **paths, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (ends_with(paths[i], ".yaml"))
            paths[kept++] = paths[i];
        else
            free(paths[i]);
    return kept;
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
    int r = directory_list(directory, &paths, &path_count);

    if (r < 0)
        return error_set(error, r, "cannot read directory %s: %s", directory, strerror(-r));
    path_count = keep_vm_files(paths, path_count);
    definitions = calloc(path_count + 1, sizeof(struct vm_definition *));
    r = definitions == NULL
            ? error_set(error, -ENOMEM, "out of memory")
            : read_files(paths, path_count, complain, userdata, definitions, &count, error);
    directory_list_free(paths, path_count);
    if (r < 0) {
        free_definitions(definitions, count);
        return r;
    }
    *ret_definitions = definitions;
    *ret_count = count;
    return 0;
}
