/* The bus of a fleet: NATS, with JetStream, by libnats.
 *
 * Theory of operation: libnats blocks, so one thread owns every call into it. What is asked goes
 * there in a queue; answers, messages and changes of the connection come back to the loop in
 * another one. The connection is made again for ever, also where libnats gives up: after two
 * errors of authentication in a row.
 *
 * What was asked and timed out may have happened all the same. So whatever is put is put with what
 * it expects to be there, and a repetition does no harm. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_BUS_BUS_H
#define VMRECLAIM_CONTROLLER_FLEET_BUS_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "common/base/error.h"
#include "controller/fleet/bus/types.h"

struct bus;

/* Texts are copied. -EINVAL or -errno: the nkey cannot be read, with words. */
int bus_create(uv_loop_t *loop, const struct bus_options *options, struct bus **ret_bus,
               struct error *error);

/* What is subscribed to stays so over every connection. Before bus_start. */

/* What is said on a subject from now on; it may have wildcards. */
int bus_subscribe(struct bus *bus, const char *subject);

/* The newest of each of a stream's subjects that match, then all that come, in order; some of them
 * again after a connection is lost. */
int bus_follow(struct bus *bus, const char *stream, const char *subject);

/* The newest `count` of a stream, or more, then all that come, in order; some of them again after a
 * connection is lost. `count`: 1 or more. */
int bus_follow_newest(struct bus *bus, const char *stream, const char *subject, uint64_t count);

int bus_start(struct bus *bus, struct error *error);

/* Nothing is called back any more. The memory goes when the thread has ended; run the loop until
 * it is dry. NULL is fine. */
void bus_stop(struct bus *bus);

/* Best effort: nobody is told when it is lost. -EAGAIN; -ENOMEM. */
int bus_publish(struct bus *bus, const char *subject, const void *data, size_t length);

/* Into the stream that keeps the subject. `expected`: the sequence of the subject's newest message,
 * BUS_NOTHING or BUS_ANYTHING. -EAGAIN; -ENOMEM; then `done` does not run. */
int bus_put(struct bus *bus, const char *subject, const void *data, size_t length,
            uint64_t expected, bus_done done, void *userdata);

/* The newest of a subject, as the stream's leader has it. */
int bus_get(struct bus *bus, const char *stream, const char *subject, bus_done done,
            void *userdata);

/* The same by a subject that a server answers with it: a direct get, which may be behind. */
int bus_ask(struct bus *bus, const char *subject, bus_done done, void *userdata);

#endif
