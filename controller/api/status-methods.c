/* Methods that ask how the daemon itself is doing. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/text.h"
#include "common/proc/meminfo.h"
#include "controller/actions/action.h"
#include "controller/actions/halts.h"
#include "controller/api/dispatch.h"
#include "controller/config/daemon-config.h"
#include "controller/config/problems.h"
#include "controller/json/json.h"
#include "controller/leases/alarm.h"
#include "controller/leases/term.h"
#include "controller/messages/text.h"
#include "controller/messages/vm.h"
#include "controller/records/recorder.h"
#include "controller/store/store.h"
#include "controller/vms/discovery.h"

enum { DEGRADED_MAX = 64, PIECE = 32 * 1024 };

typedef Vmreclaim__Controller__V1__GetStatusResponse Status;
typedef Vmreclaim__Controller__V1__Degradation Degradation;

/* What a status points to. */
struct status_scratch {
    Degradation degraded[DEGRADED_MAX];
    Degradation *degraded_pointers[DEGRADED_MAX];
    char parts[DEGRADED_MAX][VM_NAME_SIZE + 16];
    char alarms[DEGRADED_MAX][ALARM_BYTES];
    char *listening[DAEMON_LISTEN_MAX + 1];
};

static void add_degraded(Status *status, struct status_scratch *scratch, const char *kind,
                         const char *name, const char *reason, int64_t since)
{
    size_t i = status->n_degraded;

    if (i == DEGRADED_MAX)
        return;
    vmreclaim__controller__v1__degradation__init(&scratch->degraded[i]);
    text_format(scratch->parts[i], sizeof(scratch->parts[i]), "%s%s%s", kind,
                name[0] == '\0' ? "" : ":", name);
    scratch->degraded[i].part = scratch->parts[i];
    scratch->degraded[i].reason = message_text(reason);
    scratch->degraded[i].since_ns = since;
    scratch->degraded_pointers[i] = &scratch->degraded[i];
    status->n_degraded++;
}

/* What was read and is not in force. */
static void fill_problems(const struct problems *problems, Status *status,
                          struct status_scratch *scratch)
{
    for (size_t i = 0; i < problems->count; i++)
        add_degraded(status, scratch, problems->list[i].part, "", problems->list[i].text,
                     problems->list[i].since);
}

static void fill_alarm(const struct vm *vm, Status *status, struct status_scratch *scratch)
{
    char text[ALARM_BYTES];

    if (alarm_since(vm) == 0 || status->n_degraded == DEGRADED_MAX)
        return;
    text_copy(scratch->alarms[status->n_degraded], ALARM_BYTES, alarm_text(vm, text));
    add_degraded(status, scratch, "vm", vm->name, scratch->alarms[status->n_degraded],
                 alarm_since(vm));
}

static void fill_vms(const struct supervisor *supervisor, Status *status,
                     struct status_scratch *scratch)
{
    list_for_each (link, &supervisor->registry.vms) {
        const struct vm *vm = list_entry(link, struct vm, link);
        status->vms++;
        status->agents += vm->links.agent != NULL;
        status->footprint += vm->measured.waterfall.footprint;
        if (vm->address.driver != NULL && (!vm->hypervisor.ready || vm->hypervisor.silent != 0) &&
            vm->hypervisor.condition[0] != '\0')
            add_degraded(status, scratch, "driver", vm->name, vm->hypervisor.condition, 0);
        fill_alarm(vm, status, scratch);
    }
}

/* Somebody wanted it so, and somebody else looks why nothing is done. */
static void fill_halts(const struct halts *halts, Status *status, struct status_scratch *scratch)
{
    for (size_t i = 0; halts != NULL && i < halts->count; i++) {
        const struct halt *halt = &halts->list[i];
        bool is_all = strcmp(halt->vm, "*") == 0;
        char *text = scratch->alarms[min_of(status->n_degraded, (size_t)DEGRADED_MAX - 1)];

        if (status->n_degraded == DEGRADED_MAX)
            return;
        text_format(text, ALARM_BYTES, "halted by %s; 'vmreclaim resume %s' ends it", halt->author,
                    is_all ? "--all" : halt->vm);
        add_degraded(status, scratch, "halt", is_all ? "" : halt->vm, text, 0);
    }
}

/* Resident pages are the second number of statm. */
static uint64_t resident_bytes(void)
{
    char text[256];
    char *second;

    if (file_read_into(AT_FDCWD, "/proc/self/statm", text, sizeof(text)) < 0)
        return 0;
    (void)strtoull(text, &second, 10);
    return strtoull(second, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t cpu_time(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) < 0)
        return 0;
    return ((uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec) * NSEC_PER_SEC +
           ((uint64_t)usage.ru_utime.tv_usec + (uint64_t)usage.ru_stime.tv_usec) * NSEC_PER_USEC;
}

/* MemAvailable of the host, below the supervisor's root. */
static uint64_t host_available(int root)
{
    struct meminfo meminfo;

    return meminfo_read(root, &meminfo) < 0 ? 0 : meminfo.available;
}

static void fill_status(const struct api *api, Status *status, struct status_scratch *scratch)
{
    const struct api_rooms *rooms = &api->rooms;
    const char *problem = store_problem(rooms->store);
    struct store_status store;

    vmreclaim__controller__v1__get_status_response__init(status);
    status->version = message_text(VMRECLAIM_VERSION);
    status->pid = getpid();
    status->started_ns = rooms->started;
    status->resident_bytes = resident_bytes();
    status->cpu_ns = cpu_time();
    status->events = api->event_sequence;
    status->actions = rooms->actions->count;
    status->leases = (uint32_t)lease_keeper_count(rooms->keeper);
    status->refused_agents = rooms->supervisor->refused_count;
    status->host_available = host_available(rooms->supervisor->root);
    store_get_status(rooms->store, &store);
    status->store_path = message_text(store.path);
    status->store_bytes = store.bytes;
    status->store_schema = store.schema;
    status->store_pending = store.pending;
    if (problem != NULL)
        add_degraded(status, scratch, "store", "", problem, 0);
    problem = lease_keeper_problem(rooms->keeper);
    if (problem != NULL)
        add_degraded(status, scratch, "leases", "", problem, 0);
    fill_problems(rooms->problems, status, scratch);
    fill_vms(rooms->supervisor, status, scratch);
    fill_halts(rooms->halts, status, scratch);
    if (rooms->discovery != NULL && rooms->discovery->problem[0] != '\0')
        add_degraded(status, scratch, "discovery", "", rooms->discovery->problem, 0);
    status->degraded = scratch->degraded_pointers;
    for (size_t i = 0; i < rooms->config->listen_count; i++)
        scratch->listening[status->n_listening++] = message_text(rooms->config->listen[i]);
    scratch->listening[status->n_listening++] = message_text(rooms->config->api);
    status->listening = scratch->listening;
}

static void get_status(struct api_call *call, const ProtobufCMessage *request)
{
    struct status_scratch scratch;
    Status status;

    fill_status(call->api, &status, &scratch);
    api_call_finish(call, &status.base);
}

/* ---- DumpState ---- */

static json_t *dump_vms(const struct supervisor *supervisor)
{
    json_t *vms = json_array();

    list_for_each (link, &supervisor->registry.vms) {
        const struct vm *vm = list_entry(link, struct vm, link);
        struct vm_message message;
        json_t *json;

        vm_to_message(supervisor, vm, true, &message);
        if (json_from_message(&message.message.base, &json) == 0)
            (void)json_array_append_new(vms, json);
    }
    return vms;
}

static void add_lease(const struct lease *lease, const char *host_boot_id, json_t *leases)
{
    const struct lease_moment moment = lease_moment_now();
    struct lease resumed = *lease;

    lease_term_resume(&resumed, &moment, host_boot_id);
    (void)json_array_append_new(leases, json_pack("{s:I, s:s, s:s, s:I, s:I, s:I, s:I}", "id",
                                                  (json_int_t)lease->id, "vm", lease->vm, "owner",
                                                  lease->owner, "bytes", (json_int_t)lease->bytes,
                                                  "baseline", (json_int_t)lease->baseline, "state",
                                                  (json_int_t)lease->state, "expires_ns",
                                                  (json_int_t)lease_end_time(&resumed, &moment)));
}

static char *dump(const struct api *api, const struct lease *leases, size_t count)
{
    struct status_scratch scratch;
    Status status;
    json_t *json = json_object();
    json_t *kept = json_array();
    json_t *part;

    fill_status(api, &status, &scratch);
    if (json_from_message(&status.base, &part) == 0)
        (void)json_object_set_new(json, "status", part);
    (void)json_object_set_new(json, "vms", dump_vms(api->rooms.supervisor));
    for (size_t i = 0; i < count; i++)
        add_lease(&leases[i], api->rooms.supervisor->host_boot_id, kept);
    (void)json_object_set_new(json, "leases", kept);
    (void)json_object_set_new(json, "records_under_way",
                              json_integer((json_int_t)api->rooms.recorder->track_count));
    char *text = json_dumps(json, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    json_decref(json);
    return text;
}

/* A dump on its way: the next piece follows when there is room for it. */
struct dump_call {
    struct api_call *call;
    char *text;
    size_t length;
    size_t sent;
};

static void send_pieces(struct dump_call *dumping);

static void on_drain(struct api_call *call, void *userdata)
{
    send_pieces(userdata);
}

static int send_piece(const struct dump_call *dumping, size_t size)
{
    Vmreclaim__Controller__V1__DumpStateResponse piece =
        VMRECLAIM__CONTROLLER__V1__DUMP_STATE_RESPONSE__INIT;

    piece.text.data = (uint8_t *)dumping->text + dumping->sent;
    piece.text.len = size;
    return api_call_send(dumping->call, &piece.base);
}

static void send_pieces(struct dump_call *dumping)
{
    size_t size;
    int r = 0;

    for (; r == 0 && dumping->sent < dumping->length; dumping->sent += r == 0 ? size : 0) {
        size = text_fit(dumping->text + dumping->sent, dumping->length - dumping->sent, PIECE);
        r = send_piece(dumping, size);
    }
    if (r == -EAGAIN) {
        api_call_on_drain(dumping->call, on_drain, dumping);
        return;
    }
    if (r < 0)
        api_call_fail(dumping->call, r, "the state cannot be sent: %s", strerror(-r));
    else
        api_call_finish(dumping->call, NULL);
    free(dumping->text);
    free(dumping);
}

/* A journal that cannot be read has none to show; the status says so. */
static void on_leases(int lease_status, const struct error *error, const struct lease *leases,
                      size_t count, void *userdata)
{
    struct dump_call *dumping = userdata;

    dumping->text = dump(dumping->call->api, leases, count);
    if (dumping->text != NULL) {
        dumping->length = strlen(dumping->text);
        send_pieces(dumping);
        return;
    }
    api_call_fail(dumping->call, -ENOMEM, "out of memory");
    free(dumping);
}

static void dump_state(struct api_call *call, const ProtobufCMessage *request)
{
    struct dump_call *dumping = calloc(1, sizeof(*dumping));
    struct lease_journal journal;

    if (dumping == NULL) {
        api_call_fail(call, -ENOMEM, "out of memory");
        return;
    }
    dumping->call = call;
    store_lease_journal(api_store(call), &journal);
    journal.load(journal.userdata, on_leases, dumping);
}

/* ---- Reload ---- */

static void on_reloaded(void *userdata)
{
    Vmreclaim__Controller__V1__ReloadResponse response =
        VMRECLAIM__CONTROLLER__V1__RELOAD_RESPONSE__INIT;
    struct api_call *call = userdata;
    const struct api_rooms *rooms = &call->api->rooms;
    struct status_scratch scratch;
    Status status = VMRECLAIM__CONTROLLER__V1__GET_STATUS_RESPONSE__INIT;

    fill_problems(rooms->problems, &status, &scratch);
    response.problems = scratch.degraded_pointers;
    response.n_problems = status.n_degraded;
    response.omitted = (uint32_t)rooms->problems->omitted;
    response.vms = (uint32_t)rooms->supervisor->registry.count;
    api_call_finish(call, &response.base);
}

static void reload(struct api_call *call, const ProtobufCMessage *request)
{
    const struct api_rooms *rooms = &call->api->rooms;

    rooms->reload(rooms->daemon, on_reloaded, call);
}

static const struct api_method rows[] = {
    {"GetStatus", get_status, API_READS},
    {"DumpState", dump_state, API_READS | API_STREAMS},
    {"Reload", reload, API_CONTROLS},
};

const struct api_methods api_status_methods = {rows, ARRAY_SIZE(rows)};
