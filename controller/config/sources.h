/* The directory of VM files. */
#ifndef VMRECLAIM_CONTROLLER_CONFIG_SOURCES_H
#define VMRECLAIM_CONTROLLER_CONFIG_SOURCES_H

#include <stddef.h>

#include "common/base/error.h"
#include "controller/config/problems.h"
#include "controller/config/vm-file.h"

struct vm_files {
    struct vm_definition **definitions; /* in the order of the files' names */
    size_t count;
    char **unread; /* paths of files that are wrong or cannot be read */
    size_t unread_count;
};

/* Every *.yaml of the directory. What is wrong with a file is added to `problems`. -errno: the
 * directory cannot be read, -ENOENT too; then there is nothing to finish. */
int vm_files_read(const char *directory, struct problems *problems, struct vm_files *ret_files,
                  struct error *error);

/* Definitions that somebody took over are NULL. */
void vm_files_finish(struct vm_files *files);

#endif
