/* What becomes of libvirt's events, with a library of the test's own that calls back at once. */
#include "tests/lib/test.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdlib.h>
#include <string.h>

#include "controller/hypervisors/libvirt/events.h"

/* ---- the library ---- */

static virConnectCloseFunc close_callback;
static void *close_userdata;
static int close_forgotten; /* what unregistering it returns */
static virConnectDomainEventCallback lifecycle_callback;
static struct {
    void *userdata;
    virFreeCallback free_userdata;
} registered[CONNECTION_EVENTS_MAX];
static int registered_count;
static void *lifecycle_userdata;

int virInitialize(void)
{
    return 0;
}

void virSetErrorFunc(void *userdata, virErrorFunc handler)
{
}

int virEventRegisterDefaultImpl(void)
{
    return 0;
}

int virEventRunDefaultImpl(void)
{
    return -1;
}

int virDomainGetUUIDString(virDomainPtr domain, char *uuid)
{
    strcpy(uuid, "6695eb01-f6a4-8304-79aa-97f2502e193f");
    return 0;
}

int virConnectRegisterCloseCallback(virConnectPtr connection, virConnectCloseFunc callback,
                                    void *userdata, virFreeCallback free_userdata)
{
    close_callback = callback;
    close_userdata = userdata;
    return 0;
}

int virConnectUnregisterCloseCallback(virConnectPtr connection, virConnectCloseFunc callback)
{
    return close_forgotten;
}

int virConnectDomainEventRegisterAny(virConnectPtr connection, virDomainPtr domain, int event,
                                     virConnectDomainEventGenericCallback callback, void *userdata,
                                     virFreeCallback free_userdata)
{
    if (event == VIR_DOMAIN_EVENT_ID_LIFECYCLE) {
        lifecycle_callback = (virConnectDomainEventCallback)(void (*)(void))callback;
        lifecycle_userdata = userdata;
    }
    registered[registered_count].userdata = userdata;
    registered[registered_count].free_userdata = free_userdata;
    return registered_count++;
}

int virConnectDomainEventDeregisterAny(virConnectPtr connection, int number)
{
    registered[number].free_userdata(registered[number].userdata);
    return 0;
}

/* ---- what is sent ---- */

struct fixture {
    uv_loop_t loop;
    struct mailbox *mailbox;
    struct connection connection;
    unsigned others;
    unsigned kinds[NOTICE_CLOSED + 1];
};

static void on_notice(struct letter *letter, void *userdata)
{
    struct notice *notice = container_of(letter, struct notice, letter);
    struct fixture *fixture = userdata;

    fixture->kinds[notice->kind]++;
    free(notice);
}

static void on_other(struct letter *letter, void *userdata)
{
    ((struct fixture *)userdata)->others++;
    free(letter);
}

static void discard_other(struct letter *letter)
{
    free(letter);
}

/* As lanes send. */
static void send_others(struct fixture *fixture, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct letter *letter = calloc(1, sizeof(*letter));

        *letter = (struct letter){.open = on_other, .discard = discard_other};
        mailbox_send(fixture->mailbox, letter);
    }
}

/* The domain pointer is only handed back. */
static void cause_event(void)
{
    static char domain;

    (void)lifecycle_callback(NULL, (virDomainPtr)(void *)&domain, VIR_DOMAIN_EVENT_STARTED, 0,
                             lifecycle_userdata);
}

static void open_letters(struct fixture *fixture)
{
    while (mailbox_waiting(fixture->mailbox) > 0)
        uv_run(&fixture->loop, UV_RUN_ONCE);
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    static char handle;
    struct error error;

    registered_count = 0;
    close_forgotten = 0;
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    assert_int_equal(mailbox_create(&fixture->loop, fixture, &fixture->mailbox), 0);
    fixture->connection.handle = (virConnectPtr)(void *)&handle;
    assert_int_equal(events_register(&fixture->connection, fixture->mailbox, 1, on_notice, &error),
                     0);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    events_deregister(&fixture->connection);
    mailbox_close(fixture->mailbox);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    free(fixture);
    return 0;
}

/* ---- tests ---- */

static void test_events_are_told(void **state)
{
    struct fixture *fixture = *state;

    cause_event();
    cause_event();
    open_letters(fixture);
    assert_int_equal(fixture->kinds[NOTICE_STARTED], 2);
    assert_int_equal(fixture->kinds[NOTICE_DROPPED], 0);
}

/* A lane's letter may be the one that fills it. */
static void test_events_that_are_dropped_are_told_once(void **state)
{
    struct fixture *fixture = *state;

    send_others(fixture, EVENTS_WAITING_MAX + 1);
    for (unsigned i = 0; i < 100; i++)
        cause_event();
    assert_int_equal(mailbox_waiting(fixture->mailbox), EVENTS_WAITING_MAX + 2);
    open_letters(fixture);
    assert_int_equal(fixture->kinds[NOTICE_DROPPED], 1);
    assert_int_equal(fixture->kinds[NOTICE_STARTED], 0);
    /* ... and again when it is full again. */
    cause_event();
    send_others(fixture, EVENTS_WAITING_MAX);
    cause_event();
    open_letters(fixture);
    assert_int_equal(fixture->kinds[NOTICE_STARTED], 1);
    assert_int_equal(fixture->kinds[NOTICE_DROPPED], 2);
}

static void test_the_end_is_told_however_much_waits(void **state)
{
    struct fixture *fixture = *state;

    send_others(fixture, EVENTS_WAITING_MAX);
    close_callback(NULL, VIR_CONNECT_CLOSE_REASON_EOF, close_userdata);
    open_letters(fixture);
    assert_int_equal(fixture->kinds[NOTICE_CLOSED], 1);
    assert_int_equal(fixture->kinds[NOTICE_DROPPED], 0);
}

/* libvirt could not forget whom to call, and calls: run under AddressSanitizer. */
static void test_the_end_may_come_after_all(void **state)
{
    struct fixture *fixture = *state;

    close_forgotten = -1;
    events_deregister(&fixture->connection);
    close_callback(NULL, VIR_CONNECT_CLOSE_REASON_EOF, close_userdata);
    open_letters(fixture);
    assert_int_equal(fixture->kinds[NOTICE_CLOSED], 1);
}

static void test_the_end_comes_before_it_is_to_be_forgotten(void **state)
{
    struct fixture *fixture = *state;

    close_callback(NULL, VIR_CONNECT_CLOSE_REASON_EOF, close_userdata);
    close_forgotten = -1;
    events_deregister(&fixture->connection);
    open_letters(fixture);
    assert_int_equal(fixture->kinds[NOTICE_CLOSED], 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_events_are_told),
        TEST(test_events_that_are_dropped_are_told_once),
        TEST(test_the_end_is_told_however_much_waits),
        TEST(test_the_end_may_come_after_all),
        TEST(test_the_end_comes_before_it_is_to_be_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
