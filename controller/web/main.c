/* vmreclaim-web: shows what vmreclaimd knows, to browsers and to Prometheus. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "controller/web/web.h"

#define EXIT_WRONG_USAGE 2
#define DESCRIPTORS      24 /* to begin with */

static struct web web;

struct signals {
    uv_signal_t terminate;
    uv_signal_t interrupt;
    uv_signal_t hangup;
    int result; /* of what was to be done once */
};

static void close_signals(struct signals *signals)
{
    uv_close((uv_handle_t *)&signals->terminate, NULL);
    uv_close((uv_handle_t *)&signals->interrupt, NULL);
    uv_close((uv_handle_t *)&signals->hangup, NULL);
}

static void on_signal(uv_signal_t *handle, int number)
{
    log_notice("stopping");
    close_signals(handle->data);
    web_stop(&web);
}

static void on_hangup(uv_signal_t *handle, int number)
{
    web_reload(&web);
}

/* The file that was to be written once. */
static void on_done(int r, void *userdata)
{
    struct signals *signals = userdata;

    signals->result = r;
    close_signals(signals);
    web_stop(&web);
}

/* First of all: none of them ends a program that has just begun. The loop hears them when all is
 * there. */
static void start_signals(struct signals *signals, uv_loop_t *loop)
{
    signal(SIGPIPE, SIG_IGN);
    (void)uv_signal_init(loop, &signals->terminate);
    (void)uv_signal_init(loop, &signals->interrupt);
    (void)uv_signal_init(loop, &signals->hangup);
    signals->terminate.data = signals;
    signals->interrupt.data = signals;
    (void)uv_signal_start(&signals->terminate, on_signal, SIGTERM);
    (void)uv_signal_start(&signals->interrupt, on_signal, SIGINT);
    (void)uv_signal_start(&signals->hangup, on_hangup, SIGHUP);
}

static int run(const struct options *options)
{
    struct signals signals = {.result = 0};
    struct error error;
    uv_loop_t loop;
    int r = file_probe_descriptors(DESCRIPTORS);

    if (r == 0)
        r = uv_loop_init(&loop);
    if (r < 0) {
        log_error("cannot start: %s", uv_strerror(r));
        return EXIT_FAILURE;
    }
    start_signals(&signals, &loop);
    r = web_start(&web, &loop, options, on_done, &signals, &error);
    if (r < 0) {
        log_error("%s", error.text);
        close_signals(&signals);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    if (r == 0)
        web_finish(&web);
    (void)uv_loop_close(&loop);
    return r < 0 || signals.result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argument_count, char **arguments)
{
    struct options options;
    struct error error;

    if (options_parse(argument_count, arguments, &options, &error) < 0) {
        log_error("%s", error.text);
        return EXIT_WRONG_USAGE;
    }
    if (options.mode != OPTIONS_RUN) {
        fputs(options.mode == OPTIONS_HELP ? options_help : "vmreclaim-web " VMRECLAIM_VERSION "\n",
              stdout);
        return EXIT_SUCCESS;
    }
    if (options.debug)
        log_set_level(LOG_LEVEL_DEBUG);
    return run(&options);
}
