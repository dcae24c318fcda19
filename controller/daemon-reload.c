/* Reading again: on SIGHUP, when somebody asks, and when a directory of files changes. */
#include "controller/daemon-reload.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/util.h"
#include "controller/daemon-files.h"
#include "controller/daemon-listen.h"

#define QUIET     (500 * NSEC_PER_MSEC) /* editors write a file in several steps */
#define RETRY_MIN (10 * NSEC_PER_SEC)
#define RETRY_MAX (60 * NSEC_PER_SEC)

/* ---- the configuration ---- */

static void take_configuration(struct daemon *daemon, struct reading *reading)
{
    if (reading->status == 0)
        reading->status =
            daemon_set_groups(daemon, &reading->next, &reading->groups, &reading->error);
    if (reading->status < 0) {
        problems_add(&reading->problems, "configuration", daemon->sources->path, &reading->error);
        return;
    }
    daemon->config = reading->next;
    daemon->supervisor.sample_interval = reading->next.sample_interval;
    arbiter_keeper_configure(&daemon->arbiter, &daemon->config.arbiter);
}

/* ---- directories that are watched ---- */

static void on_timer(uv_timer_t *timer)
{
    struct daemon *daemon = timer->data;

    daemon_reload(daemon, daemon->reload.changed ? "a file changed" : NULL);
}

static void read_later(struct daemon *daemon, nsec_t delay)
{
    uv_timer_start(&daemon->reload.timer, on_timer, delay / NSEC_PER_MSEC, 0);
}

static void on_directory_changed(void *userdata)
{
    struct daemon *daemon = userdata;

    daemon->reload.changed = true;
    read_later(daemon, QUIET);
}

/* ---- what was read ---- */

static void log_problem(const struct problem *problem, void *userdata)
{
    log_error("not in force: %s", problem->text);
}

/* By itself ever more rarely: thousands of files may be read for the sake of one. */
static void plan_retry(struct daemon *daemon, bool is_retry)
{
    struct daemon_reload *reload = &daemon->reload;

    if (problems_total(&reload->problems) == 0 && reload->is_watched) {
        reload->retry_delay = 0;
        if (!reload->changed)
            uv_timer_stop(&reload->timer);
        return;
    }
    reload->retry_delay = is_retry && reload->retry_delay != 0
                              ? min_of(reload->retry_delay * 2, RETRY_MAX)
                              : RETRY_MIN;
    if (!reload->changed)
        read_later(daemon, reload->retry_delay);
}

static void tell(const struct daemon *daemon, const struct problems *before, const char *why)
{
    size_t wrong = problems_total(&daemon->reload.problems);

    problems_visit_new(&daemon->reload.problems, before, log_problem, NULL);
    if (wrong == 0 && (why != NULL || problems_total(before) > 0))
        log_info("%s: configuration and %zu VMs are in force", why != NULL ? why : "mended",
                 daemon->supervisor.registry.count);
    else if (wrong > 0 && why != NULL)
        log_error("%s: %zu of what was read is not in force; 'vmreclaim status' shows it", why,
                  wrong);
}

static void open_watches(struct daemon *daemon, struct reading *reading)
{
    struct error error;

    reading->watch_status = directory_watches_open(&daemon->watches, &daemon->loop);
    if (reading->watch_status == 0) {
        reading->watches = &daemon->watches;
        return;
    }
    error_set(&error, reading->watch_status,
              "cannot watch directories: %s; after a change run 'vmreclaim reload'",
              strerror(-reading->watch_status));
    problems_add(&reading->problems, "watch", "", &error);
}

static void prepare(struct daemon *daemon, bool configures)
{
    struct daemon_reload *reload = &daemon->reload;
    struct reading *reading = &reload->reading;

    reload->changed = false;
    reading_init(reading, daemon->sources, &daemon->config, &daemon->supervisor.registry);
    reading->configures = configures;
    open_watches(daemon, reading);
}

static void take(struct daemon *daemon)
{
    struct daemon_reload *reload = &daemon->reload;
    const struct problems before = reload->problems;
    struct reading *reading = &reload->reading;

    if (reading->configures)
        take_configuration(daemon, reading);
    daemon_take_vms(daemon, reading);
    reload->is_watched = reading->watch_status == 0;
    reload->problems = reading->problems;
    problems_continue(&reload->problems, &before);
    tell(daemon, &before, reload->why);
    plan_retry(daemon, reload->why == NULL);
}

/* ---- who asked ---- */

struct reload_asked {
    struct list link;
    void (*done)(nsec_t used, void *userdata);
    void *userdata;
};

/* They share what it cost. */
static void answer(struct list *asked, nsec_t used)
{
    nsec_t count = 0;

    list_for_each (link, asked)
        count++;
    list_for_each_safe (link, following, asked) {
        struct reload_asked *one = list_entry(link, struct reload_asked, link);

        assert(count > 0);
        list_remove(&one->link);
        one->done(used / count, one->userdata);
        free(one);
    }
}

/* ---- reading ---- */

static void on_thread(uv_work_t *work)
{
    struct daemon_reload *reload = work->data;
    nsec_t begun = time_of_thread();

    reading_run(&reload->reading);
    reload->reading.used = time_of_thread() - begun;
}

static void begin(struct daemon *daemon, const char *why);

static void on_read(uv_work_t *work, int status)
{
    struct daemon_reload *reload = work->data;
    struct daemon *daemon = container_of(reload, struct daemon, reload);
    nsec_t begun = time_of_thread();

    if (!reload->is_stopping)
        take(daemon);
    reading_finish(&reload->reading);
    reload->is_under_way = false;
    answer(&reload->asked, reload->reading.used + time_of_thread() - begun);
    if (reload->is_stopping)
        answer(&reload->asked_next, 0);
    else if (reload->again)
        begin(daemon, reload->next_why);
}

static void begin(struct daemon *daemon, const char *why)
{
    struct daemon_reload *reload = &daemon->reload;

    assert(!reload->is_under_way && list_is_empty(&reload->asked));
    list_for_each_safe (link, following, &reload->asked_next) {
        list_remove(link);
        list_append(&reload->asked, link);
    }
    reload->is_under_way = true;
    reload->again = false;
    reload->next_why = NULL;
    reload->why = why;
    reload->work.data = reload;
    prepare(daemon, true);
    (void)uv_queue_work(&daemon->loop, &reload->work, on_thread, on_read); /* always succeeds */
}

void daemon_reload(struct daemon *daemon, const char *why)
{
    struct daemon_reload *reload = &daemon->reload;

    if (!reload->is_under_way) {
        begin(daemon, why);
        return;
    }
    reload->again = true;
    if (why != NULL)
        reload->next_why = why;
}

void daemon_reload_and_say(struct daemon *daemon, void (*done)(nsec_t used, void *userdata),
                           void *userdata)
{
    struct reload_asked *one = malloc(sizeof(*one));

    if (one == NULL) {
        done(0, userdata);
        return;
    }
    *one = (struct reload_asked){.done = done, .userdata = userdata};
    list_append(&daemon->reload.asked_next, &one->link);
    daemon_reload(daemon, "reload");
}

/* Nobody is served yet who would have to wait. */
void daemon_reload_begin(struct daemon *daemon)
{
    struct daemon_reload *reload = &daemon->reload;

    prepare(daemon, false);
    reading_run(&reload->reading);
    reload->why = "start";
    take(daemon);
    reading_finish(&reload->reading);
}

int daemon_watches_start(struct daemon *daemon, struct error *error)
{
    int r = uv_timer_init(&daemon->loop, &daemon->reload.timer);

    if (r < 0)
        return error_set(error, r, "cannot make a timer: %s", uv_strerror(r));
    daemon->reload.timer.data = daemon;
    directory_watches_init(&daemon->watches, on_directory_changed, daemon);
    list_init(&daemon->reload.asked);
    list_init(&daemon->reload.asked_next);
    return 0;
}

void daemon_watches_stop(struct daemon *daemon)
{
    directory_watches_stop(&daemon->watches);
    uv_close((uv_handle_t *)&daemon->reload.timer, NULL);
    daemon->reload.is_stopping = true;
}

void daemon_watches_finish(struct daemon *daemon)
{
    directory_watches_finish(&daemon->watches);
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
