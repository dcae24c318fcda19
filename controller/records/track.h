/* Measurements around one action, kept from its start until ten minutes after its end. */
#ifndef VMRECLAIM_CONTROLLER_RECORDS_TRACK_H
#define VMRECLAIM_CONTROLLER_RECORDS_TRACK_H

#include "controller/actions/measures.h"
#include "controller/store/store.h"
#include "controller/vms/fresh-sample.h"

#define TRACK_LATER (600 * NSEC_PER_SEC) /* a record is checked again after that */

enum track_state {
    TRACK_RUNNING,   /* an ordered action: its event says when it has ended */
    TRACK_SETTLING,  /* the first of a guest's run: what it freed is still being reported */
    TRACK_FOLLOWING, /* another of the run: is closed with the first */
    TRACK_WAITING,   /* recorded; to be checked again */
    TRACK_OVER,      /* nothing more to do */
    TRACK_STATE_COUNT,
};

struct recorder;

struct track {
    struct list link;
    struct recorder *recorder;
    char id[64];
    char vm[VM_NAME_SIZE];
    uint64_t serial; /* the VM's; 0: of an earlier daemon, known by its name alone */
    enum track_state state;
    nsec_t due;     /* CLOCK_BOOTTIME of the next thing to do; SETTLING and WAITING only */
    nsec_t begun;   /* SETTLING: CLOCK_BOOTTIME when the run's first action was heard of */
    uint64_t freed; /* SETTLING and FOLLOWING: by the guest's account */
    int64_t drift;  /* SETTLING and FOLLOWING: of the run */
    bool drift_is_known;
    struct fresh_sample sample;
    bool is_asking;                  /* for `sample`: what is due is under way */
    struct action_measures measures; /* of an ordered action: once it has ended */
    uint8_t *packed;                 /* the record; NULL while it runs */
    size_t packed_length;
};

/* -ENOMEM. */
int track_create(const char *id, const char *vm, struct track **ret_track);
void track_destroy(struct track *track);

/* Moves the track; the change must be one of these:
 *
 *     running --> settling, following --> waiting --> over
 *        |                 |                           ^
 *        +--> waiting      +---------------------------+
 *        +---------------------------------------------+ */
void track_move(struct track *track, enum track_state next);

/* What holds for a track at any time, asserted. */
void track_check(const struct track *track);

/* Something is due later, or just done: what is under way for it is called off. */
void track_postpone(struct track *track, nsec_t due);

/* Takes over what a record has: its samples, leaving room for a later one, and its packed form.
 * -ENOMEM. */
int track_take_record(struct track *track, const Vmreclaim__Controller__V1__Action *action);

/* Keeps the record in its packed form. -ENOMEM. */
int track_keep(struct track *track, const Vmreclaim__Controller__V1__Action *action);

#endif
