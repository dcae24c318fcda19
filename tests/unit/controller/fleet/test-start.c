/* Starts of one policy on several coordinators at once: one is left, and the others are told. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/message/copy.h"
#include "controller/fleet/coordinator/order.h"
#include "controller/fleet/coordinator/orders.h"
#include "tests/sim/random.h"
#include "tests/unit/controller/fleet/memory-bus.h"

#define COORDINATORS 3
#define DOCUMENT     ROLLOUTS_SUBJECT DOCUMENT_KEY
#define NIGHT_KEY    ROLLOUTS_SUBJECT POLICY_KEY "night"

/* What became of a start. */
struct outcome {
    bool is_known;
    int status;
    char id[32];
    char text[512];
};

static struct fixture {
    uv_loop_t loop;
    struct lease leases[COORDINATORS];
    struct fleet_hosts hosts;
    struct rollouts rollouts[COORDINATORS];
    struct outcome outcomes[COORDINATORS];
} f;

static int set_up(void **state)
{
    (void)state;
    memory_bus_begin();
    f = (struct fixture){.outcomes = {{.is_known = false}}};
    assert_int_equal(uv_loop_init(&f.loop), 0);
    fleet_hosts_init(&f.hosts);
    for (unsigned i = 0; i < COORDINATORS; i++) {
        rollouts_init(&f.rollouts[i], &f.loop, &f.hosts, NULL, &f.leases[i]);
        f.rollouts[i].bus = memory_bus();
        rollouts_on_whole(&f.rollouts[i], ROLLOUTS_STREAM);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COORDINATORS; i++) {
        orders_stop(&f.rollouts[i]);
        rollouts_stop(&f.rollouts[i]);
    }
    uv_run(&f.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f.loop), 0);
    fleet_hosts_finish(&f.hosts);
    memory_bus_begin();
    return 0;
}

static void on_done(int status, const struct error *error, const Rollout *document, void *userdata)
{
    struct outcome *outcome = userdata;

    assert_false(outcome->is_known);
    *outcome = (struct outcome){.is_known = true, .status = status};
    if (status < 0)
        snprintf(outcome->text, sizeof(outcome->text), "%s", error->text);
    else
        snprintf(outcome->id, sizeof(outcome->id), "%s", document->id);
}

static void start_text(unsigned coordinator, const char *text)
{
    Rollout asked = VMRECLAIM__FLEET__V1__ROLLOUT__INIT;
    Rollout *rollout;

    asked.policy = (char *)"night";
    asked.text = (char *)text;
    rollout = (Rollout *)message_copy(&asked.base);
    assert_non_null(rollout);
    f.outcomes[coordinator].is_known = false;
    rollouts_start(&f.rollouts[coordinator], rollout, "ann", on_done, &f.outcomes[coordinator]);
}

static void start(unsigned coordinator)
{
    start_text(coordinator, "name: night\nprofile: gentle\n");
}

static RolloutState stored_state(const char *id)
{
    char subject[128];
    const struct bus_message *message;
    Rollout *document;
    RolloutState state;

    snprintf(subject, sizeof(subject), DOCUMENT "%s", id);
    message = memory_bus_newest(subject);
    if (message == NULL)
        return ROLLOUT_STATE(UNSPECIFIED);
    document = vmreclaim__fleet__v1__rollout__unpack(NULL, message->length, message->data);
    assert_non_null(document);
    state = document->state;
    vmreclaim__fleet__v1__rollout__free_unpacked(document, NULL);
    return state;
}

/* Whom the policy's key names; he has begun, and the others have not. */
static void check_one_is_left(unsigned started)
{
    const struct bus_message *key = memory_bus_newest(NIGHT_KEY);
    unsigned left = 0;
    char id[32];

    assert_non_null(key);
    snprintf(id, sizeof(id), "%.*s", (int)key->length, (const char *)key->data);
    assert_int_equal(stored_state(id), ROLLOUT_STATE(WRITING));
    for (unsigned i = 0; i < started; i++) {
        const struct outcome *outcome = &f.outcomes[i];

        assert_true(outcome->is_known);
        if (outcome->status == 0) {
            assert_string_equal(outcome->id, id);
            left++;
            continue;
        }
        assert_int_equal(outcome->status, -EBUSY);
        if (strstr(outcome->text, "started ") == NULL && strstr(outcome->text, "writing") == NULL)
            fail_msg("\"%s\" does not say why", outcome->text);
    }
    assert_int_equal(left, 1);
}

/* Their steps in every order that a seed makes. */
static void race(uint64_t seed)
{
    struct random random;

    random_init(&random, seed);
    for (unsigned i = 0; i < COORDINATORS; i++)
        start(i);
    while (memory_bus_asked() > 0)
        memory_bus_turn_of((unsigned)random_below(&random, memory_bus_asked()));
    check_one_is_left(COORDINATORS);
}

static void test_one_of_several_begins(void **state)
{
    for (uint64_t seed = 1; seed <= 500; seed++) {
        assert_int_equal(set_up(state), 0);
        race(seed);
        assert_int_equal(tear_down(state), 0);
    }
}

/* What is there is superseded once. */
static void test_one_of_several_supersedes(void **state)
{
    for (uint64_t seed = 1; seed <= 500; seed++) {
        char before[32], subject[128];
        Rollout *document;
        const struct bus_message *message;
        uint8_t *packed;
        size_t length = 0;

        assert_int_equal(set_up(state), 0);
        start(0);
        memory_bus_run();
        snprintf(before, sizeof(before), "%s", f.outcomes[0].id);
        snprintf(subject, sizeof(subject), DOCUMENT "%s", before);
        message = memory_bus_newest(subject);
        document = vmreclaim__fleet__v1__rollout__unpack(NULL, message->length, message->data);
        document->state = ROLLOUT_STATE(COMPLETE);
        packed = message_pack(&document->base, &length);
        memory_bus_keep(subject, packed, length);
        free(packed);
        vmreclaim__fleet__v1__rollout__free_unpacked(document, NULL);
        race(seed);
        assert_int_equal(stored_state(before), ROLLOUT_STATE(SUPERSEDED));
        assert_int_equal(tear_down(state), 0);
    }
}

/* Dead between the key and the document. */
static void test_a_start_that_died_holds_nobody_up(void **state)
{
    (void)state;
    memory_bus_keep(NIGHT_KEY, "dead", 4);
    start(0);
    memory_bus_run();
    check_one_is_left(1);
    assert_int_equal(stored_state("dead"), ROLLOUT_STATE(SUPERSEDED));
}

static void test_what_is_under_way_is_named(void **state)
{
    (void)state;
    start(0);
    memory_bus_run();
    start(1); /* which knows nothing of it yet */
    memory_bus_run();
    check_one_is_left(2);
    assert_non_null(strstr(f.outcomes[1].text, f.outcomes[0].id));
    assert_non_null(strstr(f.outcomes[1].text, "is writing; wait for its end"));
}

/* At once, with the line, and not by each host in turn. */
static void test_a_text_that_no_host_takes_is_refused(void **state)
{
    (void)state;
    start_text(0, "name: night\nprofile: gentle\ncache_flor: 1GiB\n");
    assert_true(f.outcomes[0].is_known);
    assert_int_equal(f.outcomes[0].status, -EINVAL);
    assert_non_null(strstr(f.outcomes[0].text, "night:3: "));
    start_text(1, "name: day\nprofile: gentle\n");
    assert_int_equal(f.outcomes[1].status, -EINVAL);
    assert_non_null(strstr(f.outcomes[1].text, "has the name 'day'"));
    memory_bus_run();
    assert_null(memory_bus_newest(NIGHT_KEY));
}

/* The newest record of the rollout. */
static void check_audit(const char *id, AuditPhase phase, const char *error)
{
    char subject[128];
    const struct bus_message *message;
    AuditRecord *record;

    snprintf(subject, sizeof(subject), AUDIT_SUBJECT "%s", id);
    message = memory_bus_newest(subject);
    assert_non_null(message);
    record = vmreclaim__fleet__v1__audit_record__unpack(NULL, message->length, message->data);
    assert_non_null(record);
    assert_int_equal(record->phase, phase);
    assert_string_equal(record->order, "start");
    assert_string_equal(record->author, "ann");
    assert_non_null(strstr(record->error, error));
    vmreclaim__fleet__v1__audit_record__free_unpacked(record, NULL);
}

/* Of the order that is under way. */
static void audited_id(const struct rollouts *rollouts, char id[32])
{
    const struct list *link = rollouts->orders.next;

    assert_ptr_not_equal(link, &rollouts->orders);
    snprintf(id, 32, "%s", list_entry((struct list *)link, struct order, link)->document->id);
}

/* Before anything is done it is known who wants it; afterwards what became of it. */
static void test_a_start_is_in_the_audit_first(void **state)
{
    char id[32];

    (void)state;
    start(0);
    audited_id(&f.rollouts[0], id);
    assert_true(memory_bus_turn());
    check_audit(id, AUDIT(INTENT), "");
    assert_null(memory_bus_newest(NIGHT_KEY));
    memory_bus_run();
    assert_int_equal(f.outcomes[0].status, 0);
    check_audit(id, AUDIT(OUTCOME), "");
}

static void test_what_is_not_in_the_audit_is_not_done(void **state)
{
    char id[32];

    (void)state;
    start(0);
    audited_id(&f.rollouts[0], id);
    memory_bus_turn_in_vain();
    assert_true(f.outcomes[0].is_known);
    assert_int_equal(f.outcomes[0].status, -ETIMEDOUT);
    assert_non_null(strstr(f.outcomes[0].text, "not known to be in the audit (no answer)"));
    memory_bus_run();
    assert_null(memory_bus_newest(NIGHT_KEY));
    check_audit(id, AUDIT(OUTCOME), "nothing was done");
}

/* Ids as long as they can be. */
static void enrol(unsigned count)
{
    HostStatus status = VMRECLAIM__FLEET__V1__HOST_STATUS__INIT;
    uint8_t *packed;
    size_t length = 0;

    packed = message_pack(&status.base, &length);
    assert_non_null(packed);
    while (f.hosts.count < count) {
        char id[FLEET_HOST_ID_SIZE];

        snprintf(id, sizeof(id), "%064zu", f.hosts.count);
        fleet_hosts_take_status(&f.hosts, id, packed, length, 1, 1);
    }
    free(packed);
}

static void test_a_fleet_that_has_no_room_is_refused(void **state)
{
    (void)state;
    enrol(10000);
    start(0);
    memory_bus_run();
    assert_int_equal(f.outcomes[0].status, 0);
    enrol(FLEET_HOSTS_MAX);
    start(1);
    assert_true(f.outcomes[1].is_known);
    assert_int_equal(f.outcomes[1].status, -E2BIG);
    assert_non_null(strstr(f.outcomes[1].text, "20000 hosts are too many for one rollout"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_of_several_begins),
        cmocka_unit_test(test_one_of_several_supersedes),
        cmocka_unit_test_setup_teardown(test_a_start_that_died_holds_nobody_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_under_way_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_text_that_no_host_takes_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_start_is_in_the_audit_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_not_in_the_audit_is_not_done, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_fleet_that_has_no_room_is_refused, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
