/* What is asked of the store, and how it answers.
 *
 * Theory of operation: whoever asks gives a completion, which is called once, with an answer that
 * lives until it returns. It comes on the loop, before the asking function returns (a store without
 * a thread, or one that refuses) or later. So whoever asks keeps what the answer needs in its
 * userdata, which lives until then, and does not touch it after asking. Reads do not wait for
 * writes: they find what was answered, and records that were put. Of each kind what is asked first
 * is done first. What may be long is asked for by pages, so that others come between.
 *
 * Failure modes: `status` is a negative errno and `error` has words for a person; what else the
 * answer has is empty then. -EBUSY: too much is asked already. */
#ifndef VMRECLAIM_CONTROLLER_STORE_REQUESTS_H
#define VMRECLAIM_CONTROLLER_STORE_REQUESTS_H

#include "controller/store/store.h"

struct store_answer {
    int status;
    struct error error;
    nsec_t processor; /* time that it took beside the loop */
};

/* Where those ask who may not make others wait: reads find the same there, and have a line of their
 * own. Valid until store_stop. */
struct store *store_for_others(struct store *store);

/* ---- records ---- */

/* A record among those that are in the order of their times. */
struct record_place {
    int64_t time;
    char id[96];
};
void record_place_set(struct record_place *place, int64_t time, const char *id);

struct store_records_query {
    const char *vm; /* NULL: all */
    int64_t since;  /* UNIX nanoseconds */
    int64_t until;
    const struct record_place *before; /* only those before it; NULL: all */
    uint32_t limit;                    /* 0: none */
    /* Which of them; NULL: all. Looks at the record only, it may run on another thread. */
    bool (*is_wanted)(const Vmreclaim__Controller__V1__Action *action);
};

/* The newest first. */
struct store_records {
    struct store_answer answer;
    Vmreclaim__Controller__V1__Action **actions;
    size_t count;
    bool is_cut; /* there are more than `limit` */
};
typedef void (*store_records_done)(const struct store_records *records, void *userdata);

void store_ask_records(struct store *store, const struct store_records_query *query,
                       store_records_done done, void *userdata);

/* The one whose id begins with `prefix`. -ENOENT; -EEXIST: more than one begins so. */
void store_ask_record(struct store *store, const char *prefix, store_records_done done,
                      void *userdata);

/* Records in the order in which they were written: each gets a number then, and another one when it
 * is written again. */
struct store_changes_query {
    uint64_t after; /* this number */
    int64_t since;  /* of an action that began then or later; UNIX nanoseconds */
    uint32_t limit;
};

/* Ascending. What waits for the disk is not among them. */
struct store_changes {
    struct store_answer answer;
    Vmreclaim__Controller__V1__Action **actions;
    const uint64_t *numbers; /* of each */
    size_t count;
    char store[32];  /* which it is: numbers are of one store */
    uint64_t newest; /* number of all */
    uint64_t lost;   /* the highest of those that were let go because they were old; 0: none was */
};
typedef void (*store_changes_done)(const struct store_changes *changes, void *userdata);

/* At most STORE_CHANGES_MAX, whatever the limit is. */
#define STORE_CHANGES_MAX 256
void store_ask_changes(struct store *store, const struct store_changes_query *query,
                       store_changes_done done, void *userdata);

/* A VM's records and waterfalls of a time. */
struct store_history_query {
    const char *vm;
    int64_t since;
    int64_t until;
    uint32_t points;  /* at most so many waterfalls, evenly thinned */
    uint32_t actions; /* at most so many records, the newest */
};

/* Where the reading of a history is: zero before the first page, then as the page says. */
struct store_history_place {
    bool has_begun;
    bool is_over;
    bool leaves_out; /* older records, for want of room in the query */
    struct record_place action;
    struct {
        int64_t first, last, width, next;
        bool is_over;
    } points;
};

/* All of it that lies between two moments; the next page is of later ones. Both ascending. */
struct store_history {
    struct store_records records;
    Vmreclaim__Controller__V1__Waterfall **points;
    size_t point_count;
    struct store_history_place place; /* the next page's */
};
typedef void (*store_history_done)(const struct store_history *history, void *userdata);

/* The next page: a bounded piece, found by index whatever its place. */
void store_ask_history(struct store *store, const struct store_history_query *query,
                       const struct store_history_place *place, store_history_done done,
                       void *userdata);

/* ---- policies ---- */

struct store_policies {
    struct store_answer answer;
    struct policy_revision **revisions;
    size_t revision_count;
    struct policy_assignment **assignments;
    size_t assignment_count;
    bool is_cut;    /* there are more than were asked for, or than fit */
    size_t omitted; /* of store_delete_policy: assignments that do not fit */
};
typedef void (*store_policies_done)(const struct store_policies *policies, void *userdata);

/* Where a page of policies and assignments begins. */
struct store_policies_place {
    const char *policy;     /* after this name; NULL: after all policies */
    const char *assignment; /* after this selector */
};

/* The newest revision of each, by name, without texts ("" instead), then the assignments, by
 * selector. At most `limit` of both together (0: as many as fit into 3 MiB). */
void store_ask_policies(struct store *store, const struct store_policies_place *place,
                        uint32_t limit, store_policies_done done, void *userdata);

/* Those of one name below the revision `before` (0: all), the newest first, without texts; `limit`
 * as above. -ENOENT: there is none at all. */
void store_ask_revisions(struct store *store, const char *name, uint64_t before, uint32_t limit,
                         store_policies_done done, void *userdata);

/* One revision with its text; 0: the newest. -ENOENT. */
void store_ask_policy(struct store *store, const char *name, uint64_t revision,
                      store_policies_done done, void *userdata);

/* Adds the next revision and assigns it to the selector, which may be empty. The same text as the
 * newest revision, by hash, adds nothing. Answers with the revision, without its text. -EBUSY: the
 * newest is not `revision->revision` with `made_from_hash`; 0 and "": any is. */
void store_order_policy(struct store *store, const struct policy_revision *revision,
                        const char *selector, store_policies_done done, void *userdata);

/* Repeats the text of an older revision as a new one; 0: the one before the newest. Answers with
 * the new revision. -ENOENT. */
void store_roll_back(struct store *store, const char *name, uint64_t revision, const char *author,
                     int64_t time, store_policies_done done, void *userdata);

/* Answers with the assignment that there was. -ENOENT. */
void store_unassign_policy(struct store *store, const char *selector, store_policies_done done,
                           void *userdata);

/* Removes all revisions of a policy. -EBUSY: it is assigned; not with `unassign`, which removes
 * that first and answers with what it was, as many as fit. -ENOENT. */
#define STORE_DELETED_BYTES ((size_t)1 << 20)
void store_delete_policy(struct store *store, const char *name, bool unassign,
                         store_policies_done done, void *userdata);

/* ---- whose policy ---- */

/* A VM as selectors see it. */
struct policy_subject {
    const char *vm;
    char *const *labels;
    size_t label_count;
};

enum { POLICY_NONE_ASSIGNED = -1 };

/* What is assigned to each of the subjects that were asked about, in their order. */
struct store_assigned {
    struct store_answer answer;
    size_t count;                /* of the subjects */
    const char **vms;            /* their names */
    int *revision_of;            /* index into `revisions`, or POLICY_NONE_ASSIGNED */
    char **selector_of;          /* by which assignment that is, maybe cut; NULL: by none */
    struct store_policies found; /* the newest revision of each that is assigned, with its text */
    uint64_t tried;              /* of store_try_policy: the revision that it would be */
};
typedef void (*store_assigned_done)(const struct store_assigned *assigned, void *userdata);

/* What the host's operators have assigned before what a fleet has; of each by the VM's name first,
 * then its labels in order, then the longest glob. */
void store_ask_assigned(struct store *store, const struct policy_subject *subjects, size_t count,
                        store_assigned_done done, void *userdata);

/* The same as it would be after store_order_policy with this revision and selector: that is carried
 * out, looked at, and taken back within one transaction, so nothing stays. Fails as it would. */
void store_try_policy(struct store *store, const struct policy_revision *revision,
                      const char *selector, const struct policy_subject *subjects, size_t count,
                      store_assigned_done done, void *userdata);

/* Of one VM: `found` has the assignments that mean it, too, the one that holds first; at most
 * STORE_MATCHES_MAX. */
#define STORE_MATCHES_MAX 64
void store_ask_matching(struct store *store, const struct policy_subject *subject,
                        store_assigned_done done, void *userdata);

/* ---- what a fleet wants ---- */

typedef Vmreclaim__Fleet__V1__Applied Applied;

struct store_desired_policy {
    struct policy_revision revision; /* `author` begins with STORE_FLEET */
    const char *rollout;
    char *const *selectors;
    size_t selector_count;
};

/* All of it, checked. `head` says what it is: all but policies and refusals. */
struct store_desired {
    const Applied *head;
    const struct store_desired_policy *policies;
    size_t count;
};

struct store_desired_answer {
    struct store_answer answer;
    const Applied *applied; /* NULL: there was none yet */
    bool is_changed;        /* policies or assignments */
};
typedef void (*store_desired_done)(const struct store_desired_answer *answer, void *userdata);

/* What became of the newest desired state that was taken under this id of the host. */
void store_load_desired(struct store *store, const char *host, store_desired_done done,
                        void *userdata);

/* Takes a desired state: its policies, its assignments, and that it was taken, all of it or
 * nothing. What an operator of the host has made stays as it is, and what the fleet assigned before
 * and does not now is taken away. The same again changes what has become possible meanwhile.
 * -ESTALE: a newer one was taken. What `desired` points to lives until `done`. */
void store_apply_desired(struct store *store, const struct store_desired *desired,
                         store_desired_done done, void *userdata);

/* ---- notes: small things that must outlive the daemon ---- */

struct store_note {
    const char *kind; /* static: who keeps it */
    char key[256];
    char value[256];
};

/* It is durable, or `error` has words. */
typedef void (*store_note_done)(int status, const struct error *error, void *userdata);

/* Replaces the one with its kind and key. `done` may be NULL. */
void store_put_note(struct store *store, const struct store_note *note, store_note_done done,
                    void *userdata);

/* By kind and key; one that is not there is fine. `done` may be NULL. */
void store_remove_note(struct store *store, const struct store_note *note, store_note_done done,
                       void *userdata);

/* All of a kind, by key; they live until it returns. */
typedef void (*store_notes_loaded)(int status, const struct error *error,
                                   const struct store_note *notes, size_t count, void *userdata);
void store_load_notes(struct store *store, const char *kind, store_notes_loaded done,
                      void *userdata);

#endif
