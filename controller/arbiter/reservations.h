/* Memory that is kept free of the host for a VM about to start. Pure: no clock, no file.
 *
 * Theory of operation: a reservation is made for so many bytes. What the host has beyond its low
 * watermark goes to reservations in the order in which they were made; the arbiter frees what is
 * missing. One that once was whole is ready, and is held until its time is over. What its VM takes
 * from then on is taken off it, so that no byte is kept twice.
 *
 *     filling --> ready --> used       its VM has taken all of it
 *        |          +-----> over       its time is
 *        +--------> short              it did not become whole in time
 *        +----------+-----> released   somebody gave it back
 *
 * Promises outlive the daemon: the store keeps each until its end. Ends are by CLOCK_BOOTTIME, and
 * by the wall clock after a reboot, when nobody waits for one that was filling. */
#ifndef VMRECLAIM_CONTROLLER_ARBITER_RESERVATIONS_H
#define VMRECLAIM_CONTROLLER_ARBITER_RESERVATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/time.h"
#include "controller/config/vm-file.h"

#define RESERVATIONS_MAX      64
#define RESERVATION_WAIT_TIME (60 * NSEC_PER_SEC)  /* to become whole, unless it is said */
#define RESERVATION_HOLD_TIME (600 * NSEC_PER_SEC) /* from then on, likewise */

enum reservation_state {
    RESERVATION_FILLING,
    RESERVATION_READY,
    RESERVATION_USED,
    RESERVATION_OVER,
    RESERVATION_SHORT,
    RESERVATION_RELEASED,
    RESERVATION_STATE_COUNT,
};

/* What is asked for. */
struct reservation_asked {
    uint64_t bytes;
    char vm[VM_NAME_SIZE]; /* which is to use it; "": whoever comes */
    nsec_t wait;           /* to become whole; 0: RESERVATION_WAIT_TIME */
    nsec_t hold;           /* from then on; 0: RESERVATION_HOLD_TIME */
    char asked_by[64];
};

struct reservation {
    uint64_t id; /* never used twice by one store */
    struct reservation_asked asked;
    enum reservation_state state;
    nsec_t due;          /* CLOCK_BOOTTIME of the end of FILLING, or of READY */
    int64_t created;     /* UNIX nanoseconds */
    int64_t expires;     /* the same for `due` */
    uint64_t used_since; /* what the VM held when it was made; its growth is what it used */
    uint64_t serial;     /* of the newest VM then: of "whoever comes", later ones use it */
    uint64_t used;       /* bytes of it that its VM has taken */
    uint64_t there;      /* bytes that are free for it now */
    uint64_t most;       /* highest `there`: the most that it could get */
    char why[192];       /* it is not whole, for a person; "": it is */
};

struct reservations {
    struct reservation list[RESERVATIONS_MAX]; /* in the order in which they were made */
    size_t count;
    uint64_t next_id;
};

/* Adds one at the end. -ENOSPC: there are too many; -EINVAL: of nothing; in words. */
int reservations_add(struct reservations *reservations, const struct reservation_asked *asked,
                     nsec_t now, int64_t time, struct reservation **ret_reservation,
                     struct error *error);

/* NULL: none has this id. */
struct reservation *reservations_find(struct reservations *reservations, uint64_t id);

/* Those behind it move up: pointers to them do not hold any more. */
void reservations_remove(struct reservations *reservations, struct reservation *reservation);

/* All that is to be kept free beside the watermark: what is not used yet. */
uint64_t reservations_bytes(const struct reservations *reservations);

/* The world as it is now. */
struct reservations_input {
    nsec_t now;    /* CLOCK_BOOTTIME */
    int64_t time;  /* UNIX nanoseconds */
    uint64_t room; /* bytes that the host has beyond its low watermark and other promises */
};

/* Its VM holds so much now. */
void reservation_note_footprint(struct reservation *reservation, uint64_t footprint);

/* Divides the room: those that are ready keep theirs, then each in its turn. Moves states. Those
 * that have ended stay until they are removed. */
void reservations_step(struct reservations *reservations, const struct reservations_input *input);

/* What is free for a new one of them. */
uint64_t reservations_room(const struct reservations *reservations, uint64_t room);

void reservation_release(struct reservation *reservation);

/* It is over, however it ended. */
bool reservation_has_ended(const struct reservation *reservation);

/* "filling", "ready", ... as in the API. */
const char *reservation_state_name(enum reservation_state state);

/* As it is kept: one line of at most RESERVATION_LINE_SIZE. Without its id. */
#define RESERVATION_LINE_SIZE 256
void reservation_format(const struct reservation *reservation, const char *host_boot_id,
                        char line[static RESERVATION_LINE_SIZE]);

/* Its id, of the store's key. -EINVAL: none has such an id, nor will any. */
int reservation_parse_id(const char *key, uint64_t *ret_id);

/* The inverse. One of another boot of the host ends by the wall clock, after its whole time at the
 * latest; one that is over by now has ended. -EINVAL. */
int reservation_parse(const char *line, const char *host_boot_id, nsec_t now, int64_t time,
                      struct reservation *ret_reservation);

#endif
