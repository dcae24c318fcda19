/* Calls put together. A fetch waits while the connection is being made, and ends
 * when that fails. */
#include "controller/client/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/message/copy.h"
#include "controller.pb-c.h"
#include "controller/client/pages.h"

struct fetch {
    struct list link;
    struct fetcher *fetcher;
    struct fetch_request request;
    ProtobufCMessage *message; /* ours */
    struct pages pages;
    struct ttrpc_client_call *call;
    bool is_running;
};

static void start_more(struct fetcher *fetcher);

static void leave(struct fetch *fetch)
{
    list_remove(&fetch->link);
    if (fetch->is_running)
        fetch->fetcher->running_count--;
    else
        fetch->fetcher->waiting_count--;
}

/* A page's token in the message is the pages'. */
static void destroy(struct fetch *fetch)
{
    if (fetch->request.form == FETCH_PAGES) {
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(
            fetch->message->descriptor, "page_token");

        *(char **)(void *)((char *)fetch->message + field->offset) = NULL;
    }
    pages_finish(&fetch->pages);
    protobuf_c_message_free_unpacked(fetch->message, NULL);
    free(fetch);
}

/* The callback may begin another fetch. */
static void end(struct fetch *fetch, const struct ttrpc_result *result)
{
    struct fetcher *fetcher = fetch->fetcher;

    leave(fetch);
    fetch->request.on_end(result, fetch->request.userdata);
    destroy(fetch);
    start_more(fetcher);
}

static void fail(struct fetch *fetch, enum ttrpc_code code, const char *message)
{
    end(fetch, &(struct ttrpc_result){.code = code, .message = message});
}

/* ---- what comes ---- */

static void end_joined(struct fetch *fetch)
{
    ProtobufCMessage *whole;

    if (fetch->pages.descriptor == NULL) {
        fail(fetch, TTRPC_NOT_FOUND, "there is nothing of it");
        return;
    }
    whole = pages_join(&fetch->pages);
    if (whole == NULL)
        fail(fetch, TTRPC_RESOURCE_EXHAUSTED, "out of memory");
    else
        end(fetch, &(struct ttrpc_result){.code = TTRPC_OK, .message = "", .response = whole});
    if (whole != NULL)
        protobuf_c_message_free_unpacked(whole, NULL);
}

/* The text of a stream's pieces; none is an empty one. */
static void end_text(struct fetch *fetch)
{
    Vmreclaim__Controller__V1__DumpStateResponse whole =
        VMRECLAIM__CONTROLLER__V1__DUMP_STATE_RESPONSE__INIT;

    whole.text.data = fetch->pages.packed;
    whole.text.len = fetch->pages.length;
    end(fetch, &(struct ttrpc_result){.code = TTRPC_OK, .message = "", .response = &whole.base});
}

static int call(struct fetch *fetch);

static void take_page(struct fetch *fetch, const ProtobufCMessage *page)
{
    int r = fetch->pages.length > FETCH_BYTES ? -EMSGSIZE : pages_take(&fetch->pages, page);

    if (r > 0)
        r = call(fetch);
    else if (r == 0) {
        end_joined(fetch);
        return;
    }
    if (r < 0)
        fail(fetch, ttrpc_code_of_errno(r), strerror(-r));
}

static int append(struct fetch *fetch, const ProtobufCMessage *message)
{
    const Vmreclaim__Controller__V1__DumpStateResponse *piece = (const void *)message;

    if (fetch->pages.length > FETCH_BYTES)
        return -EMSGSIZE;
    return fetch->request.form == FETCH_TEXT
               ? pages_append_text(&fetch->pages, piece->text.data, piece->text.len)
               : pages_append(&fetch->pages, message);
}

static void on_message(const ProtobufCMessage *message, void *userdata)
{
    struct fetch *fetch = userdata;
    int r = append(fetch, message);

    if (r == 0)
        return;
    ttrpc_client_call_cancel(fetch->call);
    fail(fetch, ttrpc_code_of_errno(r), strerror(-r));
}

static void on_result(const struct ttrpc_result *result, void *userdata)
{
    struct fetch *fetch = userdata;

    fetch->call = NULL;
    if (result->code != TTRPC_OK || fetch->request.form == FETCH_ONE)
        end(fetch, result);
    else if (fetch->request.form == FETCH_PAGES)
        take_page(fetch, result->response);
    else if (fetch->request.form == FETCH_TEXT)
        end_text(fetch);
    else
        end_joined(fetch);
}

/* ---- calling ---- */

static int call(struct fetch *fetch)
{
    const ProtobufCServiceDescriptor *service = fetch->fetcher->upstream->peer->service;
    struct ttrpc_connection *connection = fetch->fetcher->upstream->connection;

    if (connection == NULL)
        return -EPIPE;
    if (fetch->request.form == FETCH_STREAM || fetch->request.form == FETCH_TEXT)
        return ttrpc_call_stream(connection, service, fetch->request.method, fetch->message,
                                 fetch->request.timeout, on_message, on_result, fetch,
                                 &fetch->call);
    return ttrpc_call_unary(connection, service, fetch->request.method, fetch->message,
                            fetch->request.timeout, on_result, fetch, &fetch->call);
}

static void start_one(struct fetch *fetch)
{
    int r;

    leave(fetch);
    fetch->is_running = true;
    fetch->fetcher->running_count++;
    list_append(&fetch->fetcher->running, &fetch->link);
    r = call(fetch);
    if (r < 0)
        fail(fetch, ttrpc_code_of_errno(r), strerror(-r));
}

static void start_more(struct fetcher *fetcher)
{
    while (fetcher->upstream->connection != NULL && fetcher->running_count < FETCHES_MAX &&
           !list_is_empty(&fetcher->waiting))
        start_one(list_entry(fetcher->waiting.next, struct fetch, link));
}

static void on_change(void *userdata)
{
    struct fetcher *fetcher = userdata;

    start_more(fetcher);
    while (fetcher->upstream->connection == NULL && !list_is_empty(&fetcher->waiting))
        fail(list_entry(fetcher->waiting.next, struct fetch, link), TTRPC_UNAVAILABLE,
             fetcher->upstream->problem.text);
}

void fetcher_init(struct fetcher *fetcher, struct upstream *upstream)
{
    *fetcher = (struct fetcher){.upstream = upstream};
    list_init(&fetcher->waiting);
    list_init(&fetcher->running);
    fetcher->listener = (struct upstream_listener){.on_change = on_change, .userdata = fetcher};
    upstream_listen(upstream, &fetcher->listener);
}

/* At once where that can be. */
static int enter(struct fetch *fetch)
{
    struct fetcher *fetcher = fetch->fetcher;
    int r = 0;

    fetch->is_running =
        fetcher->upstream->connection != NULL && fetcher->running_count < FETCHES_MAX;
    if (fetch->is_running)
        r = call(fetch);
    if (r < 0)
        return r;
    list_append(fetch->is_running ? &fetcher->running : &fetcher->waiting, &fetch->link);
    *(fetch->is_running ? &fetcher->running_count : &fetcher->waiting_count) += 1;
    return 0;
}

int fetch_start(struct fetcher *fetcher, const struct fetch_request *request,
                struct fetch **ret_fetch)
{
    struct fetch *fetch;
    int r;

    if (fetcher->upstream->connection == NULL && !upstream_is_dialling(fetcher->upstream))
        return -EPIPE;
    if (fetcher->waiting_count >= FETCHES_WAITING_MAX)
        return -EBUSY;
    fetch = calloc(1, sizeof(*fetch));
    if (fetch == NULL)
        return -ENOMEM;
    fetch->fetcher = fetcher;
    fetch->request = *request;
    list_init(&fetch->link);
    fetch->message = message_copy(request->message);
    if (fetch->message == NULL) {
        free(fetch);
        return -ENOMEM;
    }
    if (request->form == FETCH_PAGES)
        pages_init(&fetch->pages, fetch->message,
                   request->wanted == 0 ? UINT64_MAX : request->wanted);
    r = enter(fetch);
    if (r < 0) {
        destroy(fetch);
        return r;
    }
    *ret_fetch = fetch;
    return 0;
}

void fetch_cancel(struct fetch *fetch)
{
    struct fetcher *fetcher = fetch->fetcher;

    if (fetch->call != NULL)
        ttrpc_client_call_cancel(fetch->call);
    leave(fetch);
    destroy(fetch);
    start_more(fetcher);
}
