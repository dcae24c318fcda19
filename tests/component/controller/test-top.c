/* `vmreclaim top` in a pseudo-terminal, over the real vmreclaimd: what it shows, what keys do, and
 * that the terminal is as it was when it has gone. */
#include "tests/component/controller/lease-calls.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include "common/base/number.h"
#include "tests/lib/terminal.h"

static const char *command; /* path of vmreclaim */

static struct top {
    struct fixture *f;
    struct terminal terminal;
    int ours;
    pid_t pid;
    int status;
    bool has_ended;
    struct termios before;
} top;

/* ---- the terminal ---- */

/* Reads what is there. At the end of all that have it open there is an error. */
static void look(void)
{
    char bytes[4096];
    ssize_t n;

    while ((n = read(top.ours, bytes, sizeof(bytes))) > 0)
        terminal_take(&top.terminal, bytes, (size_t)n);
    if (!top.has_ended)
        top.has_ended = waitpid(top.pid, &top.status, WNOHANG) == top.pid;
}

static bool sees(const char *words)
{
    look();
    return terminal_has(&top.terminal, words);
}

static void give_up_seeing(const char *words)
{
    for (size_t row = 0; row < top.terminal.rows; row++)
        print_error("|%s\n", terminal_row(&top.terminal, row));
    give_up(top.f, words);
}

#define expect(condition, words)                                                                   \
    do {                                                                                           \
        nsec_t end_ = time_monotonic() + WAIT_MAX;                                                 \
        while (!(condition)) {                                                                     \
            if (time_monotonic() > end_)                                                           \
                give_up_seeing(words);                                                             \
            uv_run(&top.f->loop, UV_RUN_ONCE);                                                     \
        }                                                                                          \
    } while (0)

static void expect_words(const char *words)
{
    expect(sees(words), words);
}

static void expect_gone(const char *words)
{
    expect(!sees(words), words);
}

static void type(const char *keys)
{
    assert_int_equal(write(top.ours, keys, strlen(keys)), strlen(keys));
}

static void set_size(size_t rows, size_t columns)
{
    const struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    bool was_other = top.terminal.is_other_screen;
    bool was_coloured = top.terminal.was_coloured;

    look();
    terminal_init(&top.terminal, rows, columns);
    top.terminal.is_other_screen = was_other;
    top.terminal.was_coloured = was_coloured;
    assert_int_equal(ioctl(top.ours, TIOCSWINSZ, &size), 0);
}

/* ---- the program ---- */

static void become(char *const *arguments, const char *type_of_terminal)
{
    (void)setenv("TERM", type_of_terminal, 1);
    (void)setenv("LC_ALL", "C.UTF-8", 1);
    (void)setenv("TZ", "UTC", 1);
    (void)execv(arguments[0], arguments);
    _exit(127);
}

static void start_in_terminal(struct fixture *f, char *const *arguments,
                              const char *type_of_terminal)
{
    const struct winsize size = {.ws_row = 24, .ws_col = 80};
    int theirs;

    top = (struct top){.f = f};
    terminal_init(&top.terminal, 24, 80);
    assert_int_equal(openpty(&top.ours, &theirs, NULL, NULL, &size), 0);
    assert_int_equal(tcgetattr(theirs, &top.before), 0);
    assert_int_equal(fcntl(top.ours, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(fcntl(top.ours, F_SETFD, FD_CLOEXEC), 0);
    top.pid = fork();
    assert_true(top.pid >= 0);
    if (top.pid == 0) {
        (void)login_tty(theirs);
        become(arguments, type_of_terminal);
    }
    close(theirs);
}

static void start_top(struct fixture *f, const char *type_of_terminal)
{
    char api[128];
    char *const arguments[] = {text(command), text("--api"), api, text("top"), NULL};

    snprintf(api, sizeof(api), "unix:%s/api.sock", f->directory);
    start_in_terminal(f, arguments, type_of_terminal);
}

/* It has ended, and all that it wrote was read. */
static void expect_end(void)
{
    expect((look(), top.has_ended), "the end of top");
    look();
}

/* Nothing of ours is left: neither modes nor the screen. */
static void expect_terminal_restored(void)
{
    struct termios after;

    assert_int_equal(tcgetattr(top.ours, &after), 0);
    assert_int_equal(after.c_lflag, top.before.c_lflag);
    assert_int_equal(after.c_iflag, top.before.c_iflag);
    assert_int_equal(after.c_oflag, top.before.c_oflag);
    assert_false(top.terminal.is_other_screen);
}

static void end_by_key(void)
{
    type("q");
    expect_end();
    assert_true(WIFEXITED(top.status));
    assert_int_equal(WEXITSTATUS(top.status), 0);
    expect_terminal_restored();
    close(top.ours);
}

/* 600 MiB of a GiB are free, of which the host holds all; 200 are cache above the floor. */
static void start_all(struct fixture *f)
{
    put(f, "proc/meminfo", "MemTotal: 4194304 kB\nMemFree: 1048576 kB\nMemAvailable: 2097152 kB\n");
    put_footprint(f, 1000 * KIB);
    f->agent.total = 960 * MIB;
    f->agent.free = 300 * MIB;
    f->agent.cache = 328 * MIB;
    start_ready(f);
    wait_for(f, get_vm(f, "web-1")->waterfall->footprint == 1000 * MIB);
    start_top(f, "xterm");
    expect_words("web-1");
}

/* ---- tests ---- */

static void test_the_host_and_its_vms(void **state)
{
    start_all(*state);
    expect_words("vmreclaim top  ");
    expect_words("1 VM holds 1000.0 MiB, ");
    expect_words("memory 4.0 GiB, available 2.0 GiB");
    expect_words("web-1 1000.0 MiB");
    expect_words("UUUUU");
    expect_words("CCCC");
    expect_words("web-1: managed");
    expect_words("?:help q:quit");
    assert_true(top.terminal.is_other_screen);
    assert_true(top.terminal.was_coloured);
    end_by_key();
}

static void test_details_in_words(void **state)
{
    start_all(*state);
    type("\r");
    expect_words("What holds the memory");
    type("q");
    expect_gone("What holds the memory");
    type("?");
    expect_words("keys, and letters of the bars");
    type("\x1b");
    expect_words("web-1 1000.0 MiB");
    end_by_key();
}

/* The newest action's record names the program that asked. */
static void expect_recorded(struct fixture *f, const char *asked_with)
{
    Vmreclaim__Controller__V1__ListActionsRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_ACTIONS_REQUEST__INIT;
    const Vmreclaim__Controller__V1__ListActionsResponse *response;

    call(f, "ListActions", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    response = (const Vmreclaim__Controller__V1__ListActionsResponse *)f->response;
    assert_true(response->n_actions > 0);
    assert_string_equal(response->actions[0]->asked_with, asked_with);
}

/* It has asked again since, and drawn. */
static void wait_for_a_second_page(void)
{
    char first[TERMINAL_COLUMNS_MAX + 1];

    (void)snprintf(first, sizeof(first), "%s", terminal_row(&top.terminal, 0));
    expect((look(), strcmp(terminal_row(&top.terminal, 0), first) != 0), "another time of day");
}

static void test_an_action_is_confirmed(void **state)
{
    struct fixture *f = *state;

    start_all(f);
    wait_for_a_second_page();
    wait_for_a_second_page();
    type("c");
    expect_words("Do it");
    type("n");
    expect_words("nothing was done");
    assert_int_equal(f->agent.asked.compactions, 0);
    type("c");
    expect_words("compact web-1: would bring back ");
    assert_int_equal(f->agent.asked.compactions, 0);
    type("y");
    expect_words("web-1 compact was ordered");
    expect(f->agent.asked.compactions == 1, "the guest's compaction");
    expect_words("web-1 compact by ");
    expect_recorded(f, "cli");
    end_by_key();
}

/* One action runs on a VM at a time, and the person reads why theirs does not. */
static void test_an_action_is_refused(void **state)
{
    struct fixture *f = *state;

    start_all(f);
    f->agent.holds = true;
    type("c");
    expect_words("Do it");
    type("y");
    expect(f->agent.asked.compactions == 1, "the guest's compaction");
    expect_words("compact...");
    type("r");
    expect_words("reclaim web-1 would be refused: ");
    type("y");
    expect_words("web-1 reclaim not done:");
    expect_words("compact");
    fake_agent_answer(&f->agent);
    expect_gone("compact...");
    end_by_key();
}

static void test_who_leaves_is_told_what_goes_on(void **state)
{
    struct fixture *f = *state;

    start_all(f);
    f->agent.holds = true;
    type("c");
    expect_words("Do it");
    type("y");
    expect(f->agent.asked.compactions == 1, "the guest's compaction");
    type("q");
    expect_end();
    expect_words("vmreclaim: 1 action goes on; see: vmreclaim actions");
    close(top.ours);
    fake_agent_answer(&f->agent);
}

static void test_a_window_that_changes(void **state)
{
    start_all(*state);
    set_size(10, 40);
    expect_words("1 VM holds 1000.0 MiB");
    expect_words("web-1 1000.0 MiB");
    set_size(5, 30);
    expect_words("too small: 30x5, top needs");
    set_size(40, 120);
    expect_words("MEMORY ON THE HOST, BY USE");
    expect_words("web-1 1000.0 MiB");
    end_by_key();
}

static void test_a_daemon_that_restarts(void **state)
{
    struct fixture *f = *state;

    start_all(f);
    stop_daemon(f, 0);
    expect_words("THE DAEMON DOES NOT ANSWER");
    expect_words("web-1 1000.0 MiB");
    type("c");
    expect_words("Do it");
    type("y");
    expect_words("the daemon does not answer: nothing was done");
    start_daemon(f, NULL);
    expect_gone("THE DAEMON DOES NOT ANSWER");
    expect_words("the daemon answers again");
    end_by_key();
}

/* Whether the guest did it, nobody knows. */
static void test_a_daemon_that_goes_away_in_an_action(void **state)
{
    struct fixture *f = *state;

    start_all(f);
    f->agent.holds = true;
    type("c");
    expect_words("Do it");
    type("y");
    expect(f->agent.asked.compactions == 1, "the guest's compaction");
    crash_daemon(f);
    expect_words("web-1 compact may still go on:");
    assert_false(sees("not done"));
    start_daemon(f, NULL);
    expect_gone("THE DAEMON DOES NOT ANSWER");
    end_by_key();
}

/* The daemon answers, and knows no more than we do. */
static void test_an_agent_that_goes_away_in_an_action(void **state)
{
    struct fixture *f = *state;

    start_all(f);
    f->agent.holds = true;
    type("c");
    expect_words("Do it");
    type("y");
    expect(f->agent.asked.compactions == 1, "the guest's compaction");
    fake_agent_drop(&f->agent);
    expect_words("web-1 compact failed:");
    assert_false(sees("not done"));
    end_by_key();
}

static void test_signals_leave_the_terminal_as_it_was(void **state)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGQUIT, SIGHUP};

    start_all(*state);
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
        if (signals[i] == SIGINT)
            type("\x03"); /* as a person does */
        else
            assert_int_equal(kill(top.pid, signals[i]), 0);
        expect_end();
        assert_true(WIFSIGNALED(top.status));
        assert_int_equal(WTERMSIG(top.status), signals[i]);
        expect_terminal_restored();
        close(top.ours);
        start_top(*state, "xterm");
        expect_words("web-1");
    }
    end_by_key();
}

/* Nobody who could wake it has started it: it goes on. */
static void test_a_stop_without_a_shell(void **state)
{
    start_all(*state);
    type("\x1a");
    set_size(24, 100);
    expect_words("web-1 1000.0 MiB");
    end_by_key();
}

/* Under a shell with job control the terminal is the shell's meanwhile. */
static void test_a_stop_by_job_control(void **state)
{
    struct fixture *f = *state;
    char line[256];
    char *const arguments[] = {text("/bin/bash"), text("--norc"), text("--noprofile"), text("-i"),
                               NULL};

    start_all(f);
    end_by_key();
    start_in_terminal(f, arguments, "xterm");
    snprintf(line, sizeof(line), "PS1='ready> '; %s --api unix:%s/api.sock top\r", command,
             f->directory);
    type(line);
    expect_words("web-1 1000.0 MiB");
    type("\x1a");
    expect_words("Stopped");
    expect_words("ready>");
    assert_false(top.terminal.is_other_screen);
    type("echo al''ive\r");
    expect_words("alive");
    type("fg\r");
    expect_words("web-1 1000.0 MiB");
    expect_words("?:help");
    type("q");
    expect_words("ready>");
    assert_false(top.terminal.is_other_screen);
    type("exit\r");
    expect_end();
    close(top.ours);
}

/* An ssh that runs the command here. It asks and says something, which is not on the screen. */
static void put_ssh(const struct fixture *f)
{
    char path[512];
    char line[512];
    FILE *file;

    snprintf(path, sizeof(path), "%s/ssh", f->directory);
    file = fopen(path, "we");
    assert_non_null(file);
    snprintf(line, sizeof(line),
             "#!/bin/sh\necho noise of ssh >&2\nwhile [ \"$1\" != vmreclaim ]; do shift; done\n"
             "shift\nexec %s \"$@\"\n",
             command);
    assert_true(fputs(line, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0755), 0);
    snprintf(path, sizeof(path), "%s:%s", f->directory, getenv("PATH"));
    assert_int_equal(setenv("PATH", path, 1), 0);
}

static void test_another_host(void **state)
{
    struct fixture *f = *state;
    char *before = strdup(getenv("PATH"));
    char api[128];
    char *const arguments[] = {
        text(command), text("--host"), text("ssh://host2"), text("--api"), api, text("top"), NULL};

    start_all(f);
    end_by_key();
    put_ssh(f);
    snprintf(api, sizeof(api), "unix:%s/api.sock", f->directory);
    start_in_terminal(f, arguments, "xterm");
    expect_words("web-1 1000.0 MiB");
    stop_daemon(f, 0);
    expect_words("THE DAEMON DOES NOT ANSWER");
    start_daemon(f, NULL);
    expect_words("the daemon answers again");
    assert_false(terminal_has(&top.terminal, "noise"));
    end_by_key();
    assert_int_equal(setenv("PATH", before, 1), 0);
    free(before);
}

static void test_without_colours(void **state)
{
    assert_int_equal(setenv("NO_COLOR", "1", 1), 0);
    start_all(*state);
    expect_words("UUUUU");
    assert_false(top.terminal.was_coloured);
    end_by_key();
    assert_int_equal(unsetenv("NO_COLOR"), 0);
}

static void expect_refused(int code, const char *words)
{
    expect_end();
    expect_words(words);
    assert_true(WIFEXITED(top.status));
    assert_int_equal(WEXITSTATUS(top.status), code);
    expect_terminal_restored();
    close(top.ours);
}

static void test_terminals_that_will_not_do(void **state)
{
    struct fixture *f = *state;
    char line[256];

    start_all(f);
    end_by_key();
    start_top(f, "dumb");
    expect_refused(2, "the terminal \"dumb\" cannot place text");
    start_top(f, "no-such-terminal");
    expect_refused(2, "the terminal \"no-such-terminal\" cannot place text");
    snprintf(line, sizeof(line), "%s --api unix:%s/api.sock top </dev/null 2>/dev/null", command,
             f->directory);
    assert_int_equal(WEXITSTATUS(system(line)), 2);
}

static void test_no_daemon(void **state)
{
    start_top(*state, "xterm");
    expect_refused(4, "vmreclaim: cannot reach the daemon");
}

#define top_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        top_test(test_the_host_and_its_vms),
        top_test(test_details_in_words),
        top_test(test_an_action_is_confirmed),
        top_test(test_an_action_is_refused),
        top_test(test_who_leaves_is_told_what_goes_on),
        top_test(test_a_window_that_changes),
        top_test(test_a_daemon_that_restarts),
        top_test(test_a_daemon_that_goes_away_in_an_action),
        top_test(test_an_agent_that_goes_away_in_an_action),
        top_test(test_signals_leave_the_terminal_as_it_was),
        top_test(test_a_stop_without_a_shell),
        top_test(test_a_stop_by_job_control),
        top_test(test_another_host),
        top_test(test_without_colours),
        top_test(test_terminals_that_will_not_do),
        top_test(test_no_daemon),
    };

    assert_true(argc == 3);
    program = argv[1];
    command = argv[2];
    assert_non_null(setlocale(LC_ALL, "C.UTF-8"));
    assert_int_equal(unsetenv("NO_COLOR"), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
