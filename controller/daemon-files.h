/* What files say: groups, VMs and their policies, where hypervisors are found. */
#ifndef VMRECLAIM_CONTROLLER_DAEMON_FILES_H
#define VMRECLAIM_CONTROLLER_DAEMON_FILES_H

#include "controller/daemon-parts.h"

/* API_GROUP_NONE for one that is not configured. -ENOENT: the host has no such group. */
int daemon_find_groups(const struct daemon_config *config, gid_t *ret_read, gid_t *ret_control,
                       struct error *error);

/* Reads the VM files, their policies and the directory of hypervisors, and puts them in force: each
 * file as a whole. What is wrong stays what it was, and is in `problems`; so are the VMs of a
 * directory that cannot be read. */
void daemon_read_vms(struct daemon *daemon, struct problems *problems);

/* What --check does: reads everything and says what is wrong. */
void daemon_check(const struct daemon_sources *sources, struct problems *problems);

#endif
