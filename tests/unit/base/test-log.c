/* Log lines and their rate limit. */
#include "tests/lib/test.h"

#include <stdio.h>

#include "common/base/log.h"

static char last_line[256];
static int lines;

static void keep(enum log_level level, const char *line, void *userdata)
{
    lines++;
    snprintf(last_line, sizeof(last_line), "%s", line);
}

static void test_level_and_forged_lines(void **state)
{
    log_set_sink(keep, NULL);
    log_set_level(LOG_LEVEL_WARNING);
    log_info("dropped");
    assert_int_equal(lines, 0);
    log_error("vm %s", "a\n<3>forged\x1b[2J");
    assert_int_equal(lines, 1);
    assert_string_equal(last_line, "vm a?<3>forged?[2J");
    log_error("vm %s", "a\xc2\x85"
                       "b\x9b"
                       "c\xe2\x80\xae"
                       "d \xc3\xa4");
    assert_string_equal(last_line, "vm a?b?c?d \xc3\xa4");
    log_set_sink(NULL, NULL);
}

static void test_a_text_of_several_lines(void **state)
{
    lines = 0;
    log_set_sink(keep, NULL);
    log_lines(LOG_LEVEL_ERROR, "it is taken\nlook who has it");
    assert_int_equal(lines, 2);
    assert_string_equal(last_line, "look who has it");
    log_lines(LOG_LEVEL_ERROR, "end\n");
    assert_int_equal(lines, 3);
    log_set_sink(NULL, NULL);
}

static void test_limit(void **state)
{
    struct log_limit limit = {.interval = NSEC_PER_SEC, .burst = 2};
    unsigned suppressed = 9;

    assert_true(log_limit_pass(&limit, 10, &suppressed));
    assert_int_equal(suppressed, 0);
    assert_true(log_limit_pass(&limit, 11, &suppressed));
    assert_false(log_limit_pass(&limit, 12, &suppressed));
    assert_false(log_limit_pass(&limit, 13, &suppressed));
    assert_true(log_limit_pass(&limit, 10 + NSEC_PER_SEC, &suppressed));
    assert_int_equal(suppressed, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_level_and_forged_lines),
        cmocka_unit_test(test_a_text_of_several_lines),
        cmocka_unit_test(test_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
