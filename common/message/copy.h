/* Messages that outlive what they were made of. */
#ifndef VMRECLAIM_COMMON_MESSAGE_COPY_H
#define VMRECLAIM_COMMON_MESSAGE_COPY_H

#include <protobuf-c/protobuf-c.h>

/* A message of its own with everything that the original points to. The caller frees it with
 * message_free. NULL: no memory. */
ProtobufCMessage *message_copy(const ProtobufCMessage *message);

/* The message that somebody else has packed, where it takes no more than `budget` bytes of memory:
 * a few bytes may unpack to hundreds of times as many. message_free. NULL: it does, or it is none,
 * or there is no memory. */
ProtobufCMessage *message_unpack_within(const ProtobufCMessageDescriptor *descriptor,
                                        const uint8_t *data, size_t length, size_t budget);

/* NULL is fine. */
void message_free(ProtobufCMessage *copy);

/* The message packed; the caller frees it with free(). NULL: no memory. */
uint8_t *message_pack(const ProtobufCMessage *message, size_t *ret_length);

#endif
