/* A reporting order for a while: it ends by itself, and with the controller that set it. */
#include "tests/lib/test.h"

#include <stdlib.h>

#include "tests/component/agent/listening.h"

static unsigned long order_of_guest(void)
{
    return strtoul(guest_read(&guest, "sys/module/page_reporting/parameters/page_reporting_order"),
                   NULL, 10);
}

static void set_order_for(nsec_t duration)
{
    Vmreclaim__Agent__V1__SetReportingRequest request =
        VMRECLAIM__AGENT__V1__SET_REPORTING_REQUEST__INIT;

    request.set_order = true;
    request.order = 4;
    request.kick = true;
    request.duration_ns = duration;
    assert_non_null(client_call(&client, "SetReporting", &request));
}

/* The samples that a controller asks for are the agent's clock. */
static void wait_for_the_order(unsigned long order)
{
    while (order_of_guest() != order && !client.is_closed)
        uv_run(&client.loop, UV_RUN_ONCE);
    assert_int_equal(order_of_guest(), order);
}

static void watch(void)
{
    Vmreclaim__Agent__V1__WatchRequest request = VMRECLAIM__AGENT__V1__WATCH_REQUEST__INIT;

    request.interval_ns = 100 * NSEC_PER_MSEC;
    (void)client_stream(&client, "Watch", &request);
}

static void test_until_it_is_ended(void **state)
{
    Vmreclaim__Agent__V1__SetReportingRequest request =
        VMRECLAIM__AGENT__V1__SET_REPORTING_REQUEST__INIT;

    request.set_order = true;
    request.order = 7; /* an operator's */
    assert_non_null(client_call(&client, "SetReporting", &request));
    set_order_for(3600 * NSEC_PER_SEC);
    assert_int_equal(order_of_guest(), 4);
    vmreclaim__agent__v1__set_reporting_request__init(&request);
    request.end_while = true;
    assert_non_null(client_call(&client, "SetReporting", &request));
    assert_int_equal(order_of_guest(), 7);
    assert_non_null(client_call(&client, "SetReporting", &request));
    assert_int_equal(order_of_guest(), 7); /* there is none any more */
}

/* Somebody else's order is theirs, and stays. */
static void test_until_somebody_orders_another(void **state)
{
    Vmreclaim__Agent__V1__SetReportingRequest request =
        VMRECLAIM__AGENT__V1__SET_REPORTING_REQUEST__INIT;

    request.restore = true;
    set_order_for(3600 * NSEC_PER_SEC);
    assert_non_null(client_call(&client, "SetReporting", &request));
    assert_int_equal(order_of_guest(), 9);
    set_order_for(3600 * NSEC_PER_SEC);
    vmreclaim__agent__v1__set_reporting_request__init(&request);
    request.set_order = true;
    request.order = 4; /* the same */
    assert_non_null(client_call(&client, "SetReporting", &request));
    watch();
    vmreclaim__agent__v1__set_reporting_request__init(&request);
    request.end_while = true;
    assert_non_null(client_call(&client, "SetReporting", &request));
    assert_int_equal(order_of_guest(), 4);
}

static void test_until_its_time_is_over(void **state)
{
    watch();
    set_order_for(NSEC_PER_MSEC);
    wait_for_the_order(9);
}

/* The controller that set it may be killed at any moment. */
static void test_until_another_controller_comes(void **state)
{
    set_order_for(3600 * NSEC_PER_SEC);
    assert_int_equal(order_of_guest(), 4);
    watch();
    wait_for_the_order(9);
}

int main(int argument_count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_until_it_is_ended, setup, teardown),
        cmocka_unit_test_setup_teardown(test_until_somebody_orders_another, setup, teardown),
        cmocka_unit_test_setup_teardown(test_until_its_time_is_over, setup, teardown),
        cmocka_unit_test_setup_teardown(test_until_another_controller_comes, setup, teardown),
    };

    assert_int_equal(argument_count, 2);
    guest_agent_program = arguments[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
