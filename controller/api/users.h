/* Users of the operators' API, and what each may take from the others. */
#ifndef VMRECLAIM_CONTROLLER_API_USERS_H
#define VMRECLAIM_CONTROLLER_API_USERS_H

#include <sys/types.h>

#include "common/base/list.h"
#include "common/base/log.h"
#include "common/transport/names.h"
#include "common/ttrpc/ttrpc.h"
#include "controller/api/kept.h"

#define API_USERS_MAX       64 /* remembered; one with connections is never forgotten */
#define API_CONNECTIONS_MAX 256

/* What a client might do when it came. */
enum api_standing {
    API_STANDING_OWNER, /* root, and the daemon's own user */
    API_STANDING_CONTROL,
    API_STANDING_FLEET,
    API_STANDING_READ,
    API_STANDING_NONE,
    API_STANDING_COUNT,
};

/* What is left of API_CONNECTIONS_MAX is a reserve for who may do more. */
struct api_bounds {
    size_t connections;      /* of all with this standing */
    size_t user_connections; /* of one user */
    size_t reserve;          /* connections of others beyond which there is no room */
    nsec_t idle;             /* an unused connection is closed after so long; 0: never */
    uint32_t permyriad;      /* of a core, for one user; 0: any part of it */
    uint32_t all_permyriad;  /* and for all of them together */
    uint32_t frame_bytes;    /* of a request: who may not change anything needs little */
};

extern const struct api_bounds api_bounds[API_STANDING_COUNT];

/* What one user's connections share. */
struct api_user {
    struct list link; /* of users, the latest last */
    struct api_users *users;
    uid_t uid;
    char name[64]; /* "uid 1007" while the name is not known */
    bool is_named;
    nsec_t asked;               /* CLOCK_MONOTONIC of the last lookup */
    struct name_lookup *lookup; /* under way; NULL: none */
    size_t connections[API_STANDING_COUNT];
    struct ttrpc_share processor[API_STANDING_COUNT];
    struct kept_share kept;    /* of who may control, and is not root */
    struct log_limit refusals; /* that are audited */
};

struct api_users {
    uv_loop_t *loop;
    struct list list; /* struct api_user */
    size_t count;
    size_t connections[API_STANDING_COUNT];
    struct ttrpc_share processor[API_STANDING_COUNT]; /* the users' are parts of these */
    struct ttrpc_share turns;     /* ... which are parts of this: one message in a turn */
    struct kept_share kept;       /* of all: theirs are parts of it */
    struct log_limit crowded_out; /* connections refused that are logged */
    struct log_limit refusals;    /* of all: one user may come under many numbers */
    /* A lookup has ended, with a name or without. */
    void (*on_looked_up)(struct api_user *user, void *userdata);
    void *userdata;
};

/* `on_looked_up` and its userdata are set afterwards. */
void api_users_init(struct api_users *users, uv_loop_t *loop);
/* Waits for no name any more. */
void api_users_stop(struct api_users *users);
void api_users_finish(struct api_users *users);

/* The name of a new one is asked for, and again after a while when there was none. NULL: no
 * memory. */
struct api_user *api_users_get(struct api_users *users, uid_t uid);

/* A connection more. False, and logged: it is beyond the bounds. */
bool api_users_enter(struct api_users *users, struct api_user *user, enum api_standing standing);
void api_users_leave(struct api_users *users, struct api_user *user, enum api_standing standing);

/* The user's share of the processor with this standing; NULL: it may use any part of it. */
struct ttrpc_share *api_user_share(struct api_user *user, enum api_standing standing);

#endif
