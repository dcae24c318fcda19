/* Shared chunks, and cursors into them. */
#include "controller/web/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/util.h"

static struct ring_chunk *chunk_create(const char *text, size_t length)
{
    struct ring_chunk *chunk = malloc(sizeof(*chunk) + length);

    if (chunk == NULL)
        return NULL;
    chunk->references = 1;
    chunk->length = length;
    memcpy(chunk->text, text, length);
    return chunk;
}

static void chunk_release(struct ring_chunk *chunk)
{
    if (chunk != NULL && --chunk->references == 0)
        free(chunk);
}

static struct ring_chunk **place_of(struct ring *ring, uint64_t number)
{
    return &ring->chunks[number % RING_CHUNKS];
}

void ring_init(struct ring *ring)
{
    *ring = (struct ring){.first = 0};
}

void ring_finish(struct ring *ring)
{
    for (; ring->first < ring->next; ring->first++)
        chunk_release(*place_of(ring, ring->first));
}

static int append_chunk(struct ring *ring, const char *text, size_t length)
{
    struct ring_chunk *chunk = chunk_create(text, length);

    if (chunk == NULL)
        return -ENOMEM;
    if (ring->next - ring->first == RING_CHUNKS)
        chunk_release(*place_of(ring, ring->first++));
    *place_of(ring, ring->next++) = chunk;
    return 0;
}

/* A chunk ends where an event ends: who misses the next one has heard whole ones. An event that is
 * longer than a chunk is a chunk of its own. */
static size_t cut(const char *text, size_t length)
{
    size_t end = 0;

    if (length <= RING_CHUNK_BYTES)
        return length;
    for (size_t i = 0; i + 1 < length && (i < RING_CHUNK_BYTES || end == 0); i++)
        if (text[i] == '\n' && text[i + 1] == '\n')
            end = i + 2;
    return end == 0 ? length : end;
}

int ring_append(struct ring *ring, const char *text, size_t length)
{
    while (length > 0) {
        size_t step = cut(text, length);
        int r = append_chunk(ring, text, step);

        if (r < 0)
            return r;
        text += step;
        length -= step;
    }
    return 0;
}

int ring_cursor_init(struct ring_cursor *cursor, const struct ring *ring, const char *greeting)
{
    struct ring_chunk *chunk = chunk_create(greeting, strlen(greeting));

    if (chunk == NULL)
        return -ENOMEM;
    *cursor = (struct ring_cursor){.chunk = chunk, .next = ring->next};
    return 0;
}

void ring_cursor_finish(struct ring_cursor *cursor)
{
    chunk_release(cursor->chunk);
}

/* False: there is none. Out of memory, what was lost is not said. */
static bool next_chunk(const struct ring *ring, struct ring_cursor *cursor, const char *missed)
{
    chunk_release(cursor->chunk);
    cursor->chunk = NULL;
    cursor->offset = 0;
    if (cursor->next < ring->first) {
        cursor->next = ring->next - 1;
        cursor->chunk = chunk_create(missed, strlen(missed));
        if (cursor->chunk != NULL)
            return true;
    }
    if (cursor->next == ring->next)
        return false;
    cursor->chunk = ring->chunks[cursor->next++ % RING_CHUNKS];
    cursor->chunk->references++;
    return true;
}

size_t ring_read(const struct ring *ring, struct ring_cursor *cursor, const char *missed,
                 char *buffer, size_t room)
{
    size_t length = 0;

    while (length < room) {
        size_t step;

        if ((cursor->chunk == NULL || cursor->offset == cursor->chunk->length) &&
            !next_chunk(ring, cursor, missed))
            break;
        step = min_of(room - length, cursor->chunk->length - cursor->offset);
        memcpy(buffer + length, cursor->chunk->text + cursor->offset, step);
        cursor->offset += step;
        length += step;
    }
    return length;
}
