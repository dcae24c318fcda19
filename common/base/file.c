/* Whole small files at a directory descriptor. */
#include "common/base/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/util.h"

/* Reads until `size` bytes, the end or an error. */
static ssize_t read_all(int descriptor, char *buffer, size_t size)
{
    size_t used = 0;

    while (used < size) {
        ssize_t n = read(descriptor, buffer + used, size - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        used += (size_t)n;
    }
    return (ssize_t)used;
}

int file_read_into(int root, const char *path, char *buffer, size_t size)
{
    cleanup_close int descriptor = openat(root, path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (descriptor < 0)
        return -errno;
    n = read_all(descriptor, buffer, size);
    if (n < 0)
        return (int)n;
    if ((size_t)n == size || n > INT_MAX)
        return -EFBIG;
    buffer[n] = '\0';
    return (int)n;
}

int file_read(int root, const char *path, size_t limit, char **ret_text, size_t *ret_length)
{
    cleanup_close int descriptor = openat(root, path, O_RDONLY | O_CLOEXEC);
    cleanup_free char *text = NULL;
    size_t capacity = 4096;
    size_t used = 0;

    if (descriptor < 0)
        return -errno;
    for (;;) {
        ssize_t n;
        char *larger;

        capacity = min_of(capacity, limit + 1);
        larger = realloc(text, capacity + 1);
        if (larger == NULL)
            return -ENOMEM;
        text = larger;
        n = read_all(descriptor, text + used, capacity - used);
        if (n < 0)
            return (int)n;
        used += (size_t)n;
        if (used > limit)
            return -EFBIG;
        if (used < capacity)
            break;
        capacity *= 2;
    }
    text[used] = '\0';
    *ret_text = take_pointer(text);
    *ret_length = used;
    return 0;
}

int file_read_configured(int root, const char *path, size_t limit, char **ret_text,
                         size_t *ret_length)
{
    struct stat status;

    if (fstatat(root, path, &status, 0) < 0)
        return -errno;
    return S_ISFIFO(status.st_mode) ? -EINVAL : file_read(root, path, limit, ret_text, ret_length);
}

static int write_all(int descriptor, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t n = write(descriptor, text, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        text += n;
        length -= (size_t)n;
    }
    return 0;
}

int file_write(int root, const char *path, const char *text)
{
    cleanup_close int descriptor = openat(root, path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    ssize_t n;

    if (descriptor < 0)
        return -errno;
    do
        n = write(descriptor, text, strlen(text));
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

static int sync_directory_of(int root, const char *path)
{
    cleanup_close int directory = -1;
    char name[PATH_MAX];
    char *slash;

    if (snprintf(name, sizeof(name), "%s", path) >= (int)sizeof(name))
        return -ENAMETOOLONG;
    slash = strrchr(name, '/');
    if (slash == NULL)
        snprintf(name, sizeof(name), ".");
    else if (slash == name)
        name[1] = '\0';
    else
        *slash = '\0';
    directory = openat(root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return -errno;
    return fsync(directory) < 0 ? -errno : 0;
}

static int replace(int root, const char *path, const char *text, size_t length, mode_t mode,
                   bool durable)
{
    char temporary[PATH_MAX];
    int r;

    if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary))
        return -ENAMETOOLONG;
    {
        cleanup_close int descriptor =
            openat(root, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
        if (descriptor < 0)
            return -errno;
        r = write_all(descriptor, text, length);
        if (r == 0 && durable && fsync(descriptor) < 0)
            r = -errno;
    }
    if (r == 0 && renameat(root, temporary, root, path) < 0)
        r = -errno;
    if (r < 0) {
        (void)unlinkat(root, temporary, 0);
        return r;
    }
    return durable ? sync_directory_of(root, path) : 0;
}

int file_replace(int root, const char *path, const char *text, size_t length)
{
    return replace(root, path, text, length, 0600, true);
}

int file_replace_for_this_boot(int root, const char *path, const char *text, size_t length)
{
    return replace(root, path, text, length, 0600, false);
}

int file_publish(int root, const char *path, const char *text, size_t length)
{
    return replace(root, path, text, length, 0644, false);
}

int file_probe_descriptors(unsigned count)
{
    int probes[FILE_PROBE_MAX];
    unsigned opened = 0;
    int r = 0;

    assert(count <= FILE_PROBE_MAX);
    for (; r == 0 && opened < count; opened += r == 0) {
        probes[opened] = open("/", O_PATH | O_CLOEXEC);
        r = probes[opened] < 0 ? -errno : 0;
    }
    while (opened > 0)
        close(probes[--opened]);
    return r;
}
