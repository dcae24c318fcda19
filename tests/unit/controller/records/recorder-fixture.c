/* The recorder's world. */
#include "tests/unit/controller/records/recorder-fixture.h"

#include <stdio.h>
#include <string.h>

#include "controller/records/guest-actions.h"
#include "controller/store/queries.h"
#include "controller/vms/hypervisor.h"
#include "controller/vms/life.h"
#include "controller/vms/tick.h"

struct fixture fixture;
struct supervisor supervisor;
struct store *store;
struct recorder recorder;
struct vm *vm;
static uv_loop_t loop;
static struct action_measures measures; /* of the ordered action */

void set_footprint(uint64_t mib)
{
    char text[256];

    snprintf(text, sizeof(text),
             "Name:\tqemu\nVmRSS:\t1 kB\nRssAnon:\t%llu kB\nRssFile:\t1 kB\nRssShmem:\t0 kB\n"
             "VmSwap:\t0 kB\nHugetlbPages:\t0 kB\n",
             (unsigned long long)mib * 1024);
    fixture_write(&fixture, "proc/42/status", text);
    /* the status file is held open: a rewritten one is another */
    if (vm != NULL) {
        assert_int_equal(hypervisor_process_open(&vm->measured.process, fixture.root, 42, NULL), 0);
        assert_int_equal(vm_measure(vm), 0);
    }
}

int recorder_set_up(void **state)
{
    char path[128];

    fixture_init(&fixture);
    fixture_write(&fixture, "proc/42/stat",
                  "42 (qemu) S 1 42 42 0 -1 4194560 1 0 0 0 5 6 0 0 20 0 3 0 1 1 1\n");
    fixture_write(&fixture, "proc/42/maps", "");
    fixture_directory(&fixture, "proc/42/fd");
    vm = NULL;
    set_footprint(500);
    snprintf(path, sizeof(path), "%s/store.db", fixture.path);
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(supervisor_init(&supervisor, &loop, fixture.root, NSEC_PER_SEC), 0);
    assert_int_equal(store_create(path, &store), 0);
    assert_int_equal(recorder_init(&recorder, &supervisor, store), 0);
    assert_int_equal(vm_create("web1", VM_SOURCE_FILE, &vm), 0);
    assert_int_equal(supervisor_add_vm(&supervisor, vm, NULL), 0);
    set_footprint(500);
    return 0;
}

int recorder_tear_down(void **state)
{
    recorder_stop(&recorder);
    supervisor_stop(&supervisor);
    uv_run(&loop, UV_RUN_DEFAULT);
    recorder_finish(&recorder);
    supervisor_finish(&supervisor);
    assert_int_equal(uv_loop_close(&loop), 0);
    store_destroy(store);
    fixture_finish(&fixture);
    return 0;
}

void restart(void)
{
    recorder_stop(&recorder);
    uv_run(&loop, UV_RUN_NOWAIT);
    recorder_finish(&recorder);
    assert_int_equal(recorder_init(&recorder, &supervisor, store), 0);
}

static void emit_record(enum vm_event_kind kind, const Action *record)
{
    supervisor_emit(&supervisor,
                    &(struct vm_event){.vm = vm, .kind = kind, .text = "", .record = record});
}

void begin_action(const Action *record)
{
    measures = (struct action_measures){.count = 0};
    (void)measures_take(&measures, vm, BEFORE);
    emit_record(VM_EVENT_ACTION_BEGUN, record);
}

void look_at_action(void)
{
    measures_take_during(&measures, vm, time_boottime());
}

void end_action(Action *record)
{
    record->finished = true;
    measures_complete(&measures, vm, time_boottime(), record);
    emit_record(VM_EVENT_ACTION_ENDED, record);
}

void end_action_without_figures(Action *record)
{
    measures_forgo("the VM's process was gone", record);
    emit_record(VM_EVENT_ACTION_ENDED, record);
}

void remember(nsec_t now, uint64_t seconds, uint64_t mib, uint64_t fall)
{
    for (uint64_t i = 0; i <= seconds; i++)
        footprint_history_add(&vm->measured.history, now - (seconds - i) * NSEC_PER_SEC,
                              (mib - i * fall) * MIB);
}

void tell_step(nsec_t now, uint64_t seconds, uint64_t freed_mib)
{
    Vmreclaim__Agent__V1__ActionResult result = VMRECLAIM__AGENT__V1__ACTION_RESULT__INIT;
    char id[ACTION_ID_SIZE];

    result.kind = VMRECLAIM__AGENT__V1__ACTION_KIND__ACTION_KIND_RECLAIM_CACHE;
    result.outcome = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_DONE;
    result.duration_ns = seconds * NSEC_PER_SEC;
    result.free_before = GIB;
    result.free_after = GIB + freed_mib * MIB;
    action_id_make(id);
    guest_action_take(&recorder, vm, &result, id, now);
}

static int compare(Action *action, void *userdata)
{
    const struct expectation *expected = userdata;
    size_t count = 0;

    assert_int_equal(action->checked_again, expected->checked_again);
    assert_int_equal(action->host_returned, expected->returned);
    assert_int_equal(action->host_returned_later, expected->returned_later);
    while (count < ARRAY_SIZE(expected->phases) && expected->phases[count] != 0)
        count++;
    assert_int_equal(action->n_samples, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(action->samples[i]->phase, expected->phases[i]);
    return 0;
}

void expect(const char *id, struct expectation expectation)
{
    assert_int_equal(store_action(store, id, compare, &expectation, NULL), 0);
}

static int add_to_all(Action *action, void *userdata)
{
    struct all *all = userdata;

    assert_true(all->count < STEPS_MAX);
    snprintf(all->reasons[all->count], sizeof(all->reasons[0]), "%s", action->reason);
    all->actions[all->count++] = *action;
    all->returned += action->host_returned;
    return 0;
}

struct all read_all(void)
{
    const struct action_walk walk = action_walk_down("web1", 0, INT64_MAX);
    struct all all = {.count = 0};

    assert_int_equal(store_walk_actions(store, &walk, add_to_all, &all, NULL), 0);
    return all;
}

void expect_unmeasured(const char *why)
{
    const struct all all = read_all();

    assert_int_equal(all.count, 1);
    assert_true(all.actions[0].finished);
    assert_int_equal(all.actions[0].footprint_before, 0);
    assert_int_equal(all.actions[0].host_returned, 0);
    assert_int_equal(all.actions[0].confidence, LOW);
    assert_non_null(strstr(all.reasons[0], why));
}
