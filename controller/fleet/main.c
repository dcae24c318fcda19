/* vmreclaim-fleet: a host's place in a fleet. */
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/notify.h"
#include "controller/fleet/bridge/bridge.h"
#include "controller/fleet/coordinator/coordinator.h"
#include "controller/fleet/new-keys.h"

#define EXIT_WRONG_USAGE 2
#define DESCRIPTORS      24 /* to begin with */
#define WATCHDOG_MS      1000

static const char help[] =
    "Usage: vmreclaim-fleet [OPTION]...\n"
    "Tells a fleet what this host's vmreclaimd knows, and the daemon what the fleet\n"
    "wants of it. It needs no more than the daemon's fleet group.\n"
    "\n"
    "  --coordinator  run the fleet's rollouts, and answer who looks at it\n"
    "  --config FILE  configuration (default " FLEET_CONFIG_FILE ", or\n"
    "                 " COORDINATOR_CONFIG_FILE ")\n"
    "  --check        read the configuration, say what is wrong, and exit\n"
    "  --new-nkey FILE, --new-signing-key FILE\n"
    "                 make a key: of a user of the bus; that signs what hosts are to\n"
    "                 run. FILE has the secret part, printed is the public one\n"
    "  --debug        log everything\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 fine, 1 failure, 2 wrong usage.\n";

enum {
    OPTION_COORDINATOR = 256,
    OPTION_CONFIG,
    OPTION_CHECK,
    OPTION_NEW_NKEY,
    OPTION_NEW_SIGNING_KEY,
    OPTION_DEBUG,
    OPTION_HELP,
    OPTION_VERSION
};

static const struct option names[] = {
    {"coordinator", no_argument, NULL, OPTION_COORDINATOR},
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"check", no_argument, NULL, OPTION_CHECK},
    {"new-nkey", required_argument, NULL, OPTION_NEW_NKEY},
    {"new-signing-key", required_argument, NULL, OPTION_NEW_SIGNING_KEY},
    {"debug", no_argument, NULL, OPTION_DEBUG},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

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
        log_error("%s", error.text);
        close_own(&program);
    } else
        notify_send(&program.notify, "READY=1");
    uv_run(&program.loop, UV_RUN_DEFAULT);
    if (is_coordinator)
        coordinator_finish(&program.coordinator);
    (void)uv_loop_close(&program.loop);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int made(int r, const struct error *error)
{
    if (r < 0)
        log_error("%s", error->text);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argument_count, char **arguments)
{
    const char *path = NULL;
    static struct fleet_config config;
    bool is_coordinator = false;
    bool only_checks = false;
    struct error error;
    int option;

    while ((option = getopt_long(argument_count, arguments, "", names, NULL)) != -1) {
        if (option == OPTION_COORDINATOR)
            is_coordinator = true;
        else if (option == OPTION_CONFIG)
            path = optarg;
        else if (option == OPTION_CHECK)
            only_checks = true;
        else if (option == OPTION_NEW_NKEY)
            return made(new_nkey(optarg, &error), &error);
        else if (option == OPTION_NEW_SIGNING_KEY)
            return made(new_signing_key(optarg, &error), &error);
        else if (option == OPTION_DEBUG)
            log_set_level(LOG_LEVEL_DEBUG);
        else if (option == OPTION_HELP || option == OPTION_VERSION) {
            fputs(option == OPTION_HELP ? help : "vmreclaim-fleet " VMRECLAIM_VERSION "\n", stdout);
            return EXIT_SUCCESS;
        } else
            return EXIT_WRONG_USAGE;
    }
    if (optind < argument_count) {
        log_error("\"%s\" is no option; see vmreclaim-fleet --help", arguments[optind]);
        return EXIT_WRONG_USAGE;
    }
    if (path == NULL)
        path = is_coordinator ? COORDINATOR_CONFIG_FILE : FLEET_CONFIG_FILE;
    if (fleet_config_read(&config, path, &error) < 0) {
        log_error("%s", error.text);
        return EXIT_FAILURE;
    }
    if (only_checks) {
        puts("the configuration is good");
        return EXIT_SUCCESS;
    }
    return run(&config, is_coordinator);
}
