/* What root reads through the operators' API: the calls below in turn, RATE a second for SECONDS,
 * each timed from when it was due to its whole answer. Every CALLS_EACH calls one comes by a new
 * connection, and to get in is part of it. Every ten seconds there is one that must be durable.
 *
 * Prints calls and failures; p50, p99 and the longest in ms; p50 and longest of the durable ones;
 * and p50, p99 and the longest of what the daemon's loop, process PID, did meanwhile, processor
 * time in ms: that does not depend on what else the machine does. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/transport/transport.h"
#include "common/ttrpc/ttrpc.h"
#include "controller.pb-c.h"

#define CONNECTIONS 4
#define CALLS_EACH  16
#define TIMEOUT     (60 * NSEC_PER_SEC)
#define DURABLE_GAP (10 * NSEC_PER_SEC)

static const ProtobufCServiceDescriptor *const service =
    &vmreclaim__controller__v1__controller__descriptor;

/* A connection, which is closed when another one has its place and its calls are answered. */
struct line {
    struct ttrpc_connection *connection; /* NULL: closed */
    unsigned pending;
    bool is_old;
};

struct timing {
    struct line *line;
    nsec_t due;  /* then how long it took */
    nsec_t work; /* of the loop before; then meanwhile */
    unsigned method;
};

struct reads {
    uv_loop_t loop;
    uv_timer_t timer;
    struct address address;
    struct line *lines[CONNECTIONS];
    struct timing *timings;
    unsigned total;
    unsigned started;
    unsigned answered;
    unsigned failed;
    nsec_t begun;
    nsec_t spacing;
    int schedstat;             /* of the daemon's loop */
    struct line *durable_line; /* NULL: not yet */
    nsec_t durable[256];
    unsigned durable_started;
    unsigned durable_answered;
};

static struct reads reads;

static Vmreclaim__Controller__V1__ListVmsRequest list_vms;
static Vmreclaim__Controller__V1__GetVmRequest get_vm;
static Vmreclaim__Controller__V1__GetStatusRequest get_status;
static Vmreclaim__Controller__V1__ListActionsRequest list_actions;
static Vmreclaim__Controller__V1__ListPoliciesRequest list_policies;
static Vmreclaim__Controller__V1__GetHistoryRequest get_history;

static const struct {
    const char *name;
    const ProtobufCMessage *request;
    bool streams;
} methods[] = {
    {"GetStatus", &get_status.base, false},
    {"ListVms", &list_vms.base, false},
    {"GetVm", &get_vm.base, false},
    {"ListActions", &list_actions.base, false},
    {"ListPolicies", &list_policies.base, false},
    {"GetHistory", &get_history.base, true},
};

static void init_requests(char *vm)
{
    vmreclaim__controller__v1__list_vms_request__init(&list_vms);
    vmreclaim__controller__v1__get_vm_request__init(&get_vm);
    vmreclaim__controller__v1__get_status_request__init(&get_status);
    vmreclaim__controller__v1__list_actions_request__init(&list_actions);
    vmreclaim__controller__v1__list_policies_request__init(&list_policies);
    vmreclaim__controller__v1__get_history_request__init(&get_history);
    get_vm.vm = vm;
    get_history.vm = vm;
}

/* Processor time of the daemon's loop. */
static nsec_t work(void)
{
    char text[64] = "";

    if (pread(reads.schedstat, text, sizeof(text) - 1, 0) <= 0)
        exit(1);
    return strtoull(text, NULL, 10);
}

static void say_failure(const char *method, const struct ttrpc_result *result)
{
    if (reads.failed++ == 0)
        fprintf(stderr, "local-reads: %s: %s: %s\n", method, ttrpc_code_name(result->code),
                result->message);
}

static void finish_when_all_are_there(void)
{
    if (reads.answered == reads.total && reads.durable_answered == reads.durable_started)
        uv_stop(&reads.loop);
}

static void on_result(const struct ttrpc_result *result, void *userdata)
{
    struct timing *timing = userdata;

    timing->due = time_monotonic() - timing->due;
    timing->work = work() - timing->work;
    if (result->code != TTRPC_OK)
        say_failure(methods[timing->method].name, result);
    reads.answered++;
    if (timing->line != NULL && --timing->line->pending == 0 && timing->line->is_old &&
        timing->line->connection != NULL)
        ttrpc_connection_close(timing->line->connection);
    finish_when_all_are_there();
}

static void on_part(const ProtobufCMessage *message, void *userdata)
{
}

static void read_by(struct line *line, struct timing *timing)
{
    unsigned i = timing->method;
    int r;

    timing->line = line;
    line->pending++;
    r = methods[i].streams
            ? ttrpc_call_stream(line->connection, service, methods[i].name, methods[i].request,
                                TIMEOUT, on_part, on_result, timing, NULL)
            : ttrpc_call_unary(line->connection, service, methods[i].name, methods[i].request,
                               TIMEOUT, on_result, timing, NULL);
    if (r < 0)
        on_result(&(struct ttrpc_result){.code = TTRPC_UNAVAILABLE, .message = "not sent"}, timing);
}

/* ---- connections ---- */

static void on_close(struct ttrpc_connection *connection, int status, const char *reason,
                     void *userdata)
{
    struct line *line = userdata;

    line->connection = NULL;
}

/* NULL: there is none. A line lives as long as the program: its timings point to it. */
static struct line *take(int descriptor)
{
    struct ttrpc_connection_options options = {.limits = ttrpc_limits_default,
                                               .on_close = on_close};
    struct line *line = calloc(1, sizeof(*line));

    options.limits.frame_bytes = 4u << 20;
    options.userdata = line;
    if (line == NULL || descriptor < 0 ||
        ttrpc_connection_create(&reads.loop, descriptor, &options, &line->connection) < 0)
        return NULL;
    return line;
}

static void retire(struct line *line)
{
    if (line == NULL)
        return;
    line->is_old = true;
    if (line->pending == 0 && line->connection != NULL)
        ttrpc_connection_close(line->connection);
}

static void on_dialled(int descriptor, const struct error *error, void *userdata)
{
    struct timing *timing = userdata;
    struct line *line = take(descriptor);
    unsigned place = (unsigned)(timing - reads.timings) / CALLS_EACH % CONNECTIONS;

    if (line == NULL) {
        on_result(&(struct ttrpc_result){.code = TTRPC_UNAVAILABLE, .message = "not let in"},
                  timing);
        return;
    }
    retire(reads.lines[place]);
    reads.lines[place] = line;
    read_by(line, timing);
}

static void dial(struct timing *timing)
{
    if (dial_start(&reads.loop, &reads.address, TIMEOUT, on_dialled, timing, NULL) < 0)
        exit(1);
}

/* ---- when ---- */

static void start_read(void)
{
    struct timing *timing = &reads.timings[reads.started];
    unsigned place = reads.started / CALLS_EACH % CONNECTIONS;

    timing->due = reads.begun + reads.started * reads.spacing;
    timing->work = work();
    timing->method = reads.started % ARRAY_SIZE(methods);
    if (reads.started++ % CALLS_EACH == 0 || reads.lines[place] == NULL ||
        reads.lines[place]->connection == NULL)
        dial(timing);
    else
        read_by(reads.lines[place], timing);
}

static void on_durable(const struct ttrpc_result *result, void *userdata)
{
    nsec_t *duration = userdata;

    *duration = time_monotonic() - *duration;
    reads.durable_answered++;
    if (result->code != TTRPC_OK)
        say_failure("ApplyPolicy", result);
    finish_when_all_are_there();
}

static void on_durable_dialled(int descriptor, const struct error *error, void *userdata)
{
    reads.durable_line = take(descriptor);
}

/* A policy that nothing is assigned to, another one each time. */
static void start_durable(nsec_t now)
{
    Vmreclaim__Controller__V1__ApplyVmPolicyRequest request =
        VMRECLAIM__CONTROLLER__V1__APPLY_VM_POLICY_REQUEST__INIT;
    nsec_t *duration = &reads.durable[reads.durable_started];
    char text[96];

    if (reads.durable_started == ARRAY_SIZE(reads.durable) ||
        now < reads.begun + reads.durable_started * DURABLE_GAP)
        return;
    snprintf(text, sizeof(text), "name: root\nprofile: balanced\n# %u\n", reads.durable_started);
    request.source = text;
    *duration = now;
    reads.durable_started++;
    if (ttrpc_call_unary(reads.durable_line->connection, service, "ApplyPolicy", &request.base,
                         TIMEOUT, on_durable, duration, NULL) < 0)
        exit(1);
}

static void on_tick(uv_timer_t *timer)
{
    nsec_t now = time_monotonic();

    while (reads.started < reads.total && reads.begun + reads.started * reads.spacing <= now)
        start_read();
    if (reads.durable_line != NULL && reads.durable_line->connection != NULL &&
        reads.started < reads.total)
        start_durable(now);
}

/* ---- figures ---- */

static int compare(const void *a, const void *b)
{
    nsec_t left = *(const nsec_t *)a, right = *(const nsec_t *)b;

    return left < right ? -1 : left > right;
}

static double in_ms(nsec_t time)
{
    return (double)time / 1e6;
}

/* p50, p99 and the longest. */
static void print_times(nsec_t *times, unsigned count)
{
    qsort(times, count, sizeof(*times), compare);
    printf("%.3f %.3f %.3f ", in_ms(times[count / 2]), in_ms(times[(size_t)count * 99 / 100]),
           in_ms(times[count - 1]));
}

static void print(void)
{
    nsec_t *times = calloc(reads.total, sizeof(*times));

    if (times == NULL)
        exit(1);
    printf("%u %u ", reads.total, reads.failed);
    for (unsigned i = 0; i < reads.total; i++)
        times[i] = reads.timings[i].due;
    print_times(times, reads.total);
    qsort(reads.durable, reads.durable_started, sizeof(*reads.durable), compare);
    printf("%.0f %.0f ", in_ms(reads.durable[reads.durable_started / 2]),
           in_ms(reads.durable[max_of(reads.durable_started, 1u) - 1]));
    for (unsigned i = 0; i < reads.total; i++)
        times[i] = reads.timings[i].work;
    print_times(times, reads.total);
    putchar('\n');
    free(times);
}

int main(int argc, char **argv)
{
    char path[64];
    struct error error = {.text = "usage: local-reads API VM RATE SECONDS PID"};

    if (argc != 6 || uv_loop_init(&reads.loop) < 0 ||
        address_parse(argv[1], &reads.address, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 2;
    }
    snprintf(path, sizeof(path), "/proc/%s/schedstat", argv[5]);
    reads.schedstat = open(path, O_RDONLY | O_CLOEXEC);
    if (reads.schedstat < 0)
        return 2;
    init_requests(argv[2]);
    reads.total = (unsigned)(atoi(argv[3]) * atoi(argv[4]));
    reads.timings = calloc(reads.total, sizeof(*reads.timings));
    if (reads.total == 0 || reads.timings == NULL)
        return 1;
    reads.spacing = NSEC_PER_SEC / (unsigned)atoi(argv[3]);
    reads.begun = time_monotonic();
    uv_timer_init(&reads.loop, &reads.timer);
    if (dial_start(&reads.loop, &reads.address, TIMEOUT, on_durable_dialled, NULL, NULL) < 0)
        return 1;
    uv_timer_start(&reads.timer, on_tick, 1, 1);
    uv_run(&reads.loop, UV_RUN_DEFAULT);
    print();
    return 0;
}
