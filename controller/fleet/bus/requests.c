/* One call into libnats for each thing asked. */
#include "controller/fleet/bus/requests.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fleet/bus/arrivals.h"
#include "controller/fleet/bus/problem.h"

#define WRONG_SEQUENCE 10071
/* What waited so long behind others that were not answered is not begun: a lease that is renewed
 * behind hundreds of them would be lost. */
#define PATIENCE      (10 * NSEC_PER_SEC)
#define STATUS_HEADER "Status"

static void fail(struct bus_request *request, natsStatus s, jsErrCode code)
{
    request->status = -EIO;
    if (code == WRONG_SEQUENCE)
        request->status = -ESTALE;
    else if (s == NATS_NOT_FOUND && code != JSStreamNotFoundErr)
        request->status = -ENOENT;
    else if (s == NATS_TIMEOUT)
        request->status = -ETIMEDOUT;
    else if (s == NATS_NO_RESPONDERS || s == NATS_CONNECTION_CLOSED ||
             s == NATS_CONNECTION_DISCONNECTED)
        request->status = -ENOTCONN;
    else if (s == NATS_MAX_PAYLOAD || code == JSStreamMessageExceedsMaximumErr)
        request->status = -EMSGSIZE;
    else if (s == NATS_INSUFFICIENT_BUFFER || code == JSInsufficientResourcesErr ||
             code == JSStreamStoreFailedErr)
        request->status = -ENOSPC;
    (void)bus_problem(s, s == NATS_ERR && code != 0 ? nats_GetLastError(NULL) : NULL,
                      request->problem, sizeof(request->problem));
}

static natsStatus keep_answer(struct bus_request *request, natsMsg *message)
{
    size_t length = (size_t)natsMsg_GetDataLength(message);

    request->data = malloc(length + 1);
    if (request->data == NULL)
        return NATS_NO_MEMORY;
    if (length > 0)
        memcpy(request->data, natsMsg_GetData(message), length);
    request->data_length = length;
    return NATS_OK;
}

static natsStatus put(struct bus_link *link, struct bus_request *request, jsErrCode *code)
{
    jsPubOptions options;
    jsPubAck *ack = NULL;
    natsStatus s;

    (void)jsPubOptions_Init(&options);
    if (request->expected == BUS_NOTHING)
        options.ExpectNoMessage = true;
    else if (request->expected != BUS_ANYTHING)
        options.ExpectLastSubjectSeq = request->expected;
    s = js_Publish(&ack, link->stream, request->subject, request->sent, (int)request->length,
                   &options, code);
    if (s == NATS_OK)
        request->sequence = ack->Sequence;
    jsPubAck_Destroy(ack);
    return s;
}

static natsStatus get(struct bus_link *link, struct bus_request *request, jsErrCode *code)
{
    natsMsg *message = NULL;
    natsStatus s =
        js_GetLastMsg(&message, link->stream, request->stream, request->subject, NULL, code);

    if (s == NATS_OK)
        request->sequence = natsMsg_GetSequence(message);
    TRY(s, keep_answer(request, message));
    natsMsg_Destroy(message);
    return s;
}

/* A direct get answers with headers: a status where there is nothing. */
static natsStatus ask(struct bus_link *link, struct bus_request *request)
{
    const char *status = NULL;
    natsMsg *message = NULL;
    natsStatus s =
        natsConnection_Request(&message, link->connection, request->subject, NULL, 0, LINK_WAIT_MS);

    if (s == NATS_OK && natsMsgHeader_Get(message, STATUS_HEADER, &status) == NATS_OK)
        s = strcmp(status, "404") == 0 ? NATS_NOT_FOUND : NATS_ERR;
    if (s == NATS_OK)
        request->sequence = arrivals_sequence_of(message);
    TRY(s, keep_answer(request, message));
    natsMsg_Destroy(message);
    return s;
}

void requests_do(struct bus_link *link, struct bus_request *request)
{
    jsErrCode code = 0;
    natsStatus s = NATS_CONNECTION_CLOSED;

    if (time_monotonic() - request->asked > PATIENCE)
        s = NATS_TIMEOUT;
    else if (link->connection == NULL)
        ;
    else if (request->verb == BUS_PUBLISH)
        s = natsConnection_Publish(link->connection, request->subject, request->sent,
                                   (int)request->length);
    else if (request->verb == BUS_PUT)
        s = put(link, request, &code);
    else if (request->verb == BUS_GET)
        s = get(link, request, &code);
    else
        s = ask(link, request);
    if (s != NATS_OK)
        fail(request, s, code);
}
