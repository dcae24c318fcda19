/* Editors. */
#include "controller/cli/editor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/cli/cli.h"
#include "controller/cli/policy-file.h"

int editor_init(struct editor *editor, const char *name)
{
    const char *directory = getenv("TMPDIR");
    int length;
    int file;

    if (directory == NULL || directory[0] == '\0')
        directory = "/tmp";
    length =
        snprintf(editor->path, sizeof(editor->path), "%s/vmreclaim-XXXXXX-%s", directory, name);
    if (length < 0 || (size_t)length >= sizeof(editor->path))
        return -ENAMETOOLONG;
    file = mkostemps(editor->path, (int)strlen(name) + 1, O_CLOEXEC);
    if (file < 0)
        return -errno;
    close(file);
    return 0;
}

void editor_finish(const struct editor *editor)
{
    (void)unlink(editor->path);
}

/* Into the file that is there: whoever is root does not follow another's link. */
static int write_text(const char *path, const char *text)
{
    size_t length = strlen(text);
    int file = open(path, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);
    bool is_whole = file >= 0 && write(file, text, length) == (ssize_t)length;

    if (file >= 0)
        close(file);
    return is_whole ? EXIT_DONE
                    : fail(EXIT_FAILED, "cannot write to %s: %s", path, strerror(errno));
}

static const char *name_of_editor(void)
{
    const char *name = getenv("VISUAL");

    if (name == NULL || name[0] == '\0')
        name = getenv("EDITOR");
    return name == NULL || name[0] == '\0' ? "vi" : name;
}

/* By a shell, for $EDITOR may have options. An interrupt is the editor's. Its status, or -errno. */
static int spawn_and_wait(const char *editor, const char *path)
{
    char line[1024];
    const char *const arguments[] = {"sh", "-c", line, editor, path, NULL};
    sigset_t back_to_default;
    posix_spawnattr_t attributes;
    pid_t process;
    int status = 0;
    int r;

    if ((size_t)snprintf(line, sizeof(line), "%s \"$@\"", editor) >= sizeof(line))
        return -ENAMETOOLONG;
    (void)sigemptyset(&back_to_default);
    (void)sigaddset(&back_to_default, SIGINT);
    (void)sigaddset(&back_to_default, SIGQUIT);
    (void)sigaddset(&back_to_default, SIGPIPE);
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawnattr_setsigdefault(&attributes, &back_to_default);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    r = posix_spawn(&process, "/bin/sh", NULL, &attributes, (char *const *)(const void *)arguments,
                    environ);
    (void)posix_spawnattr_destroy(&attributes);
    if (r != 0)
        return -r;
    while (waitpid(process, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

static int edit(const char *path)
{
    const char *editor = name_of_editor();
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction interrupt;
    struct sigaction quit;
    int status;

    (void)fflush(stdout);
    (void)sigaction(SIGINT, &ignore, &interrupt);
    (void)sigaction(SIGQUIT, &ignore, &quit);
    status = spawn_and_wait(editor, path);
    (void)sigaction(SIGINT, &interrupt, NULL);
    (void)sigaction(SIGQUIT, &quit, NULL);
    if (status == 127)
        return fail(EXIT_FAILED, "cannot run \"%s\"; set VISUAL or EDITOR to the editor you want",
                    editor);
    if (status < 0)
        return fail(EXIT_FAILED, "\"%s\": %s", editor, strerror(-status));
    return status == 0
               ? EXIT_DONE
               : fail(EXIT_FAILED, "\"%s\" ended with %d; nothing was done", editor, status);
}

int editor_run(const struct editor *editor, const char *text, char **ret_text)
{
    int code = write_text(editor->path, text);

    if (code == EXIT_DONE)
        code = edit(editor->path);
    return code == EXIT_DONE ? policy_file_read(editor->path, ret_text) : code;
}
