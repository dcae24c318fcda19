/* Measurements around one action, kept from its start until ten minutes after its end. */
#ifndef VMRECLAIM_CONTROLLER_RECORDS_TRACK_H
#define VMRECLAIM_CONTROLLER_RECORDS_TRACK_H

#include "controller/api/api.h"
#include "controller/messages/finding.h"
#include "controller/store/store.h"
#include "controller/vms/fresh_sample.h"

enum { TRACK_SAMPLES_MAX = 16 };

#define TRACK_LATER (600 * NSEC_PER_SEC) /* a record is checked again after that */

enum track_state {
    TRACK_RUNNING,   /* an operator's action: the API says when it has ended */
    TRACK_SETTLING,  /* the first of a guest's run: what it freed is still being reported */
    TRACK_FOLLOWING, /* another of the run: is closed with the first */
    TRACK_WAITING,   /* recorded; to be checked again */
    TRACK_OVER,      /* nothing more to do */
};

struct recorder;

struct track {
    struct list link;
    struct recorder *recorder;
    char id[64];
    char vm[VM_NAME_SIZE];
    enum track_state state;
    nsec_t due;         /* CLOCK_BOOTTIME of the next thing to do; SETTLING and WAITING only */
    nsec_t begun;       /* SETTLING: CLOCK_BOOTTIME when the run's first action was heard of */
    uint64_t freed;     /* SETTLING and FOLLOWING: by the guest's account */
    int64_t drift;      /* SETTLING and FOLLOWING: of the run */
    nsec_t last_during; /* CLOCK_BOOTTIME */
    struct fresh_sample sample;
    bool is_asking; /* for `sample`: what is due is under way */
    Vmreclaim__Controller__V1__ActionSample samples[TRACK_SAMPLES_MAX];
    Vmreclaim__Controller__V1__ActionSample *sample_pointers[TRACK_SAMPLES_MAX];
    size_t sample_count;
    struct finding finding; /* why nothing came back */
    struct evidence_messages evidence;
    uint8_t *packed; /* the record; NULL while it runs */
    size_t packed_length;
};

/* -ENOMEM. */
int track_create(const char *id, const char *vm, struct track **ret_track);
void track_destroy(struct track *track);

/* Adds what the VM measures now. NULL: there is no room; DURING leaves some for the last two. */
Vmreclaim__Controller__V1__ActionSample *track_sample(struct track *track, const struct vm *vm,
                                                      int phase);

/* Adds what the VM measures while the action runs, at most every five seconds. */
void track_sample_during(struct track *track, const struct vm *vm, nsec_t now);

/* Something is due later, or just done: what is under way for it is called off. */
void track_postpone(struct track *track, nsec_t due);

/* Adds one that a record has; dropped when there is no room. */
void track_add_sample(struct track *track, const Vmreclaim__Controller__V1__ActionSample *sample);

/* Completes the action's message: samples, what the guest reported, confidence, reason. What it
 * points to is the track's. How much of the VM huge pages hold was measured. */
void track_complete(struct track *track, const struct supervisor *supervisor, struct vm *vm,
                    Vmreclaim__Controller__V1__Action *action);

/* Keeps the record in its packed form. -ENOMEM. */
int track_keep(struct track *track, const Vmreclaim__Controller__V1__Action *action);

#endif
