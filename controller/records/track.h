/* Measurements around one action, kept from its start until ten minutes after its end. */
#ifndef VMRECLAIM_CONTROLLER_RECORDS_TRACK_H
#define VMRECLAIM_CONTROLLER_RECORDS_TRACK_H

#include "controller/api/api.h"
#include "controller/explain/explain.h"
#include "controller/store/store.h"
#include "controller/vms/fresh_sample.h"

enum { TRACK_SAMPLES_MAX = 16 };

enum track_state {
    TRACK_RUNNING,  /* an operator's action: the API says when it has ended */
    TRACK_SETTLING, /* the guest's own action: what it freed is still being reported */
    TRACK_WAITING,  /* recorded; to be checked again */
};

struct recorder;

struct track {
    struct list link;
    struct recorder *recorder;
    char id[64];
    char vm[VM_NAME_SIZE];
    enum track_state state;
    nsec_t due;         /* CLOCK_BOOTTIME of the next thing to do; RUNNING: none */
    nsec_t last_during; /* CLOCK_BOOTTIME */
    struct fresh_sample sample;
    bool is_asking; /* for `sample`: what is due is under way */
    Vmreclaim__Controller__V1__ActionSample samples[TRACK_SAMPLES_MAX];
    Vmreclaim__Controller__V1__ActionSample *sample_pointers[TRACK_SAMPLES_MAX];
    size_t sample_count;
    struct finding finding; /* why nothing came back */
    Vmreclaim__Controller__V1__Evidence evidence[FINDING_EVIDENCE_MAX];
    Vmreclaim__Controller__V1__Evidence *evidence_pointers[FINDING_EVIDENCE_MAX];
    uint8_t *packed; /* the record; NULL while it runs */
    size_t packed_length;
};

/* -ENOMEM. */
int track_create(const char *id, const char *vm, struct track **ret_track);
void track_destroy(struct track *track);

/* Adds what the VM measures now. DURING: at most every five seconds, and room is left for the
 * last two. */
void track_sample(struct track *track, const struct vm *vm, int phase, nsec_t now);

/* Adds one that a record has; dropped when there is no room. */
void track_add_sample(struct track *track, const Vmreclaim__Controller__V1__ActionSample *sample);

/* Completes the action's message: samples, what the guest reported, confidence, reason. What it
 * points to is the track's. `vm` may be NULL. */
void track_complete(struct track *track, const struct supervisor *supervisor, struct vm *vm,
                    Vmreclaim__Controller__V1__Action *action);

/* Keeps the record in its packed form. -ENOMEM. */
int track_keep(struct track *track, const Vmreclaim__Controller__V1__Action *action);

#endif
