/* Whole small files at a directory descriptor. */
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"

static int root = -1;
static char directory[] = "/tmp/vmreclaim-test-file-XXXXXX";

static int set_up(void **state)
{
    if (mkdtemp(directory) == NULL)
        return -1;
    root = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return root < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)unlinkat(root, "file", 0);
    close(root);
    return rmdir(directory);
}

static void test_replace_and_read(void **state)
{
    cleanup_free char *text = NULL;
    char small[8];
    size_t length;

    assert_int_equal(file_replace(root, "file", "seven77", 7), 0);
    assert_int_equal(file_read_into(root, "file", small, sizeof(small)), 7);
    assert_string_equal(small, "seven77");
    assert_int_equal(file_read_into(root, "file", small, 7), -EFBIG);
    assert_int_equal(file_read(root, "file", 7, &text, &length), 0);
    assert_int_equal(length, 7);
    assert_string_equal(text, "seven77");
    assert_int_equal(faccessat(root, "file.new", F_OK, 0), -1);
}

/* Nobody may ever write to it. */
static void test_a_named_pipe_is_not_waited_for(void **state)
{
    cleanup_free char *text = NULL;
    cleanup_free char *null = NULL;
    size_t length;

    assert_int_equal(mkfifoat(root, "pipe", 0600), 0);
    assert_int_equal(file_read_configured(root, "pipe", 100, &text, &length), -EINVAL);
    assert_int_equal(file_read_configured(AT_FDCWD, "/dev/null", 100, &null, &length), 0);
    assert_int_equal(length, 0);
    assert_int_equal(file_read_configured(root, "nowhere", 100, &text, &length), -ENOENT);
    assert_int_equal(unlinkat(root, "pipe", 0), 0);
}

static void test_large_file(void **state)
{
    cleanup_free char *large = calloc(1, 100000);
    cleanup_free char *text = NULL;
    size_t length;

    assert_non_null(large);
    memset(large, 'x', 100000);
    assert_int_equal(file_replace(root, "file", large, 100000), 0);
    assert_int_equal(file_read(root, "file", 99999, &text, &length), -EFBIG);
    assert_null(text);
    assert_int_equal(file_read(root, "file", 100000, &text, &length), 0);
    assert_int_equal(length, 100000);
}

static void test_write_wants_an_existing_file(void **state)
{
    char text[8];

    assert_int_equal(file_write(root, "absent", "1"), -ENOENT);
    assert_int_equal(file_replace(root, "file", "", 0), 0);
    assert_int_equal(file_write(root, "file", "1"), 0);
    assert_int_equal(file_read_into(root, "file", text, sizeof(text)), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replace_and_read),
        cmocka_unit_test(test_a_named_pipe_is_not_waited_for),
        cmocka_unit_test(test_large_file),
        cmocka_unit_test(test_write_wants_an_existing_file),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
