/* Logging to standard error. */
#include "common/base/log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/text.h"

#define LINE_MAX_BYTES 2048

static enum log_level max_level = LOG_LEVEL_INFO;
static log_sink sink_function;
static void *sink_userdata;

void log_set_level(enum log_level level)
{
    max_level = level;
}

void log_set_sink(log_sink sink, void *userdata)
{
    sink_function = sink;
    sink_userdata = userdata;
}

/* Whoever is started by a service inherits the variable; the journal reads what it names only. */
static bool journal_reads(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat status;
    char own[48];

    if (stream == NULL || fstat(STDERR_FILENO, &status) < 0)
        return false;
    snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    return strcmp(stream, own) == 0;
}

void log_write(enum log_level level, const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list arguments;

    if (level > max_level)
        return;
    va_start(arguments, format);
    text_format_list(line, sizeof(line), format, arguments);
    va_end(arguments);
    /* A peer's text may be in the line: it must not be able to forge another one. */
    text_make_safe(line, TEXT_ONE_LINE);
    if (sink_function != NULL)
        sink_function(level, line, sink_userdata);
    else if (journal_reads())
        fprintf(stderr, "<%d>%s\n", (int)level, line);
    else
        fprintf(stderr, "%s\n", line);
}

void log_lines(enum log_level level, const char *text)
{
    for (size_t length; *text != '\0'; text += length + (text[length] == '\n')) {
        char line[LINE_MAX_BYTES] = "";

        length = strcspn(text, "\n");
        text_append_bytes(line, sizeof(line), text, length);
        log_write(level, "%s", line);
    }
}

bool log_limit_pass(struct log_limit *limit, nsec_t now, unsigned *ret_suppressed)
{
    if (limit->begun == 0 || now - limit->begun >= limit->interval) {
        limit->begun = now;
        limit->passed = 0;
    }
    if (limit->passed >= limit->burst) {
        limit->suppressed++;
        return false;
    }
    limit->passed++;
    *ret_suppressed = limit->suppressed;
    limit->suppressed = 0;
    return true;
}
