/* A root directory for readers and actions, made of regular files. Every function ends the test on
 * failure. */
#ifndef VMRECLAIM_TESTS_LIB_FIXTURE_H
#define VMRECLAIM_TESTS_LIB_FIXTURE_H

#include <stddef.h>

struct fixture {
    char path[64];
    int root;
};

void fixture_init(struct fixture *fixture);
void fixture_finish(struct fixture *fixture); /* removes the directory */

/* Makes the directories on the way. */
void fixture_write(struct fixture *fixture, const char *path, const char *text);
void fixture_write_bytes(struct fixture *fixture, const char *path, const void *bytes, size_t size);
void fixture_directory(struct fixture *fixture, const char *path);
void fixture_link(struct fixture *fixture, const char *path, const char *target);
void fixture_remove(struct fixture *fixture, const char *path);

/* The content, ended with '\0'; "" when there is no such file. Valid until the next call. */
const char *fixture_read(const struct fixture *fixture, const char *path);

#endif
