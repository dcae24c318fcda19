/* What streams are sent, once for all of them: chunks of text in their order, the newest
 * RING_BYTES. Each reader has a cursor. One that is slow finishes its chunk, hears that it missed
 * something, and goes on with the newest. So a reader that never reads costs one chunk. Pure. */
#ifndef VMRECLAIM_CONTROLLER_WEB_RING_H
#define VMRECLAIM_CONTROLLER_WEB_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RING_CHUNKS      128
#define RING_CHUNK_BYTES ((size_t)32 << 10)

struct ring_chunk {
    unsigned references;
    size_t length;
    char text[];
};

struct ring {
    struct ring_chunk *chunks[RING_CHUNKS];
    uint64_t first; /* the oldest that is there; its place is `first` % RING_CHUNKS */
    uint64_t next;  /* of the chunk that comes next */
};

struct ring_cursor {
    struct ring_chunk *chunk; /* being read; NULL: none */
    size_t offset;
    uint64_t next;
};

void ring_init(struct ring *ring);
void ring_finish(struct ring *ring);

/* Appends a text, as several chunks where it is long. -ENOMEM. */
int ring_append(struct ring *ring, const char *text, size_t length);

/* Begins behind the newest chunk, with a text of its own before. -ENOMEM. */
int ring_cursor_init(struct ring_cursor *cursor, const struct ring *ring, const char *greeting);
void ring_cursor_finish(struct ring_cursor *cursor);

/* Copies what comes next for this cursor, at most `room` bytes; 0: there is nothing yet. `missed`
 * is the text that stands for what was lost. */
size_t ring_read(const struct ring *ring, struct ring_cursor *cursor, const char *missed,
                 char *buffer, size_t room);

#endif
