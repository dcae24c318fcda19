/* Words and JSON on the terminal. Text may come from a guest: nothing in it may steer the terminal.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/base/util.h"
#include "controller/cli/cli.h"
#include "controller/json/json.h"

int fail(int code, const char *format, ...)
{
    char text[1024];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    (void)fflush(stdout);
    (void)fputs("vmreclaim: ", stderr);
    for (const char *c = text; *c != '\0'; c++)
        (void)fputc((unsigned char)*c < 0x20 && *c != '\n' && *c != '\t' ? '?' : *c, stderr);
    (void)fputc('\n', stderr);
    return code;
}

void print_text(const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        /* C1 controls reach terminals as the second byte of 0xc2 0x80..0x9f. */
        if (c == 0xc2 && (unsigned char)text[1] >= 0x80 && (unsigned char)text[1] < 0xa0) {
            text++;
            c = '?';
        }
        (void)putchar((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f ? '?' : c);
    }
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
        size_t length = min_of(strcspn(word, " "), sizeof(buffer) - 1);
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

int print_json(const ProtobufCMessage *message)
{
    json_t *json;
    size_t flags = isatty(STDOUT_FILENO) ? JSON_INDENT(2) : JSON_COMPACT;

    if (json_from_message(message, &json) < 0)
        return fail(EXIT_FAILED, "out of memory");
    int r = json_dumpf(json, stdout, flags | JSON_PRESERVE_ORDER);
    json_decref(json);
    if (r != 0 || putchar('\n') == EOF || fflush(stdout) != 0)
        return fail(EXIT_FAILED, "cannot write to standard output");
    return EXIT_DONE;
}
