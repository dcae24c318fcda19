/* Dumps of the daemon's state. */
#include "controller/api/dump.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "controller/api/dispatch.h"
#include "controller/api/dump-counters.h"
#include "controller/api/status.h"
#include "controller/api/vm-sums.h"
#include "controller/json/json.h"
#include "controller/leases/term.h"
#include "controller/messages/vm.h"
#include "controller/records/recorder.h"
#include "controller/store/store.h"

enum { SLICE = 32, PIECE = 32 * 1024 };

/* Under way at once of all users but root, of each of them one. Each holds the leases until its
 * reader has read them: 5 MB with one for each of ten thousand VMs. */
enum { OTHERS_MAX = 4 };

enum dump_part {
    DUMP_SUMS, /* of which nothing is written yet */
    DUMP_STATUS,
    DUMP_VMS,
    DUMP_LEASES,
    DUMP_END,
};

struct dump {
    struct slice_work work;
    struct list other; /* of those that are bounded */
    uid_t uid;
    struct api_call *call;
    enum dump_part part; /* that is made next */
    bool is_begun;       /* it has an entry already */
    struct vm_sums sums;
    char after[VM_NAME_SIZE]; /* the last VM that was made */
    struct lease *leases;     /* as the journal has them */
    size_t lease_count;
    size_t lease_next;
    char *text; /* what was made */
    size_t length;
    size_t sent;
};

/* ---- what is made ---- */

static void write_json(FILE *file, json_t *json)
{
    (void)json_dumpf(json, file, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(json);
}

static void write_message(FILE *file, const ProtobufCMessage *message)
{
    json_t *json;

    if (json_from_message(message, &json) == 0)
        write_json(file, json);
    else
        fputs("null", file);
}

/* On a line of its own. */
static void begin_entry(struct dump *dump, FILE *file)
{
    fputs(dump->is_begun ? ",\n  " : "\n  ", file);
    dump->is_begun = true;
}

static void go_on_with(struct dump *dump, enum dump_part part)
{
    dump->part = part;
    dump->is_begun = false;
}

static void make_sums(struct dump *dump, FILE *file)
{
    if (!vm_sums_add_slice(&dump->sums, dump->call->api->rooms.supervisor))
        go_on_with(dump, DUMP_STATUS);
}

static void make_status(struct dump *dump, FILE *file)
{
    struct status_scratch scratch;
    Vmreclaim__Controller__V1__GetStatusResponse status;

    status_to_message(dump->call->api, &status, &scratch);
    fputs("{\n \"status\": ", file);
    write_message(file, &status.base);
    fputs(",\n \"counters\": ", file);
    write_json(file, dump_host_counters(dump->call->api, &dump->sums));
    fputs(",\n \"vms\": [", file);
    go_on_with(dump, DUMP_VMS);
}

/* The message, and the VM's figures in it. */
static void write_vm(const struct supervisor *supervisor, const struct vm *vm,
                     const struct counter_places *places, FILE *file)
{
    struct vm_message message;
    json_t *json;

    vm_to_message(supervisor, vm, true, &message);
    if (json_from_message(&message.message.base, &json) < 0) {
        fputs("null", file);
        return;
    }
    (void)json_object_set_new(json, "counters", dump_vm_counters(supervisor, vm, places));
    write_json(file, json);
}

static void make_vms(struct dump *dump, FILE *file)
{
    const struct supervisor *supervisor = dump->call->api->rooms.supervisor;
    const struct vm_order *order = &supervisor->registry.in_order;
    size_t first = vm_order_after(order, dump->after);
    size_t end = min_of(order->count, first + SLICE);
    struct counter_places places;

    counter_places_init(&places);

    for (size_t i = first; i < end; i++) {
        begin_entry(dump, file);
        write_vm(supervisor, order->vms[i], &places, file);
    }
    if (end > first)
        text_copy(dump->after, sizeof(dump->after), order->vms[end - 1]->name);
    if (end < order->count)
        return;
    fputs("\n ],\n \"leases\": [", file);
    go_on_with(dump, DUMP_LEASES);
}

static json_t *lease_to_json(const struct lease *lease, const char *host_boot_id)
{
    const struct lease_moment moment = lease_moment_now();
    struct lease resumed = *lease;

    lease_term_resume(&resumed, &moment, host_boot_id);
    return json_pack("{s:I, s:s, s:s, s:I, s:I, s:I, s:I}", "id", (json_int_t)lease->id, "vm",
                     lease->vm, "owner", lease->owner, "bytes", (json_int_t)lease->bytes,
                     "baseline", (json_int_t)lease->baseline, "state", (json_int_t)lease->state,
                     "expires_ns", (json_int_t)lease_end_time(&resumed, &moment));
}

static void make_leases(struct dump *dump, FILE *file)
{
    const struct api_rooms *rooms = &dump->call->api->rooms;
    size_t end = min_of(dump->lease_count, dump->lease_next + SLICE);

    for (; dump->lease_next < end; dump->lease_next++) {
        begin_entry(dump, file);
        write_json(file,
                   lease_to_json(&dump->leases[dump->lease_next], rooms->supervisor->host_boot_id));
    }
    if (end < dump->lease_count)
        return;
    fprintf(file, "\n ],\n \"records_under_way\": %zu\n}",
            rooms->recorder == NULL ? 0 : rooms->recorder->track_count);
    go_on_with(dump, DUMP_END);
}

/* -ENOMEM. */
static int make_slice(struct dump *dump)
{
    static void (*const parts[])(struct dump * dump, FILE * file) = {
        [DUMP_SUMS] = make_sums,
        [DUMP_STATUS] = make_status,
        [DUMP_VMS] = make_vms,
        [DUMP_LEASES] = make_leases,
    };
    FILE *file;

    assert(dump->part < DUMP_END && dump->sent == dump->length);
    free(dump->text);
    dump->text = NULL;
    dump->length = dump->sent = 0;
    file = open_memstream(&dump->text, &dump->length);
    if (file == NULL)
        return -ENOMEM;
    parts[dump->part](dump, file);
    return fclose(file) == EOF ? -ENOMEM : 0;
}

/* ---- sending ---- */

static void end(struct dump *dump, int status)
{
    list_remove(&dump->other);
    if (status < 0)
        api_call_fail(dump->call, status, "the state cannot be sent: %s", strerror(-status));
    else
        api_call_finish(dump->call, NULL);
    free(dump->leases);
    free(dump->text);
    free(dump);
}

static int send_piece(const struct dump *dump, size_t size)
{
    Vmreclaim__Controller__V1__DumpStateResponse piece =
        VMRECLAIM__CONTROLLER__V1__DUMP_STATE_RESPONSE__INIT;

    piece.text.data = (uint8_t *)dump->text + dump->sent;
    piece.text.len = size;
    return api_call_send(dump->call, &piece.base);
}

static int send_slice(struct dump *dump)
{
    size_t size;
    int r = 0;

    for (; r == 0 && dump->sent < dump->length; dump->sent += r == 0 ? size : 0) {
        size = text_fit(dump->text + dump->sent, dump->length - dump->sent, PIECE);
        r = send_piece(dump, size);
    }
    return r;
}

/* ---- turns ---- */

static void get_ready(struct dump *dump)
{
    slices_add(&dump->call->api->slices, &dump->work);
}

static void on_drain(struct api_call *call, void *userdata)
{
    get_ready(userdata);
}

static void advance(struct slice_work *work)
{
    struct dump *dump = container_of(work, struct dump, work);
    nsec_t begun = time_of_thread();
    int r = 0;

    if (dump->call->state != API_CALL_OPEN)
        r = -EPIPE;
    else if (dump->sent == dump->length)
        r = make_slice(dump);
    api_charge(dump->call, time_of_thread() - begun);
    if (r == 0)
        r = send_slice(dump);
    if (r == -EAGAIN)
        api_call_on_drain(dump->call, on_drain, dump);
    else if (r < 0 || dump->part == DUMP_END)
        end(dump, r);
    else
        get_ready(dump);
}

static void cancel(struct slice_work *work)
{
    end(container_of(work, struct dump, work), -ECANCELED);
}

/* ---- beginning and end ---- */

/* A journal that cannot be read has none to show; the status says so. */
static void on_leases(int status, const struct error *error, const struct lease *leases,
                      size_t count, void *userdata)
{
    struct dump *dump = userdata;

    dump->leases = malloc((count + 1) * sizeof(*leases));
    if (dump->leases == NULL) {
        end(dump, -ENOMEM);
        return;
    }
    if (count > 0)
        memcpy(dump->leases, leases, count * sizeof(*leases));
    dump->lease_count = count;
    get_ready(dump);
}

/* False: the call was failed. */
static bool has_room(struct api_call *call)
{
    unsigned count = 0;

    list_for_each (link, &call->api->other_dumps) {
        if (list_entry(link, struct dump, other)->uid == call->caller.uid) {
            api_call_fail(call, -EBUSY, "a dump for %s is under way; try again when it has ended",
                          call->caller.name);
            return false;
        }
        count++;
    }
    if (count < OTHERS_MAX)
        return true;
    api_call_fail(call, -EBUSY, "%u dumps for others are under way; try again later", count);
    return false;
}

void api_dump_state(struct api_call *call, const ProtobufCMessage *request)
{
    bool is_bounded = call->share != NULL;
    struct lease_journal journal;
    struct dump *dump;

    if (is_bounded && !has_room(call))
        return;
    dump = calloc(1, sizeof(*dump));
    if (dump == NULL) {
        api_call_fail(call, -ENOMEM, "out of memory");
        return;
    }
    dump->work = (struct slice_work){.make_slice = advance, .cancel = cancel};
    list_init(&dump->other);
    dump->call = call;
    dump->uid = call->caller.uid;
    if (is_bounded)
        list_append(&call->api->other_dumps, &dump->other);
    store_lease_journal(api_store(call), &journal);
    journal.load(journal.userdata, on_leases, dump);
}
