/* The keys of a configuration file: one table for each file, read by one reader.
 *
 * A key more is a member of the object and a row of its table. */
#ifndef VMRECLAIM_CONTROLLER_CONFIG_KEYS_H
#define VMRECLAIM_CONTROLLER_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"

#define KEYS_FILE_MAX 65536 /* bytes of a file */

struct key;

/* Takes one value into the object; for a list it is called once for each item. A negative errno,
 * with what is accepted in `error`. */
typedef int (*key_setter)(void *object, const struct key *key, const char *value,
                          struct error *error);

struct key {
    const char *name;
    key_setter set;
    size_t offset; /* of the member in the object, and its size */
    size_t size;
    /* for the manual */
    const char *type;     /* what it takes */
    const char *standard; /* what is in force without it, as it would be written; NULL: nothing */
    const char *since;    /* version; NULL: the first one */
    /* of files whose keys are options of a program, too */
    bool is_fixed;        /* a change takes a restart */
    const char *argument; /* "DIRECTORY" */
    const char *help;     /* lines of at most 55 columns */
};

/* The `offset` and `size` of a row. */
#define KEY_MEMBER(type, member)                                                                   \
    .offset = offsetof(type, member), .size = sizeof(((type *)NULL)->member)

/* A key of before, which is still taken and named in the log until it is changed. */
struct former_key {
    const char *name;
    const char *now;    /* what it is called today */
    const char *prefix; /* what stands before its value there */
};

struct keys {
    const struct key *list;
    size_t count;
    const struct former_key *former; /* names that are in no list; NULL: there are none */
    size_t former_count;
};

/* NULL: no such key. */
const struct key *keys_find(const struct keys *keys, const char *name);

/* One key, of the command line. -EINVAL with the accepted form, or with the nearest name. */
int keys_set(const struct keys *keys, void *object, const char *name, const char *value,
             struct error *error);

/* A whole text; `source` is its path. -EINVAL with file and line. The object may be half set then.
 */
int keys_read_text(const struct keys *keys, void *object, const char *text, size_t length,
                   const char *source, struct error *error);

/* A whole file. -ENOENT, -EFBIG: more than KEYS_FILE_MAX; -errno. */
int keys_read_file(const struct keys *keys, void *object, const char *path, struct error *error);

/* ---- setters ---- */

/* A member that is an array of characters takes the text. */
int keys_set_text(void *object, const struct key *key, const char *value, struct error *error);

/* The same for an absolute path. */
int keys_set_directory(void *object, const struct key *key, const char *value, struct error *error);

#endif
