/* Methods that keep memory of the host free for VMs about to start.
 *
 * ReserveMemory is answered with how far its reservation is. Every message is its whole state, so a
 * slow reader may miss all but the last. */
#include <errno.h>
#include <stdlib.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/api/dispatch.h"
#include "controller/arbiter/keeper.h"
#include "controller/config/vm-file.h"
#include "controller/messages/text.h"

#define WAIT_MAX   (3600 * NSEC_PER_SEC)
#define HOLD_MAX   (24 * 3600 * NSEC_PER_SEC)
#define OTHERS_MAX (RESERVATIONS_MAX / 4 * 3) /* the last are root's: libvirt's hook is */

typedef Vmreclaim__Controller__V1__Reservation Reservation;
typedef Vmreclaim__Controller__V1__ReserveMemoryRequest Request;
typedef Vmreclaim__Controller__V1__ReserveMemoryResponse Response;

/* ---- the message ---- */

/* It points into the reservation. */
static void fill(const struct reservation *reservation, Reservation *ret_message)
{
    const struct reservation_asked *asked = &reservation->asked;

    vmreclaim__controller__v1__reservation__init(ret_message);
    ret_message->id = reservation->id;
    ret_message->size = asked->bytes;
    ret_message->vm = message_text(asked->vm);
    ret_message->asked_by = message_text(asked->asked_by);
    ret_message->state = message_text(reservation_state_name(reservation->state));
    ret_message->there = reservation->there;
    ret_message->most = reservation->most;
    ret_message->used = reservation->used;
    ret_message->created_ns = reservation->created;
    ret_message->expires_ns = reservation->expires;
    ret_message->left_ns = saturating_subtract(reservation->due, time_boottime());
    ret_message->elapsed_ns = time_realtime_between(reservation->created, time_realtime());
    ret_message->reason = message_text(reservation->why);
}

/* ---- ReserveMemory ---- */

struct reserving {
    struct api_call *call;
    struct arbiter_keeper *keeper;
    struct reservation latest; /* as it was when something was new */
    bool drains;               /* waits until the reader has room for it */
};

static bool is_last(const struct reservation *reservation)
{
    return reservation->state != RESERVATION_FILLING;
}

/* Who goes away before it is ready does not want it. */
static void on_gone(struct api_call *call, void *userdata)
{
    struct reserving *reserving = userdata;

    arbiter_forget_asker(reserving->keeper, reserving->latest.id);
    free(reserving);
}

static void tell(struct reserving *reserving);

static void on_drain(struct api_call *call, void *userdata)
{
    struct reserving *reserving = userdata;

    reserving->drains = false;
    tell(reserving);
}

static void tell(struct reserving *reserving)
{
    Response response = VMRECLAIM__CONTROLLER__V1__RESERVE_MEMORY_RESPONSE__INIT;
    struct api_call *call = reserving->call;
    Reservation message;

    fill(&reserving->latest, &message);
    response.reservation = &message;
    if (api_call_send(call, &response.base) == -EAGAIN) {
        reserving->drains = true;
        api_call_on_drain(call, on_drain, reserving);
    } else if (is_last(&reserving->latest)) {
        free(reserving);
        api_call_finish(call, NULL);
    }
}

static void on_changed(const struct reservation *reservation, void *userdata)
{
    struct reserving *reserving = userdata;

    reserving->latest = *reservation;
    if (!reserving->drains)
        tell(reserving);
}

/* Its number is known at once. One that has got further is told by the keeper. */
static void tell_first(struct reserving *reserving)
{
    const struct reservation *made =
        reservations_find(&reserving->keeper->reservations, reserving->latest.id);

    if (made != NULL && !is_last(made))
        on_changed(made, reserving);
}

/* The name that the VM has here, or will have once it is found: its hypervisor's name for it may be
 * none here. */
static void take_name(const struct api_call *call, const char *name, char ret_name[VM_NAME_SIZE])
{
    struct vm *vm;

    if (name[0] != '\0' &&
        registry_find(&call->api->rooms.supervisor->registry, name, &vm, NULL) == 0)
        name = vm->name;
    if (name[0] == '\0')
        ret_name[0] = '\0';
    else
        vm_name_make(name, ret_name);
}

static int take_request(const struct api_call *call, const Request *request,
                        struct reservation_asked *ret_asked, struct error *error)
{
    *ret_asked = (struct reservation_asked){
        .bytes = request->size,
        .wait = request->wait_ns,
        .hold = request->hold_ns,
    };
    text_copy_line(ret_asked->asked_by, sizeof(ret_asked->asked_by), call->caller.name);
    if (call->share != NULL && call->api->rooms.arbiter->reservations.count >= OTHERS_MAX)
        return error_set(error, -ENOSPC,
                         "%d reservations are held, and the last are root's; release one first",
                         OTHERS_MAX);
    if (request->wait_ns > WAIT_MAX)
        return error_set(error, -EINVAL, "wait for a reservation for an hour at most");
    if (request->hold_ns > HOLD_MAX)
        return error_set(error, -EINVAL, "hold a reservation for a day at most");
    take_name(call, request->vm, ret_asked->vm);
    return 0;
}

static void reserve_memory(struct api_call *call, const ProtobufCMessage *message)
{
    struct arbiter_keeper *keeper = call->api->rooms.arbiter;
    struct reserving *reserving = calloc(1, sizeof(*reserving));
    struct reservation_asked asked;
    struct error error;
    int r;

    if (reserving == NULL) {
        api_call_fail(call, -ENOMEM, "out of memory");
        return;
    }
    *reserving = (struct reserving){.call = call, .keeper = keeper};
    r = take_request(call, (const Request *)(const void *)message, &asked, &error);
    if (r == 0)
        r = arbiter_reserve(keeper, &asked, on_changed, reserving, &reserving->latest.id, &error);
    if (r < 0) {
        free(reserving);
        api_call_fail_error(call, r, &error);
        return;
    }
    api_call_on_gone(call, on_gone, reserving);
    tell_first(reserving);
}

/* ---- ListReservations, ReleaseReservation ---- */

static void list_reservations(struct api_call *call, const ProtobufCMessage *message)
{
    Vmreclaim__Controller__V1__ListReservationsResponse response =
        VMRECLAIM__CONTROLLER__V1__LIST_RESERVATIONS_RESPONSE__INIT;
    const struct reservations *reservations = &call->api->rooms.arbiter->reservations;
    Reservation messages[RESERVATIONS_MAX];
    Reservation *pointers[RESERVATIONS_MAX];

    for (size_t i = 0; i < reservations->count; i++) {
        fill(&reservations->list[i], &messages[i]);
        pointers[i] = &messages[i];
    }
    response.reservations = pointers;
    response.n_reservations = reservations->count;
    api_call_finish(call, &response.base);
}

static void release_reservation(struct api_call *call, const ProtobufCMessage *message)
{
    const Vmreclaim__Controller__V1__ReleaseReservationRequest *request = (const void *)message;
    Vmreclaim__Controller__V1__ReleaseReservationResponse response =
        VMRECLAIM__CONTROLLER__V1__RELEASE_RESERVATION_RESPONSE__INIT;
    struct arbiter_keeper *keeper = call->api->rooms.arbiter;
    const struct reservation *found = reservations_find(&keeper->reservations, request->id);
    struct reservation before = {0};
    struct error error;
    Reservation shown;
    int r;

    if (found != NULL)
        before = *found;
    r = arbiter_release(keeper, request->id, &error);
    if (r < 0) {
        api_call_fail_error(call, r, &error);
        return;
    }
    fill(&before, &shown);
    response.reservation = &shown;
    api_call_finish(call, &response.base);
}

static const struct api_method rows[] = {
    {"ReserveMemory", reserve_memory, API_CONTROLS | API_STREAMS},
    {"ListReservations", list_reservations, API_READS},
    {"ReleaseReservation", release_reservation, API_CONTROLS},
};

const struct api_methods api_reservation_methods = {rows, ARRAY_SIZE(rows)};
