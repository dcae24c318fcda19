/* vmreclaimd put together.
 *
 * Theory of operation: the daemon is a list of parts. They are started in the order of the table,
 * each on those before it, and stopped in reverse. A part that is stopped closes what it has open.
 * The loop runs until all of it is closed, then the parts are finished in the same reverse order.
 *
 * Failure modes: a part that cannot be started leaves nothing open and says why. Those before it
 * are stopped and finished as at any other end. What hangs at the end, in a file system or in a
 * directory on the network, is named and left behind once the store has what it must keep. */
#include "controller/daemon.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/util.h"
#include "controller/daemon-files.h"
#include "controller/daemon-intervals.h"
#include "controller/daemon-listen.h"
#include "controller/daemon-log.h"
#include "controller/daemon-reload.h"
#include "controller/daemon-traces.h"
#include "controller/state-lock.h"
#include "controller/vms/tick.h"

#define STOP_TIME       (5 * NSEC_PER_SEC) /* for what is read and closed */
#define STORE_STOP_TIME (10 * NSEC_PER_SEC)

static int no_timer(int r, struct error *error)
{
    return r < 0 ? error_set(error, r, "cannot make a timer: %s", uv_strerror(r)) : 0;
}

/* ---- the loop ---- */

static int start_turns(struct daemon *daemon, struct error *error)
{
    int r = turns_init(&daemon->turns, &daemon->loop);

    return r < 0 ? error_set(error, r, "cannot watch the event loop: %s", uv_strerror(r)) : 0;
}

static void stop_turns(struct daemon *daemon)
{
    turns_stop(&daemon->turns);
}

/* ---- VMs ---- */

static int start_supervisor(struct daemon *daemon, struct error *error)
{
    int r = supervisor_init(&daemon->supervisor, &daemon->loop, daemon->root,
                            daemon->config.sample_interval);

    if (r < 0)
        return no_timer(r, error);
    policy_push_init(&daemon->policy_push, &daemon->supervisor);
    daemon->log_listener.on_event = daemon_log_vm_event;
    supervisor_listen(&daemon->supervisor, &daemon->log_listener);
    return 0;
}

static void stop_supervisor(struct daemon *daemon)
{
    supervisor_stop(&daemon->supervisor);
}

static void finish_supervisor(struct daemon *daemon)
{
    supervisor_finish(&daemon->supervisor);
}

/* After all that listens to VMs. */
static int start_vms(struct daemon *daemon, struct error *error)
{
    daemon_reload_begin(daemon);
    return 0;
}

/* After the files: who is named there has its name. */
static int start_discovery(struct daemon *daemon, struct error *error)
{
    return no_timer(discovery_init(&daemon->discovery, &daemon->supervisor,
                                   daemon->config.ignore_processes, daemon->config.libvirt),
                    error);
}

static void stop_discovery(struct daemon *daemon)
{
    discovery_stop(&daemon->discovery);
}

static void finish_discovery(struct daemon *daemon)
{
    discovery_finish(&daemon->discovery);
}

/* ---- the store, and what stands on it ---- */

/* Before anything is read of what another daemon may be doing. */
static int start_state_lock(struct daemon *daemon, struct error *error)
{
    (void)mkdir(daemon->config.state_directory, 0700);
    return state_lock_take(daemon->config.state_directory, &daemon->state_lock, error);
}

static void finish_state_lock(struct daemon *daemon)
{
    if (daemon->state_lock >= 0)
        close(daemon->state_lock);
}

/* A store that cannot be used is a degraded daemon, not none. */
static int start_store(struct daemon *daemon, struct error *error)
{
    char path[PATH_MAX];
    int r;

    snprintf(path, sizeof(path), "%s/vmreclaim.db", daemon->config.state_directory);
    r = store_create(path, &daemon->store);
    if (r < 0)
        return error_set(error, r, "cannot open the store %s: %s", path, strerror(-r));
    if (store_problem(daemon->store) != NULL)
        log_error("%s; going on without it: records wait, policies and leases are refused",
                  store_problem(daemon->store));
    return 0;
}

static void finish_store(struct daemon *daemon)
{
    store_destroy(daemon->store);
}

static int start_intervals(struct daemon *daemon, struct error *error)
{
    daemon_intervals_start(daemon);
    return 0;
}

static void finish_intervals(struct daemon *daemon)
{
    intervals_finish(&daemon->intervals);
}

static int start_leases(struct daemon *daemon, struct error *error)
{
    struct lease_journal journal;
    int r;

    store_lease_journal(daemon->store, &journal);
    r = lease_keeper_init(&daemon->keeper, &daemon->supervisor, &journal, error);
    if (daemon->keeper.timer.data == NULL)
        return r;
    if (r < 0)
        log_error("leases are not known until the store works: %s", error->text);
    daemon_traces_start(daemon);
    return 0;
}

static void stop_leases(struct daemon *daemon)
{
    lease_keeper_stop(&daemon->keeper);
}

static void finish_leases(struct daemon *daemon)
{
    lease_keeper_finish(&daemon->keeper);
}

static int start_policies(struct daemon *daemon, struct error *error)
{
    policy_assignments_init(&daemon->assignments, &daemon->supervisor, daemon->store);
    return 0;
}

/* After the policies that it brings. */
static int start_desired(struct daemon *daemon, struct error *error)
{
    desired_keeper_init(&daemon->desired, &daemon->assignments, daemon->store,
                        &daemon->config.fleet);
    return 0;
}

static void finish_desired(struct daemon *daemon)
{
    desired_keeper_finish(&daemon->desired);
}

/* Before anything is done to a VM. */
static int start_halts(struct daemon *daemon, struct error *error)
{
    halts_init(&daemon->halts, &daemon->supervisor, &daemon->keeper, daemon->store);
    return 0;
}

static void finish_halts(struct daemon *daemon)
{
    halts_finish(&daemon->halts);
}

static int start_recorder(struct daemon *daemon, struct error *error)
{
    return no_timer(recorder_init(&daemon->recorder, &daemon->supervisor, daemon->store), error);
}

/* What is there is known: from now on nobody waits for the disk. */
static int start_store_thread(struct daemon *daemon, struct error *error)
{
    int r = store_start(daemon->store, &daemon->loop);

    return r < 0 ? error_set(error, r, "cannot make the store's thread: %s", uv_strerror(r)) : 0;
}

static void stop_recorder(struct daemon *daemon)
{
    recorder_stop(&daemon->recorder);
}

static void finish_recorder(struct daemon *daemon)
{
    recorder_finish(&daemon->recorder);
}

/* ---- the API, and what is ordered ---- */

static void reload_as_asked(void *daemon, void (*done)(nsec_t used, void *userdata), void *userdata)
{
    daemon_reload_and_say(daemon, done, userdata);
}

static int start_api(struct daemon *daemon, struct error *error)
{
    const struct api_rooms rooms = {
        .supervisor = &daemon->supervisor,
        .actions = &daemon->actions,
        .halts = &daemon->halts,
        .squeezes = &daemon->squeezes,
        .arbiter = &daemon->arbiter,
        .discovery = &daemon->discovery,
        .keeper = &daemon->keeper,
        .assignments = &daemon->assignments,
        .desired = &daemon->desired,
        .recorder = &daemon->recorder,
        .store = daemon->store,
        .config = &daemon->config,
        .problems = &daemon->reload.problems,
        .reload = reload_as_asked,
        .daemon = daemon,
        .started = daemon->started,
        .turns = &daemon->turns,
    };
    struct api_groups groups;
    int r = daemon_find_groups(&daemon->config, &groups, error);

    if (r < 0)
        return r;
    api_init(&daemon->api, &rooms);
    daemon->api.audit = daemon_audit;
    daemon->api.audit_userdata = daemon;
    api_set_groups(&daemon->api, &groups);
    return 0;
}

static void stop_api(struct daemon *daemon)
{
    api_stop(&daemon->api);
}

static void finish_api(struct daemon *daemon)
{
    api_finish(&daemon->api);
}

/* Stopped before whoever records and answers their ends. */
static int start_actions(struct daemon *daemon, struct error *error)
{
    return no_timer(actions_init(&daemon->actions, &daemon->supervisor, &daemon->keeper), error);
}

static void stop_actions(struct daemon *daemon)
{
    actions_stop(&daemon->actions);
}

/* Stopped before the actions that they are made of. */
static int start_squeezes(struct daemon *daemon, struct error *error)
{
    squeezes_init(&daemon->squeezes, &daemon->supervisor, &daemon->actions);
    return 0;
}

static void stop_squeezes(struct daemon *daemon)
{
    squeezes_stop(&daemon->squeezes);
}

/* ---- what policies have done from here ---- */

static int start_pulses(struct daemon *daemon, struct error *error)
{
    pulse_planner_init(&daemon->pulses, &daemon->supervisor, &daemon->actions);
    return 0;
}

static void stop_pulses(struct daemon *daemon)
{
    pulse_planner_stop(&daemon->pulses);
}

/* ---- the arbiter ---- */

/* It reads what it has promised. */
static int start_arbiter(struct daemon *daemon, struct error *error)
{
    arbiter_keeper_init(&daemon->arbiter, &daemon->supervisor, &daemon->actions, daemon->store,
                        &daemon->config.arbiter);
    return 0;
}

static void finish_arbiter(struct daemon *daemon)
{
    arbiter_keeper_finish(&daemon->arbiter);
}

/* Stopped before the actions that it starts. */
static int start_arbitration(struct daemon *daemon, struct error *error)
{
    return no_timer(arbiter_keeper_start(&daemon->arbiter), error);
}

static void stop_arbitration(struct daemon *daemon)
{
    arbiter_keeper_stop(&daemon->arbiter);
}

/* ---- the service manager ---- */

/* A loop that hangs gives no sign of life and is started again; leases are kept over that. */
static void on_watchdog_timer(uv_timer_t *timer)
{
    struct daemon *daemon = timer->data;

    notify_watchdog(&daemon->notify, time_boottime());
}

static int start_watchdog(struct daemon *daemon, struct error *error)
{
    uint64_t period;
    int r = uv_timer_init(&daemon->loop, &daemon->watchdog_timer);

    if (r < 0)
        return no_timer(r, error);
    daemon->watchdog_timer.data = daemon;
    notify_init(&daemon->notify, time_boottime());
    if (daemon->notify.watchdog == 0)
        return 0;
    period = max_of(daemon->notify.watchdog / 4 / NSEC_PER_MSEC, (nsec_t)1);
    return no_timer(uv_timer_start(&daemon->watchdog_timer, on_watchdog_timer, 0, period), error);
}

static void stop_watchdog(struct daemon *daemon)
{
    uv_close((uv_handle_t *)&daemon->watchdog_timer, NULL);
    notify_finish(&daemon->notify);
}

/* ---- the whole ---- */

static const struct part {
    int (*start)(struct daemon *daemon, struct error *error);
    void (*stop)(struct daemon *daemon);   /* NULL: it has nothing open */
    void (*finish)(struct daemon *daemon); /* NULL: it holds nothing */
} parts[] = {
    {start_state_lock, NULL, finish_state_lock},
    {start_turns, stop_turns, NULL},
    {start_supervisor, stop_supervisor, finish_supervisor},
    {daemon_signals_start, daemon_signals_stop, NULL},
    {start_watchdog, stop_watchdog, NULL},
    {start_store, NULL, finish_store},
    {start_intervals, NULL, finish_intervals},
    {start_leases, stop_leases, finish_leases},
    {start_policies, NULL, NULL},
    {start_desired, NULL, finish_desired},
    {start_halts, NULL, finish_halts},
    {start_recorder, stop_recorder, finish_recorder},
    {start_arbiter, NULL, finish_arbiter},
    {start_store_thread, NULL, NULL},
    {start_api, stop_api, finish_api},
    {start_actions, stop_actions, NULL},
    {start_pulses, stop_pulses, NULL},
    {start_squeezes, stop_squeezes, NULL},
    {start_arbitration, stop_arbitration, NULL},
    {daemon_watches_start, daemon_watches_stop, daemon_watches_finish},
    {start_vms, NULL, NULL},
    {start_discovery, stop_discovery, finish_discovery},
    {daemon_listen_start, daemon_listen_stop, NULL},
};

/* Ten thousand VMs hold several descriptors each. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int start_parts(struct daemon *daemon, struct error *error)
{
    for (; daemon->part_count < ARRAY_SIZE(parts); daemon->part_count++) {
        int r = parts[daemon->part_count].start(daemon, error);

        if (r < 0)
            return r;
    }
    return 0;
}

int daemon_init(struct daemon *daemon, const struct daemon_sources *sources, int root,
                struct error *error)
{
    int r;

    *daemon = (struct daemon){
        .root = root,
        .sources = sources,
        .started = time_realtime(),
        .notify = {.descriptor = -1},
        .state_lock = -1,
    };
    r = daemon_config_gather(&daemon->config, sources, error);
    if (r < 0)
        return r;
    raise_descriptor_limit();
    r = file_probe_descriptors(FILE_PROBE_MAX);
    if (r < 0)
        return error_set(error, r, "cannot start: %s", strerror(-r));
    r = uv_loop_init(&daemon->loop);
    if (r < 0)
        return error_set(error, r, "cannot make an event loop: %s", uv_strerror(r));
    daemon->loop.data = daemon;
    return start_parts(daemon, error);
}

void daemon_run(struct daemon *daemon)
{
    assert(daemon->part_count == ARRAY_SIZE(parts));
    notify_send(&daemon->notify, "READY=1");
    uv_run(&daemon->loop, UV_RUN_DEFAULT);
    notify_send(&daemon->notify, "STOPPING=1");
}

/* ---- the end ---- */

static void on_patience_over(uv_timer_t *patience)
{
    uv_stop(patience->loop);
}

/* False: something is open yet. */
static bool run_until_closed(uv_loop_t *loop, nsec_t most)
{
    uv_timer_t patience;
    bool is_closed;

    (void)uv_timer_init(loop, &patience); /* never fails */
    (void)uv_timer_start(&patience, on_patience_over, most / NSEC_PER_MSEC, 0);
    uv_unref((uv_handle_t *)&patience);
    uv_run(loop, UV_RUN_DEFAULT);
    is_closed = !uv_loop_alive(loop);
    uv_close((uv_handle_t *)&patience, NULL);
    uv_run(loop, UV_RUN_NOWAIT);
    return is_closed;
}

static void tell_what_hangs(const struct daemon *daemon)
{
    static const char left_behind[] = "stopping without an answer";
    const char *at = daemon->reload.is_under_way ? daemon->reload.reading.at : NULL;

    if (at != NULL)
        log_error("%s from the disk or server of %s", left_behind, at);
    if (daemon->discovery.working)
        log_error("%s from /proc, where hypervisors are looked for", left_behind);
    if (at == NULL && !daemon->discovery.working)
        log_error("%s from a directory of users, or a hypervisor's library", left_behind);
}

/* What waits is written, and what was asked is answered, while all who asked are there. False: a
 * thread of it has not ended. */
static bool stop_store(struct daemon *daemon)
{
    struct store_status status;
    int r = daemon->store == NULL ? 0 : store_stop(daemon->store, STORE_STOP_TIME);

    if (r == 0)
        return true;
    store_get_status(daemon->store, &status);
    if (r == -EBUSY)
        log_error("stopping without an answer from the disk of %s to a reading; all is written",
                  status.path);
    else
        log_error("the disk of %s does not answer: %llu records are lost", status.path,
                  (unsigned long long)status.pending);
    return false;
}

/* Threads that do not end may use anything but these two. */
static void leave_rest(struct daemon *daemon)
{
    finish_store(daemon);
    finish_state_lock(daemon);
}

bool daemon_finish(struct daemon *daemon)
{
    bool is_closed;

    if (daemon->loop.data == NULL)
        return true;
    for (size_t i = daemon->part_count; i-- > 0;)
        if (parts[i].stop != NULL)
            parts[i].stop(daemon);
    is_closed = run_until_closed(&daemon->loop, STOP_TIME);
    if (!is_closed)
        tell_what_hangs(daemon);
    is_closed = stop_store(daemon) && is_closed;
    is_closed = run_until_closed(&daemon->loop, is_closed ? STOP_TIME : 0) && is_closed;
    if (!is_closed) {
        leave_rest(daemon);
        return false;
    }
    for (size_t i = daemon->part_count; i-- > 0;)
        if (parts[i].finish != NULL)
            parts[i].finish(daemon);
    daemon->part_count = 0;
    (void)uv_loop_close(&daemon->loop);
    return true;
}
