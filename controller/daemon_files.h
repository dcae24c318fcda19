/* What files say: groups, VMs and their policies, where hypervisors are found. */
#ifndef VMRECLAIM_CONTROLLER_DAEMON_FILES_H
#define VMRECLAIM_CONTROLLER_DAEMON_FILES_H

#include "controller/daemon-parts.h"

/* API_GROUP_NONE for one that is not configured. -ENOENT: the host has no such group. */
int daemon_find_groups(const struct daemon_config *config, gid_t *ret_read, gid_t *ret_control,
                       struct error *error);

/* Reads the VM files, their policies and the directory of hypervisors, and puts them in force. With
 * `strict` one wrong file means that nothing changes; without, that VM is left out and logged. */
int daemon_read_vms(struct daemon *daemon, bool strict, struct error *error);

/* What --check does: reads everything and says the first thing that is wrong. */
int daemon_check(const struct daemon_sources *sources, struct error *error);

#endif
