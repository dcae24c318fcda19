/* Paths of processes that have a root of their own: nothing in them leads out. */
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/process-path.h"
#include "tests/lib/fixture.h"

/* Process 12 has jail/ for its root. */
static struct fixture fixture;

static int set_up(void **state)
{
    fixture_init(&fixture);
    fixture_write(&fixture, "outside.sock", "outside");
    fixture_write(&fixture, "jail/run/own.sock", "inside");
    fixture_link(&fixture, "proc/12/root", "../../jail");
    return 0;
}

static int tear_down(void **state)
{
    fixture_finish(&fixture);
    return 0;
}

/* Whether it is that file of the fixture. */
static bool opens(const char *path, const char *file)
{
    int descriptor = process_path_open(fixture.root, path);
    struct stat opened;
    struct stat expected;
    bool is_it;

    if (descriptor < 0)
        return false;
    is_it = fstat(descriptor, &opened) == 0 && fstatat(fixture.root, file, &expected, 0) == 0 &&
            opened.st_ino == expected.st_ino && opened.st_dev == expected.st_dev;
    close(descriptor);
    return is_it;
}

static void test_links_do_not_lead_out(void **state)
{
    char absolute[128];

    assert_true(opens("/proc/12/root/run/own.sock", "jail/run/own.sock"));
    /* As a container has it: absolute links mean its own root. */
    fixture_link(&fixture, "jail/var", "/run");
    assert_true(opens("/proc/12/root/var/own.sock", "jail/run/own.sock"));
    snprintf(absolute, sizeof(absolute), "%s/outside.sock", fixture.path);
    fixture_link(&fixture, "jail/run/absolute.sock", absolute);
    fixture_link(&fixture, "jail/run/above.sock", "../../outside.sock");
    fixture_link(&fixture, "jail/up", "../..");
    assert_false(opens("/proc/12/root/run/absolute.sock", "outside.sock"));
    assert_false(opens("/proc/12/root/run/above.sock", "outside.sock"));
    assert_false(opens("/proc/12/root/up/outside.sock", "outside.sock"));
    assert_false(opens("/proc/12/root/../outside.sock", "outside.sock"));
}

/* Other paths are the machine's. */
static void test_other_paths(void **state)
{
    fixture_link(&fixture, "link.sock", "outside.sock");
    assert_true(opens("link.sock", "outside.sock"));
    assert_int_equal(process_path_open(fixture.root, "none.sock"), -ENOENT);
    assert_int_equal(process_path_open(fixture.root, "/proc/13/root/run/own.sock"), -ENOENT);
}

static void expect(const char *path, const char *expected)
{
    char text[64];

    assert_int_equal(process_path_make(fixture.root, 12, path, text, sizeof(text)), 0);
    assert_string_equal(text, expected);
}

static void test_a_process_in_a_jail(void **state)
{
    char text[64];

    expect("/run/own.sock", "/proc/12/root/run/own.sock");
    /* Its working directory is shown as from our root, or as from its own. */
    fixture_link(&fixture, "proc/12/cwd", "../../jail/run");
    expect("own.sock", "/proc/12/root/run/own.sock");
    fixture_remove(&fixture, "proc/12/cwd");
    fixture_link(&fixture, "proc/12/cwd", "../../jail");
    expect("own.sock", "/proc/12/root/own.sock");
    fixture_remove(&fixture, "proc/12/cwd");
    fixture_link(&fixture, "proc/12/cwd", "../../jailed");
    assert_int_equal(process_path_make(fixture.root, 12, "own.sock", text, sizeof(text)), -ENOENT);
    assert_int_equal(process_path_make(fixture.root, 12, "/run/own.sock", text, 8), -ENAMETOOLONG);
}

/* QEMU's -chroot comes after its sockets. A container never had the host's. */
static void test_a_jail_that_was_entered_later(void **state)
{
    fixture_write(&fixture, "mounts/host", "");
    fixture_write(&fixture, "mounts/container", "");
    fixture_link(&fixture, "proc/1/ns/mnt", "../../../mounts/host");
    fixture_link(&fixture, "proc/12/ns/mnt", "../../../mounts/host");
    expect("/run/host.sock", "/run/host.sock");
    expect("/run/own.sock", "/proc/12/root/run/own.sock");
    fixture_remove(&fixture, "proc/12/ns/mnt");
    fixture_link(&fixture, "proc/12/ns/mnt", "../../../mounts/container");
    expect("/run/host.sock", "/proc/12/root/run/host.sock");
}

static void test_a_process_without_a_jail(void **state)
{
    fixture_remove(&fixture, "proc/12/root");
    fixture_link(&fixture, "proc/12/cwd", "/srv/fc");
    expect("/run/own.sock", "/run/own.sock");
    expect("own.sock", "/srv/fc/own.sock");
    fixture_link(&fixture, "proc/12/root", "/");
    expect("/run/own.sock", "/run/own.sock");
    expect("own.sock", "/srv/fc/own.sock");
}

/* The way that all connections go. */
static void test_connecting_through_it(void **state)
{
    int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int connecting = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct process_socket held;
    char path[256];

    snprintf(address.sun_path, sizeof(address.sun_path), "%s/listening.sock", fixture.path);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listening, 1), 0);
    snprintf(path, sizeof(path), "/proc/%d/root%s/listening.sock", (int)getpid(), fixture.path);
    assert_int_equal(process_socket_hold(&held, path), 0);
    assert_true(held.descriptor >= 0);
    memcpy(address.sun_path, held.text, sizeof(held.text));
    assert_int_equal(connect(connecting, (struct sockaddr *)&address, sizeof(address)), 0);
    process_socket_release(&held);
    assert_int_equal(process_socket_hold(&held, "/proc/1/root/none/none.sock") < 0, 1);
    assert_int_equal(process_socket_hold(&held, "/run/x.sock"), 0);
    assert_string_equal(held.text, "/run/x.sock");
    assert_int_equal(held.descriptor, -1);
    memset(path, 'a', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(process_socket_hold(&held, path), -ENAMETOOLONG);
    close(connecting);
    close(listening);
}

/* Linux has it since 5.6; qemu-user does not pass it on. */
static bool has_openat2(void)
{
    const struct open_how how = {.flags = O_PATH | O_CLOEXEC};
    long descriptor = syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how));

    if (descriptor < 0)
        return errno != ENOSYS;
    close((int)descriptor);
    return true;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_links_do_not_lead_out),    TEST(test_other_paths),
        TEST(test_a_process_in_a_jail),      TEST(test_a_jail_that_was_entered_later),
        TEST(test_a_process_without_a_jail), TEST(test_connecting_through_it),
    };

    if (!has_openat2()) {
        puts("skipped: this kernel, or what emulates it, has no openat2");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
