/* Sorted, so that two texts of it are compared line by line. */
#include "controller/fleet/enrol/roster.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/text.h"
#include "controller/fleet/events/kinds.h"

#define ROOM_FIRST 64

static const char *const kinds[] = {
    [ROSTER_COORDINATOR] = "coordinator",
    [ROSTER_HOST] = "host",
};

void roster_finish(struct roster *roster)
{
    free(roster->users);
    *roster = (struct roster){.users = NULL};
}

static int compare(const struct roster_user *a, const struct roster_user *b)
{
    int order = (int)a->kind - (int)b->kind;

    if (order == 0)
        order = strcmp(a->name, b->name);
    return order != 0 ? order : strcmp(a->key, b->key);
}

static bool is_of(const struct roster_user *user, enum roster_kind kind, const char *name)
{
    return user->kind == kind && strcmp(user->name, name) == 0;
}

size_t roster_keys(const struct roster *roster, enum roster_kind kind, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < roster->count; i++)
        count += is_of(&roster->users[i], kind, name);
    return count;
}

/* ---- one more, one less ---- */

static int check_user(const char *name, const char *key, struct error *error)
{
    if (strlen(name) >= FLEET_HOST_SIZE || !fleet_host_is_good(name))
        return error_set(error, -EINVAL,
                         "'%s' is no name on the bus: letters, digits, '-' and '_' only, %d at "
                         "most",
                         TEXT_CUT(name, 80), FLEET_HOST_SIZE - 1);
    return nkey_check_public(key, error);
}

static int check_new(const struct roster *roster, enum roster_kind kind, const char *name,
                     const char *key, struct error *error)
{
    for (size_t i = 0; i < roster->count; i++) {
        const struct roster_user *user = &roster->users[i];

        if (strcmp(user->key, key) != 0)
            continue;
        if (is_of(user, kind, name))
            return -EALREADY;
        return error_set(error, -EINVAL,
                         "%s is %s %s's key already: every user has one of its own\nmake another "
                         "one with vmreclaim-fleet --new-nkey",
                         key, kinds[user->kind], user->name);
    }
    if (roster->count == ROSTER_USERS_MAX)
        return error_set(error, -E2BIG, "there are %d users already", ROSTER_USERS_MAX);
    if (roster_keys(roster, kind, name) == ROSTER_KEYS_MAX)
        return error_set(error, -E2BIG,
                         "%s %s has %d keys already\nrevoke the one that is not used", kinds[kind],
                         name, ROSTER_KEYS_MAX);
    return 0;
}

static int make_room(struct roster *roster)
{
    size_t room = roster->room == 0 ? ROOM_FIRST : 2 * roster->room;
    struct roster_user *users;

    if (roster->count < roster->room)
        return 0;
    users = realloc(roster->users, room * sizeof(*users));
    if (users == NULL)
        return -ENOMEM;
    roster->users = users;
    roster->room = room;
    return 0;
}

/* Where it is to stand. */
static size_t place_of(const struct roster *roster, const struct roster_user *user)
{
    size_t low = 0, high = roster->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare(&roster->users[middle], user) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int insert(struct roster *roster, enum roster_kind kind, const char *name, const char *key,
                  struct error *error)
{
    struct roster_user user = {.kind = kind};
    size_t place;

    if (make_room(roster) < 0)
        return error_set(error, -ENOMEM, "out of memory");
    text_copy(user.name, sizeof(user.name), name);
    text_copy(user.key, sizeof(user.key), key);
    place = place_of(roster, &user);
    memmove(roster->users + place + 1, roster->users + place,
            (roster->count - place) * sizeof(user));
    roster->users[place] = user;
    roster->count++;
    return 0;
}

int roster_add(struct roster *roster, enum roster_kind kind, const char *name, const char *key,
               struct error *error)
{
    int r = check_user(name, key, error);

    if (r == 0)
        r = check_new(roster, kind, name, key, error);
    return r == 0 ? insert(roster, kind, name, key, error) : r;
}

int roster_remove(struct roster *roster, enum roster_kind kind, const char *name, const char *key,
                  struct error *error)
{
    size_t kept = 0, before = roster->count;

    for (size_t i = 0; i < before; i++) {
        const struct roster_user *user = &roster->users[i];

        if (!is_of(user, kind, name) || (key != NULL && strcmp(user->key, key) != 0))
            roster->users[kept++] = *user;
    }
    roster->count = kept;
    if (kept < before)
        return 0;
    return error_set(error, -ENOENT,
                     "%s %s has no%s key here\nvmreclaim-fleet --enrolled lists all", kinds[kind],
                     TEXT_CUT(name, 80), key == NULL ? "" : " such");
}

/* ---- as text ---- */

static bool read_kind(const char *word, enum roster_kind *ret_kind)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (strcmp(word, kinds[i]) == 0) {
            *ret_kind = (enum roster_kind)i;
            return true;
        }
    return false;
}

static int parse_line(struct roster *roster, char *line, struct error *error)
{
    enum roster_kind kind;
    char *rest = NULL;
    const char *word = strtok_r(line, " \t\r", &rest);
    const char *name = strtok_r(NULL, " \t\r", &rest);
    const char *key = strtok_r(NULL, " \t\r", &rest);
    int r;

    if (word == NULL || word[0] == '#')
        return 0;
    if (!read_kind(word, &kind) || key == NULL || strtok_r(NULL, " \t\r", &rest) != NULL)
        return error_set(error, -EINVAL,
                         "this is neither \"host NAME KEY\" nor \"coordinator NAME "
                         "KEY\"");
    r = roster_add(roster, kind, name, key, error);
    return r == -EALREADY ? 0 : r;
}

int roster_parse(struct roster *roster, const char *text, struct error *error)
{
    cleanup_free char *copy = strdup(text);
    char *next = copy;
    int r = copy == NULL ? error_set(error, -ENOMEM, "out of memory") : 0;

    for (unsigned number = 1; r == 0 && next != NULL; number++) {
        char *line = strsep(&next, "\n");

        r = parse_line(roster, line, error);
        if (r < 0)
            error_prefix(error, r, "line %u", number);
    }
    if (r < 0)
        roster_finish(roster);
    return r;
}

/* All that a host may do on the bus: say what is its own, and hear what is for it. Kinds of events
 * are named: a host that makes up more would push the events of others out of their stream. */
static void print_host(FILE *output, const char *host, const char *key)
{
#define NAME(name, help) name,
    static const char *const events[] = {FLEET_EVENT_KINDS(NAME)};

    fprintf(output,
            "  { nkey: %s, permissions: {\n"
            "    publish: [ \"vmr.v1.status.%s\", \"vmr.v1.policyget.%s\"",
            key, host, host);
    for (size_t i = 0; i < ARRAY_SIZE(events); i++)
        fprintf(output, ", \"vmr.v1.event.%s.%s\"", host, events[i]);
    fprintf(output,
            " ]\n"
            "    subscribe: [ \"_INBOX_%s.>\", \"vmr.v1.live.policy.%s\" ] } }\n",
            host, host);
}

static void print_users(FILE *output, const struct roster *roster, enum roster_kind kind)
{
    fputs("# Made by vmreclaim-fleet --enrol and --revoke: what is changed by hand is lost.\n"
          "users: [\n",
          output);
    for (size_t i = 0; i < roster->count; i++) {
        const struct roster_user *user = &roster->users[i];

        if (user->kind != kind)
            continue;
        if (kind == ROSTER_HOST)
            print_host(output, user->name, user->key);
        else
            fprintf(output, "  { nkey: %s } # %s\n", user->key, user->name);
    }
    fputs("]\n", output);
}

static void print_list(FILE *output, const struct roster *roster)
{
    fputs("# The users of the fleet's bus, and their public keys; see vmreclaim-fleet(8).\n",
          output);
    for (size_t i = 0; i < roster->count; i++)
        fprintf(output, "%s %s %s\n", kinds[roster->users[i].kind], roster->users[i].name,
                roster->users[i].key);
}

/* `kind`: NULL for the list itself. */
static char *format(const struct roster *roster, const enum roster_kind *kind)
{
    char *text = NULL;
    size_t length;
    FILE *output = open_memstream(&text, &length);

    if (output == NULL)
        return NULL;
    if (kind == NULL)
        print_list(output, roster);
    else
        print_users(output, roster, *kind);
    if (fclose(output) == 0)
        return text;
    free(text);
    return NULL;
}

char *roster_format(const struct roster *roster)
{
    return format(roster, NULL);
}

char *roster_format_users(const struct roster *roster, enum roster_kind kind)
{
    return format(roster, &kind);
}
