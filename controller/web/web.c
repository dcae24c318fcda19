/* Starting, stopping, and the table of paths. */
#include "controller/web/web.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "controller/web/reply.h"
#include "fleet.pb-c.h"

#define HEALTH_PATH "/healthz"
#define PARTS_BYTES 80
#define WATCHDOG_MS 1000

static const struct upstream_peer coordinator = {
    .name = "the fleet's coordinator",
    .option = "--fleet",
    .advice = "is vmreclaim-fleet-coordinator running, and is this user in its group?",
    .service = &vmreclaim__fleet__v1__fleet__descriptor,
};

/* ---- paths ---- */

static void answer_events(struct web *web, struct request *request)
{
    events_answer(&web->events, request);
}

static void answer_metrics(struct web *web, struct request *request)
{
    scrape_answer(&web->scrape, request);
}

static bool is_away(const struct upstream *upstream)
{
    return !upstream->is_none && upstream->connection == NULL;
}

/* For monitors and proxies, which have no password: this program serves, and who is asked is there.
 * Why one is not is for those only who may read everything. */
static void answer_health(struct web *web, struct request *request)
{
    const struct upstream *away = is_away(&web->daemon)  ? &web->daemon
                                  : is_away(&web->fleet) ? &web->fleet
                                                         : NULL;

    if (away == NULL)
        request_refuse(request, MHD_HTTP_OK, "ok\n");
    else if (web->login.passwords != NULL)
        request_refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, "no connection to %s\n",
                       away->peer->name);
    else if (away->problem.text[0] == '\0')
        request_refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, "connecting to %s\n",
                       away->peer->name);
    else
        request_refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, "%s\n", away->problem.text);
}

/* For the page: whom there is to ask. */
static void answer_parts(struct web *web, struct request *request)
{
    char *text = malloc(PARTS_BYTES);
    int length = 0;

    if (text != NULL)
        length =
            snprintf(text, PARTS_BYTES, "export const parts = {daemon: %s, fleet: %s};\n",
                     web->daemon.is_none ? "false" : "true", web->fleet.is_none ? "false" : "true");
    request_answer(
        request, MHD_HTTP_OK,
        text == NULL ? NULL : reply_create("text/javascript; charset=utf-8", text, (size_t)length));
}

static void answer_fleet(struct web *web, struct request *request)
{
    fleet_answers_give(&web->fleet_answers, request);
}

static const struct path {
    const char *path;
    void (*answer)(struct web *web, struct request *request);
} paths[] = {
    {"/events", answer_events},   {"/metrics", answer_metrics}, {FLEET_PATH, answer_fleet},
    {HEALTH_PATH, answer_health}, {"/parts.js", answer_parts},
};

/* Of somebody who may read. */
static void on_admitted(struct request *request, void *userdata)
{
    struct web *web = userdata;

    if (strncmp(request_path(request), API_PREFIX, strlen(API_PREFIX)) == 0) {
        api_answer(&web->api, request);
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
        if (strcmp(request_path(request), paths[i].path) == 0) {
            paths[i].answer(web, request);
            return;
        }
    if (page_answer(&web->page, request))
        return;
    request_refuse(request, MHD_HTTP_NOT_FOUND, "There is nothing here; begin at /\n");
}

static void on_request(struct request *request, void *userdata)
{
    struct web *web = userdata;

    if (web->login.passwords != NULL && strcmp(request_path(request), HEALTH_PATH) != 0)
        login_request(&web->login, request);
    else
        on_admitted(request, userdata);
}

/* Streams were let in by what is no longer so. */
static void on_passwords(struct passwords *passwords, void *userdata)
{
    struct web *web = userdata;
    bool is_first = web->login.passwords == NULL;

    login_set_passwords(&web->login, passwords);
    if (!is_first)
        server_end_streams(&web->server);
}

/* ---- starting ---- */

static void on_accept(int descriptor, void *userdata)
{
    struct web *web = userdata;

    server_take(&web->server, descriptor);
}

static int read_secrets(struct web *web, const struct options *options, struct error *error)
{
    const struct secrets_paths files = {
        .certificate = options->certificate, .key = options->key, .passwords = options->basic_auth};
    int r = login_init(&web->login, web->loop, on_admitted, web, error);

    return r < 0 ? r : secrets_init(&web->secrets, web->loop, &files, on_passwords, web, error);
}

static int open_door(struct web *web, const struct options *options, struct error *error)
{
    char address[160];
    int r = door_open(web->loop, options->listen, on_accept, web, &web->door, error);

    if (r < 0)
        return error_prefix(error, r, "--listen");
    if (!door_is_local(web->door) && options->certificate == NULL)
        return error_set(error, -EPERM,
                         "--listen %s: other machines can reach that, and everybody between could "
                         "read along. Give --tls-certificate and --tls-key, or listen on a "
                         "loopback address or unix:PATH behind a proxy that has TLS and logins",
                         door_address(web->door, address, sizeof(address)));
    return 0;
}

static int start_server(struct web *web, const struct options *options, struct error *error)
{
    struct server_options server = {
        .guard = {.checks_host = !door_is_unix(web->door), .host_count = options->host_count},
        .has_tls = options->certificate != NULL,
        .on_request = on_request,
        .userdata = web,
    };

    memcpy(server.guard.hosts, options->hosts, sizeof(server.guard.hosts));
    return server_init(&web->server, web->loop, &server, error);
}

static void on_watchdog(uv_timer_t *timer)
{
    struct web *web = timer->data;

    notify_watchdog(&web->notify, time_boottime());
}

static void start_notifying(struct web *web)
{
    notify_init(&web->notify, time_boottime());
    uv_timer_init(web->loop, &web->watchdog);
    web->watchdog.data = web;
    if (web->notify.watchdog != 0)
        uv_timer_start(&web->watchdog, on_watchdog, WATCHDOG_MS, WATCHDOG_MS);
    notify_send(&web->notify, "READY=1");
}

/* Everything that listens. */
static int start_serving(struct web *web, const struct options *options, struct error *error)
{
    char address[160];
    int r = page_init(&web->page) < 0 ? error_set(error, -ENOMEM, "no memory for the page") : 0;

    if (r == 0)
        r = open_door(web, options, error);
    if (r == 0)
        r = start_server(web, options, error);
    if (r == 0) {
        r = read_secrets(web, options, error);
        if (r < 0)
            server_stop(&web->server);
    }
    if (r < 0) {
        door_close(web->door);
        web_finish(web);
        return r;
    }
    log_notice("vmreclaim-web " VMRECLAIM_VERSION " listens on %s%s",
               door_address(web->door, address, sizeof(address)),
               options->certificate != NULL ? " with TLS" : "");
    if (!door_is_local(web->door) && options->basic_auth == NULL)
        log_warning("whoever reaches that from another machine may read everything; give "
                    "--basic-auth, or let a firewall choose");
    return 0;
}

static void stop_serving(struct web *web)
{
    door_close(web->door);
    server_stop(&web->server);
    login_stop(&web->login);
    secrets_stop(&web->secrets);
}

static int connect_all(struct web *web, const struct options *options, struct error *error)
{
    int r = upstream_init(&web->daemon, web->loop, &upstream_daemon, options->api, "web", error);

    if (r < 0)
        return r;
    r = upstream_init(&web->fleet, web->loop, &coordinator, options->fleet, "web", error);
    if (r < 0) {
        upstream_stop(&web->daemon);
        return r;
    }
    fetcher_init(&web->fetcher, &web->daemon);
    fetcher_init(&web->fleet_fetcher, &web->fleet);
    return 0;
}

int web_start(struct web *web, uv_loop_t *loop, const struct options *options,
              void (*on_done)(int r, void *userdata), void *userdata, struct error *error)
{
    int r;

    *web = (struct web){.loop = loop, .is_textfile = options->textfile != NULL};
    web->textfile = (struct textfile){.fetcher = &web->fetcher,
                                      .path = options->textfile,
                                      .interval = options->interval,
                                      .scope = options->scope,
                                      .on_done = on_done,
                                      .userdata = userdata};
    r = web->is_textfile ? 0 : start_serving(web, options, error);
    if (r < 0)
        return r;
    r = connect_all(web, options, error);
    if (r < 0) {
        if (!web->is_textfile)
            stop_serving(web);
        web_finish(web);
        return r;
    }
    api_init(&web->api, &web->fetcher, &web->fleet_fetcher);
    fleet_rounds_init(&web->fleet_rounds, &web->fleet_fetcher);
    fleet_answers_init(&web->fleet_answers, &web->fleet_rounds);
    events_init(&web->events, loop, &web->daemon, &web->fleet);
    scrape_init(&web->scrape, &web->fetcher, &web->fleet_rounds, options->scope);
    start_notifying(web);
    if (web->is_textfile)
        textfile_start(&web->textfile, loop);
    else
        door_start(web->door);
    return 0;
}

void web_stop(struct web *web)
{
    notify_send(&web->notify, "STOPPING=1");
    if (web->is_textfile)
        textfile_stop(&web->textfile);
    else
        stop_serving(web);
    api_finish(&web->api);
    fleet_answers_finish(&web->fleet_answers);
    events_stop(&web->events);
    scrape_finish(&web->scrape);
    fleet_rounds_finish(&web->fleet_rounds);
    upstream_stop(&web->daemon);
    upstream_stop(&web->fleet);
    uv_close((uv_handle_t *)&web->watchdog, NULL);
    notify_finish(&web->notify);
}

void web_finish(struct web *web)
{
    page_finish(&web->page);
    secrets_finish(&web->secrets);
}

void web_reload(struct web *web)
{
    if (!web->is_textfile)
        secrets_reload(&web->secrets);
}
