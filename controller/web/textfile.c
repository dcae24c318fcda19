/* Asks, writes, waits. A file of a daemon that is away says so: an old one would go on to be read.
 */
#include "controller/web/textfile.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "controller.pb-c.h"
#include "controller/web/scrape.h"

#define TIMEOUT (5 * NSEC_PER_SEC)

static void on_timer(uv_timer_t *timer);

/* Each change is said once. */
static void say(struct textfile *textfile, int r)
{
    if (r < 0 && !textfile->was_said)
        log_error("--textfile %s: %s", textfile->path, strerror(-r));
    else if (r == 0 && textfile->was_said)
        log_notice("--textfile %s is written again", textfile->path);
    textfile->was_said = r < 0;
}

static void write_file(struct textfile *textfile, const ProtobufCMessage *counters)
{
    const struct metrics metrics = {
        .has_daemon = true, .counters = (const void *)counters, .scope = textfile->scope};
    size_t length;
    char *text = NULL;
    int r = metrics_render(&metrics, &text, &length);

    if (r == 0)
        r = file_publish(AT_FDCWD, textfile->path, text, length);
    free(text);
    say(textfile, r);
    if (textfile->interval == 0)
        textfile->on_done(r, textfile->userdata);
    else
        uv_timer_start(&textfile->timer, on_timer, textfile->interval / NSEC_PER_MSEC, 0);
}

static void on_counters(const struct ttrpc_result *result, void *userdata)
{
    struct textfile *textfile = userdata;

    textfile->fetch = NULL;
    if (result->code != TTRPC_OK)
        log_warning("no figures from vmreclaimd: %s", result->message);
    write_file(textfile, result->code == TTRPC_OK ? result->response : NULL);
}

static void on_timer(uv_timer_t *timer)
{
    struct textfile *textfile = timer->data;

    if (scrape_fetch(textfile->fetcher, TIMEOUT, on_counters, textfile, &textfile->fetch) < 0)
        write_file(textfile, NULL);
}

void textfile_start(struct textfile *textfile, uv_loop_t *loop)
{
    uv_timer_init(loop, &textfile->timer);
    textfile->timer.data = textfile;
    uv_timer_start(&textfile->timer, on_timer, 0, 0);
}

void textfile_stop(struct textfile *textfile)
{
    if (textfile->fetch != NULL)
        fetch_cancel(textfile->fetch);
    uv_close((uv_handle_t *)&textfile->timer, NULL);
}
