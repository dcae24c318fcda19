/* Releases leases without a daemon. No VM file is read, so no VM claims them: the same
 * keeper does the work as in the daemon, with stand-ins. */
#include "controller/release.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/log.h"
#include "controller/leases/keeper.h"
#include "controller/leases/term.h"
#include "controller/state-lock.h"
#include "controller/store/store.h"
#include "controller/vms/tick.h"

#define TIME_MAX      (30 * NSEC_PER_SEC)
#define LOOK_INTERVAL (100 * NSEC_PER_MSEC)

struct release {
    uv_loop_t loop;
    struct supervisor supervisor;
    struct supervisor_listener listener;
    struct lease_keeper keeper;
    struct store *store;
    bool all;                     /* leases, not only those that are over */
    struct lease_journal journal; /* the store's; with `all` the keeper reads it by on_load */
    leases_loaded loaded;         /* while it is read: who is told ... */
    void *asker;                  /* ... and for whom */
    uv_timer_t timer;
    size_t due;
    nsec_t now; /* CLOCK_BOOTTIME: what is due */
    nsec_t end;
    bool done;
};

/* A daemon that listens answers a connect. */
static bool daemon_is_running(const struct daemon_config *config)
{
    cleanup_close int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (descriptor < 0 || strncmp(config->api, "unix:", 5) != 0)
        return false;
    snprintf(address.sun_path, sizeof(address.sun_path), "%.*s", (int)sizeof(address.sun_path) - 1,
             config->api + 5);
    return connect(descriptor, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

static void log_event(const struct vm_event *event, void *userdata)
{
    if (event->kind == VM_EVENT_WARNING || event->kind == VM_EVENT_BALLOON ||
        event->kind == VM_EVENT_LEASE)
        log_notice("VM %s: %s", event->vm->name, event->text);
}

static bool has_work(const struct release *release)
{
    if (lease_keeper_due(&release->keeper, release->now) > 0)
        return true;
    list_for_each (link, &release->keeper.balloons) {
        const struct balloon_control *control = list_entry(link, struct vm_leases, link)->balloon;

        for (uint32_t i = 0; i < control->lease_count; i++)
            if (lease_is_due(&control->leases[i].lease, release->now))
                return true;
    }
    return false;
}

static void on_look(uv_timer_t *timer)
{
    struct release *release = timer->data;

    release->done = !has_work(release);
    if (release->done || time_boottime() >= release->end)
        uv_stop(&release->loop);
}

/* ---- the journal when all are to go ---- */

/* As if each was being given back already. */
static void on_loaded(int status, const struct error *error, const struct lease *leases,
                      size_t count, void *userdata)
{
    struct release *release = userdata;
    struct lease *copies = NULL;
    struct error shortage;

    if (status == 0 && count > 0) {
        copies = calloc(count, sizeof(*copies));
        if (copies == NULL) {
            status = error_set(&shortage, -ENOMEM, "no memory for %zu leases", count);
            error = &shortage;
        }
    }
    for (size_t i = 0; copies != NULL && i < count; i++) {
        copies[i] = leases[i];
        copies[i].state = LEASE_RELEASING;
    }
    release->loaded(status, error, copies, copies != NULL ? count : 0, release->asker);
    free(copies);
}

static void on_put(void *userdata, const struct lease *lease, lease_written done, void *asker)
{
    struct release *release = userdata;

    release->journal.put(release->journal.userdata, lease, done, asker);
}

static void on_remove(void *userdata, uint64_t id, lease_written done, void *asker)
{
    struct release *release = userdata;

    release->journal.remove(release->journal.userdata, id, done, asker);
}

static void on_load(void *userdata, leases_loaded done, void *asker)
{
    struct release *release = userdata;

    release->loaded = done;
    release->asker = asker;
    release->journal.load(release->journal.userdata, on_loaded, release);
}

/* ---- a run ---- */

static int start(struct release *release, const struct lease_journal *journal, int root,
                 struct error *error)
{
    int r = supervisor_init(&release->supervisor, &release->loop, root, 2 * NSEC_PER_SEC);

    if (r == 0)
        r = uv_timer_init(&release->loop, &release->timer);
    if (r < 0)
        return error_set(error, r, "cannot make a timer: %s", uv_strerror(r));
    release->timer.data = release;
    release->listener.on_event = log_event;
    supervisor_listen(&release->supervisor, &release->listener);
    r = lease_keeper_init(&release->keeper, &release->supervisor, journal, error);
    release->due = lease_keeper_due(&release->keeper, release->now);
    release->end = time_boottime() + TIME_MAX;
    uv_timer_start(&release->timer, on_look, 0, LOOK_INTERVAL / NSEC_PER_MSEC);
    return r;
}

static void stop(struct release *release)
{
    uv_close((uv_handle_t *)&release->timer, NULL);
    lease_keeper_stop(&release->keeper);
    supervisor_stop(&release->supervisor);
    uv_run(&release->loop, UV_RUN_DEFAULT);
    lease_keeper_finish(&release->keeper);
    supervisor_finish(&release->supervisor);
}

static int run(struct release *release, int root, struct error *error)
{
    const struct lease_journal all = {
        .userdata = release, .put = on_put, .remove = on_remove, .load = on_load};
    int r = uv_loop_init(&release->loop);

    store_lease_journal(release->store, &release->journal);
    if (r < 0)
        return error_set(error, r, "cannot make an event loop: %s", uv_strerror(r));
    r = start(release, release->all ? &all : &release->journal, root, error);
    if (r == 0)
        uv_run(&release->loop, UV_RUN_DEFAULT);
    if (r == 0 && !release->done)
        r = error_set(error, -ETIMEDOUT,
                      "not every hypervisor followed within 30 s; its lease stays in the journal, "
                      "run this again");
    stop(release);
    (void)uv_loop_close(&release->loop);
    return r;
}

int release_leases(const struct daemon_sources *sources, int root, bool all, size_t *ret_released,
                   struct error *error)
{
    struct release release = {.now = time_boottime(), .all = all};
    struct daemon_config config;
    char path[PATH_MAX];
    int r = daemon_config_gather(&config, sources, error);

    if (r < 0)
        return r;
    if (daemon_is_running(&config) || state_lock_is_taken(config.state_directory)) {
        *ret_released = 0;
        return all ? error_set(error, -EBUSY,
                               "vmreclaimd is running and keeps them: stop it first, or give them "
                               "back with 'vmreclaim halt --all'")
                   : 0;
    }
    snprintf(path, sizeof(path), "%s/vmreclaim.db", config.state_directory);
    r = store_create(path, &release.store);
    if (r < 0)
        return error_set(error, r, "cannot open the store %s: %s", path, strerror(-r));
    r = run(&release, root, error);
    store_destroy(release.store);
    if (r == 0)
        *ret_released = release.due;
    return r;
}
