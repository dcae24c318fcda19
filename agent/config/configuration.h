/* What the guest's owner wants: agent.conf, then the kernel command line, then flags; the later one
 * wins. Keys are those of the agent (below) and those of the policy table.
 *
 * What the owner sets also bounds what a host may order. A host's policy may be gentler, never more
 * intrusive. */
#ifndef VMRECLAIM_AGENT_CONFIG_CONFIGURATION_H
#define VMRECLAIM_AGENT_CONFIG_CONFIGURATION_H

#include <limits.h>
#include <stdbool.h>

#include "agent/safety/host-gate.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/policy/policy.h"
#include "common/transport/address.h"

#define CONFIGURATION_FILE          "etc/vmreclaim/agent.conf" /* below the root */
#define CONFIGURATION_STATE_DEFAULT "/var/lib/vmreclaim-agent"

struct configuration {
    bool dials; /* false: `connect = none`, or only `listen` is given */
    bool connect_is_set;
    struct address connect;
    bool listens;
    struct address listen;
    enum host_port host_port; /* believed of a host that dials; HOST_PORT_AUTO */
    char state_directory[PATH_MAX];
    bool sets_lowest_order; /* the owner knows the host's backing; a controller knows better */
    uint32_t lowest_order;
    bool seccomp;
    enum log_level log_level;
    struct policy policy;       /* the local policy */
    policy_key_set policy_keys; /* which of its keys the owner set, a profile counts as all */
};

/* A key of the agent's own, for the manual. */
struct configuration_key {
    const char *name;
    const char *type;     /* what it takes */
    const char *standard; /* what is in force without it; NULL: nothing */
    const char *since;    /* version; NULL: the first one */
};

/* NULL past the end. The profile and the policy's keys are common/policy's. */
const struct configuration_key *configuration_key(size_t index);

/* A key and a value from the command line, as written: "key=value". */
struct configuration_sources {
    int root;         /* directory with etc/ and proc/ */
    const char *file; /* instead of CONFIGURATION_FILE, then it must exist; or NULL */
    const char *const *settings;
    size_t setting_count;
};

/* Reads all sources. Unknown keys and bad values are errors that name the file and line, the kernel
 * command line or the flag. A negative errno; `ret_configuration` is untouched then. */
int configuration_read(const struct configuration_sources *sources,
                       struct configuration *ret_configuration, struct error *error);

/* Whether the owner set the key, which then binds the host's policies and orders too. */
bool configuration_sets(const struct configuration *configuration, const char *key);

/* Whether the owner keeps some page cache, which dropping it would not leave: a cache_floor, unless
 * the owner's own cache_method is to drop. */
bool configuration_keeps_cache(const struct configuration *configuration);

#endif
