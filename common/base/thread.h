/* Threads beside the loop's. */
#ifndef VMRECLAIM_COMMON_BASE_THREAD_H
#define VMRECLAIM_COMMON_BASE_THREAD_H

/* Runs a function on a thread of its own, whose end nobody waits for. It gets no signals: they are
 * the loop's. -errno of pthread_create. */
int thread_start(void *(*run)(void *), void *userdata);

#endif
