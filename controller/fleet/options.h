/* What vmreclaim-fleet is asked to do. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_OPTIONS_H
#define VMRECLAIM_CONTROLLER_FLEET_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define OPTIONS_OPERANDS_MAX 16

enum verb {
    VERB_RUN,
    VERB_CHECK,
    VERB_NEW_NKEY,
    VERB_NEW_SIGNING_KEY,
    VERB_JOIN,
    VERB_ENROL,
    VERB_REVOKE,
    VERB_LIST_ENROLLED,
};

struct options {
    enum verb verb;
    const char *argument; /* of the verb's option; NULL: it has none */
    const char *operands[OPTIONS_OPERANDS_MAX];
    size_t operand_count;
    bool is_coordinator;
    const char *config;    /* never NULL */
    const char *users;     /* directory; never NULL */
    const char *host;      /* of VERB_JOIN; NULL: not given */
    const char *authority; /* likewise */
};

/* -1: go on. Else the process is to end with that status: what was wrong, or asked, is printed. */
int options_read(int argument_count, char **arguments, struct options *ret_options);

#endif
