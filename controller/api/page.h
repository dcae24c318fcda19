/* How much of a list one answer has. */
#ifndef VMRECLAIM_CONTROLLER_API_PAGE_H
#define VMRECLAIM_CONTROLLER_API_PAGE_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define API_PAGE_BYTES (3u << 20) /* of entries; a frame of ttRPC may be 4 MiB */

struct api_page {
    uint32_t limit; /* entries; 0: no limit */
    size_t count;
    size_t bytes;
};

/* Counts one more entry. False: it does not fit any more. */
static inline bool api_page_add(struct api_page *page, const ProtobufCMessage *entry)
{
    size_t size;

    if (page->limit != 0 && page->count == page->limit)
        return false;
    size = protobuf_c_message_get_packed_size(entry);
    if (page->count > 0 && size > API_PAGE_BYTES - page->bytes)
        return false;
    page->count++;
    page->bytes += size;
    return true;
}

#endif
