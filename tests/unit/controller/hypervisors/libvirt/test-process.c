/* Processes of domains: where libvirt tells of them, which are a domain's, which may be asked. */
#include "tests/lib/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/hypervisors/libvirt/process.h"

#define UUID  "20b51cfa-8eec-4c75-991e-533a30ba5819"
#define OTHER "20b51cfa-8eec-4c75-991e-533a30ba5818"

/* A process with a hypervisor's words on its command line; it reads until we close. */
static pid_t start(const char *more, int *ret_end)
{
    int ends[2];
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    if (pid == 0) {
        (void)dup2(ends[0], STDIN_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        execl("/bin/sh", "sh", "-c", "read word; exit", "qemu", "-name", "guest=a", "-uuid", UUID,
              more, (char *)NULL);
        _exit(1);
    }
    (void)close(ends[0]);
    *ret_end = ends[1];
    return pid;
}

static void end(pid_t pid, int end)
{
    (void)kill(pid, SIGCONT);
    (void)close(end);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Until it is what we started. */
static void await_words(pid_t pid)
{
    bool is_incoming;

    while (!process_is_domain(pid, UUID, &is_incoming))
        (void)usleep(1000);
}

static void test_which_is_a_domains(void **state)
{
    bool is_incoming = true;
    int hold;
    pid_t pid = start("-S", &hold);

    await_words(pid);
    assert_true(process_is_domain(pid, UUID, &is_incoming));
    assert_false(is_incoming);
    assert_false(process_is_domain(pid, OTHER, &is_incoming));
    assert_false(process_is_domain(getpid(), UUID, &is_incoming));
    end(pid, hold);
    assert_false(process_is_domain(pid, UUID, &is_incoming));
}

static void test_which_came_from_elsewhere(void **state)
{
    bool is_incoming = false;
    int hold;
    pid_t pid = fork();

    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", "kill -STOP $$", "qemu", "-uuid", UUID, "-incoming", "defer",
              (char *)NULL);
        _exit(1);
    }
    await_words(pid);
    assert_true(process_is_domain(pid, UUID, &is_incoming));
    assert_true(is_incoming);
    hold = dup(STDERR_FILENO);
    (void)waitpid(pid, NULL, WUNTRACED);
    end(pid, hold);
}

static void test_which_may_be_asked(void **state)
{
    int hold;
    pid_t pid = start("-S", &hold);

    await_words(pid);
    assert_null(process_trouble(0)); /* not known: libvirt knows more */
    assert_int_equal(kill(pid, SIGSTOP), 0);
    assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
    assert_string_equal(process_trouble(pid), "is stopped (T)");
    assert_int_equal(kill(pid, SIGCONT), 0);
    assert_int_equal(waitpid(pid, NULL, WCONTINUED), pid);
    while (process_trouble(pid) != NULL)
        (void)usleep(1000);
    (void)close(hold);
    assert_int_equal(waitid(P_PID, (id_t)pid, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
    assert_string_equal(process_trouble(pid), "has ended (Z)");
    (void)waitpid(pid, NULL, 0);
    assert_null(process_trouble(pid)); /* nobody */
}

static void assert_directory(const char *uri, const char *directory)
{
    char text[256];

    process_directory(uri, text, sizeof(text));
    assert_string_equal(text, directory);
}

static void test_where_libvirt_tells_of_them(void **state)
{
    assert_int_equal(setenv("XDG_RUNTIME_DIR", "/run/user/7", 1), 0);
    assert_directory("qemu:///system", "/run/libvirt/qemu");
    assert_directory("qemu:///session", "/run/user/7/libvirt/qemu/run");
    assert_directory("qemu+unix:///system?socket=/srv/libvirt/libvirt-sock", "/srv/libvirt/qemu");
    assert_directory("qemu+unix:///session?mode=direct&socket=/home/a/libvirt/virtqemud-sock",
                     "/home/a/libvirt/qemu/run");
}

static void test_found_by_its_file(void **state)
{
    char directory[] = "/tmp/vmreclaim-process.XXXXXX";
    char path[128];
    char uri[128];
    FILE *file;
    int hold;
    pid_t pid = start("-S", &hold);

    await_words(pid);
    assert_non_null(mkdtemp(directory));
    snprintf(uri, sizeof(uri), "qemu+unix:///system?socket=%s/sock", directory);
    snprintf(path, sizeof(path), "%s/qemu", directory);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(process_find(uri, "web-1", UUID), 0);
    snprintf(path, sizeof(path), "%s/qemu/web-1.pid", directory);
    file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "%d\n", (int)pid);
    (void)fclose(file);
    assert_int_equal(process_find(uri, "web-1", UUID), pid);
    assert_int_equal(process_find(uri, "web-1", OTHER), 0); /* the file is old */
    end(pid, hold);
    assert_int_equal(process_find(uri, "web-1", UUID), 0);
    (void)unlink(path);
    snprintf(path, sizeof(path), "%s/qemu", directory);
    (void)rmdir(path);
    (void)rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_is_a_domains),
        cmocka_unit_test(test_which_came_from_elsewhere),
        cmocka_unit_test(test_which_may_be_asked),
        cmocka_unit_test(test_where_libvirt_tells_of_them),
        cmocka_unit_test(test_found_by_its_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
