/* Writes what the fleet wants of hosts: each host's newest desired state with one entry changed,
 * signed, and kept only where nothing newer is. Repeating a write does no harm. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_WRITER_H
#define VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_WRITER_H

#include "common/base/list.h"
#include "controller/fleet/bus/bus.h"
#include "controller/fleet/coordinator/fleet-hosts.h"
#include "controller/fleet/engine/rollout.h"

#define WRITER_STREAM  "VMR_POLICY"
#define WRITER_SUBJECT "vmr.v1.policy."

/* A host's policies; it runs them on when nobody writes any more. */
#define WRITER_EXPIRES ((int64_t)400 * 24 * 3600 * 1000000000)

/* Under way at once. */
#define WRITES_MAX 256

struct writer {
    struct bus *bus;
    struct fleet_hosts *hosts;
    const struct signing_key *key;
    struct list writes; /* under way */
    size_t count;
    /* A coordinator of a later epoch has written: this one does not lead any more. */
    void (*on_fenced)(uint64_t epoch, void *userdata);
    /* There is room for half of what may be under way, and writes are kept: go on. */
    void (*on_room)(void *userdata);
    void *userdata;
    bool is_full; /* no more could begin, since on_room */
    char
        problem[192]; /* why a host was not written to, the last one; "": the last write was kept */
};

void writer_init(struct writer *writer, struct fleet_hosts *hosts, const struct signing_key *key,
                 void (*on_fenced)(uint64_t epoch, void *userdata), void (*on_room)(void *userdata),
                 void *userdata);
/* What is under way is forgotten; it may be written all the same. After bus_stop. */
void writer_finish(struct writer *writer);

/* One more may begin, for this host. */
bool writer_may_write(const struct writer *writer, const char *host);

/* Applies or reverts the rollout. The host's entry in `hosts` has the new state once it is kept.
 * -ENOMEM; -EAGAIN. What fails later is for who asks again. */
int writer_write(struct writer *writer, const char *host, const Rollout *rollout,
                 enum rollout_write write, uint64_t epoch);

/* Keeps the host's state as it is, signed anew. -ENOMEM; -EAGAIN. */
int writer_renew(struct writer *writer, const char *host, uint64_t epoch);

#endif
