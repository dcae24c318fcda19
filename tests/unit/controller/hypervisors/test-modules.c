/* Drivers that are shared modules: which are loaded, and which are refused with a sentence. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/hypervisors/modules.h"
#include "controller/hypervisors/table.h"

static const char *built[3]; /* null, older, empty */
static char directory[64];

static int set_up(void **state)
{
    snprintf(directory, sizeof(directory), "/tmp/vmreclaim-test-modules-XXXXXX");
    return mkdtemp(directory) == NULL ? -1 : 0;
}

static void path_of(const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/%s.so", directory, name);
}

static int tear_down(void **state)
{
    static const char *const names[] = {"null", "older", "empty", "garbage", "other"};
    char path[128];

    (void)chmod(directory, 0700);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        path_of(names[i], path, sizeof(path));
        (void)unlink(path);
    }
    return rmdir(directory);
}

static void write_file(const char *path, const char *bytes, size_t length)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0644), 0);
}

/* A copy, so that the test may change what it is. */
static void install(const char *from, const char *name)
{
    static char bytes[1 << 22];
    FILE *file = fopen(from, "re");
    char path[128];
    size_t length;

    assert_non_null(file);
    length = fread(bytes, 1, sizeof(bytes), file);
    assert_true(length > 0 && length < sizeof(bytes));
    fclose(file);
    path_of(name, path, sizeof(path));
    write_file(path, bytes, length);
}

static void expect_refusal(const char *name, int status, const char *words)
{
    const struct driver *driver = NULL;
    struct error error = {""};

    assert_int_equal(driver_module_load(directory, name, &driver, &error), status);
    assert_null(driver);
    if (strstr(error.text, words) == NULL)
        fail_msg("%s", error.text);
}

static void test_a_module_is_loaded(void **state)
{
    const struct driver *driver = NULL;
    struct error error;

    install(built[0], "null");
    assert_int_equal(driver_module_load(directory, "null", &driver, &error), 0);
    assert_string_equal(driver->name, "null");
    assert_int_equal(driver->check("web-1", &error), 0);
    assert_int_equal(driver->check("", &error), -EINVAL);
}

static void test_there_is_none(void **state)
{
    const struct driver *driver;
    struct error error;

    expect_refusal("libvirt", -ENOENT, "No such file");
    expect_refusal("../null", -ENOENT, "there is no driver");
    /* Whoever names it in a file reads where it was looked for. */
    driver_set_directory(directory);
    assert_int_equal(driver_find("libvirt", &driver, &error), -EINVAL);
    assert_non_null(strstr(error.text, directory));
    assert_non_null(strstr(error.text, "qemu"));
}

static void test_others_may_write_to_it(void **state)
{
    char path[128];

    install(built[0], "null");
    path_of("null", path, sizeof(path));
    assert_int_equal(chmod(path, 0664), 0);
    expect_refusal("null", -EACCES, "chmod go-w");
    assert_int_equal(chmod(path, 0646), 0);
    expect_refusal("null", -EACCES, "others may write to");
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(chmod(directory, 0777), 0);
    expect_refusal("null", -EACCES, directory);
}

static void test_it_is_somebody_elses(void **state)
{
    char path[128];

    if (geteuid() != 0) {
        print_message("skipped: only root can give a file away\n");
        skip();
    }
    install(built[0], "null");
    path_of("null", path, sizeof(path));
    assert_int_equal(chown(path, 65534, 0), 0);
    expect_refusal("null", -EACCES, "belongs to user 65534");
    assert_int_equal(chown(path, 0, 0), 0);
    assert_int_equal(chown(directory, 65534, 0), 0);
    expect_refusal("null", -EACCES, "belongs to user 65534");
}

static void test_a_link_is_not_followed(void **state)
{
    char path[128];

    path_of("null", path, sizeof(path));
    assert_int_equal(symlink(built[0], path), 0);
    expect_refusal("null", -EACCES, "is not a file");
}

static void test_it_is_no_driver_of_ours(void **state)
{
    char path[128];

    install(built[1], "older");
    expect_refusal("older", -ENOEXEC, "has ABI");
    install(built[2], "empty");
    expect_refusal("empty", -ENOEXEC, "is no driver");
    install(built[0], "other");
    expect_refusal("other", -ENOEXEC, "is driver 'null'");
    path_of("garbage", path, sizeof(path));
    write_file(path, "garbage", 7);
    expect_refusal("garbage", -ENOEXEC, "cannot be loaded");
}

#define module_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        module_test(test_a_module_is_loaded),     module_test(test_there_is_none),
        module_test(test_others_may_write_to_it), module_test(test_it_is_somebody_elses),
        module_test(test_a_link_is_not_followed), module_test(test_it_is_no_driver_of_ours),
    };

    if (argc != 4)
        return 2;
    for (int i = 0; i < 3; i++)
        built[i] = argv[i + 1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
