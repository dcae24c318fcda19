/* What Request and Response frames carry (proto/ttrpc/ttrpc.proto), written and read by hand. The
 * payload is packed in place behind its envelope, and reading allocates and copies nothing. The
 * generated code for the same file is the reference in the tests. */
#ifndef VMRECLAIM_COMMON_TTRPC_ENVELOPE_H
#define VMRECLAIM_COMMON_TTRPC_ENVELOPE_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ttrpc/wire.h"

struct ttrpc_metadata;

struct envelope_request {
    struct slice service;
    struct slice method;
    struct slice payload;
    int64_t timeout_ns; /* 0: none */
    struct slice whole; /* where envelope_find_metadata looks */
};

struct envelope_response {
    uint32_t code;
    struct slice message;
    struct slice payload;
};

/* -EINVAL: not such a message. */
int envelope_decode_request(const uint8_t *bytes, size_t length, struct envelope_request *ret);
int envelope_decode_response(const uint8_t *bytes, size_t length, struct envelope_response *ret);

/* The first value given for `key`, as Go's GetMetadataValue takes it; -ENOENT. */
int envelope_find_metadata(const struct envelope_request *request, const char *key,
                           struct slice *ret_value);

/* What to write. The sizes are those of envelope_size_…, which fill the fields behind the blank
 * line; then envelope_write_… fills exactly that many bytes. */
struct envelope_request_source {
    const char *service;
    const char *method;
    const ProtobufCMessage *message; /* NULL: no payload */
    int64_t timeout_ns;
    const struct ttrpc_metadata *metadata;
    size_t metadata_count;

    size_t payload_size;
};

size_t envelope_size_request(struct envelope_request_source *source);
void envelope_write_request(const struct envelope_request_source *source, uint8_t *bytes);

struct envelope_response_source {
    uint32_t code;                    /* 0: OK, no status is written */
    const char *message;              /* of the error */
    const ProtobufCMessage *response; /* NULL: no payload */

    size_t payload_size;
};

size_t envelope_size_response(struct envelope_response_source *source);
void envelope_write_response(const struct envelope_response_source *source, uint8_t *bytes);

#endif
