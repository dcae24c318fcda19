/* Every place in a service's requests where a text may be, found by their descriptors: whatever a
 * later one adds is tested, too. */
#ifndef VMRECLAIM_TESTS_LIB_TEXTS_H
#define VMRECLAIM_TESTS_LIB_TEXTS_H

#include "tests/lib/test.h"

#include <protobuf-c/protobuf-c.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_DEPTH_MAX 8

/* The way to a text: fields that are messages, and it. */
struct text_place {
    const ProtobufCMethodDescriptor *method;
    const ProtobufCFieldDescriptor *fields[TEXT_DEPTH_MAX];
    size_t depth; /* of the text itself */
};

static inline const ProtobufCFieldDescriptor *text_field(const struct text_place *place)
{
    return place->fields[place->depth];
}

typedef void (*text_visitor)(const struct text_place *place, void *userdata);

static inline void visit_message_texts(const ProtobufCMessageDescriptor *descriptor,
                                       struct text_place *place, text_visitor visit, void *userdata)
{
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];

        place->fields[place->depth] = field;
        if (field->type == PROTOBUF_C_TYPE_STRING)
            visit(place, userdata);
        if (field->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        assert_true(++place->depth < TEXT_DEPTH_MAX);
        visit_message_texts((const ProtobufCMessageDescriptor *)field->descriptor, place, visit,
                            userdata);
        place->depth--;
    }
}

static inline void visit_texts(const ProtobufCServiceDescriptor *service, text_visitor visit,
                               void *userdata)
{
    for (unsigned i = 0; i < service->n_methods; i++) {
        struct text_place place = {.method = &service->methods[i]};

        visit_message_texts(service->methods[i].input, &place, visit, userdata);
    }
}

static inline size_t put_number(uint8_t *to, size_t value)
{
    size_t length = 0;

    for (; value >= 0x80; value >>= 7)
        to[length++] = (uint8_t)(value | 0x80);
    to[length++] = (uint8_t)value;
    return length;
}

/* A request with a text of that length there and nothing else; to be freed with
 * protobuf_c_message_free_unpacked. */
static inline ProtobufCMessage *make_text_request(const struct text_place *place, size_t length)
{
    size_t size = length + (place->depth + 1) * 20;
    uint8_t *bytes = malloc(size);
    uint8_t *begin = bytes + size - length;
    ProtobufCMessage *message;

    assert_non_null(bytes);
    memset(begin, 'a', length);
    for (size_t i = place->depth + 1; i-- > 0;) {
        uint8_t head[20];
        size_t head_length = put_number(head, (size_t)place->fields[i]->id << 3 | 2);

        head_length += put_number(head + head_length, (size_t)(bytes + size - begin));
        begin -= head_length;
        memcpy(begin, head, head_length);
    }
    message = protobuf_c_message_unpack(place->method->input, NULL, (size_t)(bytes + size - begin),
                                        begin);
    free(bytes);
    assert_non_null(message);
    return message;
}

#endif
