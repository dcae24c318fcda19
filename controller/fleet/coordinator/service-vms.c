/* VMs of all hosts: host after host in pages, or those that could return most. */
#include <stdlib.h>
#include <string.h>

#include "controller/fleet/coordinator/service-methods.h"

#define PAGE_VMS    2000
#define MOST_MAX    1000
#define SLICE_HOSTS 1000 /* in a turn */

typedef Vmreclaim__Fleet__V1__FleetVm FleetVm;
typedef FLEET_CALL(ListFleetVms, Request) Request;
typedef FLEET_CALL(ListFleetVms, Response) Response;

/* ---- an answer ---- */

struct vm_page {
    FleetVm *vms;
    VmStatus *slim; /* without explanations, at which few look */
    FleetVm **list;
    size_t room;
    size_t count;
    size_t bytes;
};

/* False: no memory. vm_page_send() also then. */
static bool vm_page_init(struct vm_page *page, size_t room)
{
    *page = (struct vm_page){.room = room};
    page->vms = calloc(room + 1, sizeof(*page->vms));
    page->slim = calloc(room + 1, sizeof(*page->slim));
    page->list = calloc(room + 1, sizeof(FleetVm *));
    return page->vms != NULL && page->slim != NULL && page->list != NULL;
}

/* False: it has no room for more. */
static bool vm_page_add(struct vm_page *page, const struct host_entry *host, size_t index)
{
    FleetVm *vm = &page->vms[page->count];

    if (page->count == page->room)
        return false;
    page->slim[page->count] = *host->status->vms[index];
    page->slim[page->count].explanation.len = 0;
    vmreclaim__fleet__v1__fleet_vm__init(vm);
    vm->host = (char *)host->id;
    vm->host_name = host->status->name;
    vm->vm = &page->slim[page->count];
    if (!service_page_takes(&page->bytes, &vm->base))
        return false;
    page->list[page->count++] = vm;
    return true;
}

static void vm_page_send(struct vm_page *page, struct ttrpc_call *call, const char *next)
{
    Response response = VMRECLAIM__FLEET__V1__LIST_FLEET_VMS_RESPONSE__INIT;

    response.vms = page->list;
    response.n_vms = page->count;
    response.next_page_token = (char *)next;
    if (page->vms == NULL || page->slim == NULL || page->list == NULL)
        ttrpc_call_fail(call, TTRPC_RESOURCE_EXHAUSTED, "out of memory");
    else
        ttrpc_call_finish(call, &response.base);
    free(page->vms);
    free(page->slim);
    free(page->list);
}

/* ---- all, in pages ---- */

/* A host's are on one page: no host has so much to say of them that they would not be. */
static void list_all(struct ttrpc_call *call, const Request *request)
{
    struct fleet_hosts *hosts = service_client_of(call)->service->hosts;
    size_t i = fleet_hosts_behind(hosts, request->page_token);
    const char *next = "";
    struct vm_page page;

    if (!vm_page_init(&page, PAGE_VMS + 1024)) {
        vm_page_send(&page, call, next);
        return;
    }
    for (; i < hosts->count && page.count < PAGE_VMS && page.bytes < SERVICE_PAGE_BYTES / 2; i++) {
        const struct host_entry *host = hosts->sorted[i];

        next = host->id;
        if (host->status == NULL || !service_selects(request->selector, host))
            continue;
        for (size_t k = 0; k < host->status->n_vms && vm_page_add(&page, host, k); k++)
            ;
    }
    vm_page_send(&page, call, i < hosts->count ? next : "");
}

/* ---- those that could return most ---- */

/* A VM of a host's status, which may be another one when it is sent. */
struct chosen {
    const struct host_entry *host;
    size_t index;
    uint64_t could_return;
};

struct choosing {
    struct slice_work work;
    struct service *service;
    struct ttrpc_call *call; /* NULL: nobody waits for it any more */
    char *selector;
    struct chosen *heap; /* that of least first */
    size_t count;
    size_t most;
    char last[FLEET_HOST_ID_SIZE];
};

static void finish(struct choosing *choosing)
{
    free(choosing->selector);
    free(choosing->heap);
    free(choosing);
}

static void sift_down(struct chosen *heap, size_t count)
{
    size_t place = 0;

    for (;;) {
        size_t least = 2 * place + 1;
        struct chosen other;

        if (least >= count)
            return;
        if (least + 1 < count && heap[least + 1].could_return < heap[least].could_return)
            least++;
        if (heap[place].could_return <= heap[least].could_return)
            return;
        other = heap[place];
        heap[place] = heap[least];
        heap[least] = other;
        place = least;
    }
}

static void sift_up(struct chosen *heap, size_t place)
{
    while (place > 0 && heap[(place - 1) / 2].could_return > heap[place].could_return) {
        struct chosen other = heap[place];

        heap[place] = heap[(place - 1) / 2];
        heap[(place - 1) / 2] = other;
        place = (place - 1) / 2;
    }
}

/* False: it could return too little. */
static bool offer(struct choosing *choosing, const struct chosen *chosen)
{
    if (choosing->count < choosing->most) {
        choosing->heap[choosing->count] = *chosen;
        sift_up(choosing->heap, choosing->count++);
        return true;
    }
    if (chosen->could_return <= choosing->heap[0].could_return)
        return false;
    choosing->heap[0] = *chosen;
    sift_down(choosing->heap, choosing->count);
    return true;
}

/* A host's status has those first that could return most. */
static void offer_host(struct choosing *choosing, const struct host_entry *host)
{
    for (size_t i = 0; host->status != NULL && i < host->status->n_vms; i++)
        if (!offer(choosing, &(struct chosen){.host = host,
                                              .index = i,
                                              .could_return = host->status->vms[i]->could_return}))
            return;
}

static int compare_most(const void *left, const void *right)
{
    const struct chosen *a = left;
    const struct chosen *b = right;

    if (a->could_return != b->could_return)
        return a->could_return > b->could_return ? -1 : 1;
    return a->host != b->host ? strcmp(a->host->id, b->host->id)
                              : (a->index > b->index) - (a->index < b->index);
}

static void answer(struct choosing *choosing)
{
    struct vm_page page;

    qsort(choosing->heap, choosing->count, sizeof(choosing->heap[0]), compare_most);
    if (vm_page_init(&page, choosing->count))
        for (size_t i = 0; i < choosing->count; i++) {
            const struct chosen *chosen = &choosing->heap[i];

            if (chosen->host->status != NULL && chosen->index < chosen->host->status->n_vms)
                (void)vm_page_add(&page, chosen->host, chosen->index); /* else it went meanwhile */
        }
    vm_page_send(&page, choosing->call, "");
}

static void make_slice(struct slice_work *work)
{
    struct choosing *choosing = container_of(work, struct choosing, work);
    struct fleet_hosts *hosts = choosing->service->hosts;
    size_t i = fleet_hosts_behind(hosts, choosing->last);
    size_t end = min_of(hosts->count, i + SLICE_HOSTS);

    for (; choosing->call != NULL && i < end; i++) {
        if (service_selects(choosing->selector, hosts->sorted[i]))
            offer_host(choosing, hosts->sorted[i]);
        memcpy(choosing->last, hosts->sorted[i]->id, sizeof(choosing->last));
    }
    if (choosing->call != NULL && end < hosts->count) {
        slices_add(&choosing->service->slices, work);
        return;
    }
    if (choosing->call != NULL)
        answer(choosing);
    finish(choosing);
}

static void cancel(struct slice_work *work)
{
    struct choosing *choosing = container_of(work, struct choosing, work);

    if (choosing->call != NULL)
        ttrpc_call_fail(choosing->call, TTRPC_UNAVAILABLE, "the coordinator stops");
    finish(choosing);
}

static void on_gone(struct ttrpc_call *call, void *userdata)
{
    struct choosing *choosing = userdata;

    choosing->call = NULL;
}

static void choose(struct ttrpc_call *call, const Request *request)
{
    struct choosing *choosing = calloc(1, sizeof(*choosing));

    if (choosing != NULL) {
        choosing->most = min_of((size_t)request->most, (size_t)MOST_MAX);
        choosing->selector = strdup(request->selector);
        choosing->heap = calloc(choosing->most, sizeof(*choosing->heap));
    }
    if (choosing == NULL || choosing->selector == NULL || choosing->heap == NULL) {
        ttrpc_call_fail(call, TTRPC_RESOURCE_EXHAUSTED, "out of memory");
        if (choosing != NULL)
            finish(choosing);
        return;
    }
    choosing->work = (struct slice_work){.make_slice = make_slice, .cancel = cancel};
    choosing->service = service_client_of(call)->service;
    choosing->call = call;
    ttrpc_call_on_cancel(call, on_gone, choosing);
    slices_add(&choosing->service->slices, &choosing->work);
}

void service_list_fleet_vms(struct ttrpc_call *call, const ProtobufCMessage *message,
                            void *userdata)
{
    const Request *request = (const void *)message;

    if (!service_selector_is_good(call, request->selector))
        return;
    if (request->most > 0)
        choose(call, request);
    else
        list_all(call, request);
}
