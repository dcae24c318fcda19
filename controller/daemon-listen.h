/* Where agents and operators connect. */
#ifndef VMRECLAIM_CONTROLLER_DAEMON_LISTEN_H
#define VMRECLAIM_CONTROLLER_DAEMON_LISTEN_H

#include "controller/daemon-parts.h"

int daemon_listen_start(struct daemon *daemon, struct error *error);
void daemon_listen_stop(struct daemon *daemon);

/* Who may look and who may change from now on, connections that are open too. */
int daemon_set_groups(struct daemon *daemon, const struct daemon_config *config,
                      const struct api_groups *groups, struct error *error);

#endif
