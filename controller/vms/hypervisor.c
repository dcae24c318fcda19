/* Sessions with hypervisors. */
#include "controller/vms/hypervisor.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/crash/crash.h"
#include "controller/vms/attempts.h"
#include "controller/vms/life.h"
#include "controller/vms/measured.h"

#define SESSION_TIMEOUT     (3 * NSEC_PER_SEC)
#define FACTS_INTERVAL      (60 * NSEC_PER_SEC)
#define FACTS_INTERVAL_POLL (10 * NSEC_PER_SEC) /* of who reports no events */
#define FACTS_AGE_MIN       (5 * NSEC_PER_SEC)  /* they are new until then */
#define QUIET_MAX           (10 * NSEC_PER_SEC) /* then it is asked for a sign of life */
#define RESTORE_KNOWN       (15 * NSEC_PER_SEC) /* until a snapshot is known for one */
#define WATCH_TIME          (500 * NSEC_PER_MSEC)
#define BIND_INTERVAL       (10 * NSEC_PER_SEC)

static void set_condition(struct vm *vm, const char *text)
{
    text_copy_line(vm->hypervisor.condition, sizeof(vm->hypervisor.condition), text);
}

/* ---- the session's end, the process' end ---- */

static void check(const struct vm *vm)
{
    const struct vm_hypervisor *hypervisor = &vm->hypervisor;

    assert(hypervisor->session == NULL || vm->address.driver != NULL);
    assert(!hypervisor->ready || hypervisor->session != NULL);
    assert(!hypervisor->balloon_reading || hypervisor->session != NULL);
    assert(hypervisor->silent == 0 || hypervisor->ready);
    assert(vm->attempts.shut == 0 || !hypervisor->ready);
    assert(hypervisor->stopped <= hypervisor->stood);
}

static void close_session(struct vm *vm)
{
    struct driver_session *session = vm->hypervisor.session;

    vm->hypervisor.session = NULL;
    vm->hypervisor.ready = false;
    vm->hypervisor.silent = 0;
    if (session != NULL)
        vm->address.driver->close(session);
    check(vm); /* what was asked has ended */
}

void vm_hypervisor_drop(struct vm *vm)
{
    close_session(vm);
    vm_attempts_reset(vm);
}

const char *vm_hypervisor_condition(const struct vm *vm)
{
    if (vm->address.driver == NULL && vm->found.by != 0)
        return vm->found.problem[0] != '\0'
                   ? vm->found.problem
                   : "its hypervisor's command line names no socket to reach it by";
    if (vm->address.driver == NULL)
        return "its hypervisor is not known; give its VM file a 'hypervisor' address";
    return vm->hypervisor.condition[0] == '\0' ? "its hypervisor has not been asked yet"
                                               : vm->hypervisor.condition;
}

void vm_hypervisor_ask_again(struct vm *vm)
{
    vm->hypervisor.facts_next = 0;
}

void vm_hypervisor_doubt(struct vm *vm)
{
    vm->hypervisor.known = false;
}

/* What it said, and what was measured of it, holds no more. */
static void end_process(struct vm *vm)
{
    struct vm_hypervisor *hypervisor = &vm->hypervisor;
    char text[96];

    assert(hypervisor_process_is_open(&vm->measured.process));
    snprintf(text, sizeof(text), "hypervisor process %d ended", (int)vm->measured.process.pid);
    vm_warn(vm, "%s", text);
    vm_hypervisor_drop(vm);
    measured_unbind(vm);
    hypervisor->known = false;
    hypervisor->facts = (struct driver_facts){0};
    hypervisor->migrated_in = false;
    hypervisor->restored = false;
    set_condition(vm, text);
    vm_emit(vm, VM_EVENT_HYPERVISOR, text);
    vm_mark_gone(vm);
}

/* ---- measuring ---- */

static int check_process(struct vm *vm, int r)
{
    if (r == -ESRCH && hypervisor_process_is_open(&vm->measured.process))
        end_process(vm);
    return r;
}

int vm_measure(struct vm *vm)
{
    return check_process(vm, measured_take_host(vm, time_boottime()));
}

int vm_measure_exactly(struct vm *vm)
{
    vm_calibrate(vm);
    return vm_measure(vm);
}

/* ---- facts ---- */

/* UUID and CID as the hypervisor says them. A VM's file that says otherwise is pointed out. */
static void merge_identity(struct vm *vm)
{
    const struct driver_facts *facts = &vm->hypervisor.facts;
    struct error error = {""};

    if (facts->uuid[0] != '\0' && vm->uuid[0] == '\0')
        (void)registry_set_uuid(&vm->supervisor->registry, vm, facts->uuid, &error);
    else if (facts->uuid[0] != '\0' && strcasecmp(facts->uuid, vm->uuid) != 0)
        vm_warn(vm, "%s says uuid %s, the hypervisor at %s says %s",
                vm->sources.definition != NULL ? vm->sources.definition->source : "the record",
                vm->uuid, vm->address.text, facts->uuid);
    if (facts->guest_cid != 0 && vm->cid != 0 && vm->cid != facts->guest_cid)
        vm_warn(vm,
                "%s says cid %" PRIu32 ", the hypervisor says %" PRIu32
                "; the hypervisor is believed",
                vm->sources.definition != NULL ? vm->sources.definition->source : "the record",
                vm->cid, facts->guest_cid);
    if (error.text[0] != '\0')
        vm_warn(vm, "%s", error.text);
}

/* It stands still now, or did until now. */
static void note_standing(struct vm_hypervisor *hypervisor, bool is_begun)
{
    hypervisor->stood = time_boottime();
    if (is_begun)
        hypervisor->stopped = hypervisor->stood;
}

static nsec_t facts_interval(const struct vm *vm)
{
    return (vm->hypervisor.facts.capabilities & DRIVER_TELLS_EVENTS) != 0 ? FACTS_INTERVAL
                                                                          : FACTS_INTERVAL_POLL;
}

static void take_facts(struct vm *vm, const struct driver_facts *facts)
{
    struct vm_hypervisor *hypervisor = &vm->hypervisor;

    assert(hypervisor->ready && !vm->life.removed);
    if (facts->balloon_actual < hypervisor->facts.balloon_actual) {
        hypervisor->balloon_earlier = hypervisor->facts.balloon_actual;
        hypervisor->balloon_shrunk = time_boottime();
    }
    if (facts->run_state == RUN_STATE_PAUSED)
        note_standing(hypervisor, hypervisor->facts.run_state != RUN_STATE_PAUSED);
    check(vm);
    hypervisor->facts = *facts;
    hypervisor->known = true;
    hypervisor->migrated_in = hypervisor->migrated_in || facts->migrated_in;
    hypervisor->facts_next = time_boottime() + facts_interval(vm);
    measured_take_backing(vm);
    hypervisor->facts.locked = footprint_is_locked(&vm->measured.process, facts->ram);
    merge_identity(vm);
    vm_emit(vm, VM_EVENT_HYPERVISOR, "the hypervisor was read");
    vm_update_state(vm);
}

/* ---- its process ---- */

/* False: it is not seen now, as the condition says; that may pass. */
static bool bind_process(struct vm *vm)
{
    struct error error;
    pid_t pid = vm->hypervisor.facts.pid != 0 ? vm->hypervisor.facts.pid : vm->found.pid;
    int r = measured_bind(vm, pid, &error);
    bool is_news = r < 0 && strcmp(vm->hypervisor.condition, error.text) != 0;

    vm->hypervisor.bind_next = time_boottime() + BIND_INTERVAL;
    set_condition(vm, r < 0 ? error.text : "ready");
    if (is_news)
        vm_warn(vm, "no footprint: %s", error.text);
    return r == 0;
}

/* ---- whether it answers ---- */

static void note_silence(struct vm *vm, const struct error *error)
{
    char text[256];

    if (vm->hypervisor.silent != 0 || !vm->hypervisor.ready)
        return;
    vm->hypervisor.silent = time_monotonic();
    text_format(text, sizeof(text), "%s: the hypervisor hangs, is stopped or busy",
                error != NULL ? error->text : vm->address.text);
    set_condition(vm, text);
    vm_warn(vm, "%s", text);
}

static void note_answer(struct vm *vm)
{
    if (vm->hypervisor.silent == 0)
        return;
    vm->hypervisor.silent = 0;
    (void)bind_process(vm);
    vm_warn(vm, "the hypervisor answers again");
}

void vm_hypervisor_note(struct vm *vm, const struct driver_result *result)
{
    if (result->status == -ETIMEDOUT)
        note_silence(vm, result->error);
    else if (result->status == 0 || result->status == -EREMOTEIO)
        note_answer(vm);
}

static void on_facts(const struct driver_result *result, void *userdata)
{
    struct vm *vm = userdata;

    vm_hypervisor_note(vm, result);
    /* A failure of the connection is reported by on_failed as well. */
    if (result->status != 0)
        return;
    take_facts(vm, result->facts);
    if (time_boottime() >= vm->measured.calibrate_next)
        vm_calibrate(vm);
}

static void read_facts_now(struct vm *vm)
{
    vm->hypervisor.facts_next = time_boottime() + facts_interval(vm);
    (void)vm->address.driver->start(vm->hypervisor.session, DRIVER_READ_FACTS, 0, SESSION_TIMEOUT,
                                    on_facts, vm);
}

bool vm_hypervisor_refresh(struct vm *vm)
{
    nsec_t asked =
        vm->hypervisor.facts_next - min_of(vm->hypervisor.facts_next, facts_interval(vm));

    if (!vm->hypervisor.ready || time_boottime() - asked < FACTS_AGE_MIN)
        return false;
    read_facts_now(vm);
    return true;
}

/* ---- session ---- */

static void on_session_failed(int status, const struct error *error, void *userdata)
{
    struct vm *vm = userdata;
    bool is_news = strcmp(vm->hypervisor.condition, error->text) != 0;
    bool was_ready = vm->hypervisor.ready;

    close_session(vm);
    if (was_ready)
        vm_attempt_later(vm);
    else
        vm_attempt_refused(vm, status);
    set_condition(vm, error->text);
    if (is_news)
        vm_warn(vm, "%s", error->text);
    if (hypervisor_process_is_open(&vm->measured.process))
        (void)vm_measure(vm);
}

static void on_session_ready(const struct driver_facts *facts, void *userdata)
{
    struct vm *vm = userdata;

    assert(vm->hypervisor.session != NULL && !vm->hypervisor.ready);
    vm->hypervisor.ready = true;
    vm_attempts_reset(vm);
    vm->hypervisor.facts.pid = facts->pid;
    (void)bind_process(vm);
    take_facts(vm, facts);
    vm_calibrate(vm);
    (void)vm_measure(vm);
}

/* Both sizes are of one moment: memory that was plugged moves them alike. */
static void take_balloon(struct vm *vm, const struct driver_result *result)
{
    struct driver_facts *facts = &vm->hypervisor.facts;
    uint64_t actual = facts->balloon_actual;
    uint64_t maximum = facts->balloon_maximum;
    char text[64];

    facts->balloon_actual = result->balloon_actual;
    facts->balloon_maximum = result->balloon_maximum;
    if (facts->balloon_maximum != maximum) {
        measured_find_backends(vm);
        read_facts_now(vm);
    }
    if (facts->balloon_actual == actual && facts->balloon_maximum == maximum)
        return;
    snprintf(text, sizeof(text), "the guest has %s left", BYTES_TEXT(facts->balloon_actual));
    vm_emit(vm,
            time_boottime() < vm->hypervisor.balloon_watched ? VM_EVENT_BALLOON_STEP
                                                             : VM_EVENT_BALLOON,
            text);
}

static void on_balloon_read(const struct driver_result *result, void *userdata)
{
    struct vm *vm = userdata;

    assert(vm->hypervisor.balloon_reading); /* it is answered once */
    crash_point("the balloon was read");
    vm->hypervisor.balloon_reading = false;
    vm_hypervisor_note(vm, result);
    if (result->status == 0)
        take_balloon(vm, result);
    if (vm->hypervisor.balloon_again)
        vm_read_balloon(vm);
}

void vm_hypervisor_booted(struct vm *vm, const char *text)
{
    measured_forget_boot(vm);
    vm->hypervisor.migrated_in = false;
    vm->hypervisor.restored = false;
    vm_emit(vm, VM_EVENT_RESET, text);
}

static void tell_restored(struct vm *vm)
{
    vm_emit(vm, VM_EVENT_RESTORED, "the guest went back to a snapshot");
}

static void on_restored_balloon(const struct driver_result *result, void *userdata)
{
    struct vm *vm = userdata;

    if (result->status == 0) {
        vm->hypervisor.facts.balloon_actual = result->balloon_actual;
        vm->hypervisor.facts.balloon_maximum = result->balloon_maximum;
    }
    if (!vm->life.removed)
        tell_restored(vm);
}

/* The snapshot's size may have been read before it was known for a snapshot. */
static uint64_t balloon_before_restore(const struct vm *vm)
{
    if (vm->hypervisor.balloon_shrunk != 0 &&
        vm->hypervisor.balloon_shrunk >= vm->hypervisor.stopped &&
        time_boottime() - vm->hypervisor.balloon_shrunk < RESTORE_KNOWN)
        return vm->hypervisor.balloon_earlier;
    return vm->hypervisor.facts.balloon_actual;
}

void vm_hypervisor_restored(struct vm *vm)
{
    vm->hypervisor.restored = true;
    measured_forget_boot(vm);
    vm->hypervisor.balloon_before_restore = balloon_before_restore(vm);
    if (!vm->hypervisor.ready ||
        vm->address.driver->start(vm->hypervisor.session, DRIVER_READ_BALLOON, 0, SESSION_TIMEOUT,
                                  on_restored_balloon, vm) < 0)
        tell_restored(vm);
}

/* A guest cannot go back while it runs: whoever restores it stops it first. */
void vm_hypervisor_went_back(struct vm *vm, nsec_t since)
{
    if (vm->hypervisor.stood != 0 && vm->hypervisor.stood >= since) {
        vm_hypervisor_restored(vm);
        return;
    }
    vm_emit(vm, VM_EVENT_WENT_BACK, "");
    vm_warn(vm, "the guest's clock went back, but its hypervisor did not stop it: not taken for a "
                "snapshot");
}

void vm_read_balloon(struct vm *vm)
{
    vm->hypervisor.balloon_again = vm->hypervisor.balloon_reading;
    if (!vm->hypervisor.ready || vm->hypervisor.silent != 0 || vm->hypervisor.balloon_reading ||
        vm->address.driver->start(vm->hypervisor.session, DRIVER_READ_BALLOON, 0, SESSION_TIMEOUT,
                                  on_balloon_read, vm) < 0)
        return;
    vm->hypervisor.balloon_reading = true;
    crash_point("the balloon's size was asked for");
}

void vm_watch_balloon(struct vm *vm)
{
    vm->hypervisor.balloon_watched = time_boottime() + WATCH_TIME;
    vm_read_balloon(vm);
}

static void on_session_event(enum driver_event event, void *userdata)
{
    struct vm *vm = userdata;

    switch (event) {
    case DRIVER_EVENT_PAUSED:
        vm->hypervisor.facts.run_state = RUN_STATE_PAUSED;
        note_standing(&vm->hypervisor, true);
        break;
    case DRIVER_EVENT_SHUTDOWN:
        vm->hypervisor.facts.run_state = RUN_STATE_STOPPED;
        break;
    case DRIVER_EVENT_RESUMED:
        note_standing(&vm->hypervisor, false);
        vm->hypervisor.facts.run_state = RUN_STATE_RUNNING;
        break;
    case DRIVER_EVENT_BALLOON:
        vm_read_balloon(vm);
        break;
    case DRIVER_EVENT_RESTORED:
        vm_hypervisor_restored(vm);
        break;
    case DRIVER_EVENT_RESET:
        vm_hypervisor_booted(vm, "the guest was reset");
        read_facts_now(vm);
        break;
    case DRIVER_EVENT_MIGRATION:
    case DRIVER_EVENT_CHANGED:
        read_facts_now(vm);
        break;
    case DRIVER_EVENT_MEMORY_CHANGED:
        measured_find_backends(vm);
        read_facts_now(vm);
        break;
    }
    vm_update_state(vm);
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
    assert(!vm->hypervisor.ready);
    vm->hypervisor.session = NULL;
    error_set(&error, r, "hypervisor %s: %s", vm->address.text, strerror(-r));
    set_condition(vm, error.text);
    vm_attempt_later(vm);
}

/* Nothing more is asked of who does not answer: it would all be carried out when it wakes up. Its
 * first word, a late answer, is followed by a question. */
static void listen_to_silent(struct vm *vm, nsec_t now)
{
    const struct driver *driver = vm->address.driver;

    if (driver->heard != NULL ? driver->heard(vm->hypervisor.session) <= vm->hypervisor.silent
                              : now < vm->hypervisor.facts_next)
        return;
    vm->hypervisor.silent = time_monotonic();
    read_facts_now(vm);
}

/* Once a second, where nobody tells that it moves, and something of ours may be in it. */
static void poll_balloon(struct vm *vm)
{
    if ((vm->hypervisor.facts.capabilities & DRIVER_TELLS_EVENTS) == 0 && vm->leased)
        vm_read_balloon(vm);
}

/* Who tells events need not speak for a minute. Its balloon is its shortest question; who hangs
 * misses that one's deadline. */
static void ask_for_sign_of_life(struct vm *vm)
{
    const struct driver *driver = vm->address.driver;

    if (driver->heard == NULL || vm->hypervisor.balloon_reading)
        return;
    if (saturating_subtract(time_monotonic(), driver->heard(vm->hypervisor.session)) >= QUIET_MAX)
        vm_read_balloon(vm);
}

static void ask(struct vm *vm, nsec_t now)
{
    if (vm->hypervisor.silent != 0) {
        listen_to_silent(vm, now);
        return;
    }
    if (!hypervisor_process_is_open(&vm->measured.process) && now >= vm->hypervisor.bind_next &&
        bind_process(vm))
        vm->hypervisor.facts_next = now; /* its agent can be vouched for now */
    if (now >= vm->hypervisor.facts_next)
        read_facts_now(vm);
    poll_balloon(vm);
    ask_for_sign_of_life(vm);
}

/* A socket that other tools need, and that serves one client: it is not even connected to. */
static bool is_left(struct vm *vm)
{
    char text[VM_ATTEMPT_TEXT_SIZE];

    if (!vm_attempt_is_left(vm, text))
        return false;
    if (strcmp(vm->hypervisor.condition, text) != 0)
        vm_warn(vm, "%s", text);
    set_condition(vm, text);
    return true;
}

static void tick_session(struct vm *vm, nsec_t now)
{
    if (vm->hypervisor.session != NULL)
        vm->address.driver->tick(vm->hypervisor.session, time_monotonic());
    else if (vm_attempt_may_begin(vm, now) && !is_left(vm))
        open_session(vm);
    check(vm);
    if (vm->hypervisor.ready)
        ask(vm, now);
}

/* Nobody can ask it anything: what it holds of the host is seen all the same. */
static void look_at_found(struct vm *vm, nsec_t now)
{
    if (!hypervisor_process_is_open(&vm->measured.process) && now >= vm->hypervisor.bind_next)
        (void)bind_process(vm);
}

void vm_hypervisor_visit(struct vm *vm, nsec_t now)
{
    if (vm->address.driver != NULL)
        tick_session(vm, now);
    else if (vm->found.pid != 0)
        look_at_found(vm, now);
    (void)check_process(vm, measured_visit(vm, now));
}

int vm_set_balloon(struct vm *vm, uint64_t bytes, nsec_t timeout, driver_done done, void *userdata)
{
    const struct driver *driver = vm->address.driver;

    return driver == NULL ? -EOPNOTSUPP
                          : driver->start(vm->hypervisor.session, DRIVER_SET_BALLOON, bytes,
                                          timeout, done, userdata);
}
