/* What is written of a host's desired state, over a bus in memory. */
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/message/copy.h"
#include "controller/fleet/coordinator/writer.h"
#include "tests/unit/controller/fleet/memory-bus.h"

#define SUBJECT WRITER_SUBJECT "h1"

typedef Vmreclaim__Fleet__V1__Applied Applied;

static struct fixture {
    struct signing_key key;
    struct fleet_hosts hosts;
    struct writer writer;
    uint64_t fence; /* epoch that was told; 0: none */
    uint64_t statuses;
    unsigned rooms;
} f;

static void on_fenced(uint64_t epoch, void *userdata)
{
    f.fence = epoch;
}

static void on_room(void *userdata)
{
    f.rooms++;
}

static int set_up(void **state)
{
    (void)state;
    memory_bus_begin();
    f = (struct fixture){.fence = 0};
    signing_key_make(&f.key);
    fleet_hosts_init(&f.hosts);
    signing_key_public(&f.key, &f.hosts.keys[0]);
    f.hosts.key_count = 1;
    writer_init(&f.writer, &f.hosts, &f.key, on_fenced, on_room, NULL);
    f.writer.bus = memory_bus();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    writer_finish(&f.writer);
    fleet_hosts_finish(&f.hosts);
    memory_bus_begin();
    return 0;
}

/* The host has taken one generation, and refused another. */
static void say(uint64_t applied_generation, uint64_t refused_generation)
{
    HostStatus status = VMRECLAIM__FLEET__V1__HOST_STATUS__INIT;
    Applied applied = VMRECLAIM__FLEET__V1__APPLIED__INIT;
    uint8_t *packed;
    size_t length = 0;

    applied.generation = applied_generation;
    applied.refused_generation = refused_generation;
    status.applied = &applied;
    packed = message_pack(&status.base, &length);
    assert_non_null(packed);
    fleet_hosts_take_status(&f.hosts, "h1", packed, length, ++f.statuses, 1);
    free(packed);
}

static void write_rollout(const char *id, const char *policy, enum rollout_write kind,
                          uint64_t epoch)
{
    Rollout rollout = VMRECLAIM__FLEET__V1__ROLLOUT__INIT;

    rollout.id = (char *)id;
    rollout.policy = (char *)policy;
    rollout.text = (char *)"profile: gentle\n";
    assert_int_equal(writer_write(&f.writer, "h1", &rollout, kind, epoch), 0);
    memory_bus_run();
    assert_int_equal(f.writer.count, 0);
}

/* As the bus has it; to be freed. */
static DesiredState *newest(void)
{
    const struct bus_message *message = memory_bus_newest(SUBJECT);
    struct signed_state opened;
    struct error error;
    DesiredState *state;

    assert_non_null(message);
    assert_int_equal(
        signed_state_open(message->data, message->length, f.hosts.keys, 1, &opened, &error), 0);
    state = opened.state;
    opened.state = NULL;
    signed_state_finish(&opened);
    return state;
}

static uint64_t newest_generation(void)
{
    DesiredState *state = newest();
    uint64_t generation = state->generation;

    vmreclaim__fleet__v1__desired_state__free_unpacked(state, NULL);
    return generation;
}

static void test_generations_go_on(void **state)
{
    (void)state;
    write_rollout("one", "night", ROLLOUT_APPLY, 1);
    assert_int_equal(newest_generation(), 1);
    write_rollout("two", "night", ROLLOUT_APPLY, 1);
    assert_int_equal(newest_generation(), 2);
}

/* The bus has lost everything; the host takes nothing below what it has. */
static void test_they_go_on_above_what_the_host_has(void **state)
{
    (void)state;
    say(41, 0);
    write_rollout("one", "night", ROLLOUT_APPLY, 1);
    assert_int_equal(newest_generation(), 42);
    say(42, 50);
    write_rollout("two", "night", ROLLOUT_APPLY, 1);
    assert_int_equal(newest_generation(), 51);
}

static void test_a_host_does_not_use_them_up(void **state)
{
    (void)state;
    say(UINT64_MAX, UINT64_MAX - 1);
    write_rollout("one", "night", ROLLOUT_APPLY, 1);
    assert_int_equal(newest_generation(), 1);
}

/* Other policies of the host are not taken away with it. */
static void test_what_the_bus_lost_is_what_the_next_is_made_from(void **state)
{
    DesiredState *wanted;

    (void)state;
    write_rollout("one", "day", ROLLOUT_APPLY, 1);
    memory_bus_remake(WRITER_SUBJECT);
    fleet_hosts_on_wanted_remade(&f.hosts);
    write_rollout("two", "night", ROLLOUT_APPLY, 2);
    wanted = newest();
    assert_int_equal(wanted->generation, 2);
    assert_int_equal(wanted->n_policies, 2);
    assert_string_equal(wanted->policies[0]->name, "day");
    vmreclaim__fleet__v1__desired_state__free_unpacked(wanted, NULL);
    assert_string_equal(fleet_hosts_find(&f.hosts, "h1")->wanted->policies[1]->rollout, "two");
}

static bool is_known_to_have(const char *policy, const char *rollout)
{
    struct fleet_host *view = fleet_hosts_view(&f.hosts, policy, true);
    bool is_known;

    assert_non_null(view);
    is_known = view[0].wanted_is_known && strcmp(view[0].wanted_rollout, rollout) == 0;
    free(view);
    return is_known;
}

/* The servers were put back from a copy that is older than what the host has. */
static void test_an_older_copy_is_written_again(void **state)
{
    (void)state;
    say(0, 0);
    write_rollout("one", "night", ROLLOUT_APPLY, 1);
    assert_true(is_known_to_have("night", "one"));
    say(9, 0);
    assert_false(is_known_to_have("night", "one"));
    write_rollout("one", "night", ROLLOUT_APPLY, 1);
    assert_int_equal(newest_generation(), 10);
    assert_true(is_known_to_have("night", "one"));
}

static void test_what_is_there_is_not_written_again(void **state)
{
    (void)state;
    write_rollout("one", "night", ROLLOUT_APPLY, 1);
    fleet_hosts_on_wanted_remade(&f.hosts); /* it is as good as not known */
    write_rollout("one", "night", ROLLOUT_APPLY, 2);
    assert_int_equal(memory_bus_puts(), 1);
    assert_true(is_known_to_have("night", "one"));
    write_rollout("two", "night", ROLLOUT_REVERT, 2); /* whoever led before is fenced, once */
    write_rollout("two", "night", ROLLOUT_REVERT, 2);
    assert_int_equal(memory_bus_puts(), 2);
}

static uint8_t *copy_bytes(const uint8_t *bytes, size_t length)
{
    uint8_t *copy = malloc(length);

    assert_non_null(copy);
    return memcpy(copy, bytes, length);
}

/* The bus has this now as the host's, and says so. */
static void carry(const uint8_t *bytes, size_t length, const char *host)
{
    char subject[64];

    snprintf(subject, sizeof(subject), WRITER_SUBJECT "%s", host);
    memory_bus_keep(subject, bytes, length);
    fleet_hosts_take_wanted(&f.hosts, host, bytes, length, memory_bus_newest(subject)->sequence);
}

/* By who carries it, or by a copy of the disks: what was taken back would be signed anew. */
static void test_an_older_one_is_not_built_upon(void **state)
{
    const struct bus_message *message;
    uint8_t *older;
    size_t length;
    DesiredState *wanted;

    (void)state;
    write_rollout("one", "night", ROLLOUT_APPLY, 1);
    message = memory_bus_newest(SUBJECT);
    length = message->length;
    older = copy_bytes(message->data, length);
    write_rollout("one", "night", ROLLOUT_REVERT, 1);
    assert_int_equal(fleet_hosts_find(&f.hosts, "h1")->wanted->n_policies, 0);
    carry(older, length, "h1");
    assert_int_equal(fleet_hosts_find(&f.hosts, "h1")->wanted->n_policies, 0);
    assert_false(is_known_to_have("day", ""));
    write_rollout("two", "day", ROLLOUT_APPLY, 1);
    wanted = newest();
    assert_int_equal(wanted->generation, 3);
    assert_int_equal(wanted->n_policies, 1);
    assert_string_equal(wanted->policies[0]->name, "day");
    vmreclaim__fleet__v1__desired_state__free_unpacked(wanted, NULL);
    assert_true(is_known_to_have("day", "two"));
    free(older);
}

/* What is read again in vain is written all the same. */
static void test_an_older_one_is_replaced_by_what_is_known(void **state)
{
    const struct bus_message *message;
    uint8_t *older;
    size_t length;

    (void)state;
    write_rollout("one", "night", ROLLOUT_APPLY, 1);
    message = memory_bus_newest(SUBJECT);
    length = message->length;
    older = copy_bytes(message->data, length);
    write_rollout("two", "night", ROLLOUT_APPLY, 1);
    carry(older, length, "h1");
    assert_false(is_known_to_have("night", "two"));
    write_rollout("two", "night", ROLLOUT_APPLY, 1);
    assert_true(is_known_to_have("night", "two"));
    assert_int_equal(newest_generation(), 3);
    free(older);
}

/* A later coordinator knew no better; its word is newer all the same. */
static void test_a_later_epoch_is_newer(void **state)
{
    DesiredState before = VMRECLAIM__FLEET__V1__DESIRED_STATE__INIT;
    uint8_t *bytes;
    size_t size;

    (void)state;
    write_rollout("one", "night", ROLLOUT_APPLY, 1);
    write_rollout("two", "night", ROLLOUT_APPLY, 1);
    before.host = (char *)"h1";
    before.epoch = 2;
    before.generation = 1;
    assert_int_equal(signed_state_sign(&before, &f.key, &bytes, &size), 0);
    carry(bytes, size, "h1");
    free(bytes);
    assert_int_equal(fleet_hosts_find(&f.hosts, "h1")->wanted->n_policies, 0);
}

/* The bus says it is this one's, and loses it: it would be signed anew, for the other one. */
static void test_another_hosts_is_not_built_upon(void **state)
{
    const struct bus_message *message;
    uint8_t *of_h1;

    (void)state;
    write_rollout("one", "night", ROLLOUT_APPLY, 1);
    message = memory_bus_newest(SUBJECT);
    of_h1 = copy_bytes(message->data, message->length);
    carry(of_h1, message->length, "h2");
    free(of_h1);
    assert_null(fleet_hosts_find(&f.hosts, "h2")->wanted);
    assert_string_equal(fleet_hosts_find(&f.hosts, "h2")->wanted_problem, "it is another host's");
}

static void test_a_later_epoch_is_left_alone(void **state)
{
    (void)state;
    write_rollout("one", "night", ROLLOUT_APPLY, 5);
    write_rollout("two", "night", ROLLOUT_APPLY, 4);
    assert_int_equal(f.fence, 5);
    assert_int_equal(memory_bus_puts(), 1);
}

/* Of hosts from `first` on. */
static void begin_writes(unsigned first, unsigned count)
{
    Rollout rollout = VMRECLAIM__FLEET__V1__ROLLOUT__INIT;
    char host[16];

    rollout.id = (char *)"one";
    rollout.policy = (char *)"night";
    rollout.text = (char *)"profile: gentle\n";
    for (unsigned i = first; i < first + count; i++) {
        snprintf(host, sizeof(host), "h%u", i);
        assert_true(writer_may_write(&f.writer, host));
        assert_int_equal(writer_write(&f.writer, host, &rollout, ROLLOUT_APPLY, 1), 0);
    }
}

/* Not with each write, and not where all could begin. */
static void test_room_is_told_when_half_is_kept(void **state)
{
    (void)state;
    begin_writes(0, WRITES_MAX - 1);
    memory_bus_run();
    assert_int_equal(f.rooms, 0);
    begin_writes(WRITES_MAX, WRITES_MAX);
    assert_false(writer_may_write(&f.writer, "another"));
    while (f.rooms == 0 && memory_bus_turn())
        ;
    assert_int_equal(f.writer.count, WRITES_MAX / 2);
    memory_bus_run();
    assert_int_equal(f.rooms, 1);
}

/* Else what cannot be written would be tried again without a pause. */
static void test_a_full_stream_tells_of_no_room(void **state)
{
    (void)state;
    memory_bus_fill(true);
    begin_writes(0, WRITES_MAX);
    memory_bus_run();
    assert_int_equal(f.writer.count, 0);
    assert_int_equal(f.rooms, 0);
    assert_non_null(strstr(f.writer.problem, "stream VMR_POLICY is full"));
    memory_bus_fill(false);
    begin_writes(0, 1);
    memory_bus_run();
    assert_string_equal(f.writer.problem, "");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_generations_go_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_they_go_on_above_what_the_host_has, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_host_does_not_use_them_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_the_bus_lost_is_what_the_next_is_made_from,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_older_copy_is_written_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_there_is_not_written_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_older_one_is_not_built_upon, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_older_one_is_replaced_by_what_is_known, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_later_epoch_is_newer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_hosts_is_not_built_upon, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_later_epoch_is_left_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_room_is_told_when_half_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_full_stream_tells_of_no_room, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
