/* Kernel settings (sysctl and sysfs values) that the agent changes. Each is written to a journal
 * before it is changed. It is put back when it is no longer needed, at exit, or by the next start.
 *
 * A value that somebody else has changed since is theirs and is left alone. A journal of an earlier
 * boot is void, because a boot resets every setting. Without a writable state directory nothing is
 * changed. */
#ifndef VMRECLAIM_AGENT_ACTIONS_SETTINGS_H
#define VMRECLAIM_AGENT_ACTIONS_SETTINGS_H

#include <stddef.h>

#define SETTINGS_MAX       8
#define SETTING_PATH_SIZE  128
#define SETTING_VALUE_SIZE 32

struct setting {
    char path[SETTING_PATH_SIZE]; /* relative to the root: "proc/sys/vm/swappiness" */
    char original[SETTING_VALUE_SIZE];
    char previous[SETTING_VALUE_SIZE]; /* what we set before `current`; or the original */
    char current[SETTING_VALUE_SIZE];  /* what we set last */
};

struct settings {
    int root;            /* the caller's */
    int state_directory; /* the caller's; -1: nothing may be changed */
    char boot_id[40];
    struct setting list[SETTINGS_MAX];
    size_t count;
};

/* Restores first what an earlier run of this boot left changed; `*ret_restored` (may be NULL) says
 * how many. -errno: the journal could not be read or a value not be written back; the journal is
 * kept then, and settings_restore_all() tries again. The struct is usable in either case. */
int settings_init(struct settings *settings, int root, int state_directory, size_t *ret_restored);

/* Journals and writes. -EROFS: no state directory; -ENOSPC: SETTINGS_MAX are changed already;
 * -errno of the write, with the setting as it was. */
int settings_set(struct settings *settings, const char *path, const char *value);

/* Puts one, or all, back and takes them out of the journal. Not changed by us: 0. */
int settings_restore(struct settings *settings, const char *path);
int settings_restore_all(struct settings *settings);

/* Reads a value without its line end into `buffer`. -errno. */
int settings_read(const struct settings *settings, const char *path, char *buffer, size_t size);

#endif
