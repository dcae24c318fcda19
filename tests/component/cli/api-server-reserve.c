/* The scripted API server's reservations: the VM's name says how they go. Whatever is asked for,
 * half of it is there at first. "endless" fills for ever, "short" is never whole, "gone" is
 * released by somebody. */
#include <string.h>

#include "common/base/number.h"
#include "common/base/time.h"
#include "common/base/util.h"
#include "controller.pb-c.h"
#include "tests/component/cli/api-server.h"

typedef Vmreclaim__Controller__V1__Reservation Reservation;
typedef Vmreclaim__Controller__V1__ReserveMemoryRequest Request;
typedef Vmreclaim__Controller__V1__ReserveMemoryResponse Response;

static void fill(Reservation *reservation, const char *vm, uint64_t size, const char *state)
{
    vmreclaim__controller__v1__reservation__init(reservation);
    reservation->id = 7;
    reservation->size = size;
    reservation->vm = (char *)vm;
    reservation->asked_by = (char *)"root";
    reservation->state = (char *)state;
    reservation->there = reservation->most = strcmp(state, "ready") == 0 ? size : size / 2;
    reservation->elapsed_ns = 3200 * NSEC_PER_MSEC;
    if (strcmp(state, "ready") != 0)
        reservation->reason = (char *)"the script has no more";
}

static void tell(struct ttrpc_call *call, Reservation *reservation)
{
    Response response = VMRECLAIM__CONTROLLER__V1__RESERVE_MEMORY_RESPONSE__INIT;

    response.reservation = reservation;
    (void)ttrpc_call_send(call, &response.base);
}

/* One that is never answered still ends some day. */
static void forget(struct ttrpc_call *call, void *userdata)
{
}

void reserve_memory(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Request *request = (const void *)message;
    const char *end = strcmp(request->vm, "short") == 0  ? "short"
                      : strcmp(request->vm, "gone") == 0 ? "released"
                                                         : "ready";
    Reservation reservation;

    if (play(call, request->vm))
        return;
    fill(&reservation, request->vm, request->size, "filling");
    tell(call, &reservation);
    if (strcmp(request->vm, "endless") == 0) {
        ttrpc_call_on_cancel(call, forget, NULL);
        return;
    }
    fill(&reservation, request->vm, request->size, end);
    reservation.left_ns = request->hold_ns == 0 ? 600 * NSEC_PER_SEC : request->hold_ns;
    reservation.expires_ns = (int64_t)request->wait_ns; /* to be seen */
    tell(call, &reservation);
    ttrpc_call_finish(call, NULL);
}

void list_reservations(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    Vmreclaim__Controller__V1__ListReservationsResponse response =
        VMRECLAIM__CONTROLLER__V1__LIST_RESERVATIONS_RESPONSE__INIT;
    Reservation reservations[2];
    Reservation *pointers[] = {&reservations[0], &reservations[1]};

    fill(&reservations[0], "web9", 4 * GIB, "ready");
    reservations[0].used = GIB;
    reservations[0].left_ns = 90 * NSEC_PER_SEC;
    fill(&reservations[1], "", 2 * GIB, "filling");
    reservations[1].id = 9;
    response.reservations = pointers;
    response.n_reservations = ARRAY_SIZE(pointers);
    ttrpc_call_finish(call, &response.base);
}

void release_reservation(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__ReleaseReservationRequest *request = (const void *)message;
    Vmreclaim__Controller__V1__ReleaseReservationResponse response =
        VMRECLAIM__CONTROLLER__V1__RELEASE_RESERVATION_RESPONSE__INIT;
    Reservation reservation;

    if (request->id != 7) {
        ttrpc_call_fail(call, TTRPC_NOT_FOUND, "there is no such reservation");
        return;
    }
    fill(&reservation, "web9", 4 * GIB, "ready");
    response.reservation = &reservation;
    ttrpc_call_finish(call, &response.base);
}
