/* What may follow on a command line that is being typed: for shells. Pure, but for `names`. */
#ifndef VMRECLAIM_CONTROLLER_CLI_COMPLETING_H
#define VMRECLAIM_CONTROLLER_CLI_COMPLETING_H

#include "controller/cli/cli.h"

/* What somebody types a name of. The help calls it so: "VM", "POLICY", ... */
enum completing_kind {
    COMPLETING_NOTHING, /* known to the typist alone */
    COMPLETING_VM,
    COMPLETING_POLICY,
    COMPLETING_ACTION,
    COMPLETING_FILE,
    COMPLETING_KIND,     /* of events */
    COMPLETING_KINDS,    /* of what a fleet's hosts tell */
    COMPLETING_ASSIGNED, /* VM, glob or label that has a policy */
    COMPLETING_FLEET_HOST,
    COMPLETING_FLEET_POLICY,
};

struct completing {
    struct cli *cli; /* options of every command that are on the line go into it */
    /* One that may follow; `help` may be "". */
    void (*add)(const char *word, const char *help, void *userdata);
    /* All names of the kind are to be added, those that do not fit too. */
    void (*names)(enum completing_kind kind, void *userdata);
    void *userdata;
};

/* `words` are those after the program's name; the last one is being typed, and may be "". */
void complete_line(const struct completing *completing, char **words, int count);

#endif
