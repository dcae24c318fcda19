/* Other programs. */
#include "controller/cli/run-program.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/cleanup.h"

/* In memory only: what the program reads or has written. */
static int make_file(const char *text)
{
    cleanup_close int file = memfd_create("vmreclaim", MFD_CLOEXEC);
    size_t length = text == NULL ? 0 : strlen(text);

    if (file < 0)
        return -errno;
    if (length > 0 &&
        (write(file, text, length) != (ssize_t)length || lseek(file, 0, SEEK_SET) < 0))
        return -EIO;
    return take_descriptor(file);
}

static int read_back(int file, char **ret_text)
{
    off_t size = lseek(file, 0, SEEK_END);
    char *text;

    if (size < 0 || size > PROGRAM_OUTPUT_MAX)
        return size < 0 ? -errno : -EFBIG;
    text = calloc(1, (size_t)size + 1);
    if (text == NULL)
        return -ENOMEM;
    if (pread(file, text, (size_t)size, 0) != size) {
        free(text);
        return -EIO;
    }
    *ret_text = text;
    return 0;
}

static int spawn(const char *const *arguments, int input, int output, pid_t *ret_process)
{
    posix_spawn_file_actions_t actions;
    int r = -posix_spawn_file_actions_init(&actions);

    if (r < 0)
        return r;
    r = -posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    if (r == 0 && output >= 0)
        r = -posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (r == 0)
        r = -posix_spawnp(ret_process, arguments[0], &actions, NULL,
                          (char *const *)(const void *)arguments, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    return r;
}

int run_program(const char *const *arguments, const char *input, char **ret_output)
{
    cleanup_close int in = make_file(input);
    cleanup_close int out = ret_output == NULL ? -1 : make_file(NULL);
    pid_t process;
    int status = 0;
    int r;

    if (in < 0 || (ret_output != NULL && out < 0))
        return in < 0 ? in : out;
    r = spawn(arguments, in, out, &process);
    if (r < 0)
        return r;
    while (waitpid(process, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    if (!WIFEXITED(status))
        return -EINTR;
    if (ret_output != NULL)
        r = read_back(out, ret_output);
    return r < 0 ? r : WEXITSTATUS(status);
}
