/* A VM's hypervisor: its driver session, its process, its footprint.
 *
 * A VM is bound to the process that its driver names. The process is held by a descriptor of its
 * /proc directory, so its end is seen with the next reading and its number may be used again
 * without harm. The binding of a CID to the VM rests on the same process: what its hypervisor said
 * holds for as long as that process lives, also while the session is away. */
#include "controller/vms/supervisor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "controller/leases/crash.h"

#define SESSION_TIMEOUT     (3 * NSEC_PER_SEC)
#define SESSION_DELAY_MIN   (500 * NSEC_PER_MSEC)
#define SESSION_DELAY_MAX   (4 * NSEC_PER_SEC)
#define FACTS_INTERVAL      (60 * NSEC_PER_SEC)
#define CALIBRATE_INTERVAL  (600 * NSEC_PER_SEC)
#define CLOCK_SLACK         (1 * NSEC_PER_SEC) /* samples overtake each other by less */
#define HUGE_RAM_MAX        (16 * GIB)         /* at most 80 ms */
#define STATISTICS_INTERVAL (10 * NSEC_PER_SEC)
#define RESTORE_KNOWN       (15 * NSEC_PER_SEC) /* until a snapshot is known for one */
#define BOOT_SETTLED        (20 * NSEC_PER_SEC) /* of the guest's uptime */
#define BOOT_OVER           (120 * NSEC_PER_SEC)

/* ---- footprint ---- */

static bool balloon_counts_as_used(const struct vm *vm)
{
    return vm->hypervisor.facts.deflate_on_oom == ANSWER_YES;
}

static bool guest_holds(const struct vm *vm, nsec_t now)
{
    bool runs = vm->life.state != VM_PAUSED && vm->life.state != VM_MIGRATING;

    return waterfall_guest_holds(&vm->measured.guest, now, vm->supervisor->sample_interval,
                                 vm->links.agent != NULL, runs);
}

static void compute_waterfall(struct vm *vm, nsec_t now)
{
    const struct waterfall_balloon balloon = {
        .ram = vm->hypervisor.facts.ram,
        .actual = vm->hypervisor.facts.balloon_actual,
        .counts_as_used = balloon_counts_as_used(vm),
    };

    waterfall_compute(guest_holds(vm, now) ? &vm->measured.guest : NULL, &vm->measured.host,
                      &balloon, &vm->measured.waterfall);
    vm->measured.time = time_realtime();
}

static int measure_at(struct supervisor *supervisor, struct vm *vm, nsec_t now)
{
    struct host_memory host;
    int r;

    vm->measured.process.host_swap_used = supervisor->swap_used;
    r = footprint_measure(&vm->measured.process, vm->hypervisor.facts.ram, now, &host);

    if (r == -ESRCH && hypervisor_process_is_open(&vm->measured.process))
        vm_hypervisor_ended(supervisor, vm);
    if (r < 0)
        return r;
    vm->measured.host = host;
    if (host.footprint > vm->measured.touched)
        vm->measured.touched = host.footprint;
    compute_waterfall(vm, now);
    return 0;
}

int supervisor_measure(struct supervisor *supervisor, struct vm *vm)
{
    return measure_at(supervisor, vm, time_boottime());
}

void supervisor_calibrate(struct vm *vm)
{
    uint64_t before = vm->measured.process.overhead;

    vm->measured.calibrate_next = time_boottime() + CALIBRATE_INTERVAL;
    if (vm->hypervisor.facts.ram == 0 ||
        footprint_calibrate(&vm->measured.process, vm->hypervisor.facts.ram) < 0)
        return;
    footprint_history_lower(&vm->measured.history,
                            (int64_t)(vm->measured.process.overhead - before));
}

int supervisor_measure_exactly(struct supervisor *supervisor, struct vm *vm)
{
    supervisor_calibrate(vm);
    return supervisor_measure(supervisor, vm);
}

void supervisor_measure_huge(struct vm *vm)
{
    uint64_t bytes;

    vm->measured.huge_bytes = 0;
    if (vm->supervisor->transparent_huge_pages && vm->measured.waterfall.remainder > 0 &&
        vm->hypervisor.facts.backing == MEMORY_BACKING_ANONYMOUS &&
        vm->hypervisor.facts.ram <= HUGE_RAM_MAX &&
        footprint_huge(&vm->measured.process, &bytes) == 0)
        vm->measured.huge_bytes = bytes;
}

/* A guest that has booted and not yet done much: what every later footprint is compared with. Only
 * a guest that was seen booting has one. */
static void note_boot(struct vm *vm)
{
    if (vm->measured.footprint_at_boot == 0 && vm->measured.guest.boottime_ns >= BOOT_SETTLED &&
        vm->measured.guest.boottime_ns < BOOT_OVER)
        vm->measured.footprint_at_boot = vm->measured.host.footprint;
}

/* A guest's clock goes back only when the whole guest does. Before its agent has said which boot
 * this is, nothing can be said. */
static void watch_clock(struct vm *vm)
{
    nsec_t clock = vm->measured.guest.boottime_ns;
    bool went_back = clock + CLOCK_SLACK < vm->agent.clock;

    if (vm->agent.info.boot_id[0] == '\0')
        return;
    if (went_back || clock > vm->agent.clock)
        vm->agent.clock = clock;
    if (!went_back)
        return;
    vm->agent.clock_offset_known = false;
    vm_hypervisor_restored(vm);
}

int supervisor_take_sample(struct supervisor *supervisor, struct vm *vm,
                           const Vmreclaim__Agent__V1__MemorySample *sample, nsec_t latency)
{
    const struct guest_memory before = vm->measured.guest;
    struct error error;
    unsigned suppressed;
    nsec_t now = time_boottime();
    uint64_t ram = vm->announced ? vm->hypervisor.facts.ram : 0;
    int r = guest_memory_from_message(sample, ram, now, latency, &vm->measured.guest, &error);

    if (r < 0) {
        if (log_limit_pass(&vm->measured.complaints, now, &suppressed))
            supervisor_warn(supervisor, vm, "a sample of the guest cannot be true, ignoring: %s",
                            error.text);
        return r;
    }
    guest_memory_count_rates(&before, &vm->measured.guest);
    watch_clock(vm);
    if (supervisor_measure(supervisor, vm) == 0)
        note_boot(vm);
    else if (!vm->life.removed)
        compute_waterfall(vm, now);
    return 0;
}

/* ---- process ---- */

void vm_hypervisor_ended(struct supervisor *supervisor, struct vm *vm)
{
    char text[96];

    (void)snprintf(text, sizeof(text), "hypervisor process %d ended",
                   (int)vm->measured.process.pid);
    supervisor_warn(supervisor, vm, "%s", text);
    vm_hypervisor_drop(vm);
    hypervisor_process_finish(&vm->measured.process);
    supervisor_emit(supervisor,
                    &(struct vm_event){.vm = vm, .kind = VM_EVENT_HYPERVISOR, .text = text});
    vm->hypervisor.known = false;
    vm->hypervisor.facts = (struct driver_facts){0};
    vm->hypervisor.statistics = (struct driver_statistics){0};
    vm->measured.host = (struct host_memory){0};
    vm->measured.guest = (struct guest_memory){0};
    vm->measured.waterfall = (struct waterfall){0};
    vm->measured.history = (struct footprint_history){0};
    vm->measured.footprint_at_boot = 0;
    vm->measured.touched = 0;
    vm->hypervisor.migrated_in = false;
    vm->hypervisor.restored = false;
    (void)snprintf(vm->hypervisor.condition, sizeof(vm->hypervisor.condition), "%.*s",
                   (int)sizeof(vm->hypervisor.condition) - 1, text);
    vm_agent_drop(vm, text);
    vm->life.facts.gone = true;
    supervisor_update_state(supervisor, vm);
    /* A source that still names it will see it start again. */
    vm->life.facts = (struct vm_facts){0};
    vm->announced = false;
    supervisor_update_state(supervisor, vm);
}

/* The process behind the session; another one than before is another hypervisor. */
static int bind_process(struct supervisor *supervisor, struct vm *vm, pid_t pid,
                        struct error *error)
{
    struct host_memory probe;
    int r;

    if (hypervisor_process_is_open(&vm->measured.process) && vm->measured.process.pid == pid &&
        footprint_measure(&vm->measured.process, 0, 0, &probe) == 0)
        return 0;
    if (pid <= 0)
        return error_set(error, -ESRCH, "the process behind %s is not seen here", vm->address.text);
    r = hypervisor_process_open(&vm->measured.process, supervisor->root, pid, error);
    if (r == 0) {
        vm->measured.touched = 0;
        vm->measured.footprint_at_boot = 0;
    }
    return r;
}

/* ---- facts ---- */

/* UUID and CID as the hypervisor says them. A VM's file that says otherwise is pointed out. */
static void merge_identity(struct supervisor *supervisor, struct vm *vm)
{
    const struct driver_facts *facts = &vm->hypervisor.facts;
    struct error error = {""};

    if (facts->uuid[0] != '\0' && vm->uuid[0] == '\0')
        (void)registry_set_uuid(&supervisor->registry, vm, facts->uuid, &error);
    else if (facts->uuid[0] != '\0' && strcasecmp(facts->uuid, vm->uuid) != 0)
        supervisor_warn(supervisor, vm, "%s says uuid %s, the hypervisor at %s says %s",
                        vm->sources.definition != NULL ? vm->sources.definition->source
                                                       : "the record",
                        vm->uuid, vm->address.text, facts->uuid);
    if (facts->guest_cid != 0 && vm->cid != 0 && vm->cid != facts->guest_cid)
        supervisor_warn(
            supervisor, vm,
            "%s says cid %" PRIu32 ", the hypervisor says %" PRIu32 "; the hypervisor is believed",
            vm->sources.definition != NULL ? vm->sources.definition->source : "the record", vm->cid,
            facts->guest_cid);
    if (error.text[0] != '\0')
        supervisor_warn(supervisor, vm, "%s", error.text);
}

static void take_facts(struct supervisor *supervisor, struct vm *vm,
                       const struct driver_facts *facts)
{
    bool migrated_in = vm->hypervisor.migrated_in || facts->migrated_in;

    if (facts->balloon_actual < vm->hypervisor.facts.balloon_actual) {
        vm->hypervisor.balloon_earlier = vm->hypervisor.facts.balloon_actual;
        vm->hypervisor.balloon_shrunk = time_boottime();
    }
    vm->hypervisor.facts = *facts;
    vm->hypervisor.known = true;
    (void)hypervisor_process_take_backing(&vm->measured.process, &vm->hypervisor.facts.memory);
    vm->hypervisor.facts.locked = footprint_is_locked(&vm->measured.process, facts->ram);
    vm->hypervisor.migrated_in = migrated_in;
    vm->hypervisor.facts_next = time_boottime() + FACTS_INTERVAL;
    merge_identity(supervisor, vm);
    vm_agent_announce(supervisor, vm);
    supervisor_emit(supervisor, &(struct vm_event){.vm = vm,
                                                   .kind = VM_EVENT_HYPERVISOR,
                                                   .text = "the hypervisor was read"});
    supervisor_update_state(supervisor, vm);
}

static void set_driver_state(struct vm *vm, const char *text)
{
    (void)snprintf(vm->hypervisor.condition, sizeof(vm->hypervisor.condition), "%.*s",
                   (int)sizeof(vm->hypervisor.condition) - 1, text);
}

static void on_facts(const struct driver_result *result, void *userdata)
{
    struct vm *vm = userdata;

    /* A failure of the connection is told by on_failed as well. */
    if (result->status != 0)
        return;
    take_facts(vm->supervisor, vm, result->facts);
    if (time_boottime() >= vm->measured.calibrate_next)
        supervisor_calibrate(vm);
}

static void read_facts_now(struct vm *vm)
{
    vm->hypervisor.facts_next = time_boottime() + FACTS_INTERVAL;
    (void)vm->address.driver->read_facts(vm->hypervisor.session, SESSION_TIMEOUT, on_facts, vm);
}

/* ---- session ---- */

static void close_session(struct vm *vm)
{
    struct driver_session *session = vm->hypervisor.session;

    vm->hypervisor.session = NULL;
    vm->hypervisor.ready = false;
    if (session != NULL)
        vm->address.driver->close(session);
}

void vm_hypervisor_drop(struct vm *vm)
{
    close_session(vm);
    vm->hypervisor.retry = 0;
    vm->hypervisor.retry_delay = SESSION_DELAY_MIN;
}

static void retry_later(struct vm *vm)
{
    vm->hypervisor.retry = time_boottime() + vm->hypervisor.retry_delay;
    vm->hypervisor.retry_delay = min_of(vm->hypervisor.retry_delay * 2, SESSION_DELAY_MAX);
}

static void on_session_failed(int status, const struct error *error, void *userdata)
{
    struct vm *vm = userdata;
    struct supervisor *supervisor = vm->supervisor;
    bool is_news = strcmp(vm->hypervisor.condition, error->text) != 0;

    close_session(vm);
    retry_later(vm);
    set_driver_state(vm, error->text);
    if (is_news)
        supervisor_warn(supervisor, vm, "%s", error->text);
    if (hypervisor_process_is_open(&vm->measured.process))
        (void)supervisor_measure(supervisor, vm);
}

static void on_session_ready(const struct driver_facts *facts, void *userdata)
{
    struct vm *vm = userdata;
    struct supervisor *supervisor = vm->supervisor;
    struct error error;
    int r = bind_process(supervisor, vm, facts->pid, &error);

    vm->hypervisor.ready = true;
    vm->hypervisor.retry_delay = SESSION_DELAY_MIN;
    set_driver_state(vm, r < 0 ? error.text : "ready");
    if (r < 0)
        supervisor_warn(supervisor, vm, "no footprint: %s", error.text);
    take_facts(supervisor, vm, facts);
    supervisor_calibrate(vm);
    (void)supervisor_measure(supervisor, vm);
}

static void emit(struct vm *vm, enum vm_event_kind kind, const char *text)
{
    supervisor_emit(vm->supervisor, &(struct vm_event){.vm = vm, .kind = kind, .text = text});
}

static void on_balloon_moved(struct vm *vm, uint64_t actual)
{
    char text[64];

    vm->hypervisor.facts.balloon_actual = actual;
    (void)snprintf(text, sizeof(text), "the guest has %" PRIu64 " bytes left", actual);
    emit(vm, VM_EVENT_BALLOON, text);
}

static void on_balloon_read(const struct driver_result *result, void *userdata)
{
    struct vm *vm = userdata;

    crash_point("the balloon was read");
    vm->hypervisor.balloon_reading = false;
    if (result->status == 0 && result->balloon_actual != vm->hypervisor.facts.balloon_actual)
        on_balloon_moved(vm, result->balloon_actual);
}

void vm_hypervisor_booted(struct vm *vm, const char *text)
{
    vm->measured.footprint_at_boot = 0;
    vm->agent.clock = 0;
    vm->hypervisor.migrated_in = false;
    vm->hypervisor.restored = false;
    emit(vm, VM_EVENT_RESET, text);
}

static void tell_restored(struct vm *vm)
{
    emit(vm, VM_EVENT_RESTORED, "the guest went back to a snapshot");
}

static void on_restored_balloon(const struct driver_result *result, void *userdata)
{
    struct vm *vm = userdata;

    if (result->status == 0)
        vm->hypervisor.facts.balloon_actual = result->balloon_actual;
    if (!vm->life.removed)
        tell_restored(vm);
}

/* The snapshot's size may have been read before it was known for a snapshot. */
static uint64_t balloon_before_restore(const struct vm *vm)
{
    if (vm->hypervisor.balloon_shrunk != 0 &&
        time_boottime() - vm->hypervisor.balloon_shrunk < RESTORE_KNOWN)
        return vm->hypervisor.balloon_earlier;
    return vm->hypervisor.facts.balloon_actual;
}

void vm_hypervisor_restored(struct vm *vm)
{
    vm->hypervisor.restored = true;
    vm->measured.footprint_at_boot = 0;
    vm->hypervisor.balloon_before_restore = balloon_before_restore(vm);
    if (!vm->hypervisor.ready ||
        vm->address.driver->read_balloon(vm->hypervisor.session, SESSION_TIMEOUT,
                                         on_restored_balloon, vm) < 0)
        tell_restored(vm);
}

void supervisor_read_balloon(struct vm *vm)
{
    if (!vm->hypervisor.ready || vm->hypervisor.balloon_reading ||
        vm->address.driver->read_balloon == NULL ||
        vm->address.driver->read_balloon(vm->hypervisor.session, SESSION_TIMEOUT, on_balloon_read,
                                         vm) < 0)
        return;
    vm->hypervisor.balloon_reading = true;
    crash_point("the balloon's size was asked for");
}

static void on_session_event(enum driver_event event, uint64_t value, void *userdata)
{
    struct vm *vm = userdata;

    switch (event) {
    case DRIVER_EVENT_PAUSED:
        vm->hypervisor.facts.run_state = RUN_STATE_PAUSED;
        break;
    case DRIVER_EVENT_SHUTDOWN:
        vm->hypervisor.facts.run_state = RUN_STATE_STOPPED;
        break;
    case DRIVER_EVENT_RESUMED:
        vm->hypervisor.facts.run_state = RUN_STATE_RUNNING;
        break;
    case DRIVER_EVENT_BALLOON:
        on_balloon_moved(vm, value);
        break;
    case DRIVER_EVENT_RESTORED:
        vm_hypervisor_restored(vm);
        break;
    case DRIVER_EVENT_RESET:
        vm_hypervisor_booted(vm, "the guest was reset");
        read_facts_now(vm);
        break;
    case DRIVER_EVENT_MIGRATION:
        read_facts_now(vm);
        break;
    case DRIVER_EVENT_MEMORY_CHANGED:
        (void)hypervisor_process_find_backends(&vm->measured.process);
        read_facts_now(vm);
        break;
    }
    supervisor_update_state(vm->supervisor, vm);
}

static const struct driver_callbacks session_callbacks = {on_session_ready, on_session_event,
                                                          on_session_failed};

static void open_session(struct vm *vm)
{
    struct error error;
    int r =
        vm->address.driver->open(vm->supervisor->loop, hypervisor_address_where(&vm->address),
                                 SESSION_TIMEOUT, &session_callbacks, vm, &vm->hypervisor.session);

    if (r == 0)
        return;
    vm->hypervisor.session = NULL;
    (void)error_set(&error, r, "hypervisor %s: %s", vm->address.text, strerror(-r));
    set_driver_state(vm, error.text);
    retry_later(vm);
}

static void on_statistics(const struct driver_result *result, void *userdata)
{
    struct vm *vm = userdata;

    if (result->status == 0)
        vm->hypervisor.statistics = *result->statistics;
}

/* The next best to an agent's samples. They cost the guest a wake-up each. */
static void read_statistics(struct vm *vm, nsec_t now)
{
    if (vm->links.agent != NULL || now < vm->hypervisor.statistics_next ||
        vm->address.driver->read_statistics == NULL)
        return;
    vm->hypervisor.statistics_next = now + STATISTICS_INTERVAL;
    (void)vm->address.driver->read_statistics(vm->hypervisor.session, SESSION_TIMEOUT,
                                              on_statistics, vm);
}

static void tick_session(struct vm *vm, nsec_t now)
{
    if (vm->hypervisor.session != NULL)
        vm->address.driver->tick(vm->hypervisor.session, time_monotonic());
    else if (now >= vm->hypervisor.retry)
        open_session(vm);
    if (vm->hypervisor.ready && now >= vm->hypervisor.facts_next)
        read_facts_now(vm);
    if (vm->hypervisor.ready)
        read_statistics(vm, now);
}

void vm_hypervisor_tick(struct supervisor *supervisor, struct vm *vm, nsec_t now)
{
    if (vm->address.driver != NULL)
        tick_session(vm, now);
    if (!hypervisor_process_is_open(&vm->measured.process)) {
        /* Nothing is measured that would take out what a guest said that is silent now. */
        if (vm->measured.waterfall.guest_is_known && !guest_holds(vm, now))
            compute_waterfall(vm, now);
        return;
    }
    if (measure_at(supervisor, vm, now) == 0)
        footprint_history_add(&vm->measured.history, now, vm->measured.host.footprint);
}
