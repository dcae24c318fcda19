/* A daemon with a script, for vmreclaim-web: figures of COUNT VMs with names that nobody should
 * give, and events that standard input orders. It prints "ready" when it listens, ends at the end
 * of standard input, and says "watched N" when somebody comes to watch or goes.
 *
 *   event KIND VM TEXT   an event, with a waterfall where KIND is "sample"
 *   flood N              N samples of as many VMs
 *   skip                 events are lost: the warning that says so
 *   end                  the streams of events, and their connections stay
 *   busy                 the same, with UNAVAILABLE
 *   close                all connections
 *
 * usage: daemon ADDRESS COUNT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/list.h"
#include "common/base/number.h"
#include "common/transport/transport.h"
#include "common/ttrpc/ttrpc.h"
#include "controller.pb-c.h"

typedef Vmreclaim__Controller__V1__Event Event;
typedef Vmreclaim__Controller__V1__Counter Counter;
typedef Vmreclaim__Controller__V1__CounterSeries Series;
typedef Vmreclaim__Controller__V1__CounterValue Value;
typedef Vmreclaim__Controller__V1__VmCounters VmCounters;
typedef Vmreclaim__Controller__V1__GetCountersResponse CountersResponse;

struct watcher {
    struct list link;
    struct ttrpc_call *call;
};

struct connection {
    struct list link;
    struct ttrpc_connection *connection;
};

static struct list watchers;
static struct list connections;
static uint64_t sequence;
static unsigned count;

/* ---- figures ---- */

static char *vm_labels[] = {(char *)"part"};
static char *uuid_labels[] = {(char *)"uuid"};
static char *policy_labels[] = {(char *)"policy"};
static char *in_use[] = {(char *)"in_use"};
static char *remainder_part[] = {(char *)"remainder"};
static int64_t bounds[] = {1000000, 30000000};

enum { INFO_UUID, INFO_POLICY, PARTS, PRESSURE, TURNS, RATIO, BAD_NAME, COUNTERS };

static void name_counters(Counter counters[COUNTERS], Counter *pointers[COUNTERS])
{
    static const struct {
        const char *name, *type, *unit, *help;
        bool of_vm;
    } rows[COUNTERS] = {
        [INFO_UUID] = {"vm_info", "text", "", "What the VM is.", true},
        [INFO_POLICY] = {"vm_info", "text", "", "What the VM is.", true},
        [PARTS] = {"vm_memory_bytes", "gauge", "bytes", "Where it is: C:\\\\x\nnext", true},
        [PRESSURE] = {"guest_waiting_seconds_total", "counter", "nanoseconds", "Waiting.", true},
        [TURNS] = {"loop_turn_seconds", "histogram", "nanoseconds", "Turns.", false},
        [RATIO] = {"host_pressure_ratio", "gauge", "permyriad", "Pressure.", false},
        [BAD_NAME] = {"a later daemon's", "gauge", "count", "Not a name.", false},
    };

    for (unsigned i = 0; i < COUNTERS; i++) {
        vmreclaim__controller__v1__counter__init(&counters[i]);
        counters[i].name = (char *)(uintptr_t)rows[i].name;
        counters[i].type = (char *)(uintptr_t)rows[i].type;
        counters[i].unit = (char *)(uintptr_t)rows[i].unit;
        counters[i].help = (char *)(uintptr_t)rows[i].help;
        counters[i].of_vm = rows[i].of_vm;
        pointers[i] = &counters[i];
    }
    counters[INFO_UUID].labels = uuid_labels;
    counters[INFO_POLICY].labels = policy_labels;
    counters[PARTS].labels = vm_labels;
    counters[INFO_UUID].n_labels = counters[INFO_POLICY].n_labels = counters[PARTS].n_labels = 1;
    counters[TURNS].bounds = bounds;
    counters[TURNS].n_bounds = 2;
}

/* Series 0 and 1 are texts, 2 and 3 parts, 4 the pressure, which every other VM does not know. */
static void fill_vm(VmCounters *vm, unsigned number, char name[64])
{
    static uint32_t series[] = {2, 3, 4};
    static int64_t values[] = {1 << 30, -4096, 1500000000};
    static uint32_t text_series[] = {0, 1};
    static char *texts[] = {(char *)"uu\"id\\", (char *)"bal\nanced"};

    vmreclaim__controller__v1__vm_counters__init(vm);
    snprintf(name, 64, "vm-%u %s", number, number % 3 == 0 ? "\"},{\\ \n# TYPE x gauge" : "ä");
    vm->vm = name;
    vm->series = series;
    vm->values = values;
    vm->n_series = vm->n_values = number % 2 == 0 ? 3 : 2;
    vm->text_series = text_series;
    vm->texts = texts;
    vm->n_text_series = vm->n_texts = 2;
}

static void add_vms(CountersResponse *response, unsigned first, unsigned last)
{
    response->n_vms = last - first;
    response->vms = calloc(response->n_vms + 1, sizeof(void *));
    for (unsigned i = first; i < last; i++) {
        struct {
            VmCounters vm;
            char name[64];
        } *one = calloc(1, sizeof(*one));

        fill_vm(&one->vm, i, one->name);
        response->vms[i - first] = &one->vm;
    }
}

/* In two pages. */
static void get_counters(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__GetCountersRequest *request = (const void *)message;
    CountersResponse response = VMRECLAIM__CONTROLLER__V1__GET_COUNTERS_RESPONSE__INIT;
    Counter counters[COUNTERS];
    Counter *counter_pointers[COUNTERS];
    static const uint32_t of[] = {INFO_UUID, INFO_POLICY, PARTS, PARTS, PRESSURE};
    Series series[ARRAY_SIZE(of)];
    Series *series_pointers[ARRAY_SIZE(of)];
    uint64_t buckets[] = {5, 3, 1};
    Value values[3];
    Value *value_pointers[] = {&values[0], &values[1], &values[2]};
    bool is_second = strcmp(request->page_token, "second") == 0;

    name_counters(counters, counter_pointers);
    for (size_t i = 0; i < ARRAY_SIZE(of); i++) {
        vmreclaim__controller__v1__counter_series__init(&series[i]);
        series[i].counter = of[i];
        series[i].labels = i == 2 ? in_use : remainder_part;
        series[i].n_labels = of[i] == PARTS ? 1 : 0;
        series_pointers[i] = &series[i];
    }
    for (size_t i = 0; i < 3; i++)
        vmreclaim__controller__v1__counter_value__init(&values[i]);
    values[0].counter = TURNS;
    values[0].value = 123456789;
    values[0].buckets = buckets;
    values[0].n_buckets = 3;
    values[1].counter = RATIO;
    values[1].value = 125;
    values[2].counter = BAD_NAME;
    if (!is_second) {
        response.counters = counter_pointers;
        response.n_counters = COUNTERS;
        response.vm_series = series_pointers;
        response.n_vm_series = ARRAY_SIZE(of);
        response.host = value_pointers;
        response.n_host = 3;
        response.next_page_token = (char *)"second";
    }
    add_vms(&response, is_second ? count / 2 : 0, is_second ? count : count / 2);
    ttrpc_call_finish(call, &response.base);
    for (size_t i = 0; i < response.n_vms; i++)
        free(response.vms[i]);
    free(response.vms);
}

/* ---- events ---- */

static void say_watched(void)
{
    unsigned watched = 0;

    list_for_each (link, &watchers)
        watched++;
    printf("watched %u\n", watched);
    (void)fflush(stdout);
}

static void on_gone(struct ttrpc_call *call, void *userdata)
{
    struct watcher *watcher = userdata;

    list_remove(&watcher->link);
    free(watcher);
    say_watched();
}

static void watch_events(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    struct watcher *watcher = calloc(1, sizeof(*watcher));

    watcher->call = call;
    list_append(&watchers, &watcher->link);
    ttrpc_call_on_cancel(call, on_gone, watcher);
    say_watched();
}

static void publish(const char *kind, const char *vm, const char *text)
{
    Event event = VMRECLAIM__CONTROLLER__V1__EVENT__INIT;
    Vmreclaim__Controller__V1__Waterfall waterfall = VMRECLAIM__CONTROLLER__V1__WATERFALL__INIT;

    event.sequence = ++sequence;
    event.time_ns = time_realtime();
    event.kind = (char *)(uintptr_t)kind;
    event.vm = (char *)(uintptr_t)vm;
    event.text = (char *)(uintptr_t)text;
    waterfall.time_ns = event.time_ns;
    waterfall.footprint = GIB + sequence;
    waterfall.host_is_known = 1;
    event.waterfall = strcmp(kind, "sample") == 0 ? &waterfall : NULL;
    list_for_each (link, &watchers)
        (void)ttrpc_call_send(list_entry(link, struct watcher, link)->call, &event.base);
}

static void end_watches(bool is_busy)
{
    while (!list_is_empty(&watchers)) {
        struct watcher *watcher = list_entry(watchers.next, struct watcher, link);
        struct ttrpc_call *call = watcher->call;

        ttrpc_call_on_cancel(call, NULL, NULL);
        list_remove(&watcher->link);
        free(watcher);
        if (is_busy)
            ttrpc_call_fail(call, TTRPC_UNAVAILABLE, "too many watch");
        else
            ttrpc_call_finish(call, NULL);
    }
    say_watched();
}

static void flood(unsigned samples)
{
    for (unsigned i = 0; i < samples; i++) {
        char vm[32];

        snprintf(vm, sizeof(vm), "vm-%u", i);
        publish("sample", vm, "");
    }
}

static void obey(char *line)
{
    char kind[32], vm[64], text[128] = "";
    unsigned number;

    if (sscanf(line, "event %31s %63s %127[^\n]", kind, vm, text) >= 2)
        publish(kind, vm, text);
    else if (sscanf(line, "flood %u", &number) == 1)
        flood(number);
    else if (strcmp(line, "skip") == 0)
        publish("warning", "", "7 events were not sent: the reader was slow, or asks for much");
    else if (strcmp(line, "end") == 0 || strcmp(line, "busy") == 0)
        end_watches(strcmp(line, "busy") == 0);
    else if (strcmp(line, "close") == 0)
        list_for_each (link, &connections)
            ttrpc_connection_close(list_entry(link, struct connection, link)->connection);
}

/* ---- connections ---- */

static ttrpc_handler handlers[64];
static struct ttrpc_service service = {
    .descriptor = &vmreclaim__controller__v1__controller__descriptor,
    .handlers = handlers,
};

static void serve(const char *method, ttrpc_handler handler, bool streams)
{
    for (unsigned i = 0; i < service.descriptor->n_methods; i++)
        if (strcmp(service.descriptor->methods[i].name, method) == 0) {
            handlers[i] = handler;
            service.streams |= (uint64_t)streams << i;
        }
}

static void on_close(struct ttrpc_connection *connection, int status, const char *reason,
                     void *userdata)
{
    struct connection *one = userdata;

    list_remove(&one->link);
    free(one);
}

static void on_accept(int descriptor, const struct peer *peer, void *userdata)
{
    static const struct ttrpc_service *const services[] = {&service, NULL};
    struct connection *one = calloc(1, sizeof(*one));
    struct ttrpc_connection_options options = {.limits = ttrpc_limits_default,
                                               .services = services,
                                               .on_close = on_close,
                                               .userdata = one};

    options.limits.queued_bytes = 64 * MIB;
    list_append(&connections, &one->link);
    (void)ttrpc_connection_create(userdata, descriptor, &options, &one->connection);
}

static void on_input(uv_poll_t *poll, int status, int events)
{
    static char buffer[4096];
    static size_t length;
    ssize_t n = read(STDIN_FILENO, buffer + length, sizeof(buffer) - length);
    char *end;

    if (n <= 0) {
        uv_stop(poll->loop);
        return;
    }
    length += (size_t)n;
    while ((end = memchr(buffer, '\n', length)) != NULL) {
        size_t line = (size_t)(end - buffer) + 1;

        *end = '\0';
        obey(buffer);
        memmove(buffer, buffer + line, length - line);
        length -= line;
    }
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    struct listener *listener;
    struct address address;
    struct error error;
    uv_poll_t input;

    if (argc != 3)
        return 2;
    count = (unsigned)strtoul(argv[2], NULL, 10);
    list_init(&watchers);
    list_init(&connections);
    serve("GetCounters", get_counters, false);
    serve("WatchEvents", watch_events, true);
    if (address_parse(argv[1], &address, &error) < 0 ||
        listener_create(loop, &address, 0600, on_accept, loop, &listener, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    (void)uv_poll_init(loop, &input, STDIN_FILENO);
    (void)uv_poll_start(&input, UV_READABLE | UV_DISCONNECT, on_input);
    puts("ready");
    (void)fflush(stdout);
    uv_run(loop, UV_RUN_DEFAULT);
    listener_destroy(listener);
    return 0;
}
