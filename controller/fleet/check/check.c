/* All is asked at once, and what has not come in ten seconds does not come. */
#include "controller/fleet/check/check.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/time.h"
#include "controller.pb-c.h"
#include "controller/client/fetch.h"
#include "controller/fleet/bus/bus.h"
#include "controller/fleet/check/files.h"
#include "controller/fleet/check/stream.h"
#include "controller/fleet/coordinator/coordinator.h"

#define PATIENCE_MS 10000

typedef Vmreclaim__Controller__V1__GetStatusRequest StatusRequest;
typedef Vmreclaim__Controller__V1__GetStatusResponse Status;
typedef Vmreclaim__Fleet__V1__Applied Applied;

/* A question under way. */
struct question {
    struct check *check;
    const char *name; /* of what is asked about */
    bool is_open;
};

struct check {
    uv_loop_t loop;
    const struct fleet_config *config;
    struct report report;
    struct bus *bus;
    struct upstream upstream;
    struct upstream_listener listener;
    struct fetcher fetcher;
    struct fetch *fetch; /* of the daemon's status; NULL: it is not under way */
    uv_timer_t timer;
    bool is_coordinator;
    struct question connection, wanted, daemon;
    struct bus_stream streams[COORDINATOR_STREAMS];
    struct question stream_questions[COORDINATOR_STREAMS];
    unsigned open_count;
    bool has_ended;
};

int check_become(bool is_coordinator, struct error *error)
{
    const char *name = is_coordinator ? CHECK_COORDINATOR_USER : CHECK_BRIDGE_USER;
    const struct passwd *user = getpwnam(name);

    if (geteuid() != 0 || user == NULL)
        return 0;
    if (initgroups(name, user->pw_gid) < 0 || setgid(user->pw_gid) < 0 || setuid(user->pw_uid) < 0)
        return error_set(error, -errno, "cannot become %s: %s", name, strerror(errno));
    return 0;
}

/* ---- questions ---- */

static void end(struct check *check)
{
    if (check->has_ended)
        return;
    check->has_ended = true;
    if (check->fetch != NULL)
        fetch_cancel(check->fetch);
    bus_stop(check->bus);
    if (check->daemon.check != NULL) {
        list_remove(&check->listener.link);
        upstream_stop(&check->upstream);
    }
    uv_close((uv_handle_t *)&check->timer, NULL);
}

static void open_question(struct check *check, struct question *question, const char *name)
{
    *question = (struct question){.check = check, .name = name, .is_open = true};
    check->open_count++;
}

static void answered(struct question *question)
{
    if (!question->is_open)
        return;
    question->is_open = false;
    if (--question->check->open_count == 0)
        end(question->check);
}

static void give_up(struct question *question)
{
    if (question->is_open)
        report_add(&question->check->report, FINDING_FAILURE, question->name,
                   "no answer within %d seconds", PATIENCE_MS / 1000);
    question->is_open = false;
}

static void on_timer(uv_timer_t *timer)
{
    struct check *check = timer->data;

    give_up(&check->connection);
    give_up(&check->wanted);
    give_up(&check->daemon);
    for (size_t i = 0; i < COORDINATOR_STREAMS; i++)
        give_up(&check->stream_questions[i]);
    end(check);
}

/* ---- the bus ---- */

static void on_wanted(const struct bus_answer *answer, void *userdata)
{
    struct question *question = userdata;
    struct report *report = &question->check->report;
    const char *host = question->check->config->host;

    if (answer->status == 0)
        report_add(report, FINDING_OK, question->name, "the bus has what %s is to run", host);
    else if (answer->status == -ENOENT)
        report_add(report, FINDING_OK, question->name, "no rollout was for %s yet", host);
    else
        report_add(report, FINDING_FAILURE, question->name,
                   "the bus does not answer what %s is to run (%s): is this key enrolled for "
                   "another host? and are the coordinators' streams there?",
                   host, answer->problem);
    answered(question);
}

static void on_stream(const struct bus_answer *answer, void *userdata)
{
    struct question *question = userdata;
    struct report *report = &question->check->report;
    char *text = answer->status < 0 ? NULL : strndup((const char *)answer->data, answer->length);

    if (text != NULL)
        check_stream(report, question->name, text);
    else
        report_add(
            report, FINDING_FAILURE, question->name,
            "the servers do not answer (%s): is this key enrolled as a coordinator's, and do "
            "two of three servers run?",
            answer->problem);
    free(text);
    answered(question);
}

static void ask(struct question *question, const char *subject, bus_done done)
{
    if (bus_ask(question->check->bus, subject, done, question) < 0)
        answered(question);
}

static void ask_bus(struct check *check)
{
    char subject[128];

    if (!check->is_coordinator) {
        open_question(check, &check->wanted, "desired-state");
        snprintf(subject, sizeof(subject), "vmr.v1.policyget.%s", check->config->host);
        ask(&check->wanted, subject, on_wanted);
        return;
    }
    for (size_t i = 0; i < COORDINATOR_STREAMS; i++) {
        open_question(check, &check->stream_questions[i], check->streams[i].name);
        snprintf(subject, sizeof(subject), "$JS.API.STREAM.INFO.%s", check->streams[i].name);
        ask(&check->stream_questions[i], subject, on_stream);
    }
}

static void on_state(bool is_connected, const char *problem, void *userdata)
{
    struct check *check = userdata;

    if (!check->connection.is_open)
        return;
    if (is_connected) {
        report_add(&check->report, FINDING_OK, "bus", "connected (%s)", check->config->servers);
        ask_bus(check);
    } else
        report_add(&check->report, FINDING_FAILURE, "bus", "%s: %s", check->config->servers,
                   problem);
    answered(&check->connection);
}

static void on_message(const struct bus_message *message, void *userdata)
{
}

/* A key that cannot be read is a finding as well. */
static void start_bus(struct check *check)
{
    const struct fleet_config *config = check->config;
    char inbox[FLEET_HOST_SIZE + 16];
    const struct bus_options options = {
        .servers = config->servers,
        .name = "vmreclaim-fleet --check",
        .inbox = check->is_coordinator ? NULL : inbox,
        .nkey = config->nkey[0] == '\0' ? NULL : config->nkey,
        .authority = config->authority[0] == '\0' ? NULL : config->authority,
        .on_state = on_state,
        .on_message = on_message,
        .userdata = check,
    };
    struct error error;

    open_question(check, &check->connection, "bus");
    snprintf(inbox, sizeof(inbox), "_INBOX_%s", config->host);
    if (bus_create(&check->loop, &options, &check->bus, &error) == 0 &&
        bus_start(check->bus, &error) == 0)
        return;
    report_add(&check->report, FINDING_FAILURE, "bus", "%s", error.text);
    answered(&check->connection);
}

/* ---- the daemon ---- */

static void judge_applied(struct check *check, const Applied *applied)
{
    struct report *report = &check->report;
    const char *host = check->config->host;
    char time[TIME_UTC_SIZE];

    if (applied == NULL || applied->host[0] == '\0')
        report_add(report, FINDING_FAILURE, "daemon",
                   "vmreclaimd takes nothing of a fleet: write fleet_host: %s and fleet_keys in "
                   "its vmreclaimd.yaml, and restart it",
                   host);
    else if (strcmp(applied->host, host) != 0)
        report_add(report, FINDING_FAILURE, "daemon",
                   "this host is '%s' here, and fleet_host '%s' in vmreclaimd.yaml: write the same",
                   host, applied->host);
    else if (applied->refused[0] != '\0')
        report_add(report, FINDING_WARNING, "daemon", "vmreclaimd has refused what came last: %s",
                   applied->refused);
    else if (applied->generation == 0)
        report_add(report, FINDING_OK, "daemon", "vmreclaimd has taken nothing yet");
    else
        report_add(report, FINDING_OK, "daemon", "vmreclaimd has taken state %" PRIu64 " on %s",
                   applied->generation, time_format_utc(applied->time_ns, time, sizeof(time)));
}

static void on_status(const struct ttrpc_result *result, void *userdata)
{
    struct check *check = userdata;

    check->fetch = NULL;
    if (result->code == TTRPC_OK)
        judge_applied(check, ((const Status *)result->response)->fleet);
    else
        report_add(&check->report, FINDING_FAILURE, "daemon",
                   "vmreclaimd does not answer (%s): is the program's group its fleet_group?",
                   result->message);
    answered(&check->daemon);
}

static void on_upstream(void *userdata)
{
    struct check *check = userdata;
    const StatusRequest message = VMRECLAIM__CONTROLLER__V1__GET_STATUS_REQUEST__INIT;
    const struct fetch_request request = {
        .method = "GetStatus",
        .form = FETCH_ONE,
        .message = &message.base,
        .timeout = PATIENCE_MS * NSEC_PER_MSEC,
        .on_end = on_status,
        .userdata = check,
    };

    if (!check->daemon.is_open || check->fetch != NULL)
        return;
    if (check->upstream.connection != NULL &&
        fetch_start(&check->fetcher, &request, &check->fetch) == 0)
        return;
    report_add(&check->report, FINDING_FAILURE, "daemon", "%s", check->upstream.problem.text);
    answered(&check->daemon);
}

static int start_daemon(struct check *check, struct error *error)
{
    int r = upstream_init(&check->upstream, &check->loop, &upstream_daemon, check->config->api,
                          "fleet", error);

    if (r < 0)
        return r;
    fetcher_init(&check->fetcher, &check->upstream);
    check->listener = (struct upstream_listener){.on_change = on_upstream, .userdata = check};
    upstream_listen(&check->upstream, &check->listener);
    open_question(check, &check->daemon, "daemon");
    return 0;
}

/* ---- the whole ---- */

static int start(struct check *check, struct error *error)
{
    int r = 0;

    (void)uv_timer_init(&check->loop, &check->timer);
    check->timer.data = check;
    (void)uv_timer_start(&check->timer, on_timer, PATIENCE_MS, 0);
    if (!check->is_coordinator)
        r = start_daemon(check, error);
    if (r == 0)
        start_bus(check);
    return r;
}

int check_fleet(const struct fleet_config *config, bool is_coordinator, FILE *output,
                struct error *error)
{
    static struct check check;
    int r;

    check = (struct check){
        .config = config, .is_coordinator = is_coordinator, .report = {.output = output}};
    if (!is_coordinator && config->host[0] == '\0')
        return error_set(error, -EINVAL, "'host' is missing: this host has no id in the fleet");
    coordinator_streams(config->lease_time, check.streams);
    check_files(&check.report, config, is_coordinator);
    check_clock(&check.report);
    r = uv_loop_init(&check.loop);
    if (r < 0)
        return error_set(error, r, "cannot start: %s", uv_strerror(r));
    r = start(&check, error);
    if (r < 0)
        end(&check);
    uv_run(&check.loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&check.loop);
    return r < 0 ? r : (int)check.report.failures;
}
