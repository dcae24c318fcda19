/* The unsent frames of a connection: whole frames in order, written in batches. An urgent frame
 * overtakes every ordinary frame that has not begun to leave. No memory while empty. */
#ifndef VMRECLAIM_COMMON_TTRPC_OUTPUT_H
#define VMRECLAIM_COMMON_TTRPC_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/list.h"
#include "common/ttrpc/frame.h"

struct output {
    struct list frames;
    uint64_t bytes;      /* allocated for unsent frames */
    uint64_t frames_out; /* frames that have left whole, ever */
};

void output_init(struct output *output);
void output_finish(struct output *output);

static inline bool output_is_empty(const struct output *output)
{
    return list_is_empty(&output->frames);
}

/* Queues a frame and returns its payload of header->length bytes for the caller to fill before the
 * next flush. NULL: no memory. */
uint8_t *output_append(struct output *output, const struct frame_header *header, bool urgent);

/* Writes as much as the socket takes. 1: everything is out; 0: the socket is full; or -errno. */
int output_flush(struct output *output, int descriptor);

#endif
