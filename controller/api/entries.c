/* Entries of lists. */
#include "controller/api/entries.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/util.h"
#include "common/ttrpc/wire.h"

#define HEAD_MAX 6           /* the tag, and a length of 32 bits */
#define BESIDE   (16 * 1024) /* room for the last entry, which may not be in it */

void packed_entries_init(struct packed_entries *entries, uint32_t number, size_t most)
{
    assert(number > 0 && number < 16);
    *entries = (struct packed_entries){.number = number, .most = most};
}

void packed_entries_finish(struct packed_entries *entries)
{
    free(entries->bytes);
}

/* At once for it all: pages that are not written cost nothing. */
static int make_room(struct packed_entries *entries, size_t size)
{
    size_t room = max_of(entries->length + size, entries->most + BESIDE);
    uint8_t *bytes;

    if (entries->length + size <= entries->room)
        return 0;
    bytes = realloc(entries->bytes, room);
    if (bytes == NULL)
        return -ENOMEM;
    entries->bytes = bytes;
    entries->room = room;
    return 0;
}

static uint8_t *put_head(uint8_t *bytes, uint32_t number, size_t length)
{
    *bytes++ = (uint8_t)(number << 3 | PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
    for (; length >= 0x80; length >>= 7)
        *bytes++ = (uint8_t)(length | 0x80);
    *bytes++ = (uint8_t)length;
    return bytes;
}

/* Its length is known when it is packed, and comes before it. */
int packed_entries_add(struct packed_entries *entries, const ProtobufCMessage *entry)
{
    const struct wire_look look = wire_look_at(entry);
    uint8_t *bytes, *begin;
    size_t length;

    if (make_room(entries, HEAD_MAX + look.room) < 0)
        return -ENOMEM;
    bytes = entries->bytes + entries->length;
    length = wire_pack_looked_at(entry, look, bytes + HEAD_MAX);
    begin = put_head(bytes, entries->number, length);
    length = (size_t)(begin - bytes) + length;
    if (entries->count > 0 && entries->length + length > entries->most)
        return 0;
    memmove(begin, bytes + HEAD_MAX, length - (size_t)(begin - bytes));
    entries->length += length;
    entries->count++;
    return 1;
}

/* As one field that the library does not know: it writes the first tag, and our bytes behind it. */
void packed_entries_carry(struct packed_entries *entries, ProtobufCMessage *message)
{
    assert(message->n_unknown_fields == 0);
    if (entries->count == 0)
        return;
    entries->field = (ProtobufCMessageUnknownField){
        .tag = entries->number,
        .wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
        .len = entries->length - 1,
        .data = entries->bytes + 1,
    };
    message->unknown_fields = &entries->field;
    message->n_unknown_fields = 1;
}
