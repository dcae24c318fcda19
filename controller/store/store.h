/* What the daemon keeps on disk: policy revisions and their assignments, leases, actions,
 * waterfalls over time, audit. One SQLite file in WAL mode, every commit synced.
 *
 * Theory of operation: there are two kinds of writes. A policy or a lease must be reliable at once:
 * it is written in its own transaction and fails with a reason. Records of what happened (actions,
 * waterfalls, audit) go through a queue in memory that is written in one transaction. While the
 * file cannot be written they wait there.
 *
 * A store that was not started does what it is asked at once: for programs that do one thing, and
 * while a daemon starts. Once started, a thread of its own has the database (see worker.h): nothing
 * here waits for the disk, and answers (requests.h) come by the loop.
 *
 * Failure modes: a full disk, a damaged, read-only or locked file, or one of a newer daemon: the
 * store is degraded. store_problem says what, where and what to do, and store_tick tries again.
 * Policies are still read where the file allows it, and writes of the first kind fail. Records
 * wait, at most STORE_PENDING_MAX and STORE_PENDING_BYTES. Beyond that the oldest waterfall is
 * dropped and counted, and no action or audit record before the waterfalls. A damaged file is never
 * replaced or repaired by the daemon: moving it away is a person's decision. */
#ifndef VMRECLAIM_CONTROLLER_STORE_STORE_H
#define VMRECLAIM_CONTROLLER_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "common/base/error.h"
#include "common/base/time.h"
#include "controller.pb-c.h"
#include "controller/leases/journal.h"

#define STORE_PENDING_MAX   20000 /* records that wait */
#define STORE_PENDING_BYTES (16 * 1024 * 1024)

#define STORE_BYTES_MAX         (UINT64_C(2) << 30) /* more keeps less of the past */
#define STORE_AUDIT_ROWS_MAX    50000
#define STORE_AUDIT_REQUEST_MAX 1024

struct store;

/* Opens `path`, or makes it with the newest schema. Succeeds with a degraded store when the file
 * cannot be used. -ENOMEM. */
int store_create(const char *path, struct store **ret_store);

/* Gives the database to a thread. Answers come by `loop`, which the store does not keep alive.
 * -errno of libuv: it goes on without one. */
int store_start(struct store *store, uv_loop_t *loop);

/* Lets the thread do what waits and end, completes all that was asked, and goes on without one; run
 * the loop once more afterwards. -ETIMEDOUT: the disk has not answered for `most`. -EBUSY: all is
 * written, but a reading has not ended. What was asked is never answered then, and the process
 * should end. */
int store_stop(struct store *store, nsec_t most);

/* Writes what waits, if it can. Not while the thread runs. NULL is fine. */
void store_destroy(struct store *store);

/* What is wrong; NULL: nothing. Valid until the next call of this. */
const char *store_problem(struct store *store);

struct store_status {
    const char *path;
    uint64_t bytes;   /* of the file and its log */
    uint32_t schema;  /* 0: the file is not open */
    uint64_t pending; /* records that wait */
    uint64_t dropped; /* since start */
};
void store_get_status(struct store *store, struct store_status *ret_status);

/* Writes what waits; opens the file again when it was not usable, at most every ten seconds; goes
 * on with what store_retain began. `now` is CLOCK_BOOTTIME. */
void store_tick(struct store *store, nsec_t now);

/* Begins to thin out waterfalls and to remove what is too old; for once an hour. `now` is UNIX
 * nanoseconds. Does a bounded piece of it. 1: there is more, which later calls and store_tick do;
 * 0: all is done, or the thread does it. Waterfalls: every minute for a day, every ten minutes for
 * two weeks, every hour for a year. Actions and audit: a year. Policies and leases: never. Less of
 * all records where the store is larger than STORE_BYTES_MAX, but for the last hour; of the audit
 * the newest STORE_AUDIT_ROWS_MAX. A `now` that has leapt is believed after a day of calls: a clock
 * that is wrong for an hour erases nothing. */
int store_retain(struct store *store, int64_t now, struct error *error);

/* ---- policies ---- */

/* How an author begins that is a fleet: "fleet:ROLLOUT". No user of the host is called so. */
#define STORE_FLEET "fleet:"

struct policy_revision {
    const char *name;
    uint64_t revision; /* 1, 2, ... per name */
    const char *author;
    int64_t time; /* UNIX nanoseconds */
    const char *hash;
    const char *source_name;
    const char *text;
    uint64_t rolled_back_to; /* 0: none */
    /* Of one to be added, besides `revision`, from which it was made: that one's. "": any. */
    char made_from_hash[65];
};

/* With its texts, in one allocation that is freed with free(). NULL: no memory. */
struct policy_revision *policy_revision_copy(const struct policy_revision *revision);

struct policy_assignment {
    const char *selector; /* a VM's name, "label:KEY=VALUE", or a glob */
    const char *policy;
    const char *author;
    int64_t time;
};

/* As policy_revision_copy. */
struct policy_assignment *policy_assignment_copy(const struct policy_assignment *assignment);

/* ---- leases ---- */

/* The journal, valid as long as the store. */
void store_lease_journal(struct store *store, struct lease_journal *ret_journal);

/* ---- records ---- */

/* Replaces the record with its id. What is asked after it finds it. */
int store_put_action(struct store *store, const Vmreclaim__Controller__V1__Action *action);

/* Waits for the next tick. The guest's raw sample is left out. */
int store_put_waterfall(struct store *store, const char *vm,
                        const Vmreclaim__Controller__V1__Waterfall *waterfall);

/* `request` is kept to STORE_AUDIT_REQUEST_MAX bytes, with how much was left out. */
int store_put_audit(struct store *store, int64_t time, const char *who, const char *method,
                    const char *request, bool allowed);

#endif
