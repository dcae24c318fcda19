/* Progress. */
#include "controller/cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/text.h"
#include "common/base/time.h"
#include "controller/cli/cli.h"

#define BEGIN    1000 /* milliseconds */
#define INTERVAL 125
#define SAYING   (30 * NSEC_PER_SEC) /* between two plain lines */

static char name[96]; /* "compact web1" */

static struct {
    uv_timer_t timer;
    bool runs;
    nsec_t begun;
    nsec_t said; /* the last plain line; 0: none was */
    size_t total;
    size_t ended;
    unsigned turn;
    bool is_drawn;
} progress;

void progress_name(const char *command, char *const *operands)
{
    text_copy_line(name, sizeof(name), command);
    for (size_t i = 0; operands[i] != NULL; i++)
        text_format(name + strlen(name), sizeof(name) - strlen(name), " %s", operands[i]);
}

static void format_line(char *line, size_t size)
{
    double seconds = (double)(time_monotonic() - progress.begun) / 1e9;

    if (progress.total > 1)
        text_format(line, size, "%s: %zu of %zu, %.0f s", name, progress.ended, progress.total,
                    seconds);
    else
        text_format(line, size, "%s: %.0f s", name, seconds);
    text_make_safe(line, TEXT_ONE_LINE);
}

static void draw(void)
{
    static const char turns[] = "|/-\\";
    char line[160];

    format_line(line, sizeof(line));
    fprintf(stderr, "\r\033[K%c %.*s", turns[progress.turn++ % 4],
            (int)text_fit(line, strlen(line), terminal_width() - 3), line);
    (void)fflush(stderr);
    progress.is_drawn = true;
}

static void say(void)
{
    char line[160];

    if (progress.said != 0 && time_monotonic() < progress.said + SAYING)
        return;
    format_line(line, sizeof(line));
    (void)fail(EXIT_DONE, "still at it: %s", line);
    progress.said = time_monotonic();
}

static void on_tick(uv_timer_t *timer)
{
    if (isatty(STDERR_FILENO))
        draw();
    else
        say();
}

void progress_start(uv_loop_t *loop, size_t total)
{
    if (name[0] == '\0' || uv_timer_init(loop, &progress.timer) < 0)
        return;
    progress.runs = true;
    progress.begun = time_monotonic();
    progress.said = 0;
    progress.total = total;
    progress.ended = 0;
    (void)uv_timer_start(&progress.timer, on_tick, BEGIN, INTERVAL);
    uv_unref((uv_handle_t *)&progress.timer);
}

void progress_count(size_t ended)
{
    progress.ended = ended;
}

void progress_clear(void)
{
    if (!progress.is_drawn)
        return;
    fputs("\r\033[K", stderr);
    (void)fflush(stderr);
    progress.is_drawn = false;
}

void progress_stop(void)
{
    progress_clear();
    if (progress.runs)
        uv_close((uv_handle_t *)&progress.timer, NULL);
    progress.runs = false;
}
