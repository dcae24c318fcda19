/* Tests in processes of their own. */
#include "tests/component/controller/parallel.h"
#include "tests/component/controller/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

void child_start(struct child *child, char *const *arguments)
{
    child->output = memfd_create("output", MFD_CLOEXEC);
    child->pid = child->output < 0 ? -1 : fork();
    if (child->pid < 0)
        abort();
    if (child->pid > 0)
        return;
    (void)dup2(child->output, STDOUT_FILENO);
    (void)dup2(child->output, STDERR_FILENO);
    (void)execv("/proc/self/exe", arguments);
    _exit(127);
}

int children_wait(struct child *children, size_t count)
{
    int status;
    pid_t pid = waitpid(-1, &status, 0);

    for (size_t i = 0; pid > 0 && i < count; i++) {
        if (children[i].pid != pid)
            continue;
        children[i].pid = 0;
        children[i].status = status;
        return (int)i;
    }
    return -1;
}

void child_print(const struct child *child)
{
    char text[4096];
    ssize_t n;

    (void)lseek(child->output, 0, SEEK_SET);
    while ((n = read(child->output, text, sizeof(text))) > 0)
        (void)fwrite(text, 1, (size_t)n, stdout);
    (void)fflush(stdout);
    close(child->output);
}

/* The next tests, as long as there is room. */
static size_t start_more(char **argv, const struct CMUnitTest *tests, size_t count,
                         struct child *children, size_t started, size_t ended)
{
    for (; started < count && started - ended < PARALLEL_MAX; started++) {
        char *const arguments[] = {argv[0], argv[1], (char *)tests[started].name, NULL};

        child_start(&children[started], arguments);
    }
    return started;
}

int run_apart(int argc, char **argv, const struct CMUnitTest *tests, size_t count)
{
    struct child *children = calloc(count, sizeof(*children));
    size_t started = 0;
    size_t failed = 0;

    if (argc < 2 || children == NULL)
        return 2;
    program = argv[1];
    signal(SIGPIPE, SIG_IGN);
    if (argc > 2) {
        cmocka_set_test_filter(argv[2]);
        free(children);
        return _cmocka_run_group_tests(argv[2], tests, count, NULL, NULL);
    }
    for (size_t ended = 0; ended < count; ended++) {
        int i;

        started = start_more(argv, tests, count, children, started, ended);
        i = children_wait(children, started);
        if (i < 0)
            return 2;
        child_print(&children[i]);
        failed += children[i].status != 0;
    }
    printf("%zu of %zu tests failed\n", failed, count);
    free(children);
    return failed > 0;
}
