/* The store's threads, which alone touch the database once they run (store_start, store_submit).
 *
 * Theory of operation: the loop puts requests into a line, its thread takes them in their order,
 * and what is done goes back to the loop by a handle of its own. The writer takes all that wait,
 * writes the records that were put before, and has all of it in one transaction (batch.h): who
 * comes while the disk is waited for is in the next one, and waits for no more than that. Readers
 * (reader.h) take one at a time. A request that has run for a page and has more to do goes to the
 * end of its line, so that nobody waits for more than a page of somebody's reading. The loop takes
 * one answer of a reader per turn, and the reader waits until few are left.
 *
 * Failure modes: a disk that does not answer holds up the writer and nothing else. Each line is
 * bounded; what finds it full is answered with -EBUSY. The log says so once a minute. */
#ifndef VMRECLAIM_CONTROLLER_STORE_WORKER_H
#define VMRECLAIM_CONTROLLER_STORE_WORKER_H

#include "controller/store/database.h"

#define STORE_LINE_MAX   1024 /* requests that wait or have not been completed; of readers half */
#define STORE_LINE_READS (STORE_LINE_MAX / 2)
#define STORE_LINE_BYTES (16 * 1024 * 1024) /* of what they ask with */

struct store_worker;
struct store_request;

/* A thread for the store, which may be a reader. -errno of libuv. */
int worker_start(struct store *store, uv_loop_t *loop, struct store_worker **ret_worker);

/* False: there is no room. */
bool worker_take(struct store_worker *worker, struct store_request *request);

/* The thread is to look whether there is something to do. */
void worker_wake(struct store_worker *worker);

/* Does what waits, ends the thread, and completes all that was asked. -ETIMEDOUT: it has not ended
 * for `most`, and all of it is lost. */
int worker_stop(struct store_worker *worker, nsec_t most);

#endif
