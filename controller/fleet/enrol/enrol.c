/* lock -> read -> change -> write all. */
#include "controller/fleet/enrol/enrol.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"

#define USERS_FILE  "users"
#define BYTES_MAX   ((size_t)16 << 20)
#define OPEN_FAILED "%s: %s\nsay with --users which directory has the fleet's users"

static const char *const files[] = {
    [ROSTER_COORDINATOR] = "coordinators.conf",
    [ROSTER_HOST] = "hosts.conf",
};

/* What is open, and read, of a directory. */
struct office {
    const char *path;
    int directory;
    bool is_there; /* it has a list */
    struct roster roster;
};

static void close_office(struct office *office)
{
    roster_finish(&office->roster);
    if (office->directory >= 0)
        close(office->directory); /* and the lock goes */
}

/* Files that somebody wrote by hand are not replaced: who is in them would be locked out. */
static int check_is_ours(const struct office *office, struct error *error)
{
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        if (faccessat(office->directory, files[i], F_OK, 0) == 0)
            return error_set(error, -EEXIST,
                             "%s has %s and no file \"" USERS_FILE "\" that it was made of\nmove "
                             "it away, then enrol who is in it",
                             office->path, files[i]);
    return 0;
}

static int read_roster(struct office *office, struct error *error)
{
    cleanup_free char *text = NULL;
    size_t length;
    int r = file_read(office->directory, USERS_FILE, BYTES_MAX, &text, &length);

    if (r == -ENOENT)
        return check_is_ours(office, error);
    if (r < 0)
        return error_set(error, r, "%s/" USERS_FILE ": %s", office->path, strerror(-r));
    office->is_there = true;
    r = strlen(text) == length /* who is behind a zero byte would be locked out */
            ? roster_parse(&office->roster, text, error)
            : error_set(error, -EINVAL, "the file is damaged: a zero byte is in it\nput it back");
    return r < 0 ? error_prefix(error, r, "%s/" USERS_FILE, office->path) : 0;
}

static int open_office(struct office *office, const char *path, bool is_to_change,
                       struct error *error)
{
    *office = (struct office){.path = path};
    if (is_to_change)
        (void)mkdir(path, 0755);
    office->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (office->directory < 0)
        return error_set(error, -errno, OPEN_FAILED, path, strerror(errno));
    if (is_to_change)
        (void)flock(office->directory, LOCK_EX); /* a file system without locks does without */
    return read_roster(office, error);
}

static int write_file(const struct office *office, const char *name, char *text,
                      struct error *error)
{
    int r = text == NULL ? -ENOMEM : file_publish(office->directory, name, text, strlen(text));

    free(text);
    return r < 0 ? error_set(error, r, "%s/%s: %s", office->path, name, strerror(-r)) : 0;
}

/* The list comes first: who is stopped between them types the same again, and all are made of it.
 */
static int write_all(const struct office *office, struct error *error)
{
    int r = write_file(office, USERS_FILE, roster_format(&office->roster), error);

    for (size_t i = 0; i < ARRAY_SIZE(files) && r == 0; i++)
        r = write_file(office, files[i], roster_format_users(&office->roster, (enum roster_kind)i),
                       error);
    return r;
}

static void print_next(const struct office *office)
{
    printf("Now copy %s to every server of the bus, and on each:\n"
           "  systemctl reload nats-server\n",
           office->path);
}

static void print_keys(const struct office *office, enum roster_kind kind, const char *name)
{
    if (roster_keys(&office->roster, kind, name) < ROSTER_KEYS_MAX)
        return;
    printf("%s has two keys now, and both are valid. Is it the same machine? Then\n"
           "revoke the former one when the new one is in use:\n",
           name);
    for (size_t i = 0; i < office->roster.count; i++) {
        const struct roster_user *user = &office->roster.users[i];

        if (user->kind == kind && strcmp(user->name, name) == 0)
            printf("  vmreclaim-fleet%s --revoke %s %s\n",
                   kind == ROSTER_COORDINATOR ? " --coordinator" : "", name, user->key);
    }
}

int enrol_add(const char *directory, enum roster_kind kind, const char *name, const char *key,
              struct error *error)
{
    struct office office;
    int r = open_office(&office, directory, true, error);
    bool is_there;

    if (r == 0)
        r = roster_add(&office.roster, kind, name, key, error);
    is_there = r == -EALREADY;
    if (r == 0 || is_there)
        r = write_all(&office, error);
    if (r == 0) {
        printf(is_there ? "%s is enrolled with that key already.\n" : "%s is enrolled.\n", name);
        print_keys(&office, kind, name);
        print_next(&office);
    }
    close_office(&office);
    return r;
}

int enrol_revoke(const char *directory, enum roster_kind kind, const char *name, const char *key,
                 struct error *error)
{
    struct office office;
    int r = open_office(&office, directory, true, error);

    if (r == 0)
        r = roster_remove(&office.roster, kind, name, key, error);
    if (r == -ENOENT && office.is_there)
        (void)write_all(&office, NULL); /* who revoked it may have been stopped */
    else if (r == 0)
        r = write_all(&office, error);
    if (r == 0) {
        printf("%s is revoked%s.\n", name, key == NULL ? "" : " with that key");
        print_next(&office);
    }
    close_office(&office);
    return r;
}

int enrol_list(const char *directory, struct error *error)
{
    struct office office;
    int r = open_office(&office, directory, false, error);
    cleanup_free char *text = r == 0 ? roster_format(&office.roster) : NULL;

    if (text != NULL)
        fputs(text, stdout);
    close_office(&office);
    return r;
}
