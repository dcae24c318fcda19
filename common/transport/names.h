/* Names of users, looked up where nobody waits for them: the system's user database may be a
 * directory on the network. */
#ifndef VMRECLAIM_COMMON_TRANSPORT_NAMES_H
#define VMRECLAIM_COMMON_TRANSPORT_NAMES_H

#include <sys/types.h>
#include <uv.h>

struct name_lookup;

/* `name` is one line and lives until the callback returns; NULL: there is none, or nobody says. */
typedef void (*name_found)(const char *name, void *userdata);

/* Asks on libuv's thread pool. `on_found` runs once, on the loop, which is kept alive until the
 * database has answered. -ENOMEM, or what libuv says. */
int name_look_up(uv_loop_t *loop, uid_t uid, name_found on_found, void *userdata,
                 struct name_lookup **ret_lookup);

/* The callback will not run. */
void name_forget(struct name_lookup *lookup);

#endif
