/* Numbers of the text format, and tables of counters that do not fit together. */
#include "tests/lib/test.h"

#include <stdlib.h>
#include <string.h>

#include "controller/web/exposition.h"
#include "controller/web/metrics.h"
#include "controller/web/scrape.h"

typedef Vmreclaim__Controller__V1__GetCountersResponse Counters;

static void is_written(int64_t value, unsigned decimals, const char *expected)
{
    char buffer[EXPOSITION_NUMBER_SIZE];

    assert_string_equal(exposition_number(value, decimals, buffer), expected);
}

static void test_numbers(void **state)
{
    is_written(0, 0, "0");
    is_written(0, 9, "0");
    is_written(5, 4, "0.0005");
    is_written(-5, 4, "-0.0005");
    is_written(1500000000, 9, "1.5");
    is_written(10000, 4, "1");
    is_written(120, 0, "120");
    is_written(INT64_MAX, 0, "9223372036854775807");
    is_written(INT64_MIN, 9, "-9223372036.854775808");
    is_written(1795933455773596601, 9, "1795933455.773596601");
}

static void test_names(void **state)
{
    assert_true(exposition_is_name("vm_memory_bytes"));
    assert_true(exposition_is_name("a1"));
    assert_false(exposition_is_name("1a"));
    assert_false(exposition_is_name(""));
    assert_false(exposition_is_name("Vm"));
    assert_false(exposition_is_name("a-b"));
    assert_false(exposition_is_name("a b"));
}

/* Half a second less than the scraper waits, and nothing that nobody would wait for. */
static void test_timeouts(void **state)
{
    assert_int_equal(scrape_timeout("10"), 9500 * NSEC_PER_MSEC);
    assert_int_equal(scrape_timeout("2.000000"), 1500 * NSEC_PER_MSEC);
    assert_int_equal(scrape_timeout("0.1"), 500 * NSEC_PER_MSEC);
    assert_int_equal(scrape_timeout("1e300"), 29500 * NSEC_PER_MSEC);
    assert_int_equal(scrape_timeout(NULL), 5 * NSEC_PER_SEC);
    assert_int_equal(scrape_timeout(""), 5 * NSEC_PER_SEC);
    assert_int_equal(scrape_timeout("nan"), 5 * NSEC_PER_SEC);
    assert_int_equal(scrape_timeout("-1"), 5 * NSEC_PER_SEC);
    assert_int_equal(scrape_timeout("5s"), 5 * NSEC_PER_SEC);
}

/* Rendered, and ended with '\0'. */
static char *render(const Counters *counters)
{
    size_t length;
    char *text;
    char *whole;

    const struct metrics metrics = {.has_daemon = true, .counters = counters};

    assert_int_equal(metrics_render(&metrics, &text, &length), 0);
    whole = strndup(text, length);
    free(text);
    return whole;
}

#define UP                                                                                         \
    "# HELP vmreclaim_up Whether the daemon answered.\n# TYPE vmreclaim_up gauge\nvmreclaim_up "

static void test_nobody_answers(void **state)
{
    char *text = render(NULL);

    assert_string_equal(text, UP "0\n");
    free(text);
}

/* Indexes beyond the tables, values without series, and a histogram with a bucket too few. */
static void test_what_does_not_fit(void **state)
{
    Counters counters = VMRECLAIM__CONTROLLER__V1__GET_COUNTERS_RESPONSE__INIT;
    Vmreclaim__Controller__V1__Counter counter[2] = {VMRECLAIM__CONTROLLER__V1__COUNTER__INIT,
                                                     VMRECLAIM__CONTROLLER__V1__COUNTER__INIT};
    Vmreclaim__Controller__V1__Counter *list[] = {&counter[0], &counter[1]};
    Vmreclaim__Controller__V1__CounterSeries series[2] = {
        VMRECLAIM__CONTROLLER__V1__COUNTER_SERIES__INIT,
        VMRECLAIM__CONTROLLER__V1__COUNTER_SERIES__INIT};
    Vmreclaim__Controller__V1__CounterSeries *vm_series[] = {&series[0], &series[1]};
    Vmreclaim__Controller__V1__CounterValue value = VMRECLAIM__CONTROLLER__V1__COUNTER_VALUE__INIT;
    Vmreclaim__Controller__V1__CounterValue stray = VMRECLAIM__CONTROLLER__V1__COUNTER_VALUE__INIT;
    Vmreclaim__Controller__V1__CounterValue *host[] = {&value, &stray};
    Vmreclaim__Controller__V1__VmCounters vm = VMRECLAIM__CONTROLLER__V1__VM_COUNTERS__INIT;
    Vmreclaim__Controller__V1__VmCounters *vms[] = {&vm};
    uint32_t many_series[] = {0, 1, 7, 0xffffffff};
    int64_t values[] = {3, 4};
    char *texts[] = {(char *)"x"};
    char *text;

    counter[0].name = (char *)"vm_a_bytes";
    counter[0].type = (char *)"gauge";
    counter[0].of_vm = 1;
    counter[1].name = (char *)"b_seconds";
    counter[1].type = (char *)"histogram";
    series[1].counter = 99;
    value.counter = 1;
    stray.counter = 77;
    vm.vm = (char *)"v";
    vm.series = many_series;
    vm.n_series = 4;
    vm.values = values;
    vm.n_values = 2;
    vm.text_series = many_series;
    vm.n_text_series = 4;
    vm.texts = texts;
    vm.n_texts = 1;
    counters.counters = list;
    counters.n_counters = 2;
    counters.vm_series = vm_series;
    counters.n_vm_series = 2;
    counters.host = host;
    counters.n_host = 2;
    counters.vms = vms;
    counters.n_vms = 1;
    text = render(&counters);
    assert_string_equal(text, UP "1\n# HELP vmreclaim_vm_a_bytes \n# TYPE vmreclaim_vm_a_bytes "
                                 "gauge\nvmreclaim_vm_a_bytes{vm=\"v\"} 3\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),           cmocka_unit_test(test_names),
        cmocka_unit_test(test_timeouts),          cmocka_unit_test(test_nobody_answers),
        cmocka_unit_test(test_what_does_not_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
