/* The users of a fleet's bus: who they are, and what each may do there.
 *
 * As text it is a line for each key, by kind and name:
 *
 *     coordinator one UD7W34NK...
 *     host rack7-12 UAQX2C5R...
 *
 * What the servers include is made of it. A name has up to two keys, so that one can take the
 * other's place while both work. Nobody has another's key. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_ENROL_ROSTER_H
#define VMRECLAIM_CONTROLLER_FLEET_ENROL_ROSTER_H

#include <stdbool.h>
#include <stddef.h>

#include "controller/fleet/bus/nkey.h"
#include "controller/fleet/config/config.h"

#define ROSTER_KEYS_MAX  2     /* of one name */
#define ROSTER_USERS_MAX 20000 /* of all */

enum roster_kind { ROSTER_COORDINATOR, ROSTER_HOST };

struct roster_user {
    enum roster_kind kind;
    char name[FLEET_HOST_SIZE];
    char key[NKEY_PUBLIC_SIZE];
};

/* Zeroed it is empty. */
struct roster {
    struct roster_user *users; /* by kind, name and key */
    size_t count;
    size_t room;
};

void roster_finish(struct roster *roster);

/* Into an empty one. -EINVAL with the line; -ENOMEM. */
int roster_parse(struct roster *roster, const char *text, struct error *error);

/* -EALREADY: that name has that key. -EINVAL: no name, no key, or another's; -E2BIG: it would have
 * too many; -ENOMEM. */
int roster_add(struct roster *roster, enum roster_kind kind, const char *name, const char *key,
               struct error *error);

/* `key`: NULL for all that the name has. -ENOENT: there is none. */
int roster_remove(struct roster *roster, enum roster_kind kind, const char *name, const char *key,
                  struct error *error);

/* How many keys a name has. */
size_t roster_keys(const struct roster *roster, enum roster_kind kind, const char *name);

/* The text that roster_parse takes, to be freed. NULL: no memory. */
char *roster_format(const struct roster *roster);

/* What the servers include for one kind, likewise. */
char *roster_format_users(const struct roster *roster, enum roster_kind kind);

#endif
