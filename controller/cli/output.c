/* Words on the terminal. Text may come from a guest: nothing in it may steer the terminal.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/base/text.h"
#include "controller/cli/cli.h"

/* What may not be shown is one '?', whatever it took. */
static void write_text(FILE *stream, const char *text, enum text_lines lines)
{
    size_t left = strlen(text);
    size_t step;
    bool safe;

    for (; (step = text_take(text, left, lines, &safe)) > 0; text += step, left -= step)
        (void)fwrite(safe ? text : "?", 1, safe ? step : 1, stream);
}

int fail(int code, const char *format, ...)
{
    char text[1024];
    va_list arguments;

    va_start(arguments, format);
    text_format_list(text, sizeof(text), format, arguments);
    va_end(arguments);
    text_wrap(text, min_of(terminal_width(), (size_t)READABLE_WIDTH), strlen("vmreclaim: "));
    (void)fflush(stdout);
    fputs("vmreclaim: ", stderr);
    write_text(stderr, text, TEXT_LINES);
    fputc('\n', stderr);
    return code;
}

void print_text(const char *text)
{
    write_text(stdout, text, TEXT_ONE_LINE);
}

void print_lines(const char *text)
{
    write_text(stdout, text, TEXT_LINES);
}

size_t terminal_width(void)
{
    struct winsize size;

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 ? 80 : size.ws_col;
}
