/* One handler for each method; those that wait for the bus keep the call. */
#include "controller/fleet/coordinator/service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/message/copy.h"
#include "controller/fleet/engine/waves.h"
#include "controller/selectors/host-selector.h"

#define SOCKET_MODE     0660
#define CONNECTIONS_MAX 64
#define BUDGET_BYTES    ((uint64_t)64 << 20)
#define FRAME_BYTES     (1u << 20)
#define PAGE_MAX        500
#define WAVES_MAX       17u /* a canary's, and sixteen parts */
#define PAGE_VMS        2000
#define PAGE_BYTES      ((size_t)3 << 20) /* of entries; a frame of ttRPC may be 4 MiB */
#define VERBS           (sizeof(verbs) / sizeof(verbs[0]))

#define FLEET_CALL(name, suffix) Vmreclaim__Fleet__V1__##name##suffix

typedef Vmreclaim__Fleet__V1__FleetHost FleetHost;
typedef Vmreclaim__Fleet__V1__FleetVm FleetVm;

struct client {
    struct list link;
    struct service *service;
    struct ttrpc_connection *connection;
    char author[32];
};

static struct client *client_of(struct ttrpc_call *call)
{
    return ttrpc_call_connection_userdata(call);
}

/* ---- hosts ---- */

static bool means(const char *selector, const struct host_entry *entry)
{
    const HostStatus *status = entry->status;
    const struct host_subject subject = {
        .id = entry->id,
        .name = status == NULL ? NULL : status->name,
        .labels = status == NULL ? NULL : status->labels,
        .label_count = status == NULL ? 0 : status->n_labels,
    };

    return selector[0] == '\0' || host_selector_matches(selector, &subject);
}

static const char *presence_of(const struct service *service, const struct host_entry *entry)
{
    const struct fleet_view view = {.now = time_boottime(),
                                    .listening = service->rollouts->listening};
    const struct fleet_host host = {.status = entry->status, .heard = entry->heard};
    static const char *const names[] = {
        [FLEET_UNKNOWN] = "unknown", [FLEET_PRESENT] = "present", [FLEET_LOST] = "lost"};

    return service->rollouts->listening == 0 ? names[FLEET_UNKNOWN]
                                             : names[fleet_presence(&view, &host)];
}

/* `slim` has the status without VMs. */
static void fill_host(const struct service *service, const struct host_entry *entry,
                      HostStatus *slim, FleetHost *host)
{
    vmreclaim__fleet__v1__fleet_host__init(host);
    host->host = (char *)entry->id;
    host->status = entry->status;
    if (slim != NULL && entry->status != NULL) {
        *slim = *entry->status;
        slim->n_vms = 0;
        host->status = slim;
    }
    host->age_is_known = entry->heard != 0;
    host->age_ns = entry->heard == 0 ? 0 : time_boottime() - entry->heard;
    host->presence = (char *)presence_of(service, entry);
    host->wanted_is_known = entry->wanted_problem[0] == '\0';
    host->wanted_generation = entry->wanted == NULL ? 0 : entry->wanted->generation;
}

/* One more entry is on the page: what a host says of itself may be long. */
static bool takes(size_t *bytes, const ProtobufCMessage *entry)
{
    *bytes += protobuf_c_message_get_packed_size(entry) + 8; /* with its tag and length */
    return *bytes <= PAGE_BYTES;
}

/* Index of the first host behind the token. */
static size_t begin_of(struct fleet_hosts *hosts, const char *token)
{
    struct host_entry **all = fleet_hosts_all(hosts);
    size_t low = 0, high = hosts->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(all[middle]->id, token) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool selector_is_good(struct ttrpc_call *call, const char *selector)
{
    struct error error;

    if (selector[0] == '\0' || host_selector_check(selector, &error) == 0)
        return true;
    ttrpc_call_fail(call, TTRPC_INVALID_ARGUMENT, "%s", error.text);
    return false;
}

static void list_hosts(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const FLEET_CALL(ListHosts, Request) *request = (const void *)message;
    FLEET_CALL(ListHosts, Response) response = VMRECLAIM__FLEET__V1__LIST_HOSTS_RESPONSE__INIT;
    struct service *service = client_of(call)->service;
    struct host_entry **all = fleet_hosts_all(service->hosts);
    size_t most =
        request->page_size == 0 ? PAGE_MAX : min_of((size_t)request->page_size, (size_t)PAGE_MAX);
    FleetHost *hosts = calloc(most, sizeof(*hosts));
    HostStatus *slim = calloc(most, sizeof(*slim));
    FleetHost **list = calloc(most, sizeof(FleetHost *));
    size_t i = begin_of(service->hosts, request->page_token);
    size_t bytes = 0;

    if (!selector_is_good(call, request->selector))
        ;
    else if (hosts == NULL || slim == NULL || list == NULL)
        ttrpc_call_fail(call, TTRPC_RESOURCE_EXHAUSTED, "out of memory");
    else {
        for (; i < service->hosts->count && response.n_hosts < most; i++) {
            if (!means(request->selector, all[i]))
                continue;
            fill_host(service, all[i], &slim[response.n_hosts], &hosts[response.n_hosts]);
            if (!takes(&bytes, &hosts[response.n_hosts].base))
                break;
            list[response.n_hosts] = &hosts[response.n_hosts];
            response.n_hosts++;
        }
        response.hosts = list;
        if (i < service->hosts->count)
            response.next_page_token = all[i - 1]->id;
        ttrpc_call_finish(call, &response.base);
    }
    free(hosts);
    free(slim);
    free(list);
}

static struct host_entry *find_host(struct service *service, const char *name)
{
    struct host_entry *entry = fleet_hosts_find(service->hosts, name);

    for (size_t i = 0; entry == NULL && i < service->hosts->count; i++)
        if (service->hosts->sorted[i]->status != NULL &&
            strcmp(service->hosts->sorted[i]->status->name, name) == 0)
            entry = service->hosts->sorted[i];
    return entry;
}

static void get_host_status(struct ttrpc_call *call, const ProtobufCMessage *message,
                            void *userdata)
{
    const FLEET_CALL(GetHostStatus, Request) *request = (const void *)message;
    FLEET_CALL(GetHostStatus, Response)
    response = VMRECLAIM__FLEET__V1__GET_HOST_STATUS_RESPONSE__INIT;
    struct service *service = client_of(call)->service;
    struct host_entry *entry = find_host(service, request->host);
    FleetHost host;

    if (entry == NULL) {
        ttrpc_call_fail(call, TTRPC_NOT_FOUND, "no host \"%s\"; see 'vmreclaim fleet hosts'",
                        request->host);
        return;
    }
    fill_host(service, entry, NULL, &host);
    response.host = &host;
    ttrpc_call_finish(call, &response.base);
}

static void list_fleet_vms(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const FLEET_CALL(ListFleetVms, Request) *request = (const void *)message;
    FLEET_CALL(ListFleetVms, Response)
    response = VMRECLAIM__FLEET__V1__LIST_FLEET_VMS_RESPONSE__INIT;
    struct service *service = client_of(call)->service;
    struct host_entry **all = fleet_hosts_all(service->hosts);
    size_t room = PAGE_VMS + 1024;
    FleetVm *vms = calloc(room, sizeof(*vms));
    FleetVm **list = calloc(room, sizeof(FleetVm *));
    size_t i = begin_of(service->hosts, request->page_token);
    size_t bytes = 0;

    if (!selector_is_good(call, request->selector))
        ;
    else if (vms == NULL || list == NULL)
        ttrpc_call_fail(call, TTRPC_RESOURCE_EXHAUSTED, "out of memory");
    else {
        for (; i < service->hosts->count && response.n_vms < PAGE_VMS && bytes < PAGE_BYTES / 2;
             i++) {
            const HostStatus *status = all[i]->status;

            for (size_t k = 0; status != NULL && means(request->selector, all[i]) &&
                               k < status->n_vms && response.n_vms < room;
                 k++) {
                FleetVm *vm = &vms[response.n_vms];

                vmreclaim__fleet__v1__fleet_vm__init(vm);
                vm->host = all[i]->id;
                vm->host_name = status->name;
                vm->vm = status->vms[k];
                if (!takes(&bytes, &vm->base))
                    break; /* no host has so much to say of its VMs */
                list[response.n_vms++] = vm;
            }
        }
        response.vms = list;
        if (i < service->hosts->count)
            response.next_page_token = all[i - 1]->id;
        ttrpc_call_finish(call, &response.base);
    }
    free(vms);
    free(list);
}

/* ---- the coordinator itself ---- */

static const char *problem_of(const struct service *service)
{
    if (service->problem[0] != '\0')
        return service->problem;
    return service->lease->problem[0] != '\0' ? service->lease->problem
                                              : service->rollouts->problem;
}

static void get_coordinator(struct ttrpc_call *call, const ProtobufCMessage *message,
                            void *userdata)
{
    FLEET_CALL(GetCoordinator, Response)
    response = VMRECLAIM__FLEET__V1__GET_COORDINATOR_RESPONSE__INIT;
    struct service *service = client_of(call)->service;
    const struct fleet_hosts *hosts = service->hosts;

    response.version = (char *)VMRECLAIM_VERSION;
    response.leads = lease_is_held(service->lease);
    response.leader = (char *)service->lease->leader;
    response.epoch = service->lease->epoch;
    response.bus_is_there = service->bus_is_there;
    response.problem = (char *)problem_of(service);
    response.hosts = (uint32_t)hosts->count;
    for (size_t i = 0; i < hosts->count; i++)
        response.hosts_lost += strcmp(presence_of(service, hosts->sorted[i]), "lost") == 0;
    list_for_each (link, &service->rollouts->list)
        response.rollouts += !rollout_rests(list_entry(link, struct rollout_entry, link)->document);
    response.key =
        (ProtobufCBinaryData){.len = SIGNING_ID_SIZE, .data = (uint8_t *)hosts->keys[0].bytes};
    ttrpc_call_finish(call, &response.base);
}

/* ---- rollouts ---- */

/* The newest first. */
static int compare_rollouts(const void *left, const void *right)
{
    const Rollout *a = *(Rollout *const *)left;
    const Rollout *b = *(Rollout *const *)right;

    if (a->created_ns != b->created_ns)
        return a->created_ns > b->created_ns ? -1 : 1;
    return strcmp(a->id, b->id);
}

static void slim_down(Rollout *slim, Rollout **list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        slim[i] = *list[i];
        slim[i].n_hosts = slim[i].n_late = 0;
        list[i] = &slim[i];
    }
}

/* As many as a page takes, behind the token; one at least. */
static size_t cut_page(Rollout **list, size_t count, const char *token, size_t *ret_begin)
{
    size_t begin = 0, end, bytes = 0;

    while (token[0] != '\0' && begin < count && strcmp(list[begin]->id, token) != 0)
        begin++;
    if (token[0] != '\0' && begin < count)
        begin++;
    for (end = begin; end < count; end++)
        if (!takes(&bytes, &list[end]->base) && end > begin)
            break;
    *ret_begin = begin;
    return end - begin;
}

/* Slim but for one that is asked for alone. */
static void list_rollouts(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const FLEET_CALL(ListRollouts, Request) *request = (const void *)message;
    FLEET_CALL(ListRollouts, Response)
    response = VMRECLAIM__FLEET__V1__LIST_ROLLOUTS_RESPONSE__INIT;
    struct rollouts *rollouts = client_of(call)->service->rollouts;
    Rollout **list = calloc(rollouts->count + 1, sizeof(Rollout *));
    Rollout *slim = calloc(rollouts->count + 1, sizeof(*slim));
    size_t count = 0, begin;

    if (list == NULL || slim == NULL)
        ttrpc_call_fail(call, TTRPC_RESOURCE_EXHAUSTED, "out of memory");
    else {
        list_for_each (link, &rollouts->list) {
            Rollout *document = list_entry(link, struct rollout_entry, link)->document;

            if (strncmp(document->id, request->id, strlen(request->id)) == 0)
                list[count++] = document;
        }
        qsort(list, count, sizeof(list[0]), compare_rollouts);
        if (!request->with_hosts || count > 1)
            slim_down(slim, list, count);
        response.n_rollouts = cut_page(list, count, request->page_token, &begin);
        response.rollouts = list + begin;
        if (begin + response.n_rollouts < count)
            response.next_page_token = list[begin + response.n_rollouts - 1]->id;
        ttrpc_call_finish(call, &response.base);
    }
    free(list);
    free(slim);
}

static void on_ordered(int status, const struct error *error, const Rollout *document,
                       void *userdata)
{
    FLEET_CALL(Rollout, Response) response = VMRECLAIM__FLEET__V1__ROLLOUT_RESPONSE__INIT;
    struct ttrpc_call *call = userdata;

    if (status < 0) {
        ttrpc_call_fail(call, ttrpc_code_of_errno(status), "%s", error->text);
        return;
    }
    response.rollout = (Rollout *)document;
    ttrpc_call_finish(call, &response.base);
}

/* The order goes on; nobody hears of it. */
static void on_gone(struct ttrpc_call *call, void *userdata)
{
    rollouts_forget(userdata, call);
}

/* What the operator may set; the rest is ours. */
static Rollout *as_asked(const Rollout *asked)
{
    Rollout fresh = VMRECLAIM__FLEET__V1__ROLLOUT__INIT;

    fresh.policy = asked->policy;
    fresh.text = asked->text;
    fresh.vm_selectors = asked->vm_selectors;
    fresh.n_vm_selectors = asked->n_vm_selectors;
    fresh.host_selector = asked->host_selector;
    fresh.canary_selector = asked->canary_selector;
    fresh.canary_hosts = asked->canary_hosts;
    fresh.waves_permyriad = asked->waves_permyriad;
    fresh.n_waves_permyriad = asked->n_waves_permyriad;
    fresh.canary_soak_ns = asked->canary_soak_ns;
    fresh.soak_ns = asked->soak_ns;
    fresh.gates = asked->gates;
    fresh.n_gates = asked->n_gates;
    return (Rollout *)message_copy(&fresh.base);
}

/* Whom each wave would treat, if it began now. */
static int count_waves(struct service *service, Rollout *rollout, uint32_t *ret_counts,
                       size_t *ret_count)
{
    struct fleet_host *hosts = fleet_hosts_view(service->hosts, rollout->policy, true);
    const struct fleet_view view = {.now = time_boottime(),
                                    .listening = service->rollouts->listening,
                                    .hosts = hosts,
                                    .count = service->hosts->count};
    bool *is_treated = calloc(view.count + 1, sizeof(*is_treated));
    uint32_t waves = min_of(wave_count(rollout), WAVES_MAX);
    int r = hosts == NULL || is_treated == NULL ? -ENOMEM : 0;

    for (uint32_t wave = 0; wave < waves && r == 0; wave++) {
        struct wave_members members = {.count = 0};

        r = wave_members_find(rollout, wave, &view, is_treated, &members);
        for (size_t i = 0; i < members.count && r == 0; i++)
            is_treated[members.present[i]] = true;
        ret_counts[wave] = (uint32_t)members.count;
        wave_members_finish(&members);
    }
    *ret_count = waves;
    free(hosts);
    free(is_treated);
    return r;
}

static void answer_dry(struct ttrpc_call *call, struct service *service, Rollout *rollout)
{
    FLEET_CALL(Rollout, Response) response = VMRECLAIM__FLEET__V1__ROLLOUT_RESPONSE__INIT;
    struct error error = {.text = "out of memory"};
    uint32_t counts[WAVES_MAX];
    int r = document_set_text(&rollout->id, "dry-run");

    if (r == 0)
        r = rollout_set_defaults(rollout);
    if (r == 0)
        r = rollout_check(rollout, &error);
    if (r == 0)
        r = count_waves(service, rollout, counts, &response.n_wave_hosts);
    if (r < 0)
        ttrpc_call_fail(call, ttrpc_code_of_errno(r), "%s", error.text);
    else {
        response.rollout = rollout;
        response.wave_hosts = counts;
        ttrpc_call_finish(call, &response.base);
    }
    vmreclaim__fleet__v1__rollout__free_unpacked(rollout, NULL);
}

static void start_rollout(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const FLEET_CALL(StartRollout, Request) *request = (const void *)message;
    struct client *client = client_of(call);
    Rollout *rollout = request->rollout == NULL ? NULL : as_asked(request->rollout);

    if (request->rollout == NULL)
        ttrpc_call_fail(call, TTRPC_INVALID_ARGUMENT, "no rollout is given");
    else if (rollout == NULL)
        ttrpc_call_fail(call, TTRPC_RESOURCE_EXHAUSTED, "out of memory");
    else if (request->dry_run)
        answer_dry(call, client->service, rollout);
    else {
        ttrpc_call_on_cancel(call, on_gone, client->service->rollouts);
        rollouts_start(client->service->rollouts, rollout, client->author, on_ordered, call);
    }
}

static const struct {
    Vmreclaim__Fleet__V1__RolloutVerb asked;
    enum rollout_verb verb;
} verbs[] = {
    {VMRECLAIM__FLEET__V1__ROLLOUT_VERB__ROLLOUT_VERB_PAUSE, ROLLOUT_PAUSE},
    {VMRECLAIM__FLEET__V1__ROLLOUT_VERB__ROLLOUT_VERB_RESUME, ROLLOUT_RESUME},
    {VMRECLAIM__FLEET__V1__ROLLOUT_VERB__ROLLOUT_VERB_ABORT, ROLLOUT_ABORT},
    {VMRECLAIM__FLEET__V1__ROLLOUT_VERB__ROLLOUT_VERB_ROLL_BACK, ROLLOUT_ROLLBACK},
};

static void order_rollout(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const FLEET_CALL(OrderRollout, Request) *request = (const void *)message;
    struct client *client = client_of(call);

    for (size_t i = 0; i < VERBS; i++) {
        if (verbs[i].asked != request->verb)
            continue;
        ttrpc_call_on_cancel(call, on_gone, client->service->rollouts);
        rollouts_order(client->service->rollouts, request->id, verbs[i].verb, client->author,
                       request->reason, on_ordered, call);
        return;
    }
    ttrpc_call_fail(call, TTRPC_INVALID_ARGUMENT, "pause, resume, abort or roll back?");
}

/* ---- connections ---- */

/* In the order of the service's methods. */
static const ttrpc_handler handlers[] = {
    get_coordinator, list_hosts,    get_host_status, list_fleet_vms,
    list_rollouts,   start_rollout, order_rollout,
};

static const struct ttrpc_service fleet_service = {
    .descriptor = &vmreclaim__fleet__v1__fleet__descriptor, .handlers = handlers};
static const struct ttrpc_service *const services[] = {&fleet_service, NULL};

static void on_close(struct ttrpc_connection *connection, int status, const char *reason,
                     void *userdata)
{
    struct client *client = userdata;

    list_remove(&client->link);
    free(client);
}

static void on_accept(int descriptor, const struct peer *peer, void *userdata)
{
    struct service *service = userdata;
    struct client *client = calloc(1, sizeof(*client));
    struct ttrpc_connection_options options = {.limits = ttrpc_limits_default,
                                               .services = services,
                                               .budget = &service->budget,
                                               .userdata = client,
                                               .on_close = on_close};
    int r;

    if (client == NULL) {
        (void)close(descriptor);
        return;
    }
    options.limits.frame_bytes = FRAME_BYTES;
    client->service = service;
    snprintf(client->author, sizeof(client->author), "uid %u", (unsigned)peer->uid);
    r = ttrpc_connection_create(service->loop, descriptor, &options, &client->connection);
    if (r < 0) {
        log_warning("a client of the fleet's API is refused: %s", strerror(-r));
        free(client);
        return;
    }
    list_append(&service->clients, &client->link);
}

void service_on_bus(struct service *service, bool is_there, const char *problem)
{
    service->bus_is_there = is_there;
    snprintf(service->problem, sizeof(service->problem), "%s", is_there ? "" : problem);
}

int service_start(struct service *service, uv_loop_t *loop, const char *text,
                  struct fleet_hosts *hosts, struct rollouts *rollouts, const struct lease *lease,
                  struct error *error)
{
    struct address address;
    int r;

    *service = (struct service){.loop = loop, .hosts = hosts, .rollouts = rollouts, .lease = lease};
    list_init(&service->clients);
    ttrpc_budget_init(&service->budget, BUDGET_BYTES, CONNECTIONS_MAX);
    r = address_parse(text, &address, error);
    if (r == 0)
        r = listener_create(loop, &address, SOCKET_MODE, on_accept, service, &service->listener,
                            error);
    return r < 0 ? error_prefix(error, r, "listen %s", text) : 0;
}

void service_stop(struct service *service)
{
    listener_destroy(service->listener);
    service->listener = NULL;
    list_for_each_safe (link, following, &service->clients)
        ttrpc_connection_close(list_entry(link, struct client, link)->connection);
}
