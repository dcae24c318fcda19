/* Lists directories. */
#include "common/base/directory.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int directory_list(const char *directory, char ***ret_paths, size_t *ret_count)
{
    struct dirent **entries = NULL;
    int count = scandir(directory, &entries, is_visible, alphasort);
    char **paths;
    size_t path_count = 0;

    if (count < 0)
        return -errno;
    paths = calloc((size_t)count + 1, sizeof(*paths));
    for (int i = 0; i < count; i++) {
        if (paths != NULL &&
            asprintf(&paths[path_count], "%s/%s", directory, entries[i]->d_name) >= 0)
            path_count++;
        free(entries[i]);
    }
    free(entries);
    if (paths == NULL || path_count < (size_t)count) {
        directory_list_free(paths, path_count);
        return -ENOMEM;
    }
    *ret_paths = paths;
    *ret_count = path_count;
    return 0;
}

void directory_list_free(char **paths, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(paths[i]);
    free(paths);
}
