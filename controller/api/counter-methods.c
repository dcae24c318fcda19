/* GetCounters: all figures, by pages of VMs. */
#include <errno.h>
#include <stdlib.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "controller/api/dispatch.h"
#include "controller/api/entries.h"
#include "controller/api/host-counters.h"
#include "controller/api/vm-counters.h"
#include "controller/api/vm-sums.h"
#include "controller/messages/text.h"

#define VMS_NUMBER 5 /* of the field in GetCountersResponse */
#define PAGE_BYTES (3u << 20)

typedef Vmreclaim__Controller__V1__GetCountersRequest Request;
typedef Vmreclaim__Controller__V1__GetCountersResponse Response;
typedef Vmreclaim__Controller__V1__Counter Counter;
typedef Vmreclaim__Controller__V1__CounterSeries Series;

/* What the first page has besides VMs. */
struct head {
    Counter table[COUNTER_COUNT];
    Counter *table_pointers[COUNTER_COUNT];
    char *labels[COUNTER_COUNT][COUNTER_LABELS_MAX];
    Series series[COUNTER_SERIES_MAX];
    Series *series_pointers[COUNTER_SERIES_MAX];
    char *series_labels[COUNTER_SERIES_MAX][COUNTER_LABELS_MAX];
    struct host_counters host;
};

/* ---- the table ---- */

static void fill_counter(const struct counter *counter, char **labels, Counter *message)
{
    vmreclaim__controller__v1__counter__init(message);
    message->name = message_text(counter->name);
    message->type = message_text(counter_type_name(counter->type));
    message->unit = message_text(counter_unit_name(counter->unit));
    message->help = message_text(counter->help);
    message->source = message_text(counter->source);
    message->labels = labels;
    for (size_t i = 0; i < COUNTER_LABELS_MAX && counter->labels[i].name != NULL; i++)
        labels[message->n_labels++] = message_text(counter->labels[i].name);
    if (counter->bounds == NULL)
        return;
    message->bounds = (int64_t *)counter->bounds->list;
    message->n_bounds = counter->bounds->count;
}

static void fill_table(struct head *head, Response *response)
{
    for (enum counter_id id = 0; id < COUNTER_COUNT; id++) {
        fill_counter(&counter_table[id], head->labels[id], &head->table[id]);
        head->table[id].of_vm = counter_is_of_vm(id);
        head->table_pointers[id] = &head->table[id];
    }
    response->counters = head->table_pointers;
    response->n_counters = COUNTER_COUNT;
}

/* Labels of any text have none here: they come with a text. */
static void fill_series(struct head *head, const struct counter_places *places, Response *response)
{
    for (size_t i = 0; i < places->count; i++) {
        const struct counter_series *from = &places->series[i];
        const struct counter_label *labels = counter_table[from->counter].labels;
        const size_t indices[] = {from->first, from->second};
        Series *series = &head->series[i];

        vmreclaim__controller__v1__counter_series__init(series);
        series->counter = from->counter;
        series->labels = head->series_labels[i];
        for (size_t j = 0; j < ARRAY_SIZE(indices) && labels[j].values != NULL; j++)
            series->labels[series->n_labels++] = message_text(labels[j].values[indices[j]]);
        head->series_pointers[i] = series;
    }
    response->vm_series = head->series_pointers;
    response->n_vm_series = places->count;
}

/* To be freed once the response is sent; NULL: no memory. */
static struct head *make_head(const struct api *api, const struct counter_places *places,
                              const struct vm_sums *sums, Response *response)
{
    struct head *head = malloc(sizeof(*head));

    if (head == NULL)
        return NULL;
    fill_table(head, response);
    fill_series(head, places, response);
    host_counters_read(api, sums, &head->host);
    response->host = head->host.pointers;
    response->n_host = head->host.count;
    return head;
}

/* ---- pages ---- */

static int pack_page(const struct supervisor *supervisor, const struct counter_places *places,
                     size_t first, size_t most, struct packed_entries *page)
{
    const struct vm_order *order = &supervisor->registry.in_order;
    struct vm_counters entry;
    int r = 1;

    for (size_t i = 0; i < most && r > 0; i++) {
        vm_counters_read(supervisor, order->vms[first + i], places, &entry);
        r = packed_entries_add(page, &entry.message.base);
    }
    return r;
}

/* `sums` is NULL on a page that is not the first. */
static void send_page(struct api_call *call, const struct vm_sums *sums,
                      const struct counter_places *places, struct packed_entries *vms,
                      Response *response)
{
    struct head *head = NULL;

    if (sums != NULL) {
        head = make_head(call->api, places, sums, response);
        if (head == NULL) {
            api_call_fail(call, -ENOMEM, "out of memory");
            return;
        }
    }
    packed_entries_carry(vms, &response->base);
    api_call_finish(call, &response->base);
    free(head);
}

/* What a slice takes is charged here, what a handler takes by its door. */
static void answer(struct api_call *call, const char *token, size_t most,
                   const struct vm_sums *sums)
{
    nsec_t begun = time_of_thread();
    const struct supervisor *supervisor = call->api->rooms.supervisor;
    const struct vm_order *order = &supervisor->registry.in_order;
    Response response = VMRECLAIM__CONTROLLER__V1__GET_COUNTERS_RESPONSE__INIT;
    size_t first = vm_order_after(order, token);
    size_t left = order->count - first;
    struct counter_places places;
    struct packed_entries page;
    int r;

    counter_places_init(&places);
    packed_entries_init(&page, VMS_NUMBER, PAGE_BYTES);
    response.time_ns = time_realtime();
    r = pack_page(supervisor, &places, first, min_of(left, most), &page);
    if (sums != NULL)
        api_charge(call, time_of_thread() - begun);
    if (r < 0) {
        api_call_fail(call, -ENOMEM, "out of memory");
    } else {
        if (page.count > 0 && page.count < left)
            response.next_page_token = (char *)order->vms[first + page.count - 1]->name;
        send_page(call, sums, &places, &page, &response);
    }
    packed_entries_finish(&page);
}

/* ---- the first page, which has the sums of all VMs ---- */

struct counting {
    struct slice_work work;
    struct api_call *call;
    size_t most; /* VMs on the page */
    bool is_summed;
    struct vm_sums sums;
};

static void cancel(struct slice_work *work)
{
    struct counting *counting = container_of(work, struct counting, work);

    api_call_fail(counting->call, -ECANCELED, "the daemon stops");
    free(counting);
}

/* The page is the last slice. */
static void make_slice(struct slice_work *work)
{
    struct counting *counting = container_of(work, struct counting, work);
    struct api_call *call = counting->call;
    nsec_t begun = time_of_thread();

    if (call->state != API_CALL_OPEN) {
        cancel(work);
    } else if (counting->is_summed) {
        answer(call, "", counting->most, &counting->sums);
        free(counting);
    } else {
        counting->is_summed = !vm_sums_add_slice(&counting->sums, call->api->rooms.supervisor);
        api_charge(call, time_of_thread() - begun);
        slices_add(&call->api->slices, work);
    }
}

static void begin(struct api_call *call, size_t most)
{
    struct counting *counting = calloc(1, sizeof(*counting));

    if (counting == NULL) {
        api_call_fail(call, -ENOMEM, "out of memory");
        return;
    }
    counting->work = (struct slice_work){.make_slice = make_slice, .cancel = cancel};
    counting->call = call;
    counting->most = most;
    slices_add(&call->api->slices, &counting->work);
}

static void get_counters(struct api_call *call, const ProtobufCMessage *request)
{
    const Request *asked = (const void *)request;
    size_t most = asked->page_size;

    if (most == 0 || most > LOOKS_PER_SLICE)
        most = LOOKS_PER_SLICE;
    if (asked->page_token[0] == '\0')
        begin(call, most);
    else
        answer(call, asked->page_token, most, NULL);
}

static const struct api_method rows[] = {
    {"GetCounters", get_counters, API_READS},
};

const struct api_methods api_counter_methods = {rows, ARRAY_SIZE(rows)};
