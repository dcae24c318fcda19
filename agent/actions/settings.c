/* Kernel settings that the agent changes, with their journal.
 *
 * The journal is one small file in the state directory, replaced as a whole before each change and
 * after each restoration:
 *
 *     boot 5a9d3c1e-...
 *     proc/sys/vm/swappiness 60 60 0
 *
 * path, original, the value we set before, the value we set last. Two values of ours stand there
 * because a crash between the journal and the setting leaves the older one in force.
 *
 * Crash points, in order. The journal is not yet written: nothing has changed. The journal is
 * written: the setting is as before, so there is nothing to do. The setting is written: the next
 * start puts it back. The setting is back but still in the journal: it has the original value, so
 * there is nothing to do. */
#include "agent/actions/settings.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/actions/crash.h"
#include "common/base/file.h"
#include "common/base/util.h"

#define JOURNAL_NAME     "settings.journal"
#define JOURNAL_SIZE_MAX 4096

int settings_read(const struct settings *settings, const char *path, char *buffer, size_t size)
{
    int n = file_read_into(settings->root, path, buffer, size);
    if (n < 0)
        return n;
    buffer[strcspn(buffer, "\n")] = '\0';
    return 0;
}

static struct setting *find(struct settings *settings, const char *path)
{
    for (size_t i = 0; i < settings->count; i++)
        if (strcmp(settings->list[i].path, path) == 0)
            return &settings->list[i];
    return NULL;
}

static void forget(struct settings *settings, struct setting *setting)
{
    assert(setting >= settings->list && setting < settings->list + settings->count);
    *setting = settings->list[--settings->count];
}

/* A word without blanks that fits and is not empty. */
static bool is_word(const char *text, size_t size)
{
    size_t length = strlen(text);
    return length > 0 && length < size && strpbrk(text, " \t\n") == NULL;
}

/* A setting of the kernel, and not a way out of the root's /proc and /sys. */
static bool is_setting(const char *path)
{
    return (strncmp(path, "proc/sys/", 9) == 0 || strncmp(path, "sys/", 4) == 0) &&
           strstr(path, "..") == NULL;
}

static int write_journal(const struct settings *settings)
{
    char text[JOURNAL_SIZE_MAX];
    size_t used;

    if (settings->count == 0) {
        if (unlinkat(settings->state_directory, JOURNAL_NAME, 0) < 0 && errno != ENOENT)
            return -errno;
        return 0;
    }
    used = (size_t)snprintf(text, sizeof(text), "boot %s\n", settings->boot_id);
    for (size_t i = 0; i < settings->count; i++) {
        const struct setting *setting = &settings->list[i];
        assert(is_word(setting->path, SETTING_PATH_SIZE) &&
               is_word(setting->original, SETTING_VALUE_SIZE) &&
               is_word(setting->previous, SETTING_VALUE_SIZE) &&
               is_word(setting->current, SETTING_VALUE_SIZE));
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s %s %s %s\n", setting->path,
                                 setting->original, setting->previous, setting->current);
    }
    assert(used < sizeof(text));
    return file_replace_for_this_boot(settings->state_directory, JOURNAL_NAME, text, used);
}

static int parse_line(char *line, struct setting *ret_setting)
{
    struct {
        char *target;
        size_t size;
    } const fields[] = {
        {ret_setting->path, sizeof(ret_setting->path)},
        {ret_setting->original, sizeof(ret_setting->original)},
        {ret_setting->previous, sizeof(ret_setting->previous)},
        {ret_setting->current, sizeof(ret_setting->current)},
    };

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        char *word = strsep(&line, " ");
        if (word == NULL || !is_word(word, fields[i].size))
            return -EBADMSG;
        snprintf(fields[i].target, fields[i].size, "%s", word);
    }
    return line == NULL && is_setting(ret_setting->path) ? 0 : -EBADMSG;
}

/* Takes over the entries of this boot. A line that is no entry stops the reading: the file is
 * replaced as a whole, so it was not us who wrote it. */
static int read_journal(struct settings *settings)
{
    char text[JOURNAL_SIZE_MAX];
    char *rest = text;
    char *line;

    int n = file_read_into(settings->state_directory, JOURNAL_NAME, text, sizeof(text));
    /* Empty: the machine went down before it was on disk, and with it what was changed. */
    if (n <= 0)
        return n == -ENOENT ? 0 : n;
    line = strsep(&rest, "\n");
    if (strncmp(line, "boot ", 5) != 0)
        return -EBADMSG;
    if (strcmp(line + 5, settings->boot_id) != 0)
        return 0;
    while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
        struct setting *setting = &settings->list[settings->count];

        if (settings->count == SETTINGS_MAX || parse_line(line, setting) < 0)
            return -EBADMSG;
        settings->count++;
    }
    return 0;
}

/* Writes the original back, unless somebody else has changed the value since. */
static int put_back(const struct settings *settings, const struct setting *setting)
{
    char now[SETTING_VALUE_SIZE];

    int r = settings_read(settings, setting->path, now, sizeof(now));
    if (r < 0)
        return r == -ENOENT ? 0 : r; /* its module is gone, and the value with it */
    if (strcmp(now, setting->current) != 0 && strcmp(now, setting->previous) != 0)
        return 0;
    if (strcmp(now, setting->original) == 0)
        return 0;
    return file_write(settings->root, setting->path, setting->original);
}

int settings_restore(struct settings *settings, const char *path)
{
    struct setting *setting = find(settings, path);
    int r;

    if (setting == NULL)
        return 0;
    crash_point();
    r = put_back(settings, setting);
    if (r < 0)
        return r;
    crash_point();
    forget(settings, setting);
    r = write_journal(settings);
    crash_point();
    return r;
}

int settings_restore_all(struct settings *settings)
{
    int result = 0;

    for (size_t i = settings->count; i > 0; i--) {
        int r = settings_restore(settings, settings->list[i - 1].path);
        if (r < 0)
            result = r;
    }
    return result;
}

static void read_boot_id(struct settings *settings)
{
    if (settings_read(settings, "proc/sys/kernel/random/boot_id", settings->boot_id,
                      sizeof(settings->boot_id)) < 0 ||
        !is_word(settings->boot_id, sizeof(settings->boot_id)))
        snprintf(settings->boot_id, sizeof(settings->boot_id), "unknown");
}

int settings_init(struct settings *settings, int root, int state_directory, size_t *ret_restored)
{
    size_t found;
    int r;

    memset(settings, 0, sizeof(*settings));
    settings->root = root;
    settings->state_directory = state_directory;
    if (ret_restored != NULL)
        *ret_restored = 0;
    read_boot_id(settings);
    if (state_directory < 0)
        return 0;
    r = read_journal(settings);
    if (r < 0)
        return r;
    found = settings->count;
    r = found > 0 ? settings_restore_all(settings) : write_journal(settings);
    if (ret_restored != NULL)
        *ret_restored = found - settings->count;
    return r;
}

/* The entry for `path`, made from the value in force when there is none. */
static int find_or_add(struct settings *settings, const char *path, struct setting **ret_setting,
                       bool *ret_added)
{
    struct setting *setting = find(settings, path);
    int r;

    *ret_added = setting == NULL;
    if (setting == NULL) {
        if (settings->count == SETTINGS_MAX)
            return -ENOSPC;
        setting = &settings->list[settings->count];
        r = settings_read(settings, path, setting->original, sizeof(setting->original));
        if (r < 0)
            return r;
        if (!is_word(setting->original, sizeof(setting->original)))
            return -EBADMSG;
        snprintf(setting->path, sizeof(setting->path), "%s", path);
        memcpy(setting->current, setting->original, sizeof(setting->current));
        settings->count++;
    }
    memcpy(setting->previous, setting->current, sizeof(setting->previous));
    assert(settings->count <= SETTINGS_MAX && find(settings, path) == setting);
    *ret_setting = setting;
    return 0;
}

/* The change did not happen. */
static void take_back(struct settings *settings, struct setting *setting, bool added)
{
    assert(!added || strcmp(setting->previous, setting->original) == 0);
    memcpy(setting->current, setting->previous, sizeof(setting->current));
    if (added)
        forget(settings, setting);
    (void)write_journal(settings); /* at worst it names a value that is not in force */
}

/* Somebody else may have written since we did. */
static bool is_in_force(const struct settings *settings, const char *path, const char *value)
{
    char text[SETTING_VALUE_SIZE];

    return settings_read(settings, path, text, sizeof(text)) == 0 && strcmp(text, value) == 0;
}

int settings_set(struct settings *settings, const char *path, const char *value)
{
    struct setting *setting;
    bool added;
    int r;

    if (settings->state_directory < 0)
        return -EROFS;
    if (!is_word(path, SETTING_PATH_SIZE) || !is_word(value, SETTING_VALUE_SIZE))
        return -EINVAL;
    r = find_or_add(settings, path, &setting, &added);
    if (r < 0)
        return r;
    if (strcmp(setting->current, value) == 0 && is_in_force(settings, path, value)) {
        if (added)
            forget(settings, setting);
        return 0;
    }
    snprintf(setting->current, sizeof(setting->current), "%s", value);
    crash_point();
    r = write_journal(settings);
    crash_point();
    if (r == 0)
        r = file_write(settings->root, path, value);
    if (r < 0) {
        take_back(settings, setting, added);
        return r;
    }
    crash_point();
    memcpy(setting->previous, setting->current, sizeof(setting->previous));
    return 0;
}
