/* The agent's core: one timer that samples, steps the engine, feeds the readers and the watchdog;
 * and what the services share.
 *
 * Theory of operation. Everything periodic hangs on one timer, set to the earliest of: the engine's
 * next sample, the next reader's heartbeat, the service manager's watchdog. Each time it fires the
 * guest is read once, the engine decides, and its action goes to the runner that also serves the
 * host's orders. A pass over the guest's pages that a sample began goes on in slices, between other
 * events of the loop, until it is complete. Pressure comes from the kernel, not from the timer.
 *
 * A quiet guest is woken every ten seconds or so, by this alone.
 *
 * Failure modes. A guest that cannot be read is tried again ten seconds later, and logged once a
 * minute. An action that cannot run is reported to the engine, which then leaves it out. */
#ifndef VMRECLAIM_AGENT_CORE_AGENT_H
#define VMRECLAIM_AGENT_CORE_AGENT_H

#include <uv.h>

#include "agent/actions/features.h"
#include "agent/actions/reporting.h"
#include "agent/actions/runner.h"
#include "agent/actions/settings.h"
#include "agent/calls/scans.h"
#include "agent/calls/watch.h"
#include "agent/config/configuration.h"
#include "agent/config/host-policy.h"
#include "agent/core/connection.h"
#include "agent/engine/engine-state.h"
#include "agent/engine/engine.h"
#include "agent/sensors/pressure-trigger.h"
#include "agent/sensors/sensors.h"
#include "common/base/notify.h"
#include "common/proc/boot-id.h"

struct agent {
    uv_loop_t *loop;
    int root;
    int state_directory; /* -1: there is none to write to */
    const struct configuration *configuration;
    char boot_id[BOOT_ID_SIZE];
    char kernel_release[65];
    uint32_t node_count; /* NUMA nodes */
    struct features features;
    struct settings settings;
    struct sensors sensors;
    struct reporting reporting;
    struct runner runner;
    struct scans scans;
    struct watches watches;
    struct pressure_trigger pressure_trigger;
    struct notify notify;
    struct connections *connections;
    /* the policy in force; `unsupported` and `capped` are empty for the local one */
    struct host_policy policy;
    struct engine engine;
    struct engine_decision decision; /* the last one */
    struct memory_sample sample;     /* the last one */
    uv_timer_t timer;
    nsec_t due;          /* when the next sample is */
    bool has_host_time;  /* a controller told what time it is */
    bool publish_to_all; /* the next sample goes to every reader: something was done */
    struct job policy_job;
    struct log_limit read_failures;
    bool is_stopping;
    unsigned open_parts;
};

/* What the agent runs on; everything in it stays the caller's and outlives the agent. */
struct agent_options {
    uv_loop_t *loop;
    int root;
    int state_directory; /* -1: there is none to write to */
    const struct configuration *configuration;
    const struct ttrpc_service *const *services; /* for connections_options */
};

/* Starts all parts on the loop. -errno with `error`. */
int agent_start(struct agent *agent, const struct agent_options *options, struct error *error);

/* Ends streams and connections, stops the running action; the loop runs empty then. */
void agent_stop(struct agent *agent);

/* After the loop: what was changed in the guest is put back. */
void agent_finish(struct agent *agent);

/* Takes a policy into force; the configuration's own instead of a host's. */
void agent_set_policy(struct agent *agent, const struct host_policy *policy);
void agent_set_own_policy(struct agent *agent);

/* What a controller says the time is, UNIX nanoseconds; until one does, the guest's own clock
 * holds, which may be set meanwhile. */
void agent_set_host_time(struct agent *agent, int64_t time);

/* The lowest reporting order that the host's backing makes useful. -errno: an order below it could
 * not be raised. */
int agent_set_lowest_order(struct agent *agent, uint32_t order);

/* Ends an order for a while, if there is one: nobody is known who waits for it. */
void agent_end_order(struct agent *agent);

/* Samples soon instead of when the timer would. */
void agent_sample_soon(struct agent *agent);

#endif
