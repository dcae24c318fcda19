/* Who may look and who may change, by the groups of the process at the other end, and the audit. */
#include "tests/component/controller/fixture.h"

#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/util.h"
#include "tests/component/controller/parallel.h"

#define NOBODY 65534

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
    assert_non_null(strstr(f->message, "needs the read group"));
    assert_int_equal(change(f), TTRPC_PERMISSION_DENIED);
    assert_int_equal(f->agent.compactions, 0);
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
    assert_non_null(strstr(f->message, "needs the control group"));
    connect_as(f, group, NOBODY); /* its own group */
    assert_int_equal(look(f), TTRPC_OK);
    assert_int_equal(change(f), TTRPC_PERMISSION_DENIED);
    assert_int_equal(f->agent.compactions, 0);
}

static void test_operators(void **state)
{
    struct fixture *f = *state;

    start_with_groups(f);
    connect_as(f, NOBODY, group_of(control_group));
    assert_int_equal(look(f), TTRPC_OK);
    assert_int_equal(change(f), TTRPC_OK);
    assert_int_equal(f->agent.compactions, 1);
    assert_true(log_has(f, "uid 65534) calls Compact"));
    assert_false(log_has(f, "calls GetVm")); /* who only looks is not kept */
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
    assert_int_equal(f->agent.compactions, 0);
}

#define access_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        access_test(test_nobody),
        access_test(test_readers),
        access_test(test_operators),
        access_test(test_no_groups),
        access_test(test_groups_that_a_reload_gives),
        access_test(test_groups_that_a_reload_takes_away),
    };

    return run_apart(argc, argv, tests, ARRAY_SIZE(tests));
}
