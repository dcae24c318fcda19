/* What the machine behind the scripted QMP server answers, apart from its socket. */
#ifndef VMRECLAIM_TESTS_COMPONENT_CONTROLLER_QMP_ANSWERS_H
#define VMRECLAIM_TESTS_COMPONENT_CONTROLLER_QMP_ANSWERS_H

#include <jansson.h>

#include "tests/component/controller/qmp-server.h"

/* Carries the command out. The reply, without its id, is the caller's. NULL: the statistics of a
 * guest that tells none. */
json_t *qmp_server_answer(struct qmp_server *server, const char *command, const json_t *arguments);

#endif
