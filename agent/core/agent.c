/* The core loop. Theory of operation: agent.h. */
#include "agent/core/agent.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "agent/calls/messages.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/number.h"
#include "common/base/random.h"
#include "common/base/text.h"
#include "common/proc/cpulist.h"

#define RETRY_INTERVAL (10 * NSEC_PER_SEC)
#define SHORTEST_SLEEP (20 * NSEC_PER_MSEC)

static void on_timer(uv_timer_t *timer);

static void set_timer(struct agent *agent, nsec_t delay)
{
    if (agent->is_stopping)
        return;
    /* The loop counts milliseconds on a clock of its own: rounding up avoids waking too early. */
    uv_update_time(agent->loop);
    uv_timer_start(&agent->timer, on_timer, (delay + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC, 0);
}

static bool has_scan_to_go_on(const struct agent *agent)
{
    return sensors_is_scanning(&agent->sensors) && !agent->scans.is_scanning;
}

static void sleep_until(struct agent *agent, nsec_t due)
{
    nsec_t now = time_boottime();

    agent->due = due;
    if (has_scan_to_go_on(agent))
        set_timer(agent, sensors_scan_pause(&agent->sensors));
    else
        set_timer(agent, max_of(saturating_subtract(due, now), SHORTEST_SLEEP));
}

void agent_sample_soon(struct agent *agent)
{
    sleep_until(agent, 0);
}

static void schedule(struct agent *agent)
{
    nsec_t due = min_of(agent->decision.next_sample, watches_due(&agent->watches));

    sleep_until(agent, min_of(due, agent->notify.watchdog_due));
}

/* ---- actions ---- */

static bool is_completed(const struct job *job)
{
    return job->result == ACTION_DONE || job->result == ACTION_NOTHING_TO_DO;
}

/* What the action brought, as the engine counts it. */
static uint64_t gain_of(const struct job *job)
{
    uint64_t before = job->trapped_before;
    uint64_t after = job->trapped_after;

    if (action_traits(job->kind)->effect == ACTION_FREES_CACHE) {
        before = job->free_after;
        after = job->free_before;
    }
    return saturating_subtract(before, after);
}

static void on_policy_job_done(struct job *job)
{
    struct agent *agent = job->userdata;
    struct engine_result result = {
        .action = job->kind,
        .completed = is_completed(job),
        .supported = job->result != ACTION_NOT_SUPPORTED,
        .withdrawn = job->result == ACTION_CANCELLED,
        .gained = gain_of(job),
        .cpu = job->outcome.cpu,
        .duration = job->outcome.duration,
    };

    assert(job == &agent->policy_job && job->kind == agent->engine.running);
    engine_finished(&agent->engine, &result, time_boottime());
}

static void on_result(const struct job *job, void *userdata)
{
    struct agent *agent = userdata;
    Vmreclaim__Agent__V1__ActionResult message;
    char trapped_before[32];
    char trapped_after[32];
    char free_before[32];
    char free_after[32];
    struct job copy = *job;

    message_from_job(&copy, &message);
    watches_publish_action(&agent->watches, &message);
    log_info("%s %s, asked by %s: %s%s%s; free %s -> %s, trapped %s -> %s, %" PRIu64 " ms, %" PRIu64
             " ms of CPU",
             action_traits(job->kind)->text,
             job->action_id[0] != '\0' ? job->action_id : "without id", job->asked_by,
             action_end_name(job->result), job->reason[0] != '\0' ? ", " : "", job->reason,
             bytes_format_short(job->free_before, free_before, sizeof(free_before)),
             bytes_format_short(job->free_after, free_after, sizeof(free_after)),
             bytes_format_short(job->trapped_before, trapped_before, sizeof(trapped_before)),
             bytes_format_short(job->trapped_after, trapped_after, sizeof(trapped_after)),
             job->outcome.duration / NSEC_PER_MSEC, job->outcome.cpu / NSEC_PER_MSEC);
    if (job->kind == ACTION_KICK_REPORTING && job->result == ACTION_DONE)
        reporting_kicked(&agent->reporting, &agent->sample);
    agent->publish_to_all = true;
    agent_sample_soon(agent);
}

static void refuse_policy_job(struct agent *agent)
{
    struct engine_result result = {
        .action = agent->policy_job.kind, .supported = true, .withdrawn = true};

    engine_finished(&agent->engine, &result, time_boottime());
}

/* Unlike any other guest's or boot's: the host keeps all actions in one store. */
static void make_action_id(char *id, size_t size)
{
    snprintf(id, size, "%016" PRIx64, random_bits());
}

static void start_policy_job(struct agent *agent)
{
    const struct engine_decision *decision = &agent->decision;
    struct job *job = &agent->policy_job;

    assert(agent->engine.running == decision->action);
    *job = (struct job){
        .kind = decision->action,
        .asked_by = "policy",
        .bytes = decision->bytes,
        .forbid_drop = decision->action != ACTION_DROP_CACHES ||
                       configuration_keeps_cache(agent->configuration),
        .drop_slab = decision->drop_slab,
        .order = decision->order,
        .order_floor = agent->policy.policy.reporting_order,
        .time_limit = decision->time_limit,
        .is_of_policy = true,
        .done = on_policy_job_done,
        .userdata = agent,
    };
    make_action_id(job->action_id, sizeof(job->action_id));
    if (runner_submit(&agent->runner, job) < 0)
        refuse_policy_job(agent);
}

static void act(struct agent *agent)
{
    const struct engine_decision *decision = &agent->decision;

    if (decision->stop)
        runner_stop_policy(&agent->runner,
                           decision->reason == ENGINE_PRESSURE ? ACTION_PRESSURE : ACTION_BUSY);
    else if (decision->action != ACTION_NONE)
        start_policy_job(agent);
}

/* ---- pressure ---- */

static uint32_t share(uint64_t stalled_us, nsec_t elapsed)
{
    uint64_t permyriad = elapsed == 0 ? 0 : stalled_us * NSEC_PER_USEC * PERMYRIAD_ONE / elapsed;

    return (uint32_t)min_of(permyriad, (uint64_t)PERMYRIAD_ONE);
}

/* Publishes an event for what happened between two samples, when it is one. */
static void compare_pressure(struct agent *agent, const struct memory_sample *before,
                             const struct memory_sample *after, bool triggered)
{
    Vmreclaim__Agent__V1__PressureEvent event = VMRECLAIM__AGENT__V1__PRESSURE_EVENT__INIT;
    nsec_t elapsed = after->boottime - before->boottime;

    if (before->boottime == 0)
        return;
    event.boottime_ns = after->boottime;
    event.memory_some_permyriad =
        share(after->activity.psi_memory_some - before->activity.psi_memory_some, elapsed);
    event.memory_full_permyriad =
        share(after->activity.psi_memory_full - before->activity.psi_memory_full, elapsed);
    event.available = after->available;
    event.oom_kill = after->activity.oom_kills > before->activity.oom_kills;
    /* The trigger's window may be the end of a long quiet time that hides it. */
    if (triggered)
        event.memory_some_permyriad =
            max_of(event.memory_some_permyriad, (uint32_t)PRESSURE_SOME_PERMYRIAD);
    if (event.memory_some_permyriad < PRESSURE_SOME_PERMYRIAD && !event.oom_kill)
        return;
    watches_publish_pressure(&agent->watches, &event);
    runner_pressure(&agent->runner, after->boottime);
}

/* ---- the step ---- */

static void report_read_failure(struct agent *agent, int r, nsec_t now)
{
    unsigned suppressed;

    if (log_limit_pass(&agent->read_failures, now, &suppressed))
        log_error("cannot read the guest's memory: %s; trying again every 10 s (%u more)",
                  strerror(-r), suppressed);
}

static void step(struct agent *agent, bool triggered)
{
    struct memory_sample before = agent->sample;
    const struct engine_decision last = agent->decision;
    nsec_t now = time_boottime();
    int r = sensors_read(&agent->sensors, now, &agent->sample);

    notify_watchdog(&agent->notify, now);
    if (agent->reporting.is_for_a_while && now >= agent->reporting.while_end)
        agent_end_order(agent);
    if (r < 0) {
        report_read_failure(agent, r, now);
        sleep_until(agent, now + RETRY_INTERVAL);
        return;
    }
    assert(agent->sample.boottime == now && now >= before.boottime);
    compare_pressure(agent, &before, &agent->sample, triggered);
    if (reporting_observe(&agent->reporting, &agent->sample))
        log_warning("free page reporting does nothing: %s",
                    agent->features.list[FEATURE_PAGE_REPORTING].reason);
    if (!agent->has_host_time)
        engine_set_wall_time(&agent->engine, time_realtime(), time_boottime());
    engine_step(&agent->engine, &agent->sample, &agent->decision);
    if (agent->decision.reason != last.reason || agent->decision.is_idle != last.is_idle)
        watches_publish_engine(&agent->watches, &agent->decision, now);
    watches_publish_sample(&agent->watches, &agent->sample, agent->publish_to_all);
    agent->publish_to_all = false;
    act(agent);
    schedule(agent);
}

static void on_timer(uv_timer_t *timer)
{
    struct agent *agent = timer->data;
    nsec_t now = time_boottime();

    if (now >= agent->due || !has_scan_to_go_on(agent)) {
        step(agent, false);
        connections_awake(agent->connections);
        return;
    }
    (void)sensors_scan_step(&agent->sensors, SENSORS_SCAN_SLICE, now);
    sleep_until(agent, agent->due);
}

static void on_pressure(void *userdata)
{
    struct agent *agent = userdata;

    if (!agent->is_stopping)
        step(agent, true);
}

/* ---- policy ---- */

void agent_set_policy(struct agent *agent, const struct host_policy *policy)
{
    agent->policy = *policy;
    engine_set_policy(&agent->engine, &agent->policy.policy, time_boottime());
    agent_sample_soon(agent);
}

static struct host_policy own_policy(const struct agent *agent)
{
    return (struct host_policy){.policy = agent->configuration->policy};
}

void agent_set_own_policy(struct agent *agent)
{
    const struct host_policy own = own_policy(agent);

    agent_set_policy(agent, &own);
}

void agent_set_host_time(struct agent *agent, int64_t time)
{
    if (time <= 0)
        return;
    agent->has_host_time = true;
    engine_set_wall_time(&agent->engine, time, time_boottime());
}

int agent_set_lowest_order(struct agent *agent, uint32_t order)
{
    engine_set_lowest_order(&agent->engine, order);
    return reporting_set_host_floor(&agent->reporting, order);
}

void agent_end_order(struct agent *agent)
{
    int r = reporting_end_while(&agent->reporting);

    if (r < 0)
        log_warning("the reporting order before a host's order for a while cannot be set: %s; "
                    "trying again with the next sample",
                    strerror(-r));
}

static void init_policy(struct agent *agent)
{
    struct error error;
    int r = host_policy_load(agent->state_directory, agent->configuration, &agent->policy, &error);

    if (r < 0) {
        agent->policy = own_policy(agent);
        if (r != -ENOENT)
            log_warning("the stored policy is ignored: %s", error.text);
    }
    engine_init(&agent->engine, &agent->policy.policy, time_boottime());
    if (agent->configuration->sets_lowest_order)
        (void)agent_set_lowest_order(agent, agent->configuration->lowest_order);
}

/* ---- start and stop ---- */

static uint32_t count_nodes(int root)
{
    char list[256];
    uint64_t node = 0;
    uint32_t count = 0;

    if (file_read_into(root, "sys/devices/system/node/online", list, sizeof(list)) < 0)
        return 1; /* a kernel without NUMA has one */
    while (cpulist_next(list, node, &node) == 0) {
        node++;
        count++;
    }
    return count;
}

static void init_identity(struct agent *agent)
{
    struct utsname name;

    boot_id_read(agent->root, agent->boot_id);
    agent->node_count = count_nodes(agent->root);
    if (uname(&name) == 0)
        text_copy_line(agent->kernel_release, sizeof(agent->kernel_release), name.release);
}

static void init_settings(struct agent *agent)
{
    size_t restored = 0;
    int r = settings_init(&agent->settings, agent->root, agent->state_directory, &restored);

    if (r < 0)
        log_warning("the journal of changed settings: %s; trying again at exit", strerror(-r));
    if (restored > 0)
        log_notice("%zu kernel settings that an earlier run left changed are back", restored);
}

static void init_pressure(struct agent *agent)
{
    int r = pressure_trigger_init(&agent->pressure_trigger, agent->loop, agent->root, on_pressure,
                                  agent);

    if (r < 0)
        log_info("no pressure trigger: %s; the next sample shows pressure", strerror(-r));
    else if (agent->pressure_trigger.window > NSEC_PER_SEC)
        log_info("a pressure trigger of two seconds; one of a second takes CAP_SYS_RESOURCE");
}

static int start_connections(struct agent *agent, const struct ttrpc_service *const *services,
                             struct error *error)
{
    const struct configuration *configuration = agent->configuration;
    struct connections_options options = {
        .dial = configuration->dials ? &configuration->connect : NULL,
        .listen = configuration->listens ? &configuration->listen : NULL,
        .root = agent->root,
        .host_port = configuration->host_port,
        .services = services,
        .userdata = agent,
    };

    return connections_create(agent->loop, &options, &agent->connections, error);
}

int agent_start(struct agent *agent, const struct agent_options *options, struct error *error)
{
    uv_loop_t *loop = options->loop;
    int root = options->root;
    int r;

    memset(agent, 0, sizeof(*agent));
    agent->loop = loop;
    agent->root = root;
    agent->state_directory = options->state_directory;
    agent->configuration = options->configuration;
    agent->read_failures = (struct log_limit){.interval = 60 * NSEC_PER_SEC, .burst = 1};
    init_identity(agent);
    r = sensors_init(&agent->sensors, root);
    if (r < 0)
        return error_set(error, r, "cannot read the guest's memory below /proc: %s", strerror(-r));
    features_detect(&agent->features, root);
    init_settings(agent);
    reporting_init(&agent->reporting, &agent->settings, &agent->features, agent->sensors.max_order,
                   agent->sensors.pageblock_order);
    watches_init(&agent->watches);
    r = runner_init(&agent->runner, loop, root, &agent->features, &agent->settings,
                    &agent->reporting, &agent->sensors, on_result, agent);
    if (r < 0)
        return error_set(error, r, "cannot start: %s", strerror(-r));
    scans_init(&agent->scans, loop, root, &agent->sensors);
    init_pressure(agent);
    init_policy(agent);
    notify_init(&agent->notify, time_boottime());
    uv_timer_init(loop, &agent->timer);
    agent->timer.data = agent;
    r = start_connections(agent, options->services, error);
    if (r < 0) {
        agent_stop(agent);
        return r;
    }
    step(agent, false);
    notify_send(&agent->notify, "READY=1");
    return 0;
}

static void on_part_closed(void *userdata)
{
    struct agent *agent = userdata;

    assert(agent->is_stopping && agent->open_parts > 0);
    agent->open_parts--;
}

void agent_stop(struct agent *agent)
{
    if (agent->is_stopping)
        return;
    agent->is_stopping = true;
    notify_send(&agent->notify, "STOPPING=1");
    watches_close(&agent->watches);
    connections_destroy(agent->connections);
    assert(agent->open_parts == 0);
    agent->open_parts = 3;
    runner_close(&agent->runner, on_part_closed);
    scans_close(&agent->scans, on_part_closed, agent);
    pressure_trigger_close(&agent->pressure_trigger, on_part_closed);
    uv_close((uv_handle_t *)&agent->timer, NULL);
}

void agent_finish(struct agent *agent)
{
    int r;

    assert(agent->open_parts == 0); /* or something may still change a setting */
    r = settings_restore_all(&agent->settings);
    if (r < 0)
        log_warning("not every kernel setting could be put back: %s; the next start tries again",
                    strerror(-r));
    notify_finish(&agent->notify);
    sensors_finish(&agent->sensors);
}
