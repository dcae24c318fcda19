/* Lists that come in pages, put together as one answer. */
#ifndef VMRECLAIM_CONTROLLER_CLIENT_PAGES_H
#define VMRECLAIM_CONTROLLER_CLIENT_PAGES_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pages {
    ProtobufCMessage *request; /* the next page's */
    uint64_t wanted;           /* entries */
    char *token;               /* the request's */
    uint8_t *packed;           /* all pages: messages one after another are one message */
    size_t length;
    const ProtobufCMessageDescriptor *descriptor;
};

/* `request` has the fields page_token, and page_size or limit; it is the caller's. `wanted`: at
 * most so many entries; UINT64_MAX: all. */
void pages_init(struct pages *pages, ProtobufCMessage *request, uint64_t wanted);
void pages_finish(struct pages *pages);

/* Takes a page. 1: there is another one, the request asks for it; 0: that was all. -ENOMEM;
 * -EPROTO: it is to be followed by itself. */
int pages_take(struct pages *pages, const ProtobufCMessage *page);

/* Takes a message of a stream: many are put together as one, too. `pages` may be zeroed memory.
 * -ENOMEM. */
int pages_append(struct pages *pages, const ProtobufCMessage *message);

/* Takes a piece of a text instead; `packed` is then the text. -ENOMEM. */
int pages_append_text(struct pages *pages, const void *text, size_t length);

/* All of them, to be freed with protobuf_c_message_free_unpacked. NULL: no memory. */
ProtobufCMessage *pages_join(const struct pages *pages);

#endif
