/* Connections for reading, each with a thread and a line of its own. For the store's own files.
 *
 * Theory of operation: SQLite's log lets readers read what was committed while the writer waits for
 * the disk. A reader is a store of its own that only reads; what has been put into the store and is
 * not on disk yet, it finds in the store's queue (waiting.h). One reads for the daemon and those
 * who may control, one at a lower priority for others, who so cannot make them wait.
 *
 * Failure modes: as long as the store's file is not open, reads fail with the store's problem. */
#ifndef VMRECLAIM_CONTROLLER_STORE_READER_H
#define VMRECLAIM_CONTROLLER_STORE_READER_H

#include "controller/store/database.h"

/* -ENOMEM. */
int store_reader_create(struct store *origin, struct store **ret_reader);

/* NULL is fine. Its thread has ended. */
void store_reader_destroy(struct store *reader);

/* On the reader's thread, before a request: opens the file when it is not. */
int store_reader_open(struct store *reader, struct error *error);

#endif
