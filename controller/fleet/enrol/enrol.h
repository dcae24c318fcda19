/* The users of the bus in a directory of the operators': who is let in, and who no more.
 *
 * Its file "users" is the list; "coordinators.conf" and "hosts.conf", which accounts.conf includes,
 * are made of it, each replaced as a whole. There is no secret in it, so it may be copied to all
 * servers, or kept under version control. Two who change it at once wait for each other. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_ENROL_ENROL_H
#define VMRECLAIM_CONTROLLER_FLEET_ENROL_ENROL_H

#include "controller/fleet/enrol/roster.h"

#define ENROL_DIRECTORY "/etc/vmreclaim/fleet"

/* Each prints what it did and what is to be done next. Errors are sentences. */

/* The directory is made where it is not there. A name that has a key may get a second one, to take
 * its place. The same again changes nothing. */
int enrol_add(const char *directory, enum roster_kind kind, const char *name, const char *key,
              struct error *error);

/* `key`: NULL for all that the name has. */
int enrol_revoke(const char *directory, enum roster_kind kind, const char *name, const char *key,
                 struct error *error);

int enrol_list(const char *directory, struct error *error);

#endif
