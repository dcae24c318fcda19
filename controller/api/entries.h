/* The entries of a long list, packed one by one: what an entry is made of is at hand then, and not
 * fetched from memory again for its size, its bytes and its texts. */
#ifndef VMRECLAIM_CONTROLLER_API_ENTRIES_H
#define VMRECLAIM_CONTROLLER_API_ENTRIES_H

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

struct packed_entries {
    uint32_t number; /* of the message's field, below 16 */
    size_t most;     /* bytes of them all */
    size_t count;
    size_t length; /* of the bytes */
    size_t room;
    uint8_t *bytes; /* each entry with its tag and its length */
    ProtobufCMessageUnknownField field;
};

void packed_entries_init(struct packed_entries *entries, uint32_t number, size_t most);
void packed_entries_finish(struct packed_entries *entries);

/* 1; 0: all would be more than `most` bytes, so it is left out, unless it is the first; -ENOMEM. */
int packed_entries_add(struct packed_entries *entries, const ProtobufCMessage *entry);

/* The message carries them when it is packed; it points to them until then. Whoever reads it
 * unpacked finds its own field empty. */
void packed_entries_carry(struct packed_entries *entries, ProtobufCMessage *message);

#endif
