/* Colours. */
#include "controller/cli/color.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/util.h"

enum when { WHEN_AUTO, WHEN_ALWAYS, WHEN_NEVER };

static enum when chosen;

int color_choose(const char *when)
{
    static const char *const words[] = {
        [WHEN_AUTO] = "auto", [WHEN_ALWAYS] = "always", [WHEN_NEVER] = "never"};

    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (strcmp(when, words[i]) == 0) {
            chosen = (enum when)i;
            return 0;
        }
    return -EINVAL;
}

/* https://no-color.org: set and not empty. */
static bool suits_output(void)
{
    const char *no_color = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");

    return isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0') &&
           (terminal == NULL || strcmp(terminal, "dumb") != 0);
}

bool color_is_on(void)
{
    return chosen == WHEN_ALWAYS || (chosen == WHEN_AUTO && suits_output());
}

const char *color_begin(enum color color)
{
    static const char *const sequences[COLOR_COUNT] = {
        [COLOR_NONE] = "", [COLOR_BAD] = "\x1b[31m", [COLOR_WARNING] = "\x1b[33m"};

    return color_is_on() ? sequences[color] : "";
}

const char *color_end(enum color color)
{
    return color != COLOR_NONE && color_is_on() ? "\x1b[0m" : "";
}
