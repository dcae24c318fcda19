/* Which rollouts a coordinator knows, of all that the bus keeps. */
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/message/copy.h"
#include "controller/fleet/coordinator/orders.h"
#include "tests/unit/controller/fleet/memory-bus.h"

struct fixture {
    uv_loop_t loop;
    struct lease lease;
    struct rollouts rollouts;
    uint64_t sequence;
};

static int set_up(void **state)
{
    static struct fixture f;

    f = (struct fixture){.sequence = 0};
    assert_int_equal(uv_loop_init(&f.loop), 0);
    rollouts_init(&f.rollouts, &f.loop, NULL, NULL, &f.lease);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    orders_stop(&f->rollouts);
    rollouts_stop(&f->rollouts);
    assert_int_equal(f->rollouts.documents.count, 0);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    return 0;
}

static void take(struct fixture *f, const char *id, RolloutState state)
{
    Rollout document = VMRECLAIM__FLEET__V1__ROLLOUT__INIT;
    char subject[128];
    size_t length = 0;
    uint8_t *packed;

    document.id = (char *)id;
    document.policy = (char *)"night";
    document.state = state;
    packed = message_pack(&document.base, &length);
    assert_non_null(packed);
    snprintf(subject, sizeof(subject), ROLLOUTS_SUBJECT "rollout.%s", id);
    rollouts_on_message(&f->rollouts, &(struct bus_message){.subject = subject,
                                                            .sequence = ++f->sequence,
                                                            .data = packed,
                                                            .length = length});
    free(packed);
}

static bool is_known(const struct fixture *f, const char *id)
{
    struct error error;

    return rollouts_find(&f->rollouts, id, &error) != NULL;
}

static void fill(struct fixture *f, RolloutState state)
{
    for (unsigned i = 0; f->rollouts.documents.count < ROLLOUTS_MAX; i++) {
        char id[16];

        snprintf(id, sizeof(id), "old%04u", i);
        take(f, id, state);
    }
}

static void test_what_ended_makes_room(void **state)
{
    struct fixture *f = *state;

    take(f, "paused", ROLLOUT_STATE(PAUSED));
    fill(f, ROLLOUT_STATE(SUPERSEDED));
    take(f, "new", ROLLOUT_STATE(WRITING));
    assert_true(is_known(f, "new"));
    assert_true(is_known(f, "paused"));
    assert_false(is_known(f, "old0000"));
    assert_true(is_known(f, "old0001"));
    assert_int_equal(f->rollouts.documents.count, ROLLOUTS_MAX);
}

static void test_what_goes_on_makes_none(void **state)
{
    struct fixture *f = *state;

    fill(f, ROLLOUT_STATE(COMPLETE));
    take(f, "new", ROLLOUT_STATE(WRITING));
    assert_false(is_known(f, "new"));
    assert_true(is_known(f, "old0000"));
    take(f, "old0000", ROLLOUT_STATE(SUPERSEDED));
    take(f, "new", ROLLOUT_STATE(WRITING));
    assert_true(is_known(f, "new"));
}

/* By whoever leads; what rests has no key. */
static void test_a_bucket_that_was_lost_is_put_back(void **state)
{
    struct fixture *f = *state;
    const struct bus_message *key;

    memory_bus_begin();
    f->rollouts.bus = memory_bus();
    take(f, "paused", ROLLOUT_STATE(PAUSED));
    take(f, "gone", ROLLOUT_STATE(REVERTED));
    rollouts_on_bus(&f->rollouts, true);
    rollouts_on_whole(&f->rollouts, ROLLOUTS_STREAM);
    rollouts_on_remade(&f->rollouts);
    rollouts_turn(&f->rollouts);
    memory_bus_run();
    assert_int_equal(memory_bus_puts(), 0); /* it does not lead */
    f->lease.epoch = 1;
    f->lease.held_until = time_boottime() + 3600 * NSEC_PER_SEC;
    for (unsigned i = 0; i < 3; i++) {
        rollouts_turn(&f->rollouts);
        memory_bus_run();
    }
    assert_int_equal(memory_bus_puts(), 3);
    assert_non_null(memory_bus_newest(ROLLOUTS_SUBJECT "rollout.paused"));
    assert_non_null(memory_bus_newest(ROLLOUTS_SUBJECT "rollout.gone"));
    key = memory_bus_newest(ROLLOUTS_SUBJECT "policy.night");
    assert_non_null(key);
    assert_memory_equal(key->data, "paused", key->length);
}

static void lead(struct fixture *f)
{
    memory_bus_begin();
    f->rollouts.bus = memory_bus();
    f->lease.epoch = 1;
    f->lease.held_until = time_boottime() + 3600 * NSEC_PER_SEC;
    rollouts_on_bus(&f->rollouts, true);
    rollouts_on_whole(&f->rollouts, ROLLOUTS_STREAM);
}

/* One that has no host to revert any more. */
static void take_reverting(struct fixture *f)
{
    static uint32_t waves[] = {PERMYRIAD};
    Rollout document = VMRECLAIM__FLEET__V1__ROLLOUT__INIT;
    size_t length = 0;
    uint8_t *packed;

    document.id = (char *)"r1";
    document.policy = (char *)"night";
    document.text = (char *)"profile: gentle\n";
    document.host_selector = (char *)"all";
    document.waves_permyriad = waves;
    document.n_waves_permyriad = 1;
    document.state = ROLLOUT_STATE(REVERTING);
    document.reason = (char *)"oom-kills";
    document.epoch = 1;
    packed = message_pack(&document.base, &length);
    assert_non_null(packed);
    memory_bus_keep(ROLLOUTS_SUBJECT "rollout.r1", packed, length);
    rollouts_on_message(&f->rollouts, memory_bus_newest(ROLLOUTS_SUBJECT "rollout.r1"));
    free(packed);
}

static void test_a_step_is_in_the_audit(void **state)
{
    struct fixture *f = *state;
    struct fleet_hosts hosts;
    const struct bus_message *message;
    AuditRecord *record;

    fleet_hosts_init(&hosts);
    f->rollouts.hosts = &hosts;
    lead(f);
    take_reverting(f);
    rollouts_turn(&f->rollouts);
    assert_true(memory_bus_turn());
    memory_bus_run();
    message = memory_bus_newest(AUDIT_SUBJECT "r1");
    assert_non_null(message);
    record = vmreclaim__fleet__v1__audit_record__unpack(NULL, message->length, message->data);
    assert_non_null(record);
    assert_int_equal(record->phase, AUDIT(STEP));
    assert_int_equal(record->state, ROLLOUT_STATE(REVERTED));
    assert_string_equal(record->reason, "oom-kills");
    assert_string_equal(record->author, "");
    vmreclaim__fleet__v1__audit_record__free_unpacked(record, NULL);
    rollouts_turn(&f->rollouts);
    assert_null(documents_find(&f->rollouts.documents, "r1")->engine); /* nothing is measured */
    fleet_hosts_finish(&hosts);
}

/* For as long as it fails, and some turns longer. */
static void test_a_full_bucket_is_told(void **state)
{
    struct fixture *f = *state;
    struct fleet_hosts hosts;

    fleet_hosts_init(&hosts);
    f->rollouts.hosts = &hosts;
    lead(f);
    take_reverting(f);
    memory_bus_fill(true);
    for (unsigned i = 0; i < 100; i++) {
        rollouts_turn(&f->rollouts);
        memory_bus_run();
        assert_string_equal(f->rollouts.unstored, "rollout r1 is not stored: stream "
                                                  "KV_VMR_ROLLOUT is full; give it more bytes");
    }
    memory_bus_fill(false);
    for (unsigned i = 0; i < 40; i++) {
        rollouts_turn(&f->rollouts);
        memory_bus_run();
    }
    assert_string_equal(f->rollouts.unstored, "");
    assert_non_null(memory_bus_newest(AUDIT_SUBJECT "r1"));
    fleet_hosts_finish(&hosts);
}

/* A coordinator that cannot go on says so. */
static void test_what_makes_no_sense_is_told(void **state)
{
    struct fixture *f = *state;
    struct fleet_hosts hosts;

    fleet_hosts_init(&hosts);
    f->rollouts.hosts = &hosts;
    lead(f);
    take(f, "odd", ROLLOUT_STATE(WRITING));
    f->lease.seen = 0;
    rollouts_turn(&f->rollouts);
    assert_non_null(strstr(f->rollouts.problem, "rollout odd cannot go on: its document makes no"));
    take(f, "odd", ROLLOUT_STATE(ABORTED));
    rollouts_turn(&f->rollouts);
    assert_string_equal(f->rollouts.problem, "");
    fleet_hosts_finish(&hosts);
}

static size_t count_stepped(const struct fixture *f)
{
    size_t count = 0;

    list_for_each (link, &f->rollouts.documents.list)
        count += list_entry(link, struct rollout_entry, link)->engine != NULL;
    return count;
}

/* All of them, after some turns; others in each. */
static void test_complete_ones_take_turns(void **state)
{
    struct fixture *f = *state;
    struct fleet_hosts hosts;
    size_t first;
    char id[16];

    fleet_hosts_init(&hosts);
    f->rollouts.hosts = &hosts;
    lead(f);
    for (unsigned i = 0; i < 30; i++) {
        snprintf(id, sizeof(id), "c%u", i);
        take(f, id, ROLLOUT_STATE(COMPLETE));
    }
    rollouts_turn(&f->rollouts);
    first = count_stepped(f);
    assert_in_range(first, 7, 8);
    take(f, "goes-on", ROLLOUT_STATE(SOAKING));
    for (unsigned i = 0; i < 3; i++) {
        rollouts_turn(&f->rollouts);
        assert_non_null(documents_find(&f->rollouts.documents, "goes-on")->engine);
    }
    assert_int_equal(count_stepped(f), 31);
    fleet_hosts_finish(&hosts);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_ended_makes_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_goes_on_makes_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_step_is_in_the_audit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_full_bucket_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_makes_no_sense_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_bucket_that_was_lost_is_put_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_complete_ones_take_turns, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
