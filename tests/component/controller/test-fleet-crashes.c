/* The daemon is killed at every step of taking a desired state. Started again, it has all of it or
 * nothing; handed in again, it is in force, and nothing was done twice. */
#include "tests/component/controller/desired-calls.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEPS_MAX 40

static struct signing_key key;

static void start(struct fixture *f)
{
    char path[96];
    char *const arguments[] = {text("--config"), path, NULL};

    snprintf(path, sizeof(path), "%s/vmreclaimd.yaml", f->directory);
    start_daemon(f, arguments);
    connect_api(f);
}

static bool is_dead(struct fixture *f)
{
    int status;

    if (f->daemon > 0 && waitpid(f->daemon, &status, WNOHANG) == f->daemon)
        f->daemon = 0;
    return f->daemon == 0;
}

/* The number in the text of a policy's newest revision, which is that of its generation; and how
 * many revisions there are. 0: there is none. */
static void look_at_policy(struct fixture *f, const char *name, uint64_t *ret_generation,
                           uint64_t *ret_revisions)
{
    Vmreclaim__Controller__V1__GetPolicyRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_POLICY_REQUEST__INIT;
    const Vmreclaim__Controller__V1__GetPolicyResponse *response;
    unsigned long long generation;

    *ret_generation = *ret_revisions = 0;
    request.name = text(name);
    call(f, "GetPolicy", &request.base);
    if (f->code == TTRPC_NOT_FOUND)
        return;
    assert_int_equal(f->code, TTRPC_OK);
    response = (const void *)f->response;
    assert_int_equal(sscanf(response->policy->text, "# %llu", &generation), 1);
    *ret_generation = generation;
    *ret_revisions = response->policy->revision;
}

static uint64_t expect_whole(struct fixture *f)
{
    uint64_t first, second, revisions, generation = status_of(f)->generation;

    look_at_policy(f, "one", &first, &revisions);
    assert_int_equal(first, generation);
    assert_int_equal(revisions, generation);
    look_at_policy(f, "two", &second, &revisions);
    assert_int_equal(second, generation);
    assert_int_equal(revisions, generation);
    return generation;
}

/* False: it was answered before it came to the step. */
static bool hand_in_until(struct fixture *f, const struct desired_message *message, unsigned step)
{
    char when[96], number[16];

    snprintf(when, sizeof(when), "%s/crash", f->directory);
    snprintf(number, sizeof(number), "%u", step);
    (void)setenv("VMRECLAIM_CRASH_AT", number, 1);
    (void)setenv("VMRECLAIM_CRASH_WHEN", when, 1);
    start(f);
    (void)unsetenv("VMRECLAIM_CRASH_AT");
    put(f, "crash", "");
    hand_in(f, message, &key);
    (void)unlinkat(f->root, "crash", 0);
    if (f->code == TTRPC_OK)
        return false;
    wait_for(f, is_dead(f) && f->api == NULL);
    return true;
}

static void test_every_step(void **state)
{
    struct fixture *f = *state;
    unsigned whole = 0, nothing = 0;

    assert_int_equal(signing_key_make(&key), 0);
    put_fleet(f, &key, 1, "");
    for (unsigned step = 1; step < STEPS_MAX; step++) {
        char content[64];
        const struct wish wishes[] = {{"one", content, "web-*", "r-1"},
                                      {"two", content, "db-*", "r-1"}};
        struct desired_message message;

        snprintf(content, sizeof(content), "# %u\nprofile: gentle\n", step);
        desired_fill(&message, step, wishes, 2);
        if (!hand_in_until(f, &message, step)) {
            assert_true(whole > 0 && nothing > 0);
            print_message("%u steps: %u times nothing of it, %u times all\n", step - 1, nothing,
                          whole);
            crash_daemon(f); /* what it writes behind its answer may be one more step */
            return;
        }
        print_message("%s", log_line(f, "crash point"));
        start(f);
        if (expect_whole(f) == step)
            whole++;
        else
            nothing++;
        hand_in(f, &message, &key);
        assert_string_equal(answer_of(f)->refused, "");
        assert_int_equal(expect_whole(f), step);
        stop_daemon(f, 0);
    }
    fail_msg("more than %d steps", STEPS_MAX);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_step, set_up, tear_down)};

    if (argc < 2)
        return 2;
    program = argv[1];
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
