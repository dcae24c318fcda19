/* What all connections on one libuv loop share. The read buffer, the decoding arena, one timer for
 * all deadlines, and the list of connections with output to write before the loop sleeps. So an
 * idle connection holds no buffer. Created with the first connection, gone after the last. */
#ifndef VMRECLAIM_COMMON_TTRPC_LOOP_H
#define VMRECLAIM_COMMON_TTRPC_LOOP_H

#include <uv.h>

#include "common/base/list.h"
#include "common/ttrpc/arena.h"
#include "common/ttrpc/deadline.h"

#define LOOP_READ_SIZE ((size_t)64 << 10)

struct ttrpc_loop {
    struct list link; /* of the thread's loops */
    uv_loop_t *uv;
    unsigned references;
    unsigned open_handles;
    struct deadline_queue deadlines;
    uv_timer_t timer;
    nsec_t timer_due; /* NSEC_INFINITY: stopped */
    uint64_t turn;    /* how often the loop has gone to sleep */
    unsigned waiting; /* connections that wait for nothing but a deadline */
    uv_prepare_t prepare;
    struct list flush; /* of struct loop_flush */
    struct arena arena;
    uint8_t read_buffer[LOOP_READ_SIZE];
};

/* A connection's place in the list; `on_flush` runs once before the loop sleeps. */
struct loop_flush {
    struct list link;
    void (*on_flush)(struct loop_flush *flush);
};

/* The shared part of this loop. NULL: no memory. */
struct ttrpc_loop *ttrpc_loop_acquire(uv_loop_t *uv);
void ttrpc_loop_release(struct ttrpc_loop *loop);

/* While a connection waits for a deadline and for nothing else, the timer keeps the loop running,
 * as its descriptor does at other times. */
void ttrpc_loop_wait_for_deadline(struct ttrpc_loop *loop, bool waits);

void ttrpc_loop_set_deadline(struct ttrpc_loop *loop, struct deadline *deadline, nsec_t due);
void ttrpc_loop_clear_deadline(struct ttrpc_loop *loop, struct deadline *deadline);

#endif
