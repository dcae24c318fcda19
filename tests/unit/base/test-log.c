/* Log lines and their rate limit. */
#include "tests/lib/test.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* What a line looks like on standard error, where the journal is said to read `stream`. */
static void write_line(const char *stream, int reader, int writer, char *ret_line, size_t size)
{
    int before = dup(STDERR_FILENO);
    ssize_t got;

    assert_true(before >= 0);
    assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
    assert_int_equal(dup2(writer, STDERR_FILENO), STDERR_FILENO);
    log_error("gone");
    assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
    close(before);
    unsetenv("JOURNAL_STREAM");
    got = read(reader, ret_line, size - 1);
    assert_true(got > 0);
    ret_line[got] = '\0';
}

static void test_priority_is_for_the_journal_only(void **state)
{
    struct stat status;
    char line[64], stream[64];
    int pipes[2];

    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(fstat(pipes[1], &status), 0);
    snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    write_line(stream, pipes[0], pipes[1], line, sizeof(line));
    assert_string_equal(line, "<3>gone\n");
    /* A service's, whose output was led elsewhere. */
    write_line("8:12345", pipes[0], pipes[1], line, sizeof(line));
    assert_string_equal(line, "gone\n");
    close(pipes[0]);
    close(pipes[1]);
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
        cmocka_unit_test(test_priority_is_for_the_journal_only),
        cmocka_unit_test(test_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
