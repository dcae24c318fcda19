/* The directory of VM files. */
#ifndef VMRECLAIM_CONFIG_SOURCES_H
#define VMRECLAIM_CONFIG_SOURCES_H

#include <stddef.h>

#include "common/base/error.h"
#include "controller/config/vm_file.h"

/* A file that could not be read. */
typedef void (*source_complaint)(const struct error *error, void *userdata);

/* Every *.yaml of the directory, in the order of names; a directory that is not there has none.
 * With `complain`, files that are wrong are told and left out; without, the first of them is the
 * error. The caller destroys the definitions and frees the array. */
int sources_read_vm_files(const char *directory, source_complaint complain, void *userdata,
                          struct vm_definition ***ret_definitions, size_t *ret_count,
                          struct error *error);

#endif
