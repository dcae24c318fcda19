/* Releases expired leases without a daemon. The journal knows each lease's hypervisor, so no VM
 * file is needed; the same keeper does the work as in the daemon. */
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
#include "common/base/util.h"
#include "controller/store/store.h"
#include "controller/vms/lease_keeper.h"

#define TIME_MAX      (30 * NSEC_PER_SEC)
#define LEASES_MAX    10000
#define LOOK_INTERVAL (100 * NSEC_PER_MSEC)

struct release {
    uv_loop_t loop;
    struct supervisor supervisor;
    struct supervisor_listener listener;
    struct lease_keeper keeper;
    struct store *store;
    uv_timer_t timer;
    struct vm_definition **definitions; /* of VMs with expired leases */
    size_t definition_count;
    size_t expired;
    int64_t time; /* UNIX: what is expired */
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
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%.*s",
                   (int)sizeof(address.sun_path) - 1, config->api + 5);
    return connect(descriptor, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

static bool is_defined(const struct release *release, const char *name)
{
    for (size_t i = 0; i < release->definition_count; i++)
        if (strcmp(release->definitions[i]->name, name) == 0)
            return true;
    return false;
}

/* A VM that is only its hypervisor's address. */
static int define_vm_of(const struct lease *lease, void *userdata)
{
    struct release *release = userdata;
    struct vm_definition *definition;

    if (lease->expires == 0 || lease->expires > release->time)
        return 0;
    release->expired++;
    if (is_defined(release, lease->vm) || release->definition_count == LEASES_MAX)
        return 0;
    definition = calloc(1, sizeof(*definition));
    if (definition == NULL)
        return -ENOMEM;
    release->definitions[release->definition_count++] = definition;
    (void)snprintf(definition->name, sizeof(definition->name), "%s", lease->vm);
    definition->qmp = strdup(lease->address);
    definition->source = strdup("the lease journal");
    return definition->qmp == NULL || definition->source == NULL ? -ENOMEM : 0;
}

static void log_event(const struct vm_event *event, void *userdata)
{
    (void)userdata;
    if (event->kind == VM_EVENT_WARNING || event->kind == VM_EVENT_BALLOON)
        log_notice("VM %s: %s", event->vm->name, event->text);
}

static bool has_work(const struct release *release)
{
    if (lease_keeper_expired(&release->keeper, release->time) > 0)
        return true;
    list_for_each (link, &release->keeper.balloons) {
        const struct balloon_control *control = list_entry(link, struct vm, balloon_link)->balloon;

        for (uint32_t i = 0; i < control->lease_count; i++)
            if (control->leases[i].lease.expires != 0 &&
                control->leases[i].lease.expires <= release->time)
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
    if (r == 0)
        r = supervisor_define(&release->supervisor, release->definitions, release->definition_count,
                              error);
    release->definition_count = 0; /* the supervisor's now */
    release->end = time_boottime() + TIME_MAX;
    (void)uv_timer_start(&release->timer, on_look, 0, LOOK_INTERVAL / NSEC_PER_MSEC);
    return r;
}

static void stop(struct release *release)
{
    uv_close((uv_handle_t *)&release->timer, NULL);
    lease_keeper_stop(&release->keeper);
    supervisor_stop(&release->supervisor);
    (void)uv_run(&release->loop, UV_RUN_DEFAULT);
    lease_keeper_finish(&release->keeper);
    supervisor_finish(&release->supervisor);
}

static int run(struct release *release, int root, struct error *error)
{
    struct lease_journal journal;
    int r;

    store_lease_journal(release->store, &journal);
    release->definitions = calloc(LEASES_MAX, sizeof(struct vm_definition *));
    if (release->definitions == NULL)
        return error_set(error, -ENOMEM, "out of memory");
    r = journal.load(journal.userdata, define_vm_of, release, error);
    if (r < 0 || release->expired == 0)
        return r;
    r = uv_loop_init(&release->loop);
    if (r < 0)
        return error_set(error, r, "cannot make an event loop: %s", uv_strerror(r));
    r = start(release, &journal, root, error);
    if (r == 0)
        (void)uv_run(&release->loop, UV_RUN_DEFAULT);
    if (r == 0 && !release->done)
        r = error_set(error, -ETIMEDOUT,
                      "not every hypervisor followed within 30 s; its lease stays in the journal, "
                      "run this again");
    stop(release);
    (void)uv_loop_close(&release->loop);
    return r;
}

int release_expired(const struct daemon_sources *sources, int root, size_t *ret_released,
                    struct error *error)
{
    struct release release = {.time = time_realtime()};
    struct daemon_config config;
    char path[PATH_MAX];
    int r = daemon_config_gather(&config, sources, error);

    if (r < 0)
        return r;
    if (daemon_is_running(&config)) {
        *ret_released = 0;
        return 0;
    }
    (void)snprintf(path, sizeof(path), "%s/vmreclaim.db", config.state_directory);
    r = store_create(path, &release.store);
    if (r < 0)
        return error_set(error, r, "cannot open the store %s: %s", path, strerror(-r));
    r = run(&release, root, error);
    for (size_t i = 0; i < release.definition_count; i++)
        vm_definition_destroy(release.definitions[i]);
    free(release.definitions);
    store_destroy(release.store);
    if (r == 0)
        *ret_released = release.expired;
    return r;
}
