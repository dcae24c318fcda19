/* vmreclaim-fleet: a host's place in a fleet. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/notify.h"
#include "controller/fleet/bridge/bridge.h"
#include "controller/fleet/check/check.h"
#include "controller/fleet/coordinator/coordinator.h"
#include "controller/fleet/enrol/enrol.h"
#include "controller/fleet/enrol/join.h"
#include "controller/fleet/enrol/new-keys.h"
#include "controller/fleet/options.h"

#define DESCRIPTORS 24 /* to begin with */
#define WATCHDOG_MS 1000

struct program {
    uv_loop_t loop;
    uv_signal_t terminate;
    uv_signal_t interrupt;
    uv_timer_t watchdog;
    struct notify notify;
    bool is_coordinator;
    struct bridge bridge;
    struct coordinator coordinator;
};

static void on_watchdog(uv_timer_t *timer)
{
    struct program *program = timer->data;

    notify_watchdog(&program->notify, time_boottime());
}

static void close_own(struct program *program)
{
    uv_close((uv_handle_t *)&program->terminate, NULL);
    uv_close((uv_handle_t *)&program->interrupt, NULL);
    uv_close((uv_handle_t *)&program->watchdog, NULL);
    notify_finish(&program->notify);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct program *program = handle->data;

    log_notice("stopping");
    notify_send(&program->notify, "STOPPING=1");
    if (program->is_coordinator)
        coordinator_stop(&program->coordinator);
    else
        bridge_stop(&program->bridge);
    close_own(program);
}

/* First of all: who is told to stop while it starts stops. */
static void start_own(struct program *program)
{
    signal(SIGPIPE, SIG_IGN);
    (void)uv_signal_init(&program->loop, &program->terminate);
    (void)uv_signal_init(&program->loop, &program->interrupt);
    (void)uv_timer_init(&program->loop, &program->watchdog);
    program->terminate.data = program;
    program->interrupt.data = program;
    program->watchdog.data = program;
    (void)uv_signal_start(&program->terminate, on_signal, SIGTERM);
    (void)uv_signal_start(&program->interrupt, on_signal, SIGINT);
    notify_init(&program->notify, time_boottime());
    if (program->notify.watchdog != 0)
        (void)uv_timer_start(&program->watchdog, on_watchdog, WATCHDOG_MS, WATCHDOG_MS);
}

static int start(struct program *program, const struct fleet_config *config, struct error *error)
{
    return program->is_coordinator
               ? coordinator_start(&program->coordinator, &program->loop, config, error)
               : bridge_start(&program->bridge, &program->loop, config, error);
}

static int run(const struct fleet_config *config, bool is_coordinator)
{
    static struct program program;
    struct error error;
    int r = file_probe_descriptors(DESCRIPTORS);

    if (r == 0)
        r = uv_loop_init(&program.loop);
    if (r < 0) {
        log_error("cannot start: %s", uv_strerror(r));
        return EXIT_FAILURE;
    }
    program.is_coordinator = is_coordinator;
    start_own(&program);
    r = start(&program, config, &error);
    if (r < 0) {
        log_lines(LOG_LEVEL_ERROR, error.text);
        close_own(&program);
    } else
        notify_send(&program.notify, "READY=1");
    uv_run(&program.loop, UV_RUN_DEFAULT);
    if (is_coordinator)
        coordinator_finish(&program.coordinator);
    (void)uv_loop_close(&program.loop);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* A coordinator's configuration has no host. */
static int check(const struct fleet_config *config, const struct options *options,
                 struct error *error)
{
    bool is_coordinator = options->is_coordinator || config->host[0] == '\0';
    int r = check_become(is_coordinator, error);

    log_set_level(LOG_LEVEL_ERROR); /* the rest is in the findings */
    if (r == 0 && access(options->config, R_OK) < 0)
        r = error_set(error, -errno, "%s: %s: the service's user cannot read it", options->config,
                      strerror(errno));
    return r == 0 ? check_fleet(config, is_coordinator, stdout, error) : r;
}

static int read_and_run(const struct options *options, struct error *error)
{
    static struct fleet_config config;
    int r = fleet_config_read(&config, options->config, error);

    if (r == 0 && options->verb == VERB_RUN)
        return run(&config, options->is_coordinator);
    if (r == 0)
        r = check(&config, options, error);
    if (r < 0)
        log_lines(LOG_LEVEL_ERROR, error->text);
    return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* What needs files only. */
static int do_files(const struct options *options, struct error *error)
{
    enum roster_kind kind = options->is_coordinator ? ROSTER_COORDINATOR : ROSTER_HOST;
    const struct join join = {
        .config = options->config,
        .host = options->host,
        .authority = options->authority,
        .servers = options->operands,
        .server_count = options->operand_count,
    };

    switch (options->verb) {
    case VERB_NEW_NKEY:
        return new_nkey(options->argument, error);
    case VERB_NEW_SIGNING_KEY:
        return new_signing_key(options->argument, error);
    case VERB_JOIN:
        return join_fleet(&join, error);
    case VERB_ENROL:
        return enrol_add(options->users, kind, options->argument, options->operands[0], error);
    case VERB_REVOKE:
        return enrol_revoke(options->users, kind, options->argument, options->operands[0], error);
    default:
        return enrol_list(options->users, error);
    }
}

int main(int argument_count, char **arguments)
{
    struct options options;
    struct error error;
    int r = options_read(argument_count, arguments, &options);

    if (r >= 0)
        return r;
    if (options.verb == VERB_RUN || options.verb == VERB_CHECK)
        return read_and_run(&options, &error);
    if (do_files(&options, &error) < 0) {
        log_lines(LOG_LEVEL_ERROR, error.text);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
