/* A root directory made of regular files. */
#include "tests/lib/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"

static void need(int ok, const char *what, const char *path)
{
    if (ok)
        return;
    fprintf(stderr, "fixture: %s %s: %s\n", what, path, strerror(errno));
    abort();
}

void fixture_init(struct fixture *fixture)
{
    /* In memory where that can be: tests sync files many times. */
    snprintf(fixture->path, sizeof(fixture->path), "%s/vmreclaim-fixture-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    need(mkdtemp(fixture->path) != NULL, "mkdtemp", fixture->path);
    fixture->root = open(fixture->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    need(fixture->root >= 0, "open", fixture->path);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *position)
{
    return remove(path);
}

void fixture_finish(struct fixture *fixture)
{
    close(fixture->root);
    need(nftw(fixture->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0, "remove", fixture->path);
}

void fixture_directory(struct fixture *fixture, const char *path)
{
    char part[PATH_MAX];

    for (const char *slash = path; *slash != '\0'; slash++) {
        slash = strchrnul(slash, '/');
        snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
        need(mkdirat(fixture->root, part, 0755) == 0 || errno == EEXIST, "mkdir", part);
        if (*slash == '\0')
            break;
    }
}

static void make_parent(struct fixture *fixture, const char *path)
{
    char parent[PATH_MAX];
    char *slash;

    snprintf(parent, sizeof(parent), "%s", path);
    slash = strrchr(parent, '/');
    if (slash == NULL)
        return;
    *slash = '\0';
    fixture_directory(fixture, parent);
}

void fixture_write_bytes(struct fixture *fixture, const char *path, const void *bytes, size_t size)
{
    int descriptor;

    make_parent(fixture, path);
    descriptor = openat(fixture->root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    need(descriptor >= 0, "create", path);
    need(write(descriptor, bytes, size) == (ssize_t)size, "write", path);
    close(descriptor);
}

void fixture_write(struct fixture *fixture, const char *path, const char *text)
{
    fixture_write_bytes(fixture, path, text, strlen(text));
}

void fixture_link(struct fixture *fixture, const char *path, const char *target)
{
    make_parent(fixture, path);
    need(symlinkat(target, fixture->root, path) == 0, "symlink", path);
}

void fixture_remove(struct fixture *fixture, const char *path)
{
    need(unlinkat(fixture->root, path, 0) == 0, "unlink", path);
}

const char *fixture_read(const struct fixture *fixture, const char *path)
{
    static char content[65536];

    if (file_read_into(fixture->root, path, content, sizeof(content)) < 0)
        return "";
    return content;
}
