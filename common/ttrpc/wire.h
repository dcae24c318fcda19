/* Protobuf's wire format, read in place: nothing is copied or allocated. */
#ifndef VMRECLAIM_COMMON_TTRPC_WIRE_H
#define VMRECLAIM_COMMON_TTRPC_WIRE_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ttrpc_limits;

/* Bytes inside somebody else's memory; data is NULL when there are none. */
struct slice {
    const uint8_t *data;
    size_t length;
};

bool slice_equals(struct slice slice, const char *text);

/* Groups (3, 4), which proto3 does not have, are refused. */
enum wire_type {
    WIRE_VARINT = 0,
    WIRE_FIXED64 = 1,
    WIRE_BYTES = 2,
    WIRE_FIXED32 = 5,
};

struct wire_field {
    uint32_t number;
    enum wire_type type;
    uint64_t varint;    /* of WIRE_VARINT */
    struct slice bytes; /* of the others */
};

/* Takes the next field off the input. 1: here it is; 0: the end; -EINVAL. */
int wire_read_field(struct slice *input, struct wire_field *ret_field);

/* A field we know with a type we do not expect is an error, as in generated code: -EINVAL. */
int wire_take_bytes(const struct wire_field *field, struct slice *ret_bytes);
int wire_take_text(const struct wire_field *field, struct slice *ret_text); /* UTF-8, too */
int wire_take_varint(const struct wire_field *field, uint64_t *ret_value);

/* Looks through an encoded message before it is decoded: that is quick, decoding may not be. An
 * element is a field, whether known or not and at any depth, or a value of a packed list. 0;
 * -EINVAL: malformed, too deep or text that is not UTF-8, which proto3 demands; -E2BIG: more than
 * `elements_max`. */
int wire_check_message(const ProtobufCMessageDescriptor *descriptor, struct slice message,
                       uint32_t elements_max);

/* A field of a message that was checked, with a text that is longer than its bound in `limits`.
 * NULL: there is none. `*ret_length`: how long it is, `*ret_most`: how long it may be. */
const ProtobufCFieldDescriptor *wire_find_long_text(const ProtobufCMessageDescriptor *descriptor,
                                                    struct slice message,
                                                    const struct ttrpc_limits *limits,
                                                    size_t *ret_length, size_t *ret_most);

/* Makes each text of a message that was checked one line that may be shown, see text_blank. The
 * bytes must be writable. */
void wire_blank_texts(const ProtobufCMessageDescriptor *descriptor, struct slice message);

/* Packs a message of ours into the bytes that protobuf_c_message_get_packed_size asked for. Its
 * strings are UTF-8 then, whatever they were: one that is not would make the whole message
 * unreadable to strict decoders. */
size_t wire_pack_message(const ProtobufCMessage *message, uint8_t *bytes);

/* The same in two steps, for whoever has not asked for the packed size, which takes as long as
 * packing: `room` is at least that. The message must not change in between. */
struct wire_look {
    size_t room; /* bytes */
    bool is_utf8;
};

struct wire_look wire_look_at(const ProtobufCMessage *message);
size_t wire_pack_looked_at(const ProtobufCMessage *message, struct wire_look look, uint8_t *bytes);

#endif
