/* Messages that outlive what they were made of. */
#ifndef VMRECLAIM_COMMON_MESSAGE_COPY_H
#define VMRECLAIM_COMMON_MESSAGE_COPY_H

#include <protobuf-c/protobuf-c.h>

/* A message of its own with everything that the original points to. The caller frees it with
 * message_free. NULL: no memory. */
ProtobufCMessage *message_copy(const ProtobufCMessage *message);

/* NULL is fine. */
void message_free(ProtobufCMessage *copy);

/* The message packed; the caller frees it with free(). NULL: no memory. */
uint8_t *message_pack(const ProtobufCMessage *message, size_t *ret_length);

#endif
