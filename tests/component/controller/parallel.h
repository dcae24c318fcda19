/* Runs tests that wait more than they work at the same time, each in a process of its own. */
#ifndef VMRECLAIM_TESTS_COMPONENT_CONTROLLER_PARALLEL_H
#define VMRECLAIM_TESTS_COMPONENT_CONTROLLER_PARALLEL_H

#include <stddef.h>
#include <sys/types.h>

#define PARALLEL_MAX 12

struct child {
    pid_t pid; /* 0: ended */
    int output;
    int status; /* as of waitpid */
};

/* Starts this very program with other arguments (the first is its name); what it prints is kept. */
void child_start(struct child *child, char *const *arguments);

/* Waits for any of the children and returns its index, -1 when none runs. */
int children_wait(struct child *children, size_t count);

/* Prints what the child has printed, and closes that. */
void child_print(const struct child *child);

struct CMUnitTest;

/* What main returns. argv: the program under test, and the name of one test to run just that. */
int run_apart(int argc, char **argv, const struct CMUnitTest *tests, size_t count);

#endif
