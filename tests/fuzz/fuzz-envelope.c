/* The envelope: what our decoder and the generated one accept gives the same fields. The generated
 * one refuses lengths padded to more than five bytes, which are legal. */
#include <string.h>

#include "common/ttrpc/envelope.h"
#include "tests/fuzz/fuzz.h"
#include "ttrpc.pb-c.h"

/* The generated code ends text at an embedded '\0'. */
static void require_same_text(struct slice slice, const char *text)
{
    size_t length = slice.data == NULL ? 0 : strnlen((const char *)slice.data, slice.length);

    require(strlen(text) == length);
    require(length == 0 || memcmp(slice.data, text, length) == 0);
}

static void require_same_bytes(struct slice slice, const ProtobufCBinaryData *bytes)
{
    require(slice.length == bytes->len);
    require(slice.length == 0 || memcmp(slice.data, bytes->data, slice.length) == 0);
}

static void check_metadata(const struct envelope_request *request, const Ttrpc__Request *reference)
{
    struct slice value;

    for (size_t i = 0; i < reference->n_metadata; i++)
        (void)envelope_find_metadata(request, reference->metadata[i]->key, &value);
}

static void check_request(const uint8_t *data, size_t size)
{
    struct envelope_request request;
    Ttrpc__Request *reference;

    if (envelope_decode_request(data, size, &request) < 0)
        return;
    reference = ttrpc__request__unpack(NULL, size, data);
    if (reference == NULL)
        return;
    require_same_text(request.service, reference->service);
    require_same_text(request.method, reference->method);
    require_same_bytes(request.payload, &reference->payload);
    require(request.timeout_ns == reference->timeout_nano);
    check_metadata(&request, reference);
    ttrpc__request__free_unpacked(reference, NULL);
}

/* A repeated status is merged, in which protobuf-c 1.4 and the specification differ: look at what
 * the generated code writes, which has one. */
static void check_status(const Ttrpc__Response *reference)
{
    struct envelope_response response;
    uint8_t packed[8192];

    if (reference->status == NULL || ttrpc__response__get_packed_size(reference) > sizeof(packed))
        return;
    require(envelope_decode_response(packed, ttrpc__response__pack(reference, packed), &response) ==
            0);
    require(response.code == (uint32_t)reference->status->code);
    require_same_text(response.message, reference->status->message);
}

static void check_response(const uint8_t *data, size_t size)
{
    struct envelope_response response;
    Ttrpc__Response *reference;

    if (envelope_decode_response(data, size, &response) < 0)
        return;
    reference = ttrpc__response__unpack(NULL, size, data);
    if (reference == NULL)
        return;
    require_same_bytes(response.payload, &reference->payload);
    check_status(reference);
    ttrpc__response__free_unpacked(reference, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_request(data, size);
    check_response(data, size);
    return 0;
}
