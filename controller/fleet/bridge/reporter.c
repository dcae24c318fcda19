/* timer -> four answers of the daemon -> one status. */
#include "controller/fleet/bridge/reporter.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/base/util.h"
#include "common/message/copy.h"

#define INTERVAL_MS 10000
#define TIMEOUT     (8 * NSEC_PER_SEC)

typedef Vmreclaim__Fleet__V1__HostStatus Status;

/* ---- a status ---- */

static void fill(struct reporter *reporter, Status *status, char **labels)
{
    const struct fleet_config *config = reporter->config;

    vmreclaim__fleet__v1__host_status__init(status);
    for (size_t i = 0; i < config->label_count; i++)
        labels[i] = (char *)config->labels[i];
    status->time_ns = time_realtime();
    status->sequence = ++reporter->sequence;
    status->name = (char *)config->name;
    status->boot_id = reporter->boot_id;
    status->labels = labels;
    status->n_labels = config->label_count;
    status->problem = reporter->problem.text;
}

static void publish(struct reporter *reporter)
{
    const struct reporter_fetch *fetches = reporter->fetches;
    const struct status_parts parts = {
        .status = (const void *)fetches[PART_STATUS].answer,
        .host = (const void *)fetches[PART_HOST].answer,
        .list = (const void *)fetches[PART_LIST].answer,
        .counters = (const void *)fetches[PART_COUNTERS].answer,
    };
    char *labels[FLEET_LABELS_MAX];
    size_t length = 0;
    uint8_t *packed;
    Status status;

    fill(reporter, &status, labels);
    packed = status_pack(&status, &parts, &length);
    if (packed == NULL || bus_publish(reporter->bus, reporter->subject, packed, length) < 0)
        log_warning("a status was not sent: no memory, or the bus takes no more now");
    free(packed);
}

static void forget_answers(struct reporter *reporter)
{
    for (size_t i = 0; i < REPORTER_PARTS; i++) {
        message_free(reporter->fetches[i].answer);
        reporter->fetches[i].answer = NULL;
    }
}

static void begin(struct reporter *reporter);

static void end(struct reporter *reporter)
{
    if (reporter->bus_is_there)
        publish(reporter);
    forget_answers(reporter);
    if (reporter->is_due && reporter->bus_is_there)
        begin(reporter);
}

/* ---- asking ---- */

static void on_answer(const struct ttrpc_result *result, void *userdata)
{
    struct reporter_fetch *fetch = userdata;
    struct reporter *reporter = fetch->reporter;

    fetch->fetch = NULL;
    reporter->under_way--;
    if (result->code == TTRPC_OK)
        fetch->answer = message_copy(result->response);
    else
        (void)error_set(&reporter->problem, -EIO, "%s", result->message);
    if (fetch->answer != NULL && fetch == &reporter->fetches[PART_STATUS] &&
        reporter->on_status != NULL)
        reporter->on_status((const void *)fetch->answer, reporter->userdata);
    if (reporter->under_way == 0)
        end(reporter);
}

static void ask(struct reporter *reporter, enum reporter_part part, const char *method,
                enum fetch_form form, const ProtobufCMessage *message)
{
    struct reporter_fetch *fetch = &reporter->fetches[part];
    const struct fetch_request request = {
        .method = method,
        .form = form,
        .message = message,
        .timeout = TIMEOUT,
        .on_end = on_answer,
        .userdata = fetch,
    };

    if (fetch_start(reporter->fetcher, &request, &fetch->fetch) == 0)
        reporter->under_way++;
    else
        reporter->problem = reporter->fetcher->upstream->problem;
}

static void begin(struct reporter *reporter)
{
    Vmreclaim__Controller__V1__GetStatusRequest status =
        VMRECLAIM__CONTROLLER__V1__GET_STATUS_REQUEST__INIT;
    Vmreclaim__Controller__V1__GetHostRequest host =
        VMRECLAIM__CONTROLLER__V1__GET_HOST_REQUEST__INIT;
    Vmreclaim__Controller__V1__ListVmsRequest list =
        VMRECLAIM__CONTROLLER__V1__LIST_VMS_REQUEST__INIT;
    Vmreclaim__Controller__V1__GetCountersRequest counters =
        VMRECLAIM__CONTROLLER__V1__GET_COUNTERS_REQUEST__INIT;

    assert(reporter->under_way == 0);
    reporter->is_due = false;
    reporter->problem.text[0] = '\0';
    host.page_size = 1; /* the host itself is what is wanted */
    list.with_returns = list.with_obstacles = true;
    ask(reporter, PART_STATUS, "GetStatus", FETCH_ONE, &status.base);
    ask(reporter, PART_HOST, "GetHost", FETCH_ONE, &host.base);
    ask(reporter, PART_LIST, "ListVms", FETCH_PAGES, &list.base);
    ask(reporter, PART_COUNTERS, "GetCounters", FETCH_PAGES, &counters.base);
    if (reporter->under_way == 0)
        end(reporter);
}

/* ---- when ---- */

void reporter_hurry(struct reporter *reporter)
{
    if (!reporter->bus_is_there)
        return;
    if (reporter->under_way > 0)
        reporter->is_due = true;
    else
        begin(reporter);
}

static void on_timer(uv_timer_t *timer)
{
    struct reporter *reporter = timer->data;

    if (reporter->bus_is_there && reporter->under_way == 0)
        begin(reporter);
}

void reporter_on_bus(struct reporter *reporter, bool is_there)
{
    reporter->bus_is_there = is_there;
    reporter_hurry(reporter);
}

/* What the daemon has is told at once when it is there, or gone. */
static void on_upstream(void *userdata)
{
    reporter_hurry(userdata);
}

/* Every host at its own moment of the interval, whenever it was started. */
static uint64_t first_after(const char *host)
{
    uint64_t phase = hash_text(host) % INTERVAL_MS;
    uint64_t now = (uint64_t)time_realtime() / NSEC_PER_MSEC % INTERVAL_MS;

    return (phase + INTERVAL_MS - now) % INTERVAL_MS;
}

void reporter_init(struct reporter *reporter, uv_loop_t *loop, const struct fleet_config *config,
                   struct fetcher *fetcher)
{
    *reporter = (struct reporter){.config = config, .fetcher = fetcher};
    for (size_t i = 0; i < REPORTER_PARTS; i++)
        reporter->fetches[i].reporter = reporter;
    if (file_read_into(AT_FDCWD, "/proc/sys/kernel/random/boot_id", reporter->boot_id,
                       sizeof(reporter->boot_id)) < 0)
        reporter->boot_id[0] = '\0';
    reporter->boot_id[strcspn(reporter->boot_id, "\n")] = '\0';
    reporter->listener = (struct upstream_listener){.on_change = on_upstream, .userdata = reporter};
    upstream_listen(fetcher->upstream, &reporter->listener);
    snprintf(reporter->subject, sizeof(reporter->subject), "vmr.v1.status.%s", config->host);
    (void)uv_timer_init(loop, &reporter->timer);
    reporter->timer.data = reporter;
    (void)uv_timer_start(&reporter->timer, on_timer, first_after(config->host), INTERVAL_MS);
}

void reporter_stop(struct reporter *reporter)
{
    for (size_t i = 0; i < REPORTER_PARTS; i++)
        if (reporter->fetches[i].fetch != NULL)
            fetch_cancel(reporter->fetches[i].fetch);
    forget_answers(reporter);
    list_remove(&reporter->listener.link);
    uv_close((uv_handle_t *)&reporter->timer, NULL);
}
