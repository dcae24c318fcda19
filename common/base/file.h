/* Whole small files, read and written at a directory descriptor, so that a test can give its own
 * root instead of "/". */
#ifndef VMRECLAIM_COMMON_BASE_FILE_H
#define VMRECLAIM_COMMON_BASE_FILE_H

#include <stddef.h>

/* Reads at most `size` - 1 bytes of `path` (relative to `root`) into `buffer` and ends them with
 * '\0'. -EFBIG: there was more; -errno from open and read. Never allocates.
 * Returns the number of bytes. */
int file_read_into(int root, const char *path, char *buffer, size_t size);

/* The same into memory the caller frees; at most `limit` bytes, else -EFBIG. */
int file_read(int root, const char *path, size_t limit, char **ret_text, size_t *ret_length);

/* The same of what somebody configured, which may be anything. -EINVAL: a named pipe, to which
 * nobody may ever write. */
int file_read_configured(int root, const char *path, size_t limit, char **ret_text,
                         size_t *ret_length);

/* Replaces the content of an existing file by `text` in one write(2), as sysfs and procfs want it.
 */
int file_write(int root, const char *path, const char *text);

/* Replaces `path` with `text`: temporary file, fsync, rename, fsync of the directory. */
int file_replace(int root, const char *path, const char *text, size_t length);

/* The same without waiting for the disk: whole or not there for whoever reads it now, and after a
 * power cut whatever the disk has. */
int file_replace_for_this_boot(int root, const char *path, const char *text, size_t length);

/* The same for other users to read, as far as the umask lets them. */
int file_publish(int root, const char *path, const char *text, size_t length);

/* Whether so many descriptors can be opened now, at most FILE_PROBE_MAX; else a negative errno. For
 * programs to begin with: libuv aborts where it lacks one for itself. */
#define FILE_PROBE_MAX 64
int file_probe_descriptors(unsigned count);

#endif
