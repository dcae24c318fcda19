/* vmreclaim shell: one command after the other, typed or from a file. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/text.h"
#include "controller/cli/selector.h"
#include "controller/cli/shell/prompt.h"
#include "controller/cli/shell/run.h"
#include "controller/cli/shell/words.h"

struct shell {
    const struct cli *cli;
    bool has_ended; /* by `exit` */
    int code;       /* the worst so far */
};

static bool is_end(const char *word)
{
    return strcmp(word, "exit") == 0 || strcmp(word, "quit") == 0;
}

/* What is typed by habit before each is left out. */
static int run_words(struct shell *shell, const struct shell_words *words)
{
    size_t skipped = words->count > 0 && strcmp(words->list[0], "vmreclaim") == 0;
    char **list = words->list + skipped;
    size_t count = words->count - skipped;

    if (count == 0)
        return EXIT_DONE;
    if (count == 1 && is_end(list[0])) {
        shell->has_ended = true;
        return EXIT_DONE;
    }
    return shell_run(shell->cli, list, count, -1);
}

/* Its commands, one after the other, until one is interrupted; else the worst code. */
static int run_line(struct shell *shell, const char *line)
{
    struct shell_words words = {.is_followed = true};
    int worst = EXIT_DONE;

    while (words.is_followed && !shell->has_ended) {
        int r = shell_words_take(&line, &words);
        int code = r == -EINVAL   ? fail(EXIT_USAGE, "the quote %c is not closed", words.quote)
                   : r == -ENOMEM ? fail(EXIT_FAILED, "out of memory")
                                  : run_words(shell, &words);

        shell_words_finish(&words);
        if (code == SHELL_INTERRUPTED)
            return code;
        worst = worse_code(worst, code);
    }
    return worst;
}

/* ---- on a terminal ---- */

static int run_terminal(struct shell *shell)
{
    char text[320] = "vmreclaim> ";
    const char *line = "";

    if (shell->cli->host != NULL)
        text_format(text, sizeof(text), "vmreclaim %s> ", shell->cli->host);
    if (!prompt_begin(text, shell->cli))
        return fail(EXIT_FAILED, "shell: the terminal cannot be used; commands from a file can: "
                                 "vmreclaim shell < FILE");
    puts("Commands as behind \"vmreclaim\"; help lists them, Tab completes, exit ends.");
    while (!shell->has_ended && line != NULL) {
        line = prompt_read();
        /* Ctrl-C and Ctrl-D leave the cursor behind what stood there. */
        if (line == NULL || run_line(shell, line) == SHELL_INTERRUPTED)
            putchar('\n');
    }
    prompt_end();
    return EXIT_DONE;
}

/* ---- from a file ---- */

/* As if it had been interrupted itself, which its caller sees. */
static int end_by_interrupt(void)
{
    (void)signal(SIGINT, SIG_DFL);
    (void)raise(SIGINT);
    return EXIT_FAILED;
}

/* Like virsh it goes on after a command that failed; its own end says so. */
static int run_file(struct shell *shell)
{
    char *line = NULL;
    size_t size = 0;
    size_t number = 0;

    while (!shell->has_ended && getline(&line, &size, stdin) >= 0) {
        int code = run_line(shell, line);

        number++;
        if (code == SHELL_INTERRUPTED) {
            free(line);
            return end_by_interrupt();
        }
        if (code != EXIT_DONE)
            (void)fail(code, "line %zu: exit status %d", number, code);
        shell->code = worse_code(shell->code, code);
    }
    free(line);
    return shell->code;
}

static int run(struct cli *cli, char **operands)
{
    struct shell shell = {.cli = cli};

    if (cli->json || cli->output != NULL)
        return fail(EXIT_USAGE, "shell: -o and --json go with each command in it");
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) ? run_terminal(&shell) : run_file(&shell);
}

const struct command command_shell = {
    .name = "shell",
    .operands = "",
    .summary = "a prompt for one command after the other",
    .description =
        "Takes commands without \"vmreclaim\" before them: several on a line with ';' between, in\n"
        "quotes what has blanks, behind '#' what is for people. Tab completes as in a shell,\n"
        "Ctrl-R searches what was typed before, which is kept in ~/.local/state/vmreclaim.\n"
        "Ctrl-C ends the command that runs, or leaves the line; exit, quit and Ctrl-D end the\n"
        "prompt. Options given to it, as --host, hold for each command.\n\n"
        "From a file or a pipe every command runs, also after one that failed, which is said\n"
        "with its line; the exit status is the worst.",
    .example = "vmreclaim shell\n  vmreclaim shell < evening",
    .see_also = "help",
    .run = run,
};
