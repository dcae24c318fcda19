/* Words and JSON on the terminal. Text may come from a guest: nothing in it may steer the terminal.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
