/* diff(1) on two files in memory. What it prints passes through here, because a policy's text may
 * hold what steers a terminal. */
#include "controller/cli/text-diff.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "controller/cli/cli.h"

/* diff's own exit status. */
enum { DIFF_SAME = 0, DIFF_OTHER = 1 };

struct comparison {
    int old_file;
    int new_file;
    pid_t process;
    FILE *output; /* of diff */
};

/* A file without a name that diff can open. -errno. */
static int make_file(const char *text)
{
    cleanup_close int file = memfd_create("policy", 0);
    size_t length = strlen(text);

    if (file < 0)
        return -errno;
    if (write(file, text, length) != (ssize_t)length)
        return -EIO;
    return take_descriptor(file);
}

static int start(struct comparison *comparison, const char *old_label, const char *new_label)
{
    char old_path[32];
    char new_path[32];
    const char *const arguments[] = {"diff",    "-u",     "--label", old_label, "--label",
                                     new_label, old_path, new_path,  NULL};
    posix_spawn_file_actions_t actions;
    int ends[2];
    int r;

    snprintf(old_path, sizeof(old_path), "/dev/fd/%d", comparison->old_file);
    snprintf(new_path, sizeof(new_path), "/dev/fd/%d", comparison->new_file);
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    (void)posix_spawn_file_actions_init(&actions);
    r = -posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    if (r == 0)
        r = -posix_spawnp(&comparison->process, "diff", &actions, NULL,
                          (char *const *)(const void *)arguments, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    comparison->output = r == 0 ? fdopen(ends[0], "r") : NULL;
    if (comparison->output == NULL)
        close(ends[0]);
    return r;
}

/* Prints what diff says, and waits for its end. */
static int finish(struct comparison *comparison)
{
    cleanup_free char *line = NULL;
    size_t size = 0;
    int status;

    while (comparison->output != NULL && getline(&line, &size, comparison->output) >= 0)
        print_lines(line);
    if (waitpid(comparison->process, &status, 0) < 0 || !WIFEXITED(status) ||
        WEXITSTATUS(status) > DIFF_OTHER)
        return fail(EXIT_FAILED, "diff could not compare the texts");
    if (WEXITSTATUS(status) == DIFF_SAME)
        puts("no difference");
    return EXIT_DONE;
}

int text_diff(const struct text_side *old_side, const struct text_side *new_side)
{
    cleanup_close int old_file = make_file(old_side->text);
    cleanup_close int new_file = make_file(new_side->text);
    struct comparison comparison = {.old_file = old_file, .new_file = new_file};
    int r = old_file < 0 ? old_file : new_file;

    if (r >= 0)
        r = start(&comparison, old_side->label, new_side->label);
    if (r < 0)
        return fail(EXIT_FAILED, "cannot run diff: %s%s", strerror(-r),
                    r == -ENOENT ? "; install diffutils" : "");
    r = finish(&comparison);
    if (comparison.output != NULL)
        (void)fclose(comparison.output);
    return r;
}
