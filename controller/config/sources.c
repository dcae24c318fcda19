/* Reads the directory of VM files. */
#include "controller/config/sources.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/directory.h"
#include "common/base/text.h"

/* An entry that was removed since the directory was listed is no problem. */
static bool is_there(const char *path)
{
    char target[1];

    return access(path, F_OK) == 0 || readlink(path, target, sizeof(target)) >= 0;
}

static void read_file(char **path, struct problems *problems, struct vm_files *files)
{
    struct error error;
    int r = vm_definition_read(*path, &files->definitions[files->count], &error);

    if (r == 0) {
        files->count++;
        return;
    }
    if (r == -ENOENT && !is_there(*path))
        return;
    problems_add(problems, "vms", *path, &error);
    files->unread[files->unread_count++] = take_pointer(*path);
}

int vm_files_read(const char *directory, struct problems *problems, struct vm_files *ret_files,
                  struct error *error)
{
    struct vm_files files = {0};
    char **paths;
    size_t path_count;
    int r = directory_list(directory, &paths, &path_count);

    if (r < 0)
        return error_set(error, r, "cannot read directory %s: %s", directory, strerror(-r));
    files.definitions = calloc(path_count + 1, sizeof(struct vm_definition *));
    files.unread = calloc(path_count + 1, sizeof(char *));
    if (files.definitions == NULL || files.unread == NULL)
        r = error_set(error, -ENOMEM, "out of memory");
    for (size_t i = 0; r == 0 && i < path_count; i++)
        if (text_ends_with(paths[i], ".yaml"))
            read_file(&paths[i], problems, &files);
    directory_list_free(paths, path_count);
    if (r == 0)
        *ret_files = files;
    else
        vm_files_finish(&files);
    return r;
}

void vm_files_finish(struct vm_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        vm_definition_destroy(files->definitions[i]);
    for (size_t i = 0; i < files->unread_count; i++)
        free(files->unread[i]);
    free((void *)files->definitions);
    free((void *)files->unread);
    *files = (struct vm_files){0};
}
