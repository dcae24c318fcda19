/* Words and JSON on the terminal. Text may come from a guest: nothing in it may steer the terminal.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/text.h"
#include "controller/cli/cli.h"
#include "controller/json/json.h"

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
    (void)text_format_list(text, sizeof(text), format, arguments);
    va_end(arguments);
    (void)fflush(stdout);
    (void)fputs("vmreclaim: ", stderr);
    write_text(stderr, text, TEXT_LINES);
    (void)fputc('\n', stderr);
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

enum { WRAP_WIDTH_MAX = 100 };

size_t terminal_width(void)
{
    struct winsize size;

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 ? 80 : size.ws_col;
}

/* Columns of the first `length` bytes: those that do not continue a character of UTF-8. */
static size_t columns_of(const char *text, size_t length)
{
    size_t columns = 0;

    for (size_t i = 0; i < length; i++)
        columns += ((unsigned char)text[i] & 0xc0) != 0x80;
    return columns;
}

void print_wrapped(const char *first, const char *text)
{
    size_t indent = columns_of(first, strlen(first));
    size_t limit = min_of(terminal_width(), (size_t)WRAP_WIDTH_MAX);
    size_t width = max_of(limit, indent + 20);
    size_t column = indent;

    (void)fputs(first, stdout);
    for (const char *word = text + strspn(text, " "); *word != '\0'; word += strspn(word, " ")) {
        char buffer[512];
        size_t length = text_fit(word, strcspn(word, " "), sizeof(buffer) - 1);
        size_t columns = columns_of(word, length);

        if (column > indent && column + 1 + columns > width) {
            (void)printf("\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            (void)putchar(' ');
            column++;
        }
        memcpy(buffer, word, length);
        buffer[length] = '\0';
        print_text(buffer);
        column += columns;
        word += length;
    }
    (void)putchar('\n');
}

void print_json_text(const char *text, size_t length)
{
    size_t step;
    bool safe;

    for (; (step = text_take(text, length, TEXT_LINES, &safe)) > 0; text += step, length -= step)
        if (safe)
            (void)fwrite(text, 1, step, stdout);
        else
            (void)printf("\\u%04" PRIx32, text_character(text, length) == 0
                                              ? (uint32_t)'?'
                                              : text_code_point(text, step));
}

int print_json(const ProtobufCMessage *message)
{
    json_t *json;
    size_t flags = isatty(STDOUT_FILENO) ? JSON_INDENT(2) : JSON_COMPACT;

    if (json_from_message(message, &json) < 0)
        return fail(EXIT_FAILED, "out of memory");
    cleanup_free char *text = json_dumps(json, flags | JSON_PRESERVE_ORDER);
    json_decref(json);
    if (text == NULL)
        return fail(EXIT_FAILED, "out of memory");
    print_json_text(text, strlen(text));
    if (putchar('\n') == EOF || fflush(stdout) != 0)
        return fail(EXIT_FAILED, "cannot write to standard output");
    return EXIT_DONE;
}
