/* Who may look and who may change, by the groups of the process at the other end, and the audit. */
#include "tests/component/controller/fixture.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/util.h"
#include "tests/component/controller/parallel.h"

#define NOBODY    65534
#define CROWD_MAX 8192 /* more than any backlog */

/* Group numbers of every Debian, and of most others. */
static char read_group[32] = "games";
static char control_group[32] = "users";

static gid_t group_of(const char *name)
{
    const struct group *group = getgrnam(name);

    assert_non_null(group);
    return group->gr_gid;
}

static void start_with_groups(struct fixture *f)
{
    char *const groups[] = {text("--read-group"), read_group, text("--control-group"),
                            control_group, NULL};

    if (geteuid() != 0) {
        print_message("only root can call as somebody else\n");
        skip();
    }
    assert_int_equal(chmod(f->directory, 0755), 0);
    start_in_state(f, "managed", groups);
    ttrpc_connection_close(f->api);
    wait_for(f, f->api == NULL);
}

/* Connects as a user of that group alone; the kernel keeps who connected. */
static void connect_as(struct fixture *f, gid_t primary, gid_t other)
{
    if (f->api != NULL)
        ttrpc_connection_close(f->api);
    wait_for(f, f->api == NULL);
    assert_int_equal(setgroups(1, &other), 0);
    assert_int_equal(setegid(primary), 0);
    assert_int_equal(seteuid(NOBODY), 0);
    connect_api(f);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(setegid(0), 0);
    assert_int_equal(setgroups(0, NULL), 0);
}

static enum ttrpc_code look(struct fixture *f)
{
    (void)get_vm(f, "web-1");
    return f->code;
}

static enum ttrpc_code change(struct fixture *f)
{
    Vmreclaim__Controller__V1__CompactVmRequest request =
        VMRECLAIM__CONTROLLER__V1__COMPACT_VM_REQUEST__INIT;

    request.vm = text("web-1");
    call(f, "Compact", &request.base);
    return f->code;
}

static void test_nobody(void **state)
{
    struct fixture *f = *state;

    start_with_groups(f);
    connect_as(f, NOBODY, NOBODY);
    assert_int_equal(look(f), TTRPC_PERMISSION_DENIED);
    assert_non_null(strstr(f->message, "for root and the read_group"));
    assert_int_equal(change(f), TTRPC_PERMISSION_DENIED);
    assert_int_equal(f->agent.asked.compactions, 0);
    assert_true(log_has(f, "is refused GetVm"));
    assert_true(log_has(f, "is refused Compact"));
}

static void test_readers(void **state)
{
    struct fixture *f = *state;
    gid_t group = group_of(read_group);

    start_with_groups(f);
    connect_as(f, NOBODY, group); /* one of its groups */
    assert_int_equal(look(f), TTRPC_OK);
    assert_int_equal(change(f), TTRPC_PERMISSION_DENIED);
    assert_non_null(strstr(f->message, "for root and the control_group"));
    connect_as(f, group, NOBODY); /* its own group */
    assert_int_equal(look(f), TTRPC_OK);
    assert_int_equal(change(f), TTRPC_PERMISSION_DENIED);
    assert_int_equal(f->agent.asked.compactions, 0);
}

static void test_operators(void **state)
{
    struct fixture *f = *state;

    start_with_groups(f);
    connect_as(f, NOBODY, group_of(control_group));
    assert_int_equal(look(f), TTRPC_OK);
    assert_int_equal(change(f), TTRPC_OK);
    assert_int_equal(f->agent.asked.compactions, 1);
    assert_true(log_has(f, "uid 65534) calls Compact"));
    assert_false(log_has(f, "calls GetVm")); /* who only looks is not kept */
}

/* Nobody's connections, as many as wait to be taken. */
static size_t crowd(struct fixture *f, int *descriptors, size_t most)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    size_t count = 0;

    snprintf(name.sun_path, sizeof(name.sun_path), "%s/api.sock", f->directory);
    assert_int_equal(seteuid(NOBODY), 0);
    for (; count < most; count++) {
        descriptors[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assert_true(descriptors[count] >= 0);
        if (connect(descriptors[count], (const struct sockaddr *)(const void *)&name,
                    sizeof(name)) < 0)
            break;
    }
    assert_int_equal(errno, EAGAIN); /* there is no room left */
    assert_int_equal(seteuid(0), 0);
    return count + 1;
}

/* However many there are, root is taken at once. */
static void test_nobody_is_in_the_way_of_root(void **state)
{
    static int descriptors[CROWD_MAX];
    struct fixture *f = *state;
    struct rlimit limit;
    size_t count;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max < CROWD_MAX + 64) {
        print_message("too few descriptors for a crowd\n");
        skip();
    }
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    start_with_groups(f);
    (void)kill(f->daemon, SIGSTOP);
    count = crowd(f, descriptors, CROWD_MAX);
    try_to_connect_api(f);
    assert_null(f->api);
    f->api_socket = "api.sock.root";
    try_to_connect_api(f);
    (void)kill(f->daemon, SIGCONT);
    assert_non_null(f->api);
    assert_int_equal(change(f), TTRPC_OK);
    for (size_t i = 0; i < count; i++)
        close(descriptors[i]);
}

/* Others do not get there at all. */
static void test_the_socket_of_root(void **state)
{
    struct fixture *f = *state;

    start_with_groups(f);
    f->api_socket = "api.sock.root";
    assert_int_equal(seteuid(NOBODY), 0);
    try_to_connect_api(f);
    assert_int_equal(seteuid(0), 0);
    assert_null(f->api);
    assert_int_equal(f->dialled, -EACCES);
    connect_api(f);
    assert_int_equal(change(f), TTRPC_OK);
    stop_daemon(f, 0);
    assert_int_equal(faccessat(f->root, "api.sock.root", F_OK, 0), -1);
}

/* Without groups the socket itself keeps everybody else out. */
static void test_no_groups(void **state)
{
    struct fixture *f = *state;
    struct stat status;
    char path[128];

    start_managed(f);
    snprintf(path, sizeof(path), "%s/api.sock", f->directory);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

/* The configuration has these groups from now on. */
static void set_groups(struct fixture *f, const char *control, const char *read)
{
    char text_of_file[128];

    snprintf(text_of_file, sizeof(text_of_file), "sample_interval: 500ms\n%s%s\n%s%s\n",
             control != NULL ? "control_group: " : "", control != NULL ? control : "",
             read != NULL ? "read_group: " : "", read != NULL ? read : "");
    put(f, "vmreclaimd.yaml", text_of_file);
    if (f->daemon > 0)
        (void)kill(f->daemon, SIGHUP);
}

static void start_with_file(struct fixture *f, const char *control, const char *read)
{
    static char path[96];
    char *const more[] = {text("--config"), path, NULL};

    if (geteuid() != 0) {
        print_message("only root can call as somebody else\n");
        skip();
    }
    snprintf(path, sizeof(path), "%s/vmreclaimd.yaml", f->directory);
    assert_int_equal(chmod(f->directory, 0755), 0);
    set_groups(f, control, read);
    start_in_state(f, "managed", more);
}

static bool can_look_as(struct fixture *f, const char *group)
{
    connect_as(f, NOBODY, group_of(group));
    return look(f) == TTRPC_OK;
}

/* Who gets a right by a reload can use it, although the socket was root's alone. */
static void test_groups_that_a_reload_gives(void **state)
{
    struct fixture *f = *state;

    start_with_file(f, NULL, NULL);
    set_groups(f, control_group, NULL);
    wait_for(f, log_has(f, "SIGHUP: configuration"));
    assert_true(can_look_as(f, control_group));
    assert_int_equal(change(f), TTRPC_OK);
}

/* Who loses one loses it at once, and whoever keeps one is not disturbed. */
static void test_groups_that_a_reload_takes_away(void **state)
{
    struct fixture *f = *state;
    const struct ttrpc_connection *connection;

    start_with_file(f, control_group, read_group);
    assert_true(can_look_as(f, read_group));
    connection = f->api;
    set_groups(f, NULL, read_group);
    wait_for(f, log_has(f, "SIGHUP: configuration"));
    assert_int_equal(look(f), TTRPC_OK);
    assert_ptr_equal(f->api, connection);
    set_groups(f, control_group, NULL);
    wait_for(f, f->api == NULL);
    assert_true(can_look_as(f, control_group));
    set_groups(f, read_group, control_group); /* he may only look from now on */
    wait_for(f, f->api == NULL);
    assert_true(can_look_as(f, control_group));
    assert_int_equal(change(f), TTRPC_PERMISSION_DENIED);
    assert_int_equal(f->agent.asked.compactions, 0);
}

#define access_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        access_test(test_nobody),
        access_test(test_readers),
        access_test(test_operators),
        access_test(test_nobody_is_in_the_way_of_root),
        access_test(test_the_socket_of_root),
        access_test(test_no_groups),
        access_test(test_groups_that_a_reload_gives),
        access_test(test_groups_that_a_reload_takes_away),
    };

    return run_apart(argc, argv, tests, ARRAY_SIZE(tests));
}
