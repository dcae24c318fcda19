/* Who uses the API, remembered over connections. */
#include "controller/api/users.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/text.h"
#include "common/base/time.h"

/* What may be used at once, before the share is all there is. All answers of one kind together are
 * still shorter than what root notices. */
#define USER_SAVED    (50 * NSEC_PER_MSEC)
#define USERS_SAVED   (100 * NSEC_PER_MSEC)
#define DEBT_MAX      (5 * NSEC_PER_SEC)
#define ALL_PERMYRIAD 10000

#define NAME_RETRY (60 * NSEC_PER_SEC)

/* Of what is kept of changes. A policy has up to 64 KiB, most calls take a few; a script for a
 * thousand VMs gets through. */
#define USER_KEPT_PER_SECOND  4096u
#define USER_KEPT_BURST       (1024u * 1024)
#define USERS_KEPT_PER_SECOND 8192u
#define USERS_KEPT_BURST      (3 * 1024u * 1024)

/* A bridge to the fleet keeps a connection, and carries a signed state, which is large. Whoever may
 * look keeps a connection between two glances; a stranger has nothing to wait for. Root
 * can look and change whatever others do. */
const struct api_bounds api_bounds[API_STANDING_COUNT] = {
    [API_STANDING_OWNER] = {.connections = API_CONNECTIONS_MAX,
                            .user_connections = API_CONNECTIONS_MAX,
                            .frame_bytes = 1024 * 1024},
    [API_STANDING_CONTROL] = {.connections = 208,
                              .user_connections = 64,
                              .reserve = 48,
                              .permyriad = 1000,
                              .all_permyriad = 1500,
                              .frame_bytes = 256 * 1024},
    [API_STANDING_FLEET] = {.connections = 32,
                            .user_connections = 16,
                            .reserve = 64,
                            .permyriad = 500,
                            .all_permyriad = 1000,
                            .frame_bytes = 640 * 1024},
    [API_STANDING_READ] = {.connections = 128,
                           .user_connections = 32,
                           .reserve = 96,
                           .idle = 300 * NSEC_PER_SEC,
                           .permyriad = 500,
                           .all_permyriad = 1000,
                           .frame_bytes = 64 * 1024},
    [API_STANDING_NONE] = {.connections = 32,
                           .user_connections = 4,
                           .reserve = 96,
                           .idle = 10 * NSEC_PER_SEC,
                           .permyriad = 100,
                           .all_permyriad = 200,
                           .frame_bytes = 64 * 1024},
};

/* Ends of the shares' parts are the caller's. */
static void init_shares(struct ttrpc_share shares[API_STANDING_COUNT], bool of_one)
{
    for (unsigned i = 0; i < API_STANDING_COUNT; i++) {
        const struct api_bounds *bounds = &api_bounds[i];

        shares[i] = (struct ttrpc_share){
            .permyriad = of_one ? bounds->permyriad : bounds->all_permyriad,
            .saved_max = of_one ? USER_SAVED : USERS_SAVED,
            .debt_max = DEBT_MAX,
        };
    }
}

void api_users_init(struct api_users *users, uv_loop_t *loop)
{
    *users = (struct api_users){
        .loop = loop,
        .turns = {.permyriad = ALL_PERMYRIAD, .debt_max = 1, .one_in_turn = true},
        .kept = {.per_second = USERS_KEPT_PER_SECOND, .burst = USERS_KEPT_BURST},
        .crowded_out = {.interval = 60 * NSEC_PER_SEC, .burst = 2},
        .refusals = {.interval = 60 * NSEC_PER_SEC, .burst = 60},
    };
    init_shares(users->processor, false);
    for (unsigned i = 0; i < API_STANDING_COUNT; i++)
        users->processor[i].whole = &users->turns;
    list_init(&users->list);
}

static size_t sum(const size_t connections[API_STANDING_COUNT])
{
    size_t all = 0;

    for (unsigned i = 0; i < API_STANDING_COUNT; i++)
        all += connections[i];
    return all;
}

static void stop_lookup(struct api_user *user)
{
    if (user->lookup != NULL)
        name_forget(user->lookup);
    user->lookup = NULL;
}

static void forget(struct api_users *users, struct api_user *user)
{
    assert(sum(user->connections) == 0 && users->count > 0);
    stop_lookup(user);
    list_remove(&user->link);
    users->count--;
    free(user);
}

void api_users_stop(struct api_users *users)
{
    list_for_each (link, &users->list)
        stop_lookup(list_entry(link, struct api_user, link));
}

void api_users_finish(struct api_users *users)
{
    list_for_each_safe (link, following, &users->list)
        forget(users, list_entry(link, struct api_user, link));
    assert(users->count == 0);
}

static void forget_one(struct api_users *users)
{
    list_for_each (link, &users->list) {
        struct api_user *user = list_entry(link, struct api_user, link);

        if (sum(user->connections) == 0) {
            forget(users, user);
            return;
        }
    }
}

static void on_name(const char *name, void *userdata)
{
    struct api_user *user = userdata;

    user->lookup = NULL;
    user->is_named = name != NULL;
    if (name != NULL)
        text_copy(user->name, sizeof(user->name), name);
    if (user->users->on_looked_up != NULL)
        user->users->on_looked_up(user, user->users->userdata);
}

static void look_up_name(struct api_user *user)
{
    nsec_t now = time_monotonic();

    if (user->is_named || user->lookup != NULL ||
        (user->asked != 0 && now - user->asked < NAME_RETRY))
        return;
    user->asked = now;
    (void)name_look_up(user->users->loop, user->uid, on_name, user, &user->lookup);
}

static struct api_user *add(struct api_users *users, uid_t uid)
{
    struct api_user *user;

    if (users->count >= API_USERS_MAX)
        forget_one(users);
    user = calloc(1, sizeof(*user));
    if (user == NULL)
        return NULL;
    *user = (struct api_user){
        .users = users,
        .uid = uid,
        .kept = {.per_second = USER_KEPT_PER_SECOND,
                 .burst = USER_KEPT_BURST,
                 .whole = &users->kept},
        .refusals = {.interval = 60 * NSEC_PER_SEC, .burst = 20},
    };
    init_shares(user->processor, true);
    for (unsigned i = 0; i < API_STANDING_COUNT; i++)
        user->processor[i].whole = &users->processor[i];
    snprintf(user->name, sizeof(user->name), "uid %u", uid);
    list_append(&users->list, &user->link);
    users->count++;
    return user;
}

static struct api_user *find(const struct api_users *users, uid_t uid)
{
    list_for_each (link, &users->list) {
        struct api_user *user = list_entry(link, struct api_user, link);

        if (user->uid == uid)
            return user;
    }
    return NULL;
}

struct api_user *api_users_get(struct api_users *users, uid_t uid)
{
    struct api_user *user = find(users, uid);

    if (user == NULL)
        user = add(users, uid);
    if (user != NULL)
        look_up_name(user);
    return user;
}

/* ---- connections ---- */

/* NULL: there is room. */
static const char *who_is_in_the_way(const struct api_users *users, const struct api_user *user,
                                     enum api_standing standing, size_t *ret_count)
{
    static const char *const those[API_STANDING_COUNT] = {
        [API_STANDING_OWNER] = "root holds",
        [API_STANDING_CONTROL] = "those who may control hold",
        [API_STANDING_FLEET] = "the fleet's bridges hold",
        [API_STANDING_READ] = "those who may only look hold",
        [API_STANDING_NONE] = "those without a right hold",
    };
    const struct api_bounds *bounds = &api_bounds[standing];

    *ret_count = user->connections[standing];
    if (*ret_count >= bounds->user_connections)
        return "that user holds";
    *ret_count = users->connections[standing];
    if (*ret_count >= bounds->connections)
        return those[standing];
    *ret_count = sum(users->connections);
    return *ret_count >= API_CONNECTIONS_MAX - bounds->reserve ? "all users hold" : NULL;
}

bool api_users_enter(struct api_users *users, struct api_user *user, enum api_standing standing)
{
    size_t count;
    const char *who = who_is_in_the_way(users, user, standing, &count);
    unsigned suppressed;

    if (who == NULL) {
        user->connections[standing]++;
        users->connections[standing]++;
        return true;
    }
    if (log_limit_pass(&users->crowded_out, time_boottime(), &suppressed))
        log_warning("refused a connection of %s: %s %zu already", user->name, who, count);
    return false;
}

void api_users_leave(struct api_users *users, struct api_user *user, enum api_standing standing)
{
    assert(user->connections[standing] > 0 && users->connections[standing] > 0);
    user->connections[standing]--;
    users->connections[standing]--;
}

struct ttrpc_share *api_user_share(struct api_user *user, enum api_standing standing)
{
    return api_bounds[standing].permyriad == 0 ? NULL : &user->processor[standing];
}
