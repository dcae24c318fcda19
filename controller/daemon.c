/* vmreclaimd put together. */
#include "controller/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/util.h"
#include "controller/daemon_files.h"
#include "controller/json/json.h"
#include "controller/vms/links.h"
#include "controller/vms/tick.h"

#define RELOAD_QUIET (500 * NSEC_PER_MSEC) /* editors write a file in several steps */

/* ---- log ---- */

static enum log_level level_of(enum vm_event_kind kind)
{
    switch (kind) {
    case VM_EVENT_WARNING:
        return LOG_LEVEL_WARNING;
    case VM_EVENT_STATE:
    case VM_EVENT_POLICY:
    case VM_EVENT_RESET:
    case VM_EVENT_RESTORED:
        return LOG_LEVEL_INFO;
    default:
        return LOG_LEVEL_DEBUG;
    }
}

/* A guest can bring about most of these, so their number is bounded for each. */
static void log_vm_event(const struct vm_event *event, void *userdata)
{
    enum log_level level = level_of(event->kind);
    char note[64] = "";
    unsigned suppressed;

    if (event->kind == VM_EVENT_SAMPLE || vm_event_kind_name(event->kind, event->vm) == NULL)
        return;
    if (level < LOG_LEVEL_DEBUG) {
        if (!log_limit_pass(&event->vm->log, time_boottime(), &suppressed))
            return;
        if (suppressed > 0)
            (void)snprintf(note, sizeof(note), " (%u lines before were left out)", suppressed);
    }
    log_write(level, "VM %s: %s%s", event->vm->name, event->text, note);
}

/* The request as JSON, with the action's id; the caller frees it. NULL: out of memory. */
static char *request_text(const ProtobufCMessage *request, const char *action)
{
    json_t *json = NULL;
    char *text = NULL;

    if (json_from_message(request, &json) == 0 &&
        (action[0] == '\0' || json_object_set_new(json, "action", json_string(action)) == 0))
        text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    return text;
}

static void audit(const struct api_call *call, const ProtobufCMessage *request, bool allowed,
                  void *userdata)
{
    cleanup_free char *text = request_text(request, call->action);
    const struct api_caller *caller = &call->caller;
    const char *method = call->method->name;
    struct daemon *daemon = userdata;

    (void)store_put_audit(daemon->store, time_realtime(), caller->name, method,
                          text != NULL ? text : "", allowed);
    log_notice("audit: %s (pid %d, uid %u) %s %s%s%s", caller->name, (int)caller->pid, caller->uid,
               allowed ? "calls" : "is refused", method, call->action[0] == '\0' ? "" : ", action ",
               call->action);
}

/* ---- the store ---- */

/* The store and what stands on it. A store that cannot be used is a degraded daemon, not none. */
static int init_store(struct daemon *daemon, struct error *error)
{
    struct lease_journal journal;
    char path[PATH_MAX];
    int r;

    (void)mkdir(daemon->config.state_directory, 0700);
    (void)snprintf(path, sizeof(path), "%s/vmreclaim.db", daemon->config.state_directory);
    r = store_create(path, &daemon->store);
    if (r < 0)
        return error_set(error, r, "cannot open the store %s: %s", path, strerror(-r));
    if (store_problem(daemon->store) != NULL)
        log_error("%s; going on without it: records wait, policies and leases are refused",
                  store_problem(daemon->store));
    store_lease_journal(daemon->store, &journal);
    r = lease_keeper_init(&daemon->keeper, &daemon->supervisor, &journal, error);
    if (r < 0)
        log_error("leases are not known until the store works: %s", error->text);
    r = actions_init(&daemon->actions, &daemon->supervisor, &daemon->keeper);
    if (r == 0)
        r = recorder_init(&daemon->recorder, &daemon->supervisor, daemon->store);
    if (r < 0)
        return error_set(error, r, "cannot make a timer: %s", uv_strerror(r));
    policy_assignments_init(&daemon->assignments, &daemon->supervisor, daemon->store);
    policy_waits_init(&daemon->policy_waits, &daemon->supervisor);
    return 0;
}

/* ---- reload ---- */

int daemon_reload(struct daemon *daemon, struct error *error)
{
    struct daemon_config next;
    gid_t read_group;
    gid_t control_group;
    int r = daemon_config_gather(&next, daemon->sources, error);

    if (r == 0)
        r = daemon_config_check_fixed(&daemon->config, &next, error);
    if (r == 0)
        r = daemon_find_groups(&next, &read_group, &control_group, error);
    if (r == 0)
        r = daemon_read_vms(daemon, true, error);
    if (r < 0)
        return r;
    daemon->config = next;
    daemon->api.read_group = read_group;
    daemon->api.control_group = control_group;
    daemon->supervisor.sample_interval = next.sample_interval;
    return 0;
}

static void reload_and_log(struct daemon *daemon, const char *why)
{
    struct error error;

    if (daemon_reload(daemon, &error) < 0)
        log_error("%s: nothing was changed: %s", why, error.text);
    else
        log_info("%s: configuration and %zu VMs are in force", why,
                 daemon->supervisor.registry.count);
}

static void on_reload_timer(uv_timer_t *timer)
{
    reload_and_log(timer->data, "a file changed");
}

static void on_directory_changed(uv_fs_event_t *watch, const char *name, int events, int status)
{
    struct daemon *daemon = watch->data;

    (void)uv_timer_start(&daemon->reload_timer, on_reload_timer, RELOAD_QUIET / NSEC_PER_MSEC, 0);
}

static void watch_directory(struct daemon *daemon, size_t index, const char *path)
{
    int r;

    if (path[0] == '\0' || uv_fs_event_init(&daemon->loop, &daemon->watches[index]) < 0)
        return;
    daemon->watching[index] = true;
    daemon->watches[index].data = daemon;
    r = uv_fs_event_start(&daemon->watches[index], on_directory_changed, path, 0);
    if (r < 0)
        log_warning("cannot watch %s: %s; after a change send SIGHUP", path, uv_strerror(r));
}

/* ---- signals and listeners ---- */

static void on_signal(uv_signal_t *signal, int number)
{
    struct daemon *daemon = signal->data;

    if (number == SIGHUP)
        reload_and_log(daemon, "SIGHUP");
    else
        uv_stop(&daemon->loop);
}

static int catch_signals(struct daemon *daemon)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};

    (void)signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        int r = uv_signal_init(&daemon->loop, &daemon->signals[i]);

        if (r == 0) {
            daemon->signals[i].data = daemon;
            r = uv_signal_start(&daemon->signals[i], on_signal, numbers[i]);
        }
        if (r < 0)
            return r;
    }
    return 0;
}

static void on_agent(int descriptor, const struct peer *peer, void *userdata)
{
    struct daemon *daemon = userdata;

    supervisor_accept_agent(&daemon->supervisor, descriptor, peer);
}

static void on_operator(int descriptor, const struct peer *peer, void *userdata)
{
    struct daemon *daemon = userdata;

    api_accept(&daemon->api, descriptor, peer);
}

static int listen_for_agents(struct daemon *daemon, struct error *error)
{
    for (size_t i = 0; i < daemon->config.listen_count; i++) {
        struct address address;
        int r = address_parse(daemon->config.listen[i], &address, error);

        if (r == 0)
            r = listener_create(&daemon->loop, &address, 0600, on_agent, daemon,
                                &daemon->agent_listeners[i], error);
        if (r < 0)
            return error_prefix(error, r, "cannot listen for agents on %s",
                                daemon->config.listen[i]);
    }
    return 0;
}

/* Operators in a group must be able to connect; the API then checks them. */
static int listen_for_operators(struct daemon *daemon, struct error *error)
{
    bool has_groups =
        daemon->config.read_group[0] != '\0' || daemon->config.control_group[0] != '\0';
    struct address address;
    int r = address_parse(daemon->config.api, &address, error);

    if (r == 0)
        r = listener_create(&daemon->loop, &address, has_groups ? 0666 : 0600, on_operator, daemon,
                            &daemon->api_listener, error);
    return r < 0 ? error_prefix(error, r, "cannot serve the API on %s", daemon->config.api) : 0;
}

/* The directory of the API's socket, when it is not there. */
static void make_parent(const char *address)
{
    char path[PATH_MAX];
    char *slash;

    if (strncmp(address, "unix:", 5) != 0)
        return;
    (void)snprintf(path, sizeof(path), "%s", address + 5);
    slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return;
    *slash = '\0';
    /* A failure shows when the socket is bound. */
    (void)mkdir(path, 0755);
}

/* Ten thousand VMs hold several descriptors each. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* ---- the service manager ---- */

/* A loop that hangs gives no sign of life and is started again; leases are kept over that. */
static void on_watchdog_timer(uv_timer_t *timer)
{
    struct daemon *daemon = timer->data;

    notify_watchdog(&daemon->notify, time_boottime());
}

static int watch_loop(struct daemon *daemon)
{
    uint64_t period;
    int r = uv_timer_init(&daemon->loop, &daemon->watchdog_timer);

    if (r < 0)
        return r;
    daemon->watchdog_timer.data = daemon;
    notify_init(&daemon->notify, time_boottime());
    if (daemon->notify.watchdog == 0)
        return 0;
    period = max_of(daemon->notify.watchdog / 4 / NSEC_PER_MSEC, (nsec_t)1);
    return uv_timer_start(&daemon->watchdog_timer, on_watchdog_timer, 0, period);
}

/* ---- the API ---- */

static void init_api(struct daemon *daemon)
{
    const struct api_rooms rooms = {
        .supervisor = &daemon->supervisor,
        .actions = &daemon->actions,
        .keeper = &daemon->keeper,
        .assignments = &daemon->assignments,
        .policy_waits = &daemon->policy_waits,
        .recorder = &daemon->recorder,
        .store = daemon->store,
        .config = &daemon->config,
        .started = daemon->started,
    };

    api_init(&daemon->api, &rooms);
    daemon->api.audit = audit;
    daemon->api.audit_userdata = daemon;
}

/* ---- the whole ---- */

static int init_parts(struct daemon *daemon, struct error *error)
{
    gid_t read_group;
    gid_t control_group;
    int r = daemon_find_groups(&daemon->config, &read_group, &control_group, error);

    if (r < 0)
        return r;
    r = supervisor_init(&daemon->supervisor, &daemon->loop, daemon->root,
                        daemon->config.sample_interval);
    if (r < 0)
        return error_set(error, r, "cannot start a timer: %s", uv_strerror(r));
    policy_push_init(&daemon->policy_push, &daemon->supervisor);
    daemon->log_listener.on_event = log_vm_event;
    supervisor_listen(&daemon->supervisor, &daemon->log_listener);
    r = uv_timer_init(&daemon->loop, &daemon->reload_timer);
    if (r == 0)
        r = catch_signals(daemon);
    if (r == 0)
        r = watch_loop(daemon);
    if (r < 0)
        return error_set(error, r, "cannot start: %s", uv_strerror(r));
    daemon->reload_timer.data = daemon;
    r = init_store(daemon, error);
    if (r < 0)
        return r;
    init_api(daemon);
    daemon->api.read_group = read_group;
    daemon->api.control_group = control_group;
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
    };
    r = daemon_config_gather(&daemon->config, sources, error);
    if (r < 0)
        return r;
    raise_descriptor_limit();
    r = uv_loop_init(&daemon->loop);
    if (r < 0)
        return error_set(error, r, "cannot make an event loop: %s", uv_strerror(r));
    daemon->loop.data = daemon;
    r = init_parts(daemon, error);
    if (r == 0)
        r = daemon_read_vms(daemon, false, error);
    make_parent(daemon->config.api);
    if (r == 0)
        r = listen_for_operators(daemon, error);
    if (r == 0)
        r = listen_for_agents(daemon, error);
    if (r < 0)
        return r;
    watch_directory(daemon, 0, daemon->config.vms);
    watch_directory(daemon, 1, hypervisor_address_where(&daemon->config.hypervisor_directory));
    return 0;
}

void daemon_run(struct daemon *daemon)
{
    notify_send(&daemon->notify, "READY=1");
    (void)uv_run(&daemon->loop, UV_RUN_DEFAULT);
    notify_send(&daemon->notify, "STOPPING=1");
}

void daemon_finish(struct daemon *daemon)
{
    if (daemon->loop.data == NULL)
        return;
    listener_destroy(daemon->api_listener);
    for (size_t i = 0; i < DAEMON_LISTEN_MAX; i++)
        listener_destroy(daemon->agent_listeners[i]);
    for (size_t i = 0; i < ARRAY_SIZE(daemon->watches); i++)
        if (daemon->watching[i])
            uv_close((uv_handle_t *)&daemon->watches[i], NULL);
    for (size_t i = 0; i < ARRAY_SIZE(daemon->signals); i++)
        if (daemon->signals[i].data != NULL)
            uv_close((uv_handle_t *)&daemon->signals[i], NULL);
    if (daemon->reload_timer.data != NULL)
        uv_close((uv_handle_t *)&daemon->reload_timer, NULL);
    if (daemon->watchdog_timer.data != NULL)
        uv_close((uv_handle_t *)&daemon->watchdog_timer, NULL);
    notify_finish(&daemon->notify);
    if (daemon->actions.timer.data != NULL)
        actions_stop(&daemon->actions);
    if (daemon->keeper.timer.data != NULL)
        lease_keeper_stop(&daemon->keeper);
    if (daemon->recorder.timer.data != NULL)
        recorder_stop(&daemon->recorder);
    if (daemon->api.rooms.supervisor != NULL)
        api_stop(&daemon->api);
    if (daemon->supervisor.loop != NULL)
        supervisor_stop(&daemon->supervisor);
    (void)uv_run(&daemon->loop, UV_RUN_DEFAULT);
    if (daemon->keeper.timer.data != NULL)
        lease_keeper_finish(&daemon->keeper);
    if (daemon->api.rooms.supervisor != NULL)
        api_finish(&daemon->api);
    if (daemon->supervisor.loop != NULL)
        supervisor_finish(&daemon->supervisor);
    if (daemon->recorder.timer.data != NULL)
        recorder_finish(&daemon->recorder);
    store_destroy(daemon->store);
    (void)uv_loop_close(&daemon->loop);
}
