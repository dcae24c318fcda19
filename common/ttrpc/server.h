/* One call of the peer on us, for server.c, which receives, and call.c, which answers. */
#ifndef VMRECLAIM_COMMON_TTRPC_SERVER_H
#define VMRECLAIM_COMMON_TTRPC_SERVER_H

#include "common/ttrpc/connection.h"

struct ttrpc_call {
    struct list link;                    /* of connection->calls */
    struct ttrpc_connection *connection; /* NULL: detached */
    const struct ttrpc_service *service;
    unsigned method; /* index into the service */
    uint32_t stream;
    bool half_closed; /* the client sends no more */
    struct deadline deadline;
    nsec_t due; /* NSEC_INFINITY: no deadline */
    void (*on_cancel)(struct ttrpc_call *call, void *userdata);
    void *cancel_userdata;
    void (*on_message)(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata);
    void *message_userdata;
    void (*on_drain)(struct ttrpc_call *call, void *userdata);
    void *drain_userdata;
};

/* Whether the method takes a stream of requests, and whether it streams at all. */
bool service_streams_requests(const struct ttrpc_service *service, unsigned method);
bool service_streams(const struct ttrpc_service *service, unsigned method);

/* `timeout_ns` 0: none. NULL: no memory, and the connection is closing. */
struct ttrpc_call *call_create(struct ttrpc_connection *connection, uint32_t stream,
                               const struct ttrpc_service *service, unsigned method,
                               int64_t timeout_ns);

void call_destroy(struct ttrpc_call *call);

/* NULL: none on this stream. */
struct ttrpc_call *call_find(struct ttrpc_connection *connection, uint32_t stream);

/* Ends the call over the handler's head, without or with a word to the peer. */
void call_cancel(struct ttrpc_call *call);
void call_cancel_with_error(struct ttrpc_call *call, enum ttrpc_code code, const char *message);

/* Answers with an error on a stream that may have no call. */
void server_send_error(struct ttrpc_connection *connection, uint32_t stream, enum ttrpc_code code,
                       const char *message);

#endif
