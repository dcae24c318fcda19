/* Running a table of checks. */
#include "common/base/check.h"

#include <stdarg.h>
#include <string.h>

#include "common/base/text.h"

enum { COLUMNS = 80, INDENTATION = 9 };

void check_answer_set(struct check_answer *answer, enum check_status status, const char *fix,
                      const char *reason, ...)
{
    va_list arguments;

    answer->status = status;
    va_start(arguments, reason);
    text_format_list(answer->reason, sizeof(answer->reason), reason, arguments);
    va_end(arguments);
    text_make_safe(answer->reason, TEXT_ONE_LINE);
    text_copy_line(answer->fix, sizeof(answer->fix), fix != NULL ? fix : "");
}

/* `first` before its first line. */
static void print_wrapped(const char *first, char *text, FILE *output)
{
    char *rest = text;

    text_wrap(text, COLUMNS - INDENTATION, 0);
    for (const char *line; (line = strsep(&rest, "\n")) != NULL; first = "")
        fprintf(output, "%-*s %s\n", INDENTATION - 1, first, line);
}

static void print(const struct check *check, const struct check_answer *answer, FILE *output)
{
    static const char *const names[] = {
        [CHECK_OK] = "ok",
        [CHECK_WARNING] = "warning",
        [CHECK_FAILURE] = "FAILURE",
    };

    char text[sizeof(answer->reason) + 64];

    text_format(text, sizeof(text), "%s%s%s", check->name, answer->reason[0] == '\0' ? "" : ": ",
                answer->reason);
    print_wrapped(names[answer->status], text, output);
    if (answer->fix[0] != '\0') {
        text_format(text, sizeof(text), "-> %s", answer->fix);
        print_wrapped("", text, output);
    }
}

enum check_status checks_run(const struct check *checks, size_t count, void *context, FILE *output)
{
    enum check_status worst = CHECK_OK;

    for (size_t i = 0; i < count; i++) {
        struct check_answer answer = {.status = CHECK_OK};

        checks[i].ask(&checks[i], context, &answer);
        print(&checks[i], &answer, output);
        worst = max_of(worst, answer.status);
    }
    return worst;
}
