/* Watching: what a command prints is taken into memory, and compared with what it printed before.
 */
#include "controller/cli/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/base/util.h"
#include "controller/cli/changes.h"
#include "controller/cli/text-width.h"

/* What is measured is looked at so often; what happens shows at once, but not more often. */
#define INTERVAL       (2 * NSEC_PER_SEC)
#define SHORT_INTERVAL (500 * NSEC_PER_MSEC)

enum { HEIGHT = 24 };

/* What is on the terminal. */
struct frame {
    char *text;
    size_t lines;
};

/* The command's output. An exit code; `*ret_text` is the caller's in any case, and may be NULL. */
static int capture(struct cli *cli, const struct command *command, char **operands, char **ret_text)
{
    FILE *output = stdout;
    size_t size;
    FILE *memory;
    int code;

    *ret_text = NULL;
    memory = open_memstream(ret_text, &size);
    if (memory == NULL)
        return fail(EXIT_FAILED, "out of memory");
    stdout = memory; /* a variable as any other, says the manual of the GNU C Library */
    code = command->run(cli, operands);
    stdout = output;
    return fclose(memory) == 0 ? code : fail(EXIT_FAILED, "out of memory");
}

static size_t terminal_height(void)
{
    struct winsize size;

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row < 3 ? HEIGHT : size.ws_row;
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;

    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

/* How many bytes of a line the terminal has room for. Colours take none. */
static size_t fit_line(const char *line, size_t length, size_t columns)
{
    size_t used = 0;

    while (used < length) {
        size_t piece = strcspn(line + used, "\x1b");
        size_t fits;

        piece = min_of(piece, length - used);
        fits = text_fit_width_of(line + used, piece, columns);
        used += fits;
        if (fits < piece)
            return used;
        columns -= text_width_of(line + used - piece, piece);
        used += min_of(strcspn(line + used, "m") + 1, length - used);
    }
    return used;
}

/* The terminal is asked for nothing that would stay when we are interrupted in the midst: lines are
 * cut here, because it would have to be told not to break them. What stood there goes first: behind
 * a line that reaches the last column, that column would go. */
static void draw_line(const char *line, size_t length)
{
    size_t fits = fit_line(line, length, terminal_width());

    printf("\x1b[K%.*s%s\n", (int)fits, line, fits < length ? "\x1b[m" : "");
}

/* Over the old frame, without a line that the terminal would break or scroll away. */
static void draw(struct frame *frame)
{
    size_t lines = count_lines(frame->text);
    size_t room = terminal_height() - 1;
    size_t shown = lines > room ? room - 1 : lines;
    const char *text = frame->text;

    if (frame->lines > 0)
        printf("\x1b[%zuA\r", frame->lines);
    for (size_t i = 0; i < shown; i++) {
        size_t length = strcspn(text, "\n");

        draw_line(text, length);
        text += length + 1;
    }
    if (shown < lines)
        printf("\x1b[K%zu more lines; the terminal has no room for them\n", lines - shown);
    printf("\x1b[J");
    frame->lines = shown + (shown < lines);
}

static bool is_terminal(void)
{
    return isatty(STDOUT_FILENO);
}

/* Takes the text. False: nobody reads it. */
static bool show(struct frame *frame, char *text)
{
    bool is_first = frame->text == NULL;
    bool is_same = !is_first && strcmp(frame->text, text) == 0;

    free(frame->text);
    frame->text = text;
    if (is_terminal())
        draw(frame);
    else if (!is_same)
        printf("%s", text);
    return fflush(stdout) == 0;
}

int watch_command(struct cli *cli, const struct command *command, char **operands)
{
    struct frame frame = {.text = NULL};
    struct changes changes;
    char *text;
    int code = capture(cli, command, operands, &text);

    if (code != EXIT_DONE || changes_start(&changes, cli) < 0) {
        free(text);
        return code != EXIT_DONE ? code : fail(EXIT_FAILED, "out of memory");
    }
    while (show(&frame, text) && changes_wait(&changes, SHORT_INTERVAL, INTERVAL)) {
        code = capture(cli, command, operands, &text);
        if (code != EXIT_DONE) {
            free(text);
            break;
        }
    }
    free(frame.text);
    changes_stop(&changes);
    return code;
}
