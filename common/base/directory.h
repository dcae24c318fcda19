/* What a directory holds. */
#ifndef VMRECLAIM_COMMON_BASE_DIRECTORY_H
#define VMRECLAIM_COMMON_BASE_DIRECTORY_H

#include <stddef.h>

/* The paths of its entries in the order of names, without those that begin with a dot. -errno from
 * opendir, -ENOENT too: nobody knows what a directory had that is not there; -ENOMEM. The caller
 * frees with directory_list_free. */
int directory_list(const char *directory, char ***ret_paths, size_t *ret_count);

/* NULL is fine. */
void directory_list_free(char **paths, size_t count);

#endif
