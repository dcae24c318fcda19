/* Methods that ask how the daemon itself is doing. */
#include "controller/api/status.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/number.h"
#include "common/base/text.h"
#include "common/proc/meminfo.h"
#include "controller/actions/action.h"
#include "controller/actions/halts.h"
#include "controller/api/dispatch.h"
#include "controller/api/dump.h"
#include "controller/arbiter/keeper.h"
#include "controller/config/daemon-config.h"
#include "controller/config/problems.h"
#include "controller/desired/keeper.h"
#include "controller/messages/text.h"
#include "controller/records/recorder.h"
#include "controller/store/store.h"
#include "controller/vms/discovery.h"

typedef Vmreclaim__Controller__V1__GetStatusResponse Status;
typedef Vmreclaim__Controller__V1__Degradation Degradation;

static void add_degraded(Status *status, struct status_scratch *scratch, const char *kind,
                         const char *name, const char *reason, int64_t since)
{
    size_t i = status->n_degraded;

    if (i == STATUS_DEGRADED_MAX)
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

    if (alarm_since(vm) == 0 || status->n_degraded == STATUS_DEGRADED_MAX)
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
        char *text = scratch->alarms[min_of(status->n_degraded, (size_t)STATUS_DEGRADED_MAX - 1)];

        if (status->n_degraded == STATUS_DEGRADED_MAX)
            return;
        text_format(text, ALARM_BYTES, "halted by %s; 'vmreclaim resume %s' ends it", halt->author,
                    is_all ? "--all" : halt->vm);
        add_degraded(status, scratch, "halt", is_all ? "" : halt->vm, text, 0);
    }
}

/* It is on, and cannot do what it is for. */
static void fill_arbiter(const struct arbiter_keeper *keeper, Status *status,
                         struct status_scratch *scratch)
{
    char *text = scratch->alarms[min_of(status->n_degraded, (size_t)STATUS_DEGRADED_MAX - 1)];

    if (keeper == NULL || !keeper->settings.is_on || status->n_degraded == STATUS_DEGRADED_MAX)
        return;
    if (keeper->host_error.text[0] != '\0')
        text_copy(text, ALARM_BYTES, keeper->host_error.text);
    else if (keeper->arbiter.missing > 0)
        text_format(text, ALARM_BYTES,
                    "the VMs' floors are %s more than the host has for them; lower floors, or "
                    "move a VM away",
                    BYTES_TEXT(keeper->arbiter.missing));
    else
        return;
    add_degraded(status, scratch, "arbiter", "", text, 0);
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

void status_to_message(const struct api *api, Status *status, struct status_scratch *scratch)
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
    fill_arbiter(rooms->arbiter, status, scratch);
    if (rooms->discovery != NULL && rooms->discovery->problem[0] != '\0')
        add_degraded(status, scratch, "discovery", "", rooms->discovery->problem, 0);
    if (rooms->desired != NULL && rooms->config->fleet.host[0] != '\0') {
        desired_keeper_show(rooms->desired, &scratch->applied);
        status->fleet = &scratch->applied;
    }
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

    status_to_message(call->api, &status, &scratch);
    api_call_finish(call, &status.base);
}

/* ---- Reload ---- */

static void on_reloaded(nsec_t used, void *userdata)
{
    Vmreclaim__Controller__V1__ReloadResponse response =
        VMRECLAIM__CONTROLLER__V1__RELOAD_RESPONSE__INIT;
    struct api_call *call = userdata;
    const struct api_rooms *rooms = &call->api->rooms;
    struct status_scratch scratch;
    Status status = VMRECLAIM__CONTROLLER__V1__GET_STATUS_RESPONSE__INIT;

    api_charge(call, used);
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
    {"DumpState", api_dump_state, API_READS | API_STREAMS},
    {"Reload", reload, API_CONTROLS},
};

const struct api_methods api_status_methods = {rows, ARRAY_SIZE(rows)};
