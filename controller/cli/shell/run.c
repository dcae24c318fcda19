/* A process for each command: options live in static variables, and an interrupt ends a command. */
#include "controller/cli/shell/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The rest of a script is no command's input. */
static void take_standard_input(void)
{
    int nothing = isatty(STDIN_FILENO) ? -1 : open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (nothing >= 0)
        (void)dup2(nothing, STDIN_FILENO);
}

/* Without what is for the end of the whole program: a script is read on where it was. */
static _Noreturn void run_here(struct cli *cli, char **words, size_t count, int output)
{
    char **arguments = calloc(count + 2, sizeof(char *));
    int code = EXIT_FAILED;

    if (output >= 0)
        (void)dup2(output, STDOUT_FILENO);
    take_standard_input();
    if (arguments != NULL) {
        memcpy(arguments + 1, words, count * sizeof(char *));
        code = command_run(cli, (int)count + 1, arguments);
    }
    if (fflush(stdout) != 0 && code == EXIT_DONE)
        code = EXIT_FAILED;
    _exit(code);
}

static int wait_for(pid_t process)
{
    int status;

    while (waitpid(process, &status, 0) < 0)
        if (errno != EINTR)
            return fail(EXIT_FAILED, "cannot wait for a command: %s", strerror(errno));
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    if (WTERMSIG(status) == SIGINT)
        return SHELL_INTERRUPTED;
    return fail(EXIT_FAILED, "the command was ended: %s", strsignal(WTERMSIG(status)));
}

int shell_run(const struct cli *cli, char **words, size_t count, int output)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction interrupt;
    struct sigaction quit;
    struct cli own = *cli;
    pid_t process;
    int code;

    (void)fflush(stdout);
    (void)sigaction(SIGINT, &ignore, &interrupt);
    (void)sigaction(SIGQUIT, &ignore, &quit);
    process = fork();
    if (process == 0) {
        (void)sigaction(SIGINT, &interrupt, NULL);
        (void)sigaction(SIGQUIT, &quit, NULL);
        run_here(&own, words, count, output);
    }
    code = process < 0 ? fail(EXIT_FAILED, "cannot run a command: %s", strerror(errno))
                       : wait_for(process);
    (void)sigaction(SIGINT, &interrupt, NULL);
    (void)sigaction(SIGQUIT, &quit, NULL);
    return code;
}
