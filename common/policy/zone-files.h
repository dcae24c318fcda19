/* The system's files of time zones. Whoever must not wait for a disk has them all in memory: 600
 * files, less than a megabyte. */
#ifndef VMRECLAIM_COMMON_POLICY_ZONE_FILES_H
#define VMRECLAIM_COMMON_POLICY_ZONE_FILES_H

#include <stddef.h>

#define ZONE_DIRECTORY "/usr/share/zoneinfo"
#define ZONE_FILE_MAX  ((size_t)256 * 1024)

/* Reads them all, unless the directory is as it was when that was done: an upgrade replaces files
 * in it. From then on no zone is looked for on disk. On any thread. -ENOMEM: all is as it was. */
int zone_files_load(void);

/* A copy of one, which the caller frees. -ENOENT: there is none of that name; -ENODEV: there are
 * none at all. */
int zone_file_read(const char *name, char **ret_text, size_t *ret_length);

#endif
