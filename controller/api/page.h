/* How much of a list one answer has. */
#ifndef VMRECLAIM_CONTROLLER_API_PAGE_H
#define VMRECLAIM_CONTROLLER_API_PAGE_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

#include "common/base/util.h"

#define API_PAGE_BYTES (3u << 20) /* of entries; a frame of ttRPC may be 4 MiB */

/* How many of the first entries fit; the first always does, because texts have bounds. */
static inline size_t api_page_fit(ProtobufCMessage *const *entries, size_t count)
{
    size_t bytes = 0;

    for (size_t i = 0; i < count; i++) {
        bytes += protobuf_c_message_get_packed_size(entries[i]);
        if (bytes > API_PAGE_BYTES)
            return max_of(i, (size_t)1);
    }
    return count;
}

#endif
