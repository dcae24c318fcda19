/* Reading configuration and VM files again: what is right is in force, what is wrong stays what it
 * was, and `status` says so until it is mended. */
#include "tests/component/controller/fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/util.h"
#include "tests/component/controller/parallel.h"

typedef Vmreclaim__Controller__V1__GetStatusResponse Status;

static bool is_degraded(struct fixture *f, const char *part, const char *why)
{
    return strstr(why_degraded(f, part), why) != NULL && why_degraded(f, part)[0] != '\0';
}

static void start(struct fixture *f, char *const *more)
{
    start_daemon(f, more);
    connect_api(f);
}

/* Reads again, and waits until that is done. A reading that has begun before does not count. */
static void reload(struct fixture *f)
{
    Vmreclaim__Controller__V1__ReloadRequest request =
        VMRECLAIM__CONTROLLER__V1__RELOAD_REQUEST__INIT;

    call(f, "Reload", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
}

static void test_a_wrong_file_blocks_no_other(void **state)
{
    struct fixture *f = *state;

    start(f, NULL);
    put(f, "vms/web.yaml", "cid: 7\nfloor: 1GiB\n");
    reload(f);
    put(f, "vms/web.yaml", "cid: 7\nfloor: 512\n");
    put(f, "vms/good.yaml", "name: db-1\ncid: 9\n");
    put(f, "vms/bad.yaml", "name: db-2\ncid: nine\n");
    reload(f);
    assert_true(log_has(f, "not in force: "));
    assert_non_null(get_vm(f, "db-1"));
    assert_null(get_vm(f, "db-2"));
    assert_non_null(get_vm(f, "web")); /* as it was */
    assert_true(is_degraded(f, "vms:bad.yaml", "bad.yaml:2: cid 'nine'"));
    assert_true(is_degraded(f, "vms:web.yaml", "floor '512' has no unit; did you mean 512MiB?"));
    put(f, "vms/web.yaml", "cid: 7\nfloor: 512MiB\n");
    put(f, "vms/bad.yaml", "name: db-2\ncid: 10\n"); /* last: who sees it has seen the other */
    wait_for(f, get_vm(f, "db-2") != NULL);          /* the directory is watched */
    assert_string_equal(why_degraded(f, "vms:bad.yaml"), "");
    assert_string_equal(why_degraded(f, "vms:web.yaml"), "");
    assert_true(log_has(f, "a file changed: configuration and"));
}

/* Neither ends the daemon at its start. */
static void test_it_starts_in_spite_of_what_is_wrong(void **state)
{
    struct fixture *f = *state;

    put(f, "vms/a.yaml", "cid: 9\n");
    put(f, "vms/b.yaml", "cid: 9\n");
    put(f, "vms/c.yaml", "cid: 10\npolicy: nowhere.yaml\n");
    start(f, NULL);
    assert_non_null(get_vm(f, "a"));
    assert_null(get_vm(f, "b"));
    assert_non_null(get_vm(f, "c"));
    assert_true(is_degraded(f, "vms:b.yaml", "cid 9 is already given in"));
    assert_true(is_degraded(f, "policy:nowhere.yaml", "cannot read policy"));
    assert_int_equal(unlinkat(f->root, "vms/a.yaml", 0), 0);
    wait_for(f, get_vm(f, "b") != NULL && get_vm(f, "a") == NULL);
}

/* A directory that is not there is not one without VMs. */
static void test_a_directory_that_is_gone(void **state)
{
    struct fixture *f = *state;

    put(f, "vms/web.yaml", "cid: 7\n");
    start(f, NULL);
    assert_non_null(get_vm(f, "web"));
    assert_int_equal(renameat(f->root, "vms", f->root, "away"), 0);
    (void)kill(f->daemon, SIGHUP);
    wait_for(f, is_degraded(f, "vms:vms", "cannot read directory"));
    assert_non_null(get_vm(f, "web"));
    assert_int_equal(renameat(f->root, "away", f->root, "vms"), 0);
    put(f, "vms/db.yaml", "cid: 8\n");
    reload(f);
    assert_non_null(get_vm(f, "db"));
    assert_string_equal(why_degraded(f, "vms:vms"), "");
    /* It is watched again. */
    put(f, "vms/db-2.yaml", "cid: 9\n");
    wait_for(f, get_vm(f, "db-2") != NULL);
}

/* What nobody mends but time: it is tried again without a signal. */
static void test_what_mends_itself_is_noticed(void **state)
{
    struct fixture *f = *state;

    put(f, "vms/web.yaml", "cid: 7\npolicy: ../night.yaml\n");
    start(f, NULL);
    assert_true(is_degraded(f, "policy:night.yaml", "cannot read policy"));
    put(f, "night.yaml", "name: night\nprofile: gentle\n"); /* no directory that is watched */
    wait_for(f, why_degraded(f, "policy:night.yaml")[0] == '\0');
    assert_true(log_has(f, "mended: configuration and 1 VMs are in force"));
}

/* Two sockets, one by a strange name, and one that a file names. */
static void test_found_hypervisors(void **state)
{
    struct fixture *f = *state;
    char directory[96];
    char *more[] = {(char *)"--hypervisor-directory", directory, NULL};

    snprintf(directory, sizeof(directory), "qemu:%s/found", f->directory);
    start(f, more);
    assert_true(is_degraded(f, "hypervisors:found", "cannot read directory"));
    assert_int_equal(mkdirat(f->root, "found", 0755), 0);
    reload(f);
    assert_string_equal(why_degraded(f, "hypervisors:found"), "");
    listen_qmp(f, "found/- strange.sock");
    wait_for(f, get_vm(f, "vm--strange") != NULL);
    put(f, "vms/web.yaml", "cid: 7\n");
    wait_for(f, get_vm(f, "web") != NULL);
}

static void put_configuration(const struct fixture *f, const char *text)
{
    put(f, "vmreclaimd.yaml", text);
}

/* The configuration is one, the VM files are others. */
static void test_a_wrong_configuration_holds_no_vm_back(void **state)
{
    struct fixture *f = *state;
    char path[96];
    char *more[] = {(char *)"--config", path, NULL};

    snprintf(path, sizeof(path), "%s/vmreclaimd.yaml", f->directory);
    put_configuration(f, "read_group: games\n");
    start(f, more);
    put_configuration(f, "read_group: no-such-group\n");
    put(f, "vms/web.yaml", "cid: 7\n");
    reload(f);
    assert_non_null(get_vm(f, "web"));
    assert_true(
        is_degraded(f, "configuration:vmreclaimd.yaml", "there is no group 'no-such-group'"));
    put_configuration(f, "hypervisor_directory: qemu:/nowhere\n");
    reload(f);
    assert_true(is_degraded(f, "configuration:vmreclaimd.yaml", "cannot change while"));
    put_configuration(f, "read_group: games\n");
    reload(f);
    assert_string_equal(why_degraded(f, "configuration:vmreclaimd.yaml"), "");
}

/* In files and on the command line: it counts, and what to write instead is said at the start. */
static void test_settings_of_before_are_named(void **state)
{
    struct fixture *f = *state;
    char directory[96];
    char *const check[] = {(char *)"--check", (char *)"--qmp-directory", directory, NULL};
    int status;

    snprintf(directory, sizeof(directory), "%s", f->directory);
    put(f, "vms/a.yaml", "qmp: /run/a.qmp\n");
    start_daemon(f, check);
    assert_int_equal(waitpid(f->daemon, &status, 0), f->daemon);
    f->daemon = 0;
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_true(log_has(f, "a.yaml: 'qmp' has another name now"));
    assert_true(log_has(f, "write 'hypervisor: qemu:/run/a.qmp'"));
    assert_true(log_has(f, "command line: 'qmp_directory' has another name now"));
}

/* What a reload refuses, --check refuses; and it says all of it. */
static void test_check(void **state)
{
    struct fixture *f = *state;
    char directory[96];
    char *const check[] = {(char *)"--check",      (char *)"--hypervisor-directory", directory,
                           (char *)"--read-group", (char *)"no-such-group",          NULL};
    char *const good[] = {(char *)"--check", NULL};
    int status;

    snprintf(directory, sizeof(directory), "qemu:%s/found", f->directory);
    put(f, "vms/a.yaml", "cid: 9\n");
    put(f, "vms/b.yaml", "cid: 9\n");
    put(f, "vms/bad.yaml", "name: x\ncid: 4294967296\n");
    put(f, "vms/c.yaml", "cid: 10\npolicy: nowhere.yaml\n");
    start_daemon(f, check);
    assert_int_equal(waitpid(f->daemon, &status, 0), f->daemon);
    f->daemon = 0;
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_true(log_has(f, "bad.yaml:2: cid"));
    assert_true(log_has(f, "b.yaml: cid 9 is already given in"));
    assert_true(log_has(f, "cannot read policy"));
    assert_true(log_has(f, "found: No such file or directory"));
    assert_true(log_has(f, "there is no group 'no-such-group'"));
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(
            unlinkat(f->root, (const char *[]){"vms/b.yaml", "vms/bad.yaml", "vms/c.yaml"}[i], 0),
            0);
    start_daemon(f, good);
    assert_int_equal(waitpid(f->daemon, &status, 0), f->daemon);
    f->daemon = 0;
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* What `systemctl reload` runs. */
static void test_who_asks_for_a_reload_is_answered(void **state)
{
    Vmreclaim__Controller__V1__ReloadRequest request =
        VMRECLAIM__CONTROLLER__V1__RELOAD_REQUEST__INIT;
    struct fixture *f = *state;
    const Vmreclaim__Controller__V1__ReloadResponse *response;

    start(f, NULL);
    put(f, "vms/web.yaml", "cid: 7\n");
    put(f, "vms/bad.yaml", "cid: nine\n");
    call(f, "Reload", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    response = (const Vmreclaim__Controller__V1__ReloadResponse *)f->response;
    assert_int_equal(response->vms, 1);
    assert_int_equal(response->n_problems, 1);
    assert_string_equal(response->problems[0]->part, "vms:bad.yaml");
    assert_non_null(strstr(response->problems[0]->reason, "bad.yaml:1: cid 'nine'"));
    assert_true(response->problems[0]->since_ns != 0);
    assert_int_equal(unlinkat(f->root, "vms/bad.yaml", 0), 0);
    call(f, "Reload", &request.base);
    assert_int_equal(((const Vmreclaim__Controller__V1__ReloadResponse *)f->response)->n_problems,
                     0);
}

/* A call that is not waited for. */
struct asked {
    bool answered;
    enum ttrpc_code code;
    size_t vms;
};

static void on_reloaded(const struct ttrpc_result *result, void *userdata)
{
    struct asked *asked = userdata;

    asked->answered = true;
    asked->code = result->code;
    if (result->response != NULL)
        asked->vms = ((const Vmreclaim__Controller__V1__ReloadResponse *)result->response)->vms;
}

static void ask_for_a_reload(struct fixture *f, struct asked *asked)
{
    Vmreclaim__Controller__V1__ReloadRequest request =
        VMRECLAIM__CONTROLLER__V1__RELOAD_REQUEST__INIT;

    *asked = (struct asked){.answered = false};
    start_call(f, "Reload", &request.base, 0, NULL, on_reloaded, asked);
}

/* Who opens it waits until it is let go, as for a disk that does not answer: a lease, fcntl(2). */
static int hold_file(const struct fixture *f, const char *name)
{
    int file = openat(f->root, name, O_RDWR | O_CLOEXEC);

    signal(SIGIO, SIG_IGN); /* that somebody waits */
    assert_true(file >= 0);
    assert_int_equal(fcntl(file, F_SETLEASE, F_WRLCK), 0);
    return file;
}

static bool is_waited_for(int file)
{
    return fcntl(file, F_GETLEASE) != F_WRLCK;
}

/* Nobody waits for a disk but who asked for the reading; who asks meanwhile gets one of his own. */
static void test_a_disk_that_does_not_answer(void **state)
{
    static const char text[] = "name: night\nprofile: gentle\n";
    struct fixture *f = *state;
    struct asked first;
    struct asked second;
    int file;

    put(f, "night.yaml", text);
    put(f, "vms/web.yaml", "cid: 7\npolicy: ../night.yaml\n");
    start(f, NULL);
    file = hold_file(f, "night.yaml");
    ask_for_a_reload(f, &first);
    wait_for(f, is_waited_for(file));
    put(f, "vms/db.yaml", "cid: 8\n");
    ask_for_a_reload(f, &second);
    assert_non_null(get_vm(f, "web"));
    assert_null(get_vm(f, "db"));
    assert_false(first.answered || second.answered);
    close(file);
    wait_for(f, first.answered && second.answered);
    assert_int_equal(first.code, TTRPC_OK);
    assert_int_equal(second.code, TTRPC_OK);
    assert_int_equal(second.vms, 2);
    assert_non_null(get_vm(f, "db"));
}

/* The service manager would kill it in the end, with all that it has yet to write. */
static void test_a_stop_does_not_wait_for_a_disk(void **state)
{
    struct fixture *f = *state;
    struct asked asked;
    int file;

    put(f, "night.yaml", "name: night\nprofile: gentle\n");
    put(f, "vms/web.yaml", "cid: 7\npolicy: ../night.yaml\n");
    start(f, NULL);
    file = hold_file(f, "night.yaml");
    ask_for_a_reload(f, &asked);
    wait_for(f, is_waited_for(file));
    stop_daemon(f, 0);
    assert_true(is_waited_for(file)); /* it was not let go */
    assert_true(log_has(f, "stopping without an answer from the disk or server of"));
    assert_true(log_has(f, "night.yaml"));
    close(file);
    start_daemon(f, NULL); /* nothing of the one before is in its way */
    connect_api(f);
    assert_non_null(get_vm(f, "web"));
}

/* Nobody may ever write to it. */
static void test_a_named_pipe_among_the_files(void **state)
{
    struct fixture *f = *state;
    struct asked asked;

    put(f, "vms/web.yaml", "cid: 7\npolicy: ../night.yaml\n");
    assert_int_equal(mkfifoat(f->root, "night.yaml", 0600), 0);
    assert_int_equal(mkfifoat(f->root, "vms/pipe.yaml", 0600), 0);
    start(f, NULL);
    ask_for_a_reload(f, &asked);
    wait_for(f, asked.answered);
    assert_int_equal(asked.vms, 1);
    assert_true(is_degraded(f, "vms:pipe.yaml", "is a named pipe"));
}

#define reload_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        reload_test(test_a_wrong_file_blocks_no_other),
        reload_test(test_it_starts_in_spite_of_what_is_wrong),
        reload_test(test_a_directory_that_is_gone),
        reload_test(test_what_mends_itself_is_noticed),
        reload_test(test_found_hypervisors),
        reload_test(test_a_wrong_configuration_holds_no_vm_back),
        reload_test(test_settings_of_before_are_named),
        reload_test(test_check),
        reload_test(test_who_asks_for_a_reload_is_answered),
        reload_test(test_a_disk_that_does_not_answer),
        reload_test(test_a_stop_does_not_wait_for_a_disk),
        reload_test(test_a_named_pipe_among_the_files),
    };

    return run_apart(argc, argv, tests, ARRAY_SIZE(tests));
}
