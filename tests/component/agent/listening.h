/* The guest of most tests: its agent listens, and a client is connected to it. */
#ifndef VMRECLAIM_TESTS_COMPONENT_AGENT_LISTENING_H
#define VMRECLAIM_TESTS_COMPONENT_AGENT_LISTENING_H

#include "tests/lib/test.h"

#include "tests/component/agent/guest.h"

extern struct guest guest;
extern struct client client;

/* Around each test. An agent that was not killed ends by itself. */
int setup(void **state);
int teardown(void **state);

#endif
