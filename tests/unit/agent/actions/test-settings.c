/* The journal of changed settings. */
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/actions/settings.h"
#include "tests/unit/agent/actions/kernel.h"

static struct fixture fixture;
static struct settings settings;
static int state_directory;

static void start(void)
{
    assert_int_equal(settings_init(&settings, fixture.root, state_directory, NULL), 0);
}

static int setup(void **state)
{
    kernel_create(&fixture);
    state_directory = openat(fixture.root, "state", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    start();
    return 0;
}

static int teardown(void **state)
{
    close(state_directory);
    fixture_finish(&fixture);
    return 0;
}

static void set(const char *path, const char *value)
{
    char text[64];

    assert_int_equal(settings_set(&settings, path, value), 0);
    assert_int_equal(settings_read(&settings, path, text, sizeof(text)), 0);
    assert_string_equal(text, value);
}

static void expect(const char *path, const char *value)
{
    char text[64];

    assert_int_equal(settings_read(&settings, path, text, sizeof(text)), 0);
    assert_string_equal(text, value);
}

static void test_several_values_restore_the_first(void **state)
{
    set(ORDER, "5");
    set(ORDER, "0");
    set(SWAPPINESS, "0");
    assert_int_equal(settings_restore(&settings, ORDER), 0);
    expect(ORDER, "9");
    expect(SWAPPINESS, "0");
    assert_int_equal(settings_restore(&settings, ORDER), 0); /* not ours any more */
    assert_int_equal(settings_restore_all(&settings), 0);
    expect(SWAPPINESS, "60");
    assert_string_equal(fixture_read(&fixture, JOURNAL), ""); /* removed */
}

static void test_the_journal_says_what_was(void **state)
{
    set(ORDER, "5");
    set(ORDER, "0");
    assert_string_equal(fixture_read(&fixture, JOURNAL),
                        "boot 11111111-2222-3333-4444-555555555555\n" ORDER " 9 5 0\n");
}

static void test_the_value_in_force_is_no_change(void **state)
{
    assert_int_equal(settings_set(&settings, ORDER, "9"), 0);
    assert_int_equal(settings.count, 0);
    assert_string_equal(fixture_read(&fixture, JOURNAL), "");
}

static void test_the_next_start_restores(void **state)
{
    size_t restored;

    set(ORDER, "0");
    set(SWAPPINESS, "0");
    assert_int_equal(settings_init(&settings, fixture.root, state_directory, &restored), 0);
    assert_int_equal(restored, 2);
    expect(ORDER, "9");
    expect(SWAPPINESS, "60");
}

static void test_what_somebody_else_set_stays(void **state)
{
    set(ORDER, "5");
    fixture_write(&fixture, ORDER, "7\n");
    start();
    expect(ORDER, "7");
    assert_int_equal(settings.count, 0);
}

static void test_a_journal_of_another_boot_is_void(void **state)
{
    set(ORDER, "5");
    fixture_write(&fixture, BOOT_ID, "99999999-2222-3333-4444-555555555555\n");
    start();
    expect(ORDER, "5"); /* whoever set it in this boot */
    assert_string_equal(fixture_read(&fixture, JOURNAL), "");
}

static void test_a_setting_that_is_gone_is_forgotten(void **state)
{
    set(ORDER, "5");
    fixture_remove(&fixture, ORDER);
    start();
    assert_int_equal(settings.count, 0);
}

static void test_without_a_state_directory_nothing_changes(void **state)
{
    assert_int_equal(settings_init(&settings, fixture.root, -1, NULL), 0);
    assert_int_equal(settings_set(&settings, ORDER, "5"), -EROFS);
    expect(ORDER, "9");
    assert_int_equal(settings_restore_all(&settings), 0);
}

static void test_a_journal_that_cannot_be_written_prevents_the_change(void **state)
{
    fixture_directory(&fixture, "state/settings.journal.new"); /* in the way of the new one */
    assert_true(settings_set(&settings, ORDER, "5") < 0);
    expect(ORDER, "9");
    assert_int_equal(settings.count, 0);
}

static void test_a_write_that_is_refused_is_taken_back(void **state)
{
    fixture_remove(&fixture, SWAPPINESS);
    fixture_link(&fixture, SWAPPINESS, TAKES_NOTHING); /* reads "0" or another small number */
    assert_true(settings_set(&settings, SWAPPINESS, "123456") < 0);
    assert_int_equal(settings.count, 0);
    assert_string_equal(fixture_read(&fixture, JOURNAL), "");
    assert_int_equal(settings_set(&settings, "proc/sys/vm/nothing", "1"), -ENOENT);
}

static void test_bad_journals_are_kept_and_reported(void **state)
{
    static const char *const journals[] = {
        "nonsense\n",
        "boot 11111111-2222-3333-4444-555555555555\n" ORDER " 9 9\n",
        "boot 11111111-2222-3333-4444-555555555555\n" ORDER " 9 9 5 6\n",
        "boot 11111111-2222-3333-4444-555555555555\n" ORDER "  9 5\n",
        "boot 11111111-2222-3333-4444-555555555555\n" ORDER
        " 9 9 123456789012345678901234567890123\n",
    };

    for (size_t i = 0; i < ARRAY_SIZE(journals); i++) {
        fixture_write(&fixture, JOURNAL, journals[i]);
        assert_int_equal(settings_init(&settings, fixture.root, state_directory, NULL), -EBADMSG);
        assert_string_equal(fixture_read(&fixture, JOURNAL), journals[i]);
        expect(ORDER, "9");
    }
}

static void test_limits(void **state)
{
    char path[200];

    for (unsigned i = 0; i <= SETTINGS_MAX; i++) {
        snprintf(path, sizeof(path), "proc/sys/vm/number%u", i);
        fixture_write(&fixture, path, "1\n");
        assert_int_equal(settings_set(&settings, path, "2"), i < SETTINGS_MAX ? 0 : -ENOSPC);
    }
    assert_int_equal(settings_restore_all(&settings), 0);
    assert_int_equal(settings.count, 0);
    assert_int_equal(settings_set(&settings, ORDER, "5 6"), -EINVAL);
    assert_int_equal(settings_set(&settings, ORDER, ""), -EINVAL);
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(settings_set(&settings, path, "5"), -EINVAL);
}

#define with_kernel(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_kernel(test_several_values_restore_the_first),
        with_kernel(test_the_journal_says_what_was),
        with_kernel(test_the_value_in_force_is_no_change),
        with_kernel(test_the_next_start_restores),
        with_kernel(test_what_somebody_else_set_stays),
        with_kernel(test_a_journal_of_another_boot_is_void),
        with_kernel(test_a_setting_that_is_gone_is_forgotten),
        with_kernel(test_without_a_state_directory_nothing_changes),
        with_kernel(test_a_journal_that_cannot_be_written_prevents_the_change),
        with_kernel(test_a_write_that_is_refused_is_taken_back),
        with_kernel(test_bad_journals_are_kept_and_reported),
        with_kernel(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
