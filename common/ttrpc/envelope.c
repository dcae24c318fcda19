/* The envelope, field by field. Unknown fields are skipped. */
#include "common/ttrpc/envelope.h"

#include <errno.h>
#include <string.h>

#include "common/base/text.h"
#include "common/ttrpc/ttrpc.h"
#include "common/ttrpc/wire.h"

enum {
    REQUEST_SERVICE = 1,
    REQUEST_METHOD = 2,
    REQUEST_PAYLOAD = 3,
    REQUEST_TIMEOUT_NANO = 4,
    REQUEST_METADATA = 5,
    KEY_VALUE_KEY = 1,
    KEY_VALUE_VALUE = 2,
    RESPONSE_STATUS = 1,
    RESPONSE_PAYLOAD = 2,
    STATUS_CODE = 1,
    STATUS_MESSAGE = 2,
};

/* ---- reading ---- */

static int decode_key_value(struct slice input, struct slice *ret_key, struct slice *ret_value)
{
    struct slice key = {0};
    struct slice value = {0};
    struct wire_field field;
    int r;

    while ((r = wire_read_field(&input, &field)) > 0) {
        if (field.number == KEY_VALUE_KEY)
            r = wire_take_text(&field, &key);
        else if (field.number == KEY_VALUE_VALUE)
            r = wire_take_text(&field, &value);
        if (r < 0)
            return r;
    }
    if (r < 0)
        return r;
    *ret_key = key;
    *ret_value = value;
    return 0;
}

static int take_request_field(const struct wire_field *field, struct envelope_request *request)
{
    struct slice key, value;
    uint64_t number;
    int r;

    switch (field->number) {
    case REQUEST_SERVICE:
        return wire_take_text(field, &request->service);
    case REQUEST_METHOD:
        return wire_take_text(field, &request->method);
    case REQUEST_PAYLOAD:
        return wire_take_bytes(field, &request->payload);
    case REQUEST_TIMEOUT_NANO:
        r = wire_take_varint(field, &number);
        if (r == 0)
            request->timeout_ns = (int64_t)number;
        return r;
    case REQUEST_METADATA:
        return field->type == WIRE_BYTES ? decode_key_value(field->bytes, &key, &value) : -EINVAL;
    default:
        return 0;
    }
}

int envelope_decode_request(const uint8_t *bytes, size_t length, struct envelope_request *ret)
{
    struct slice input = {.data = bytes, .length = length};
    struct envelope_request request = {.whole = input};
    struct wire_field field;
    int r;

    while ((r = wire_read_field(&input, &field)) > 0) {
        r = take_request_field(&field, &request);
        if (r < 0)
            return r;
    }
    if (r == 0)
        *ret = request;
    return r;
}

int envelope_find_metadata(const struct envelope_request *request, const char *key,
                           struct slice *ret_value)
{
    struct slice input = request->whole;
    struct wire_field field;

    while (wire_read_field(&input, &field) > 0) {
        struct slice name, value;

        if (field.number == REQUEST_METADATA && field.type == WIRE_BYTES &&
            decode_key_value(field.bytes, &name, &value) == 0 && slice_equals(name, key)) {
            *ret_value = value;
            return 0;
        }
    }
    return -ENOENT;
}

/* A repeated singular message is merged: what comes later wins, field by field. */
static int decode_status(struct slice input, struct envelope_response *response)
{
    struct wire_field field;
    int r;

    while ((r = wire_read_field(&input, &field)) > 0) {
        uint64_t code;

        if (field.number == STATUS_CODE) {
            r = wire_take_varint(&field, &code);
            if (r == 0)
                response->code = (uint32_t)code;
        } else if (field.number == STATUS_MESSAGE) {
            r = wire_take_bytes(&field, &response->message);
        }
        if (r < 0)
            return r;
    }
    return r;
}

int envelope_decode_response(const uint8_t *bytes, size_t length, struct envelope_response *ret)
{
    struct slice input = {.data = bytes, .length = length};
    struct envelope_response response = {0};
    struct wire_field field;
    int r;

    while ((r = wire_read_field(&input, &field)) > 0) {
        if (field.number == RESPONSE_STATUS)
            r = field.type == WIRE_BYTES ? decode_status(field.bytes, &response) : -EINVAL;
        else if (field.number == RESPONSE_PAYLOAD)
            r = wire_take_bytes(&field, &response.payload);
        if (r < 0)
            return r;
    }
    if (r == 0)
        *ret = response;
    return r;
}

/* ---- writing ---- */

static size_t varint_size(uint64_t value)
{
    return value == 0 ? 1 : (size_t)(63 - __builtin_clzll(value)) / 7 + 1;
}

/* A length-delimited field with a one-byte tag. */
static size_t bytes_field_size(size_t length)
{
    return 1 + varint_size(length) + length;
}

static size_t text_field_size(const char *text)
{
    size_t length = strlen(text);

    return length == 0 ? 0 : bytes_field_size(length);
}

static uint8_t *write_varint(uint8_t *bytes, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *bytes++ = (uint8_t)(value | 0x80);
    *bytes++ = (uint8_t)value;
    return bytes;
}

static uint8_t *write_tag(uint8_t *bytes, unsigned number, enum wire_type type)
{
    *bytes++ = (uint8_t)(number << 3 | type);
    return bytes;
}

static uint8_t *write_text(uint8_t *bytes, unsigned number, const char *text)
{
    size_t length = strlen(text);

    if (length == 0)
        return bytes;
    bytes = write_varint(write_tag(bytes, number, WIRE_BYTES), length);
    memcpy(bytes, text, length);
    text_mend((char *)bytes, length);
    return bytes + length;
}

static uint8_t *write_message(uint8_t *bytes, unsigned number, const ProtobufCMessage *message,
                              size_t size)
{
    if (size == 0)
        return bytes;
    bytes = write_varint(write_tag(bytes, number, WIRE_BYTES), size);
    return bytes + wire_pack_message(message, bytes);
}

static size_t message_field_size(const ProtobufCMessage *message, size_t *ret_size)
{
    *ret_size = message == NULL ? 0 : protobuf_c_message_get_packed_size(message);
    return *ret_size == 0 ? 0 : bytes_field_size(*ret_size);
}

static size_t key_value_size(const struct ttrpc_metadata *metadata)
{
    return text_field_size(metadata->key) + text_field_size(metadata->value);
}

size_t envelope_size_request(struct envelope_request_source *source)
{
    size_t size = text_field_size(source->service) + text_field_size(source->method);

    size += message_field_size(source->message, &source->payload_size);
    if (source->timeout_ns != 0)
        size += 1 + varint_size((uint64_t)source->timeout_ns);
    for (size_t i = 0; i < source->metadata_count; i++)
        size += bytes_field_size(key_value_size(&source->metadata[i]));
    return size;
}

static uint8_t *write_key_value(uint8_t *bytes, const struct ttrpc_metadata *metadata)
{
    bytes = write_varint(write_tag(bytes, REQUEST_METADATA, WIRE_BYTES), key_value_size(metadata));
    bytes = write_text(bytes, KEY_VALUE_KEY, metadata->key);
    return write_text(bytes, KEY_VALUE_VALUE, metadata->value);
}

void envelope_write_request(const struct envelope_request_source *source, uint8_t *bytes)
{
    bytes = write_text(bytes, REQUEST_SERVICE, source->service);
    bytes = write_text(bytes, REQUEST_METHOD, source->method);
    bytes = write_message(bytes, REQUEST_PAYLOAD, source->message, source->payload_size);
    if (source->timeout_ns != 0)
        bytes = write_varint(write_tag(bytes, REQUEST_TIMEOUT_NANO, WIRE_VARINT),
                             (uint64_t)source->timeout_ns);
    for (size_t i = 0; i < source->metadata_count; i++)
        bytes = write_key_value(bytes, &source->metadata[i]);
}

static size_t status_size(const struct envelope_response_source *source)
{
    return 1 + varint_size(source->code) + text_field_size(source->message);
}

size_t envelope_size_response(struct envelope_response_source *source)
{
    size_t size = source->code == 0 ? 0 : bytes_field_size(status_size(source));

    return size + message_field_size(source->response, &source->payload_size);
}

void envelope_write_response(const struct envelope_response_source *source, uint8_t *bytes)
{
    if (source->code != 0) {
        bytes = write_varint(write_tag(bytes, RESPONSE_STATUS, WIRE_BYTES), status_size(source));
        bytes = write_varint(write_tag(bytes, STATUS_CODE, WIRE_VARINT), source->code);
        bytes = write_text(bytes, STATUS_MESSAGE, source->message);
    }
    (void)write_message(bytes, RESPONSE_PAYLOAD, source->response, source->payload_size);
}
