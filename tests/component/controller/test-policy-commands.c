/* `vmreclaim policy ...` over the real daemon, with an agent that answers. */
#include "tests/component/controller/desired-calls.h"

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
static struct signing_key fleet_key;
static char shown[16384]; /* by the last one, on both outputs */

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
    assert_non_null(strstr(shown, "your text is kept in"));
    expect(f, "$V policy show night", 0, "# night, revision 3 ");
    expect(f, "echo 'name: day' | $V policy apply -", 0, "is stored");
    put_executable(f, "anew",
                   "#!/bin/sh\n"
                   "$V policy delete day >/dev/null\n"
                   "printf 'name: day\\nprofile: gentle\\n' | $V policy apply - >/dev/null\n"
                   "echo 'profile: observe' >>\"$1\"\n");
    expect(f, "EDITOR=$D/anew $V policy edit day", 5, "was deleted and made anew meanwhile");
    expect(f, "$V policy show day", 0, "profile: gentle");
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
           "  web-1  policy all, assigned to *: in force now");
    assert_string_equal(f->agent.policy_name, "all");
    expect(f, "$V policy history night", 3, "no policy");
    expect(f, "$V policy delete all --unassign", 0,
           "  web-1  its guest's own configuration: in force now\n");
    assert_string_equal(f->agent.policy_name, "own");
    apply_policy(f, "name: night\nprofile: observe\n"); /* it begins anew */
    expect(f, "$V policy show night", 0, "# night, revision 1 ");
    expect(f, "echo 'name: free' | $V policy apply -", 0, "is stored");
    expect(f, "$V policy delete free", 0, "policy free is deleted, with its history\n");
    assert_null(strstr(shown, "instead"));
    expect(f, "for i in $(seq 25); do echo 'name: free' | $V policy apply - --vm \"x-$i-*\"; done",
           0, "is stored");
    expect(f, "$V policy delete free --unassign", 0, " and 5 more\n");
}

/* Blanks in a row are one. */
static void squash(void)
{
    char *to = shown;

    for (const char *from = shown; *from != '\0'; from++)
        if (*from != ' ' || (to > shown && to[-1] != ' ' && to[-1] != '\n'))
            *to++ = *from;
    *to = '\0';
}

static void expect_squashed(const char *words)
{
    if (strstr(shown, words) == NULL)
        fail_msg("\"%s\" is not in:\n%s", words, shown);
}

static void test_why(void **state)
{
    struct fixture *f = *state;

    put(f, "filed.yaml", "profile: observe\nidle_window: 7m\n");
    f->agent.has_limits = true;
    start_managed(f);
    apply_policy(f, "name: night\ncache_floor: 64MiB\n");
    expect(f, "echo 'name: all' | $V policy apply - --vm 'w*'", 7, "policy 'night' is assigned");
    expect(f, "$V policy why web-1", 0, "web-1 runs policy night, revision 1, profile balanced\n");
    squash();
    expect_squashed("holds name web-1 night ");
    expect_squashed("\nglob w* all ");
    expect_squashed("\nguest web-1 its own configuration");
    expect_squashed("cache_floor 64MiB policy night, revision 1\n");
    expect_squashed("cpu_budget 3s the guest's limit (policy: 1m)\n");
    expect_squashed("idle_window 2m default\n");
    expect(f, "echo 'profile: gentle' >$D/night.yaml; $V policy apply $D/night.yaml", 0, "now");
    expect(f, "$V policy why web-1", 0, "night, revision 2, profile gentle\n");
    squash();
    expect_squashed("idle_window 5m profile gentle\n");
    expect(f, "$V policy unassign web-1", 0, "  web-1  policy all, assigned to w*: in force now");
    expect(f, "$V policy why nobody", 3, "");
}

static void test_why_without_an_assignment(void **state)
{
    struct fixture *f = *state;

    f->agent.own_key = "";
    start_managed(f);
    expect(f, "$V policy why web-1", 0,
           "web-1 runs its agent's default (nobody has set anything), profile balanced\n");
    squash();
    expect_squashed("holds guest web-1 its own");
    expect_squashed("cache_floor 77MiB default\n");
    apply_policy(f, "name: night\n");
    expect(f, "$V policy unassign web-1", 0,
           "  web-1  its agent's default, profile balanced: in force now\n");
    f->agent.own_key = "cache_floor";
    fake_agent_drop(&f->agent);
    wait_for(f, run(f, "$V policy why web-1 | grep 'own configuration, profile'") == 0);
    run(f, "$V policy why web-1");
    squash();
    expect_squashed("cache_floor 77MiB the guest's own configuration\n");
    expect_squashed("idle_window 2m default\n");
    put(f, "filed.yaml", "profile: observe\nidle_window: 7m\n");
    expect(f, "sed -i '$a policy: '$D/filed.yaml $D/vms/web-1.yaml; $V reload; $V policy why web-1",
           0, "web-1 runs policy filed, of its file, profile observe");
    squash();
    expect_squashed("holds VM file web-1 /");
    expect_squashed("idle_window 7m file /");
    expect_squashed("sample_interval 30s profile observe\n");
    apply_policy(f, "name: night\n");
    expect(f, "$V policy unassign web-1", 0, "  web-1  policy filed, of its file: in force now");
}

static void test_why_of_an_agent_that_is_away(void **state)
{
    struct fixture *f = *state;

    put(f, "vms/web-2.yaml", "cid: 77\n");
    start_managed(f);
    expect(f, "$V policy why web-2", 0, "What that is is not known: its agent is away");
    expect(f, "$V policy why web-1", 0, "or too old to say");
}

static void hand_in_wish(struct fixture *f, uint64_t generation, const struct wish *wish)
{
    struct desired_message message;

    desired_fill(&message, generation, wish, 1);
    hand_in(f, &message, &fleet_key);
    assert_string_equal(answer_of(f)->refused, "");
}

/* What the fleet brings, and how an operator of the host holds something. */
static void test_a_fleet(void **state)
{
    static const struct wish first = {"night", "profile: gentle\n", "web-1", "r-1"};
    static const struct wish second = {"night", "profile: aggressive\n", "web-1", "r-2"};
    struct fixture *f = *state;
    char path[96];
    char *const arguments[] = {text("--config"), path, NULL};

    snprintf(path, sizeof(path), "%s/vmreclaimd.yaml", f->directory);
    assert_int_equal(signing_key_make(&fleet_key), 0);
    put_fleet(f, &fleet_key, 1, "");
    start_in_state(f, "managed", arguments);
    expect(f, "$V status", 0, "this host is h1; nothing was taken yet");
    hand_in_wish(f, 1, &first);
    wait_for(f, strcmp(f->agent.policy_profile, "gentle") == 0);
    expect(f, "$V policy why web-1", 0, "What is by fleet:ROLLOUT the fleet has brought");
    squash();
    expect_squashed("holds name web-1 night fleet:r-1\n");
    expect(f, "$V status", 0, "this host is h1; state 1 since ");

    /* It stays as it is. */
    expect(f, "$V policy rollback night --to 1", 0, "revision 2 has the text of revision 1");
    hand_in_wish(f, 2, &second);
    assert_string_equal(f->agent.policy_profile, "gentle");
    expect(f, "$V status", 0, "night: pinned: ");
    squash();
    expect_squashed("pinned: root made policy night on this");
    expect_squashed("policy delete night --unassign");

    /* A glob of his holds before a name of theirs. */
    expect(f, "echo 'profile: observe' >$D/own.yaml; $V policy apply $D/own.yaml --vm 'w*'", 0,
           "now");
    expect(f, "$V policy why web-1", 0, "web-1 runs policy own");
    squash();
    expect_squashed("holds glob w* own ");
    expect_squashed("\nname web-1 night fleet:r-1\n");
    expect(f, "$V policy unassign 'w*'; $V policy delete night --unassign", 0, "");
    hand_in_wish(f, 3, &second);
    wait_for(f, strcmp(f->agent.policy_profile, "aggressive") == 0);
}

/* All that completion offers is known to the daemon. */
static void test_kinds_of_events(void **state)
{
    struct fixture *f = *state;

    start_managed(f);
    expect(f,
           "for kind in $($V complete -- events --kind '' | cut -f 1); do\n"
           "$V --timeout 200ms --json events -f --kind $kind; [ $? = 6 ] || exit 9; done",
           0, "no answer within 200ms");
    expect(f, "$V events -f --kind actoin", 2, "did you mean \"action\"?");
}

#define command_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        command_test(test_apply),
        command_test(test_edit),
        command_test(test_delete),
        command_test(test_why),
        command_test(test_kinds_of_events),
        command_test(test_why_without_an_assignment),
        command_test(test_why_of_an_agent_that_is_away),
        command_test(test_a_fleet),
    };

    assert_true(argc == 3);
    program = argv[1];
    command = argv[2];
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
