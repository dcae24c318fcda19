/* Copies by way of the packed form. */
#include "common/message/copy.h"

#include <stdlib.h>

uint8_t *message_pack(const ProtobufCMessage *message, size_t *ret_length)
{
    size_t length = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = malloc(length + 1); /* a message of defaults has no byte */

    if (packed != NULL)
        *ret_length = protobuf_c_message_pack(message, packed);
    return packed;
}

ProtobufCMessage *message_copy(const ProtobufCMessage *message)
{
    ProtobufCMessage *copy;
    size_t length;
    uint8_t *packed = message_pack(message, &length);

    if (packed == NULL)
        return NULL;
    copy = protobuf_c_message_unpack(message->descriptor, NULL, length, packed);
    free(packed);
    return copy;
}

void message_free(ProtobufCMessage *copy)
{
    if (copy != NULL)
        protobuf_c_message_free_unpacked(copy, NULL);
}
