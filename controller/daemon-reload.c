/* Reading again: on SIGHUP, and when a directory of files changes. */
#include "controller/daemon-reload.h"

#include <signal.h>

#include "common/base/log.h"
#include "common/base/util.h"
#include "controller/daemon_files.h"

#define RELOAD_QUIET (500 * NSEC_PER_MSEC) /* editors write a file in several steps */

int daemon_reload(struct daemon *daemon, struct error *error)
{
    struct daemon_config next;
    gid_t read_group;
    gid_t control_group;
    int r = daemon_config_gather(&next, daemon->sources, error);

    if (r == 0)
        r = daemon_config_check_fixed(&daemon->config, &next, error);
    if (r == 0)
        r = daemon_find_groups(&next, &read_group, &control_group, error);
    if (r == 0)
        r = daemon_read_vms(daemon, true, error);
    if (r < 0)
        return r;
    daemon->config = next;
    daemon->api.read_group = read_group;
    daemon->api.control_group = control_group;
    daemon->supervisor.sample_interval = next.sample_interval;
    return 0;
}

static void reload_and_log(struct daemon *daemon, const char *why)
{
    struct error error;

    if (daemon_reload(daemon, &error) < 0)
        log_error("%s: nothing was changed: %s", why, error.text);
    else
        log_info("%s: configuration and %zu VMs are in force", why,
                 daemon->supervisor.registry.count);
}

static void on_reload_timer(uv_timer_t *timer)
{
    reload_and_log(timer->data, "a file changed");
}

static void on_directory_changed(uv_fs_event_t *watch, const char *name, int events, int status)
{
    struct daemon *daemon = watch->data;

    (void)uv_timer_start(&daemon->reload_timer, on_reload_timer, RELOAD_QUIET / NSEC_PER_MSEC, 0);
}

/* ---- signals ---- */

static void on_signal(uv_signal_t *signal, int number)
{
    struct daemon *daemon = signal->data;

    if (number == SIGHUP)
        reload_and_log(daemon, "SIGHUP");
    else
        uv_stop(&daemon->loop);
}

void daemon_signals_stop(struct daemon *daemon)
{
    for (size_t i = 0; i < ARRAY_SIZE(daemon->signals); i++)
        if (daemon->signals[i].data != NULL)
            uv_close((uv_handle_t *)&daemon->signals[i], NULL);
}

int daemon_signals_start(struct daemon *daemon, struct error *error)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};

    (void)signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        int r = uv_signal_init(&daemon->loop, &daemon->signals[i]);

        if (r == 0) {
            daemon->signals[i].data = daemon;
            r = uv_signal_start(&daemon->signals[i], on_signal, numbers[i]);
        }
        if (r < 0) {
            daemon_signals_stop(daemon);
            return error_set(error, r, "cannot catch signal %d: %s", numbers[i], uv_strerror(r));
        }
    }
    return 0;
}

/* ---- directories ---- */

static void watch_directory(struct daemon *daemon, size_t index, const char *path)
{
    int r;

    if (path[0] == '\0' || uv_fs_event_init(&daemon->loop, &daemon->watches[index]) < 0)
        return;
    daemon->watching[index] = true;
    daemon->watches[index].data = daemon;
    r = uv_fs_event_start(&daemon->watches[index], on_directory_changed, path, 0);
    if (r < 0)
        log_warning("cannot watch %s: %s; after a change send SIGHUP", path, uv_strerror(r));
}

int daemon_watches_start(struct daemon *daemon, struct error *error)
{
    int r = uv_timer_init(&daemon->loop, &daemon->reload_timer);

    if (r < 0)
        return error_set(error, r, "cannot make a timer: %s", uv_strerror(r));
    daemon->reload_timer.data = daemon;
    watch_directory(daemon, 0, daemon->config.vms);
    watch_directory(daemon, 1, hypervisor_address_where(&daemon->config.hypervisor_directory));
    return 0;
}

void daemon_watches_stop(struct daemon *daemon)
{
    for (size_t i = 0; i < ARRAY_SIZE(daemon->watches); i++)
        if (daemon->watching[i])
            uv_close((uv_handle_t *)&daemon->watches[i], NULL);
    uv_close((uv_handle_t *)&daemon->reload_timer, NULL);
}
