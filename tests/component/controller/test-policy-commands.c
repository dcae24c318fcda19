/* `vmreclaim policy ...` over the real daemon, with an agent that answers. */
#include "tests/component/controller/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/util.h"

static const char *command; /* path of vmreclaim */
static char shown[16384];   /* by the last one, on both outputs */

/* By a shell, with the fixture's directory as $D and the command as $V. Its exit status. */
static int run(struct fixture *f, const char *line)
{
    int output = memfd_create("output", MFD_CLOEXEC);
    pid_t child = fork();
    int status = 0;
    ssize_t length;

    if (child == 0) {
        char all[512];

        snprintf(all, sizeof(all), "%s --api unix:%s/api.sock", command, f->directory);
        (void)setenv("V", all, 1);
        (void)setenv("D", f->directory, 1);
        (void)setenv("TMPDIR", f->directory, 1);
        (void)setenv("LC_ALL", "C.UTF-8", 1);
        (void)dup2(output, STDOUT_FILENO);
        (void)dup2(output, STDERR_FILENO);
        (void)execl("/bin/sh", "sh", "-c", line, (char *)NULL);
        _exit(127);
    }
    assert_true(child > 0);
    wait_for(f, waitpid(child, &status, WNOHANG) == child);
    length = pread(output, shown, sizeof(shown) - 1, 0);
    assert_true(length >= 0);
    shown[length] = '\0';
    close(output);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void expect(struct fixture *f, const char *line, int code, const char *words)
{
    int found = run(f, line);

    if (found != code || strstr(shown, words) == NULL)
        fail_msg("%s\nended with %d, not %d, or does not say \"%s\":\n%s", line, found, code, words,
                 shown);
}

static void put_executable(const struct fixture *f, const char *name, const char *text)
{
    put(f, name, text);
    assert_int_equal(fchmodat(f->root, name, 0755, 0), 0);
}

static void test_apply(void **state)
{
    struct fixture *f = *state;

    put(f, "vms/web-2.yaml", "cid: 77\n");
    start_managed(f);
    assert_int_equal(mkdirat(f->root, "p", 0755), 0);
    put(f, "p/b.yaml", "profile: gentle\n");
    put(f, "p/a.yaml", "profile: observe\n");
    expect(f, "$V policy apply $D/p", 0, "it is assigned to no VM yet");
    expect(f, "$V policy list", 0, "b ");
    expect(f, "echo 'name: night' | $V policy apply - --vm 'web-*'", 0,
           "  web-1  in force now; the guest does not know from_the_future\n"
           "  web-2  waits for its agent: ");
    assert_string_equal(f->agent.policy_name, "night");
    expect(f, "echo 'name: night' | $V policy apply -f -", 0, "  web-1  in force already");
    f->agent.policy_code = TTRPC_FAILED_PRECONDITION;
    expect(f, "echo 'profile: gentle' >$D/night.yaml; $V policy apply $D/night.yaml", 7,
           "  web-1  refused: ");
}

static void test_edit(void **state)
{
    struct fixture *f = *state;

    start_managed(f);
    apply_policy(f, "name: night\nprofile: gentle\n");
    put_executable(f, "changes", "#!/bin/sh\nsed -i s/gentle/observe/ \"$1\"\n");
    expect(f, "EDITOR=$D/changes $V policy edit night", 0, "policy night, revision 2, is stored\n");
    assert_string_equal(f->agent.policy_name, "night");
    expect(f, "EDITOR=$D/changes $V policy edit night", 0, "not changed, nothing was done");
    put_executable(f, "slow",
                   "#!/bin/sh\n"
                   "echo 'name: night' | $V policy apply - >/dev/null\n"
                   "sed -i s/observe/balanced/ \"$1\"\n");
    expect(f, "EDITOR=$D/slow $V policy edit night", 5,
           "has revision 3 now, and this was made from revision 2");
    assert_non_null(strstr(shown, "your text is kept in "));
    expect(f, "$V policy show night", 0, "# night, revision 3 ");
}

static void test_delete(void **state)
{
    struct fixture *f = *state;

    start_managed(f);
    apply_policy(f, "name: night\nprofile: gentle\n");
    expect(f, "echo 'name: all' | $V policy apply - --vm '*'", 7,
           "  web-1  not for it: policy 'night' is assigned to it more closely");
    expect(f, "$V policy delete nihgt", 3, "no policy \"nihgt\"");
    expect(f, "$V policy delete night", 5, "policy \"night\" is assigned to web-1; unassign it");
    expect(f, "$V policy delete night --unassign", 0,
           "policy night is deleted, with its history\nit was assigned to web-1\ninstead:\n"
           "  web-1  policy all: in force now");
    assert_string_equal(f->agent.policy_name, "all");
    expect(f, "$V policy history night", 3, "no policy");
    expect(f, "$V policy delete all --unassign", 0, "  web-1  its own: in force now\n");
    assert_string_equal(f->agent.policy_name, "own");
    apply_policy(f, "name: night\nprofile: observe\n"); /* it begins anew */
    expect(f, "$V policy show night", 0, "# night, revision 1 ");
    expect(f, "echo 'name: free' | $V policy apply -", 0, "is stored");
    expect(f, "$V policy delete free", 0, "policy free is deleted, with its history\n");
    assert_null(strstr(shown, "instead"));
}

#define command_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        command_test(test_apply),
        command_test(test_edit),
        command_test(test_delete),
    };

    assert_true(argc == 3);
    program = argv[1];
    command = argv[2];
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
