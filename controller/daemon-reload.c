/* Reading again: on SIGHUP, when somebody asks, and when a directory of files changes. */
#include "controller/daemon-reload.h"

#include <errno.h>
#include <signal.h>

#include "common/base/log.h"
#include "common/base/util.h"
#include "controller/daemon-files.h"
#include "controller/daemon-listen.h"

#define QUIET     (500 * NSEC_PER_MSEC) /* editors write a file in several steps */
#define RETRY_MIN (10 * NSEC_PER_SEC)
#define RETRY_MAX (60 * NSEC_PER_SEC)

/* ---- the configuration ---- */

static int read_configuration(struct daemon *daemon, struct error *error)
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
        r = daemon_set_groups(daemon, &next, read_group, control_group, error);
    if (r < 0)
        return r;
    daemon->config = next;
    daemon->supervisor.sample_interval = next.sample_interval;
    return 0;
}

/* ---- directories that are watched ---- */

static void on_timer(uv_timer_t *timer)
{
    struct daemon *daemon = timer->data;

    daemon_reload(daemon, daemon->changed ? "a file changed" : NULL);
}

static void read_later(struct daemon *daemon, nsec_t delay)
{
    uv_timer_start(&daemon->reload_timer, on_timer, delay / NSEC_PER_MSEC, 0);
}

static void on_directory_changed(uv_fs_event_t *watch, const char *name, int events, int status)
{
    struct daemon *daemon = watch->data;

    daemon->changed = true;
    read_later(daemon, QUIET);
}

/* Anew each time: the directory may be another one of the same name. */
static int watch_directory(struct daemon *daemon, size_t index, const char *path,
                           struct problems *problems)
{
    uv_fs_event_t *watch = &daemon->watches[index];
    struct error error;
    int r = 0;

    if (path[0] == '\0')
        return 0;
    if (watch->data == NULL)
        r = uv_fs_event_init(&daemon->loop, watch);
    if (r == 0) {
        watch->data = daemon;
        (void)uv_fs_event_stop(watch);
        r = uv_fs_event_start(watch, on_directory_changed, path, 0);
    }
    /* One that is not there is told by who reads it. */
    if (r < 0 && r != -ENOENT) {
        error_set(&error, r, "cannot watch %s: %s; after a change run 'vmreclaim reload'", path,
                  uv_strerror(r));
        problems_add(problems, "watch", path, &error);
    }
    return r;
}

/* ---- reading ---- */

static void log_problem(const struct problem *problem, void *userdata)
{
    log_error("not in force: %s", problem->text);
}

/* By itself ever more rarely: thousands of files may be read for the sake of one. */
static void plan_retry(struct daemon *daemon, bool is_watched, bool is_retry)
{
    if (problems_total(&daemon->problems) == 0 && is_watched) {
        daemon->retry_delay = 0;
        uv_timer_stop(&daemon->reload_timer);
        return;
    }
    daemon->retry_delay = is_retry && daemon->retry_delay != 0
                              ? min_of(daemon->retry_delay * 2, RETRY_MAX)
                              : RETRY_MIN;
    read_later(daemon, daemon->retry_delay);
}

static void tell(const struct daemon *daemon, const struct problems *before, const char *why)
{
    size_t wrong = problems_total(&daemon->problems);

    problems_visit_new(&daemon->problems, before, log_problem, NULL);
    if (wrong == 0 && (why != NULL || problems_total(before) > 0))
        log_info("%s: configuration and %zu VMs are in force", why != NULL ? why : "mended",
                 daemon->supervisor.registry.count);
    else if (wrong > 0 && why != NULL)
        log_error("%s: %zu of what was read is not in force; 'vmreclaim status' shows it", why,
                  wrong);
}

/* `why` NULL: for another try. */
static void read_all(struct daemon *daemon, bool configuration, const char *why)
{
    const struct problems before = daemon->problems;
    struct problems *problems = &daemon->problems;
    bool is_watched;
    struct error error;

    *problems = (struct problems){.count = 0};
    daemon->changed = false;
    if (configuration && read_configuration(daemon, &error) < 0)
        problems_add(problems, "configuration", daemon->sources->path, &error);
    is_watched = watch_directory(daemon, 0, daemon->config.vms, problems) == 0;
    is_watched &=
        watch_directory(daemon, 1, hypervisor_address_where(&daemon->config.hypervisor_directory),
                        problems) == 0;
    daemon_read_vms(daemon, problems);
    problems_continue(problems, &before);
    tell(daemon, &before, why);
    plan_retry(daemon, is_watched, why == NULL);
}

void daemon_reload_begin(struct daemon *daemon)
{
    read_all(daemon, false, "start");
}

void daemon_reload(struct daemon *daemon, const char *why)
{
    read_all(daemon, true, why);
}

int daemon_watches_start(struct daemon *daemon, struct error *error)
{
    int r = uv_timer_init(&daemon->loop, &daemon->reload_timer);

    if (r < 0)
        return error_set(error, r, "cannot make a timer: %s", uv_strerror(r));
    daemon->reload_timer.data = daemon;
    return 0;
}

void daemon_watches_stop(struct daemon *daemon)
{
    for (size_t i = 0; i < ARRAY_SIZE(daemon->watches); i++)
        if (daemon->watches[i].data != NULL)
            uv_close((uv_handle_t *)&daemon->watches[i], NULL);
    uv_close((uv_handle_t *)&daemon->reload_timer, NULL);
}

/* ---- signals ---- */

static void on_signal(uv_signal_t *signal, int number)
{
    struct daemon *daemon = signal->data;

    if (number == SIGHUP)
        daemon_reload(daemon, "SIGHUP");
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

    signal(SIGPIPE, SIG_IGN);
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
