/* The store's thread, which alone touches the database once it runs (store_start, store_submit).
 *
 * Theory of operation: the loop puts requests and records into queues, and the thread takes them in
 * order. What is done goes back to the loop by a handle of its own. Records that were put before a
 * request are written before it is run, all that wait in one transaction. A long reading is many
 * requests, one after another, so that nobody waits for more than a page of it.
 *
 * Failure modes: a disk that does not answer holds up the thread and nothing else. The line is
 * bounded; what finds it full is answered with -EBUSY. Reads may fill a part of it only, so that
 * writes find room. The log says once that the store is behind, and once that it is not. */
#ifndef VMRECLAIM_CONTROLLER_STORE_WORKER_H
#define VMRECLAIM_CONTROLLER_STORE_WORKER_H

#define STORE_LINE_MAX   1024 /* requests that wait or have not been completed */
#define STORE_LINE_READS (STORE_LINE_MAX / 2)
#define STORE_LINE_BYTES (16 * 1024 * 1024) /* of what they ask with */

#endif
