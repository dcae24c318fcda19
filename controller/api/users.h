/* Users of the operators' API, and what each may take from the others. */
#ifndef VMRECLAIM_API_USERS_H
#define VMRECLAIM_API_USERS_H

#include <sys/types.h>

#include "common/base/list.h"
#include "common/base/log.h"
#include "common/ttrpc/ttrpc.h"

#define API_USERS_MAX 64 /* remembered; one with connections is never forgotten */

/* Of one user who may not control, so that others find room. */
#define API_USER_CONNECTIONS_MAX 32

/* What one user's connections share: who may not control is bounded. */
struct api_user {
    struct list link; /* of users, the latest last */
    uid_t uid;
    char name[64];
    size_t connection_count;
    struct ttrpc_share processor;
    struct log_limit refusals; /* that are audited */
};

struct api_users {
    struct list list; /* struct api_user */
    size_t count;
};

void api_users_init(struct api_users *users);
void api_users_finish(struct api_users *users);

/* Asks the system's user database for the name of a new one, which may be slow. NULL: no memory. */
struct api_user *api_users_get(struct api_users *users, uid_t uid);

#endif
