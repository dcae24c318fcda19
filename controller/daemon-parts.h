/* The parts of vmreclaimd. */
#ifndef VMRECLAIM_CONTROLLER_DAEMON_PARTS_H
#define VMRECLAIM_CONTROLLER_DAEMON_PARTS_H

#include <uv.h>

#include "common/base/error.h"
#include "common/base/notify.h"
#include "common/transport/transport.h"
#include "controller/actions/action.h"
#include "controller/actions/halts.h"
#include "controller/actions/squeeze.h"
#include "controller/api/api.h"
#include "controller/arbiter/keeper.h"
#include "controller/config/daemon-config.h"
#include "controller/config/problems.h"
#include "controller/daemon-reading.h"
#include "controller/desired/keeper.h"
#include "controller/directory-watches.h"
#include "controller/leases/keeper.h"
#include "controller/policies/assignments.h"
#include "controller/policies/push.h"
#include "controller/pulses/planner.h"
#include "controller/records/recorder.h"
#include "controller/store/store.h"
#include "controller/telemetry/turns.h"
#include "controller/vms/discovery.h"
#include "controller/vms/intervals.h"
#include "controller/vms/supervisor.h"

/* The reading of files, which is done on a thread. Written by daemon-reload.c. */
struct daemon_reload {
    uv_timer_t timer;         /* waits for a burst of file changes to end, or for another try */
    nsec_t retry_delay;       /* until then; 0: nothing is wrong */
    bool changed;             /* a file did, since the reading began */
    bool is_watched;          /* all directories are */
    struct problems problems; /* what is not in force of what was read */
    uv_work_t work;
    struct reading reading;
    bool is_under_way;
    bool is_stopping;
    const char *why; /* for the log; NULL: another try */
    bool again;      /* somebody asked meanwhile */
    const char *next_why;
    struct list asked;      /* struct reload_asked: who waits for the reading under way */
    struct list asked_next; /* ... and for the next one */
};

struct daemon {
    uv_loop_t loop;
    int root; /* directory that has proc/ and sys/ */
    struct daemon_config config;
    const struct daemon_sources *sources;
    struct supervisor supervisor;
    struct discovery discovery;
    struct intervals intervals;
    struct supervisor_listener log_listener;
    struct api api;
    struct actions actions;
    struct pulse_planner pulses;
    struct halts halts;
    struct squeezes squeezes;
    struct arbiter_keeper arbiter;
    int state_lock; /* -1: none */
    struct store *store;
    struct recorder recorder;
    struct policy_assignments assignments;
    struct policy_push policy_push;
    struct desired_keeper desired;
    struct lease_keeper keeper;
    struct listener *agent_listeners[DAEMON_LISTEN_MAX];
    struct listener *api_listener;
    struct listener *root_listener; /* who crowds the others' does not crowd this one */
    uv_signal_t signals[3];
    struct directory_watches watches; /* of the VM files and of the hypervisors' directory */
    struct turns turns;               /* of the loop */
    struct notify notify;             /* the service manager */
    uv_timer_t watchdog_timer;
    struct daemon_reload reload;
    int64_t started;   /* UNIX nanoseconds */
    size_t part_count; /* that were started, see daemon.c */
};

#endif
