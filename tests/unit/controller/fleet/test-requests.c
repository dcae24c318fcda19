/* What is asked of a bus that is not there. */
#include "tests/lib/test.h"

#include <errno.h>

#include "controller/fleet/bus/requests.h"

static void expect(nsec_t waited, int status, const char *problem)
{
    struct bus_link link = {.connection = NULL};
    struct bus_request request = {.verb = BUS_GET, .asked = time_monotonic() - waited};

    requests_do(&link, &request);
    assert_int_equal(request.status, status);
    assert_string_equal(request.problem, problem);
}

static void test_without_a_connection(void **state)
{
    (void)state;
    expect(0, -ENOTCONN, "Connection Closed");
}

/* So what comes behind hundreds that are not answered has its turn. */
static void test_what_waited_for_long_is_not_begun(void **state)
{
    (void)state;
    expect(20 * NSEC_PER_SEC, -ETIMEDOUT, "no server answers in time");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_connection),
        cmocka_unit_test(test_what_waited_for_long_is_not_begun),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
