/* What a coordinator keeps of what hosts tell. */
#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>

#include "controller/fleet/coordinator/events.h"

static struct fleet_events events;
static uint64_t sequence;

static int setup(void **state)
{
    fleet_events_init(&events);
    sequence = 0;
    return 0;
}

static int teardown(void **state)
{
    fleet_events_finish(&events);
    return 0;
}

/* `padding`: bytes of its text. */
static void hear_as(const char *subject, const char *id, bool is_kept, uint64_t at, size_t padding)
{
    Vmreclaim__Fleet__V1__FleetEvent event = VMRECLAIM__FLEET__V1__FLEET_EVENT__INIT;
    static char text[8192];
    uint8_t packed[10000];
    struct bus_message message = {
        .subject = subject, .is_kept = is_kept, .sequence = at, .data = packed};

    memset(text, 'x', padding);
    text[padding] = '\0';
    event.id = (char *)id;
    event.kind = (char *)"action";
    event.text = text;
    message.length = vmreclaim__fleet__v1__fleet_event__pack(&event, packed);
    fleet_events_on_message(&events, &message);
}

static void hear(const char *subject, const char *id)
{
    hear_as(subject, id, false, ++sequence, 0);
}

static void hear_many(const char *host, size_t count, size_t padding)
{
    char subject[64], id[64];

    snprintf(subject, sizeof(subject), "vmr.v1.event.%s.action", host);
    for (size_t i = 0; i < count; i++) {
        snprintf(id, sizeof(id), "%s/%zu/ended", host, i);
        hear_as(subject, id, false, ++sequence, padding);
    }
}

static struct heard_event *oldest(void)
{
    return list_entry(events.all.next, struct heard_event, link);
}

static void test_each_once(void **state)
{
    hear("vmr.v1.event.h1.action", "h1/a/ended");
    hear("vmr.v1.event.h1.action", "h1/a/ended");
    hear("vmr.v1.event.h1.checked", "h1/a/checked");
    hear("vmr.v1.event.h2.action", "h2/a/ended");
    assert_int_equal(events.count, 3);
    assert_int_equal(oldest()->sequence, 1);
    assert_string_equal(oldest()->host->id, "h1");
    assert_string_equal(oldest()->kind, "action");
}

/* Who sent it is what its subject says: nobody takes another one's ids away from him. */
static void test_in_another_name(void **state)
{
    hear("vmr.v1.event.thief.action", "h1/a/ended");
    hear("vmr.v1.event.h.action", "h1/a/ended");
    hear("vmr.v1.event.h1.action", "h1");
    hear("vmr.v1.event.h1.action", "");
    hear("vmr.v1.event..action", "/a");
    hear("vmr.v1.status.h1", "h1/a/ended");
    assert_int_equal(events.count, 0);
    hear("vmr.v1.event.h1.action", "h1/a/ended");
    assert_int_equal(events.count, 1);
}

static void test_not_to_be_read(void **state)
{
    const struct bus_message broken = {.subject = "vmr.v1.event.h1.action",
                                       .sequence = 1,
                                       .data = (const uint8_t *)"\x0a\x7f",
                                       .length = 2};
    struct bus_message unfolding = broken;
    uint8_t fields[2000] = "\x0a\x05h1/aa"; /* and many that nobody knows */

    for (size_t i = 7; i + 1 < sizeof(fields); i += 2)
        fields[i] = 0x78;
    unfolding.data = fields;
    unfolding.length = sizeof(fields) - 1;
    fleet_events_on_message(&events, &broken);
    fleet_events_on_message(&events, &unfolding);
    assert_int_equal(events.count, 0);
    unfolding.length = 7;
    fleet_events_on_message(&events, &unfolding);
    assert_int_equal(events.count, 1);
    hear_as("vmr.v1.event.h1.action", "h1/large/ended", false, 2, 5000);
    assert_int_equal(events.count, 1);
}

/* A host pushes out its own. */
static void test_a_noisy_host(void **state)
{
    hear_many("quiet", 1, 0);
    hear_many("noisy", 3 * EVENTS_OF_HOST_MAX, 0);
    assert_int_equal(events.count, EVENTS_OF_HOST_MAX + 1);
    assert_string_equal(oldest()->host->id, "quiet");
}

static void test_many_hosts(void **state)
{
    char host[24];

    for (size_t i = 0; i < EVENTS_MAX / 1000 + 10; i++) {
        snprintf(host, sizeof(host), "host%zu", i);
        hear_many(host, 1000, 0);
    }
    assert_int_equal(events.count, EVENTS_MAX);
    assert_int_equal(oldest()->sequence, sequence - EVENTS_MAX + 1);
    assert_int_equal(events.hosts.count, EVENTS_MAX / 1000 + 1);
}

static void test_bytes(void **state)
{
    char host[24];

    for (size_t i = 0; i < 30; i++) {
        snprintf(host, sizeof(host), "host%zu", i);
        hear_many(host, 1000, 3500);
    }
    assert_true(events.bytes <= EVENTS_BYTES_MAX);
    assert_true(events.bytes > EVENTS_BYTES_MAX - 8192);
}

/* After a connection the stream says again what it has: what was let go stays so. */
static void test_said_again(void **state)
{
    hear_many("h1", EVENTS_OF_HOST_MAX + 10, 0);
    assert_int_equal(oldest()->sequence, 11);
    hear_as("vmr.v1.event.h1.action", "h1/0/ended", true, 1, 0);
    hear_as("vmr.v1.event.h1.action", "h1/20/ended", true, 21, 0);
    assert_int_equal(oldest()->sequence, 11);
}

static struct heard_event *newest(void)
{
    return list_entry(events.all.previous, struct heard_event, link);
}

/* Its numbers begin anew: who has asked up to one of before gets what comes. */
static void test_the_stream_is_made_anew(void **state)
{
    hear_many("h1", 10, 0);
    fleet_events_on_remade(&events);
    hear_as("vmr.v1.event.h1.action", "h1/kept/ended", true, 1, 0);
    assert_int_equal(newest()->sequence, 11);
    hear_as("vmr.v1.event.h1.action", "h1/new/ended", false, 2, 0);
    assert_int_equal(newest()->sequence, 12);
    hear_as("vmr.v1.event.h1.action", "h1/new/ended", true, 2, 0);
    assert_int_equal(events.count, 12);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(each_once),      TEST(in_another_name),
        TEST(not_to_be_read), TEST(a_noisy_host),
        TEST(many_hosts),     TEST(bytes),
        TEST(said_again),     TEST(the_stream_is_made_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
