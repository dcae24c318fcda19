/* Who uses the API, remembered over connections. */
#include "controller/api/users.h"
#include "common/base/text.h"

#include <assert.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/time.h"

/* What a user who may not control may use of a core. */
#define USER_PERMYRIAD 500
#define USER_SAVED     (200 * NSEC_PER_MSEC)
#define USER_DEBT_MAX  (5 * NSEC_PER_SEC)

void api_users_init(struct api_users *users)
{
    *users = (struct api_users){.count = 0};
    list_init(&users->list);
}

static void forget(struct api_users *users, struct api_user *user)
{
    assert(user->connection_count == 0 && users->count > 0);
    list_remove(&user->link);
    users->count--;
    free(user);
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

        if (user->connection_count == 0) {
            forget(users, user);
            return;
        }
    }
}

static void name_user(struct api_user *user)
{
    char buffer[1024];
    struct passwd entry;
    struct passwd *found = NULL;

    (void)getpwuid_r(user->uid, &entry, buffer, sizeof(buffer), &found);
    if (found != NULL)
        text_copy_line(user->name, sizeof(user->name), found->pw_name);
    else
        (void)snprintf(user->name, sizeof(user->name), "uid %u", user->uid);
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
        .uid = uid,
        .processor = {.permyriad = USER_PERMYRIAD,
                      .saved_max = USER_SAVED,
                      .debt_max = USER_DEBT_MAX},
        .refusals = {.interval = 60 * NSEC_PER_SEC, .burst = 20},
    };
    name_user(user);
    list_append(&users->list, &user->link);
    users->count++;
    return user;
}

struct api_user *api_users_get(struct api_users *users, uid_t uid)
{
    list_for_each (link, &users->list) {
        struct api_user *user = list_entry(link, struct api_user, link);

        if (user->uid == uid)
            return user;
    }
    return add(users, uid);
}
