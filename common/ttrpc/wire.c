/* Reading protobuf's wire format. */
#include "common/ttrpc/wire.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/base/text.h"
#include "common/ttrpc/ttrpc.h"

#define DEPTH_MAX 16 /* of messages in messages; ours reach 4 */

bool slice_equals(struct slice slice, const char *text)
{
    size_t length = strlen(text);

    return slice.length == length && (length == 0 || memcmp(slice.data, text, length) == 0);
}

/* ---- fields ---- */

static int read_varint(struct slice *input, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (input->length > 0 && input->data[0] < 0x80) { /* most are short */
        *ret_value = *input->data++;
        input->length--;
        return 0;
    }
    for (size_t i = 0; i < input->length && i < 10; i++) {
        value |= (uint64_t)(input->data[i] & 0x7f) << (7 * i);
        if (input->data[i] < 0x80) {
            input->data += i + 1;
            input->length -= i + 1;
            *ret_value = value;
            return 0;
        }
    }
    return -EINVAL;
}

static int read_bytes(struct slice *input, uint64_t length, struct slice *ret_bytes)
{
    if (length > input->length)
        return -EINVAL;
    *ret_bytes = (struct slice){.data = input->data, .length = (size_t)length};
    input->data += length;
    input->length -= (size_t)length;
    return 0;
}

static int read_tag(struct slice *input, struct wire_field *field)
{
    uint64_t tag;
    int r = read_varint(input, &tag);
    if (r < 0)
        return r;
    if (tag >> 3 == 0 || tag >> 3 > UINT32_MAX >> 3)
        return -EINVAL;
    field->number = (uint32_t)(tag >> 3);
    field->type = (enum wire_type)(tag & 7);
    return 0;
}

static int read_value(struct slice *input, struct wire_field *field)
{
    uint64_t length;
    int r;

    switch (field->type) {
    case WIRE_VARINT:
        return read_varint(input, &field->varint);
    case WIRE_FIXED64:
        return read_bytes(input, 8, &field->bytes);
    case WIRE_FIXED32:
        return read_bytes(input, 4, &field->bytes);
    case WIRE_BYTES:
        r = read_varint(input, &length);
        return r < 0 ? r : read_bytes(input, length, &field->bytes);
    }
    return -EINVAL;
}

int wire_read_field(struct slice *input, struct wire_field *ret_field)
{
    int r;

    if (input->length == 0)
        return 0;
    *ret_field = (struct wire_field){0};
    r = read_tag(input, ret_field);
    if (r < 0)
        return r;
    r = read_value(input, ret_field);
    return r < 0 ? r : 1;
}

int wire_take_bytes(const struct wire_field *field, struct slice *ret_bytes)
{
    if (field->type != WIRE_BYTES)
        return -EINVAL;
    *ret_bytes = field->bytes;
    return 0;
}

int wire_take_text(const struct wire_field *field, struct slice *ret_text)
{
    int r = wire_take_bytes(field, ret_text);

    return r == 0 && !text_is_utf8((const char *)ret_text->data, ret_text->length) ? -EINVAL : r;
}

int wire_take_varint(const struct wire_field *field, uint64_t *ret_value)
{
    if (field->type != WIRE_VARINT)
        return -EINVAL;
    *ret_value = field->varint;
    return 0;
}

/* ---- a whole message ---- */

/* What may still come. */
struct allowance {
    uint32_t elements;
    unsigned depth;
};

static int take_elements(struct allowance *allowance, size_t count)
{
    if (count > allowance->elements)
        return -E2BIG;
    allowance->elements -= (uint32_t)count;
    return 0;
}

static int check_message(const ProtobufCMessageDescriptor *descriptor, struct slice message,
                         struct allowance *allowance);

/* A length-delimited value of a known field. */
static int check_bytes(const ProtobufCFieldDescriptor *descriptor, struct slice bytes,
                       struct allowance *allowance)
{
    int r;

    switch (descriptor->type) {
    case PROTOBUF_C_TYPE_STRING:
        return text_is_utf8((const char *)bytes.data, bytes.length) ? 0 : -EINVAL;
    case PROTOBUF_C_TYPE_BYTES:
        return 0;
    case PROTOBUF_C_TYPE_MESSAGE:
        if (allowance->depth == 0)
            return -EINVAL;
        allowance->depth--;
        r = check_message(descriptor->descriptor, bytes, allowance);
        allowance->depth++;
        return r;
    default: /* a packed list; each of its values takes a byte at least */
        return take_elements(allowance, bytes.length);
    }
}

static int check_message(const ProtobufCMessageDescriptor *descriptor, struct slice message,
                         struct allowance *allowance)
{
    struct wire_field field;
    int r;

    while ((r = wire_read_field(&message, &field)) > 0) {
        const ProtobufCFieldDescriptor *known = NULL;

        r = take_elements(allowance, 1);
        if (field.type == WIRE_BYTES)
            known = protobuf_c_message_descriptor_get_field(descriptor, field.number);
        if (r == 0 && known != NULL)
            r = check_bytes(known, field.bytes, allowance);
        if (r < 0)
            return r;
    }
    return r;
}

int wire_check_message(const ProtobufCMessageDescriptor *descriptor, struct slice message,
                       uint32_t elements_max)
{
    struct allowance allowance = {.elements = elements_max, .depth = DEPTH_MAX};

    return check_message(descriptor, message, &allowance);
}

/* ---- long texts ---- */

static size_t text_bound(const struct ttrpc_limits *limits, const char *field)
{
    for (const struct ttrpc_text_bound *bound = limits->texts;
         bound != NULL && bound->field != NULL; bound++)
        if (strcmp(bound->field, field) == 0)
            return bound->bytes;
    return limits->text_bytes;
}

const ProtobufCFieldDescriptor *wire_find_long_text(const ProtobufCMessageDescriptor *descriptor,
                                                    struct slice message,
                                                    const struct ttrpc_limits *limits,
                                                    size_t *ret_length, size_t *ret_most)
{
    const ProtobufCFieldDescriptor *found = NULL;
    struct wire_field field;

    while (found == NULL && wire_read_field(&message, &field) > 0) {
        const ProtobufCFieldDescriptor *known =
            field.type != WIRE_BYTES
                ? NULL
                : protobuf_c_message_descriptor_get_field(descriptor, field.number);

        if (known != NULL && known->type == PROTOBUF_C_TYPE_MESSAGE)
            found =
                wire_find_long_text(known->descriptor, field.bytes, limits, ret_length, ret_most);
        if (known == NULL || known->type != PROTOBUF_C_TYPE_STRING)
            continue;
        *ret_length = field.bytes.length;
        *ret_most = text_bound(limits, known->name);
        if (*ret_length > *ret_most)
            found = known;
    }
    return found;
}

/* ---- texts changed in place ---- */

/* The message was checked, or is ours: it is well formed and not deep. */
static void change_texts(const ProtobufCMessageDescriptor *descriptor, struct slice message,
                         void (*change)(char *text, size_t length))
{
    struct wire_field field;

    while (wire_read_field(&message, &field) > 0) {
        const ProtobufCFieldDescriptor *known;

        if (field.type != WIRE_BYTES)
            continue;
        known = protobuf_c_message_descriptor_get_field(descriptor, field.number);
        if (known == NULL)
            continue;
        if (known->type == PROTOBUF_C_TYPE_STRING)
            change((char *)field.bytes.data, field.bytes.length);
        else if (known->type == PROTOBUF_C_TYPE_MESSAGE)
            change_texts(known->descriptor, field.bytes, change);
    }
}

void wire_blank_texts(const ProtobufCMessageDescriptor *descriptor, struct slice message)
{
    change_texts(descriptor, message, text_blank);
}

/* ---- our own messages ---- */

/* A tag has at most 5 bytes, a number 10, the length of what follows less. */
#define VALUE_MAX 15

static void look_at(const ProtobufCMessage *message, struct wire_look *look);

static bool has_bytes(const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE ||
           field->type == PROTOBUF_C_TYPE_BYTES;
}

/* `value` is where the field, or a list of it, keeps one. */
static void look_at_value(const ProtobufCFieldDescriptor *field, const void *value,
                          struct wire_look *look)
{
    const char *text;
    size_t length;

    if (field->type == PROTOBUF_C_TYPE_BYTES) {
        look->room += ((const ProtobufCBinaryData *)value)->len;
        return;
    }
    if (*(void *const *)value == NULL)
        return;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        look_at(*(ProtobufCMessage *const *)value, look);
        return;
    }
    text = *(char *const *)value;
    length = text[0] == '\0' ? 0 : strlen(text);
    look->room += length;
    look->is_utf8 = look->is_utf8 && (length == 0 || text_is_utf8(text, length));
}

static void look_at_list(const ProtobufCFieldDescriptor *field, const char *message,
                         struct wire_look *look)
{
    size_t count = *(const size_t *)(const void *)(message + field->quantifier_offset);
    const char *values = *(char *const *)(const void *)(message + field->offset);
    size_t size =
        field->type == PROTOBUF_C_TYPE_BYTES ? sizeof(ProtobufCBinaryData) : sizeof(void *);

    look->room += count * VALUE_MAX;
    if (!has_bytes(field))
        return;
    for (size_t i = 0; i < count; i++)
        look_at_value(field, values + i * size, look);
}

static bool is_set(const ProtobufCFieldDescriptor *field, const char *message)
{
    return (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0 ||
           *(const uint32_t *)(const void *)(message + field->quantifier_offset) == field->id;
}

/* At the message as it is in memory: much cheaper than at its bytes. */
static void look_at(const ProtobufCMessage *message, struct wire_look *look)
{
    const char *base = (const char *)message;

    look->room += message->descriptor->n_fields * (size_t)VALUE_MAX;
    for (unsigned i = 0; i < message->n_unknown_fields; i++)
        look->room += VALUE_MAX + message->unknown_fields[i].len;
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];

        if (field->label == PROTOBUF_C_LABEL_REPEATED)
            look_at_list(field, base, look);
        else if (has_bytes(field) && is_set(field, base))
            look_at_value(field, base + field->offset, look);
    }
}

struct wire_look wire_look_at(const ProtobufCMessage *message)
{
    struct wire_look look = {.is_utf8 = true};

    look_at(message, &look);
    return look;
}

size_t wire_pack_looked_at(const ProtobufCMessage *message, struct wire_look look, uint8_t *bytes)
{
    size_t length = protobuf_c_message_pack(message, bytes);

    assert(length <= look.room);
    if (!look.is_utf8)
        change_texts(message->descriptor, (struct slice){.data = bytes, .length = length},
                     text_mend);
    return length;
}

size_t wire_pack_message(const ProtobufCMessage *message, uint8_t *bytes)
{
    return wire_pack_looked_at(message, wire_look_at(message), bytes);
}
