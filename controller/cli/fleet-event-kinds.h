/* Kinds of what happens on the hosts of a fleet, as --kind names them. */
#ifndef VMRECLAIM_CONTROLLER_CLI_FLEET_EVENT_KINDS_H
#define VMRECLAIM_CONTROLLER_CLI_FLEET_EVENT_KINDS_H

#include <stddef.h>

struct fleet_event_kind {
    const char *name;
    const char *help;
};

/* In the order in which they are offered; NULL past the end. */
const struct fleet_event_kind *fleet_event_kind_at(size_t index);

/* Cuts "action,gap" at its commas, into pointers to the text. EXIT_USAGE: there is no such kind, or
 * too many, which is said. */
enum { FLEET_KINDS_MAX = 16 };
int fleet_kinds_parse(char *text, char *kinds[FLEET_KINDS_MAX], size_t *ret_count);

#endif
