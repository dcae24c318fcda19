/* Tables of keys. */
#include "controller/config/keys.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/nearest.h"
#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/config/mapping.h"

#define VALUE_MAX 1024

struct reading {
    const struct keys *keys;
    void *object;
    const char *source;
};

const struct key *keys_find(const struct keys *keys, const char *name)
{
    for (size_t i = 0; i < keys->count; i++)
        if (strcmp(keys->list[i].name, name) == 0)
            return &keys->list[i];
    return NULL;
}

/* "unknown key 'cdi'; did you mean 'cid'?", or all keys when none is near. */
static int refuse(const struct keys *keys, const char *name, struct error *error)
{
    struct nearest nearest = {.wanted = name};
    char list[256] = "";
    size_t used = 0;

    for (size_t i = 0; i < keys->count; i++) {
        int n = snprintf(list + used, sizeof(list) - used, "%s%s", i == 0 ? "" : ", ",
                         keys->list[i].name);

        used = min_of(used + (size_t)n, sizeof(list) - 1);
        nearest_offer(&nearest, keys->list[i].name);
    }
    if (nearest.name != NULL)
        return error_set(error, -EINVAL, "unknown key '%s'; did you mean '%s'?", name,
                         nearest.name);
    return error_set(error, -EINVAL, "unknown key '%s'; the keys are %s", name, list);
}

static const struct former_key *find_former(const struct keys *keys, const char *name)
{
    for (size_t i = 0; i < keys->former_count; i++)
        if (strcmp(keys->former[i].name, name) == 0)
            return &keys->former[i];
    return NULL;
}

/* As it is called now; it counts all the same, so that an upgrade stops nothing. */
static int set_former(const struct keys *keys, void *object, const struct former_key *former,
                      const char *value, const char *source, struct error *error)
{
    const struct key *key = keys_find(keys, former->now);
    char now[VALUE_MAX];
    int r;

    assert(key != NULL);
    if (snprintf(now, sizeof(now), "%s%s", former->prefix, value) >= (int)sizeof(now))
        return error_set(error, -EINVAL, "%s '%s...' has more than %d characters", former->name,
                         TEXT_CUT(value, 40), VALUE_MAX - 1);
    r = key->set(object, key, now, error);
    if (r < 0)
        return error_prefix(error, r, "%s", former->name);
    log_warning("%s: '%s' has another name now, and the old one will go; write '%s: %s'", source,
                former->name, former->now, TEXT_CUT(now, 128));
    return 0;
}

static int set(const struct keys *keys, void *object, const char *name, const char *value,
               const char *source, struct error *error)
{
    const struct key *key = keys_find(keys, name);
    const struct former_key *former = find_former(keys, name);

    if (key != NULL)
        return key->set(object, key, value, error);
    if (former != NULL)
        return set_former(keys, object, former, value, source, error);
    return refuse(keys, name, error);
}

int keys_set(const struct keys *keys, void *object, const char *name, const char *value,
             struct error *error)
{
    return set(keys, object, name, value, "command line", error);
}

static int visit(const char *name, const char *value, void *userdata, struct error *error)
{
    const struct reading *reading = userdata;

    return set(reading->keys, reading->object, name, value, reading->source, error);
}

int keys_read_text(const struct keys *keys, void *object, const char *text, size_t length,
                   const char *source, struct error *error)
{
    struct reading reading = {keys, object, source};

    return mapping_read(text, length, source, visit, &reading, error);
}

int keys_read_file(const struct keys *keys, void *object, const char *path, struct error *error)
{
    cleanup_free char *text = NULL;
    size_t length;
    int r = file_read_configured(AT_FDCWD, path, KEYS_FILE_MAX, &text, &length);

    if (r < 0)
        return error_set(error, r, "cannot read %s: %s", path,
                         r == -EINVAL ? "it is a named pipe, and a file is wanted" : strerror(-r));
    return keys_read_text(keys, object, text, length, path, error);
}

int keys_set_text(void *object, const struct key *key, const char *value, struct error *error)
{
    if (value[0] == '\0' || strlen(value) >= key->size)
        return error_set(error, -EINVAL, "%s must have 1 to %zu characters", key->name,
                         key->size - 1);
    memset((char *)object + key->offset, 0, key->size);
    memcpy((char *)object + key->offset, value, strlen(value));
    return 0;
}

int keys_set_directory(void *object, const struct key *key, const char *value, struct error *error)
{
    if (value[0] != '/')
        return error_set(error, -EINVAL, "%s '%s' is not an absolute path", key->name, value);
    return keys_set_text(object, key, value, error);
}
