/* One sendmsg(2) per batch of frames. */
#include "common/ttrpc/output.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "common/base/util.h"

#define BATCH 64 /* frames per sendmsg */

struct output_frame {
    struct list link;
    uint32_t size; /* of bytes */
    uint32_t sent;
    bool urgent;
    uint8_t bytes[];
};

void output_init(struct output *output)
{
    *output = (struct output){0};
    list_init(&output->frames);
}

static void drop(struct output *output, struct output_frame *frame)
{
    assert(output->bytes >= sizeof(*frame) + frame->size);
    list_remove(&frame->link);
    output->bytes -= sizeof(*frame) + frame->size;
    free(frame);
}

void output_finish(struct output *output)
{
    list_for_each_safe (link, following, &output->frames)
        drop(output, list_entry(link, struct output_frame, link));
    assert(output->bytes == 0);
}

/* The place before which an urgent frame goes. */
static struct list *urgent_place(struct output *output)
{
    list_for_each (link, &output->frames) {
        const struct output_frame *frame = list_entry(link, struct output_frame, link);

        if (!frame->urgent && frame->sent == 0)
            return link;
    }
    return &output->frames;
}

uint8_t *output_append(struct output *output, const struct frame_header *header, bool urgent)
{
    uint32_t size = FRAME_HEADER_SIZE + header->length;
    struct output_frame *frame = malloc(sizeof(*frame) + size);

    if (frame == NULL)
        return NULL;
    frame->size = size;
    frame->sent = 0;
    frame->urgent = urgent;
    frame_header_encode(header, frame->bytes);
    list_append(urgent ? urgent_place(output) : &output->frames, &frame->link);
    output->bytes += sizeof(*frame) + size;
    return frame->bytes + FRAME_HEADER_SIZE;
}

static int gather(struct output *output, struct iovec vector[BATCH])
{
    int count = 0;

    list_for_each (link, &output->frames) {
        struct output_frame *frame = list_entry(link, struct output_frame, link);

        if (count == BATCH)
            break;
        vector[count++] = (struct iovec){
            .iov_base = frame->bytes + frame->sent,
            .iov_len = frame->size - frame->sent,
        };
    }
    return count;
}

static void advance(struct output *output, size_t written)
{
    while (written > 0) {
        struct output_frame *frame;
        uint32_t part;

        assert(!output_is_empty(output)); /* no more was written than there was */
        frame = list_entry(output->frames.next, struct output_frame, link);
        assert(frame->sent < frame->size);
        part = (uint32_t)min_of((size_t)(frame->size - frame->sent), written);
        frame->sent += part;
        written -= part;
        if (frame->sent < frame->size)
            return;
        drop(output, frame);
        output->frames_out++;
    }
}

int output_flush(struct output *output, int descriptor)
{
    while (!output_is_empty(output)) {
        struct iovec vector[BATCH];
        struct msghdr message = {.msg_iov = vector};
        ssize_t written;

        message.msg_iovlen = (size_t)gather(output, vector);
        written = sendmsg(descriptor, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return errno == EAGAIN ? 0 : -errno;
        advance(output, (size_t)written);
    }
    return 1;
}
