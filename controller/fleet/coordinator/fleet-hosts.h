/* The hosts of a fleet, from what the bus says of them. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_FLEET_HOSTS_H
#define VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_FLEET_HOSTS_H

#include "common/base/hash.h"
#include "common/base/log.h"
#include "controller/fleet/engine/view.h"
#include "controller/signing/signed-state.h"

#define STATUS_STREAM      "VMR_STATUS"
#define FLEET_HOSTS_MAX    20000
#define FLEET_HOST_ID_SIZE 65

/* Fields of a status, at any depth. 150 VMs with all their figures have 5,000; two bytes are enough
 * for one that takes 200 here. */
#define STATUS_ELEMENTS_MAX 8192

/* A host says something each ten seconds, and what has changed at once: twenty at once, and two a
 * second. One that says more would keep the others from being heard. */
#define STATUS_GAP   (NSEC_PER_SEC / 2)
#define STATUS_BURST 20

/* SHA-256. */
struct text_digest {
    uint8_t bytes[32];
};

struct host_entry {
    struct hash_link link;
    char id[FLEET_HOST_ID_SIZE];
    HostStatus *status; /* NULL: there never was one */
    uint64_t status_sequence;
    nsec_t heard; /* 0: the bus only kept it */
    nsec_t spent; /* up to when it has said what it may; behind: it may say more at once */
    /* ---- the newest desired state ---- */
    uint64_t wanted_sequence;           /* in its stream; 0: there is none */
    DesiredState *wanted;               /* NULL: there is none, or it is not to be read */
    struct text_digest *wanted_digests; /* of its policies' texts; NULL: likewise */
    bool is_formers;                    /* the former key has signed it */
    bool is_older_there;                /* the stream has an older one than this now */
    uint64_t newest_epoch;              /* of all that came, also where they are not kept here */
    uint64_t newest_generation;         /* likewise, of that epoch */
    char wanted_problem[128];           /* why not; "": it is, or there is none */
};

struct fleet_hosts {
    struct hash_table table;
    struct host_entry **sorted; /* by id */
    size_t count;
    size_t room;
    bool is_sorted;
    struct signing_public_key keys[2]; /* that desired states may be signed with: ours, former */
    size_t key_count;
    uint64_t epoch; /* greatest of any desired state */
    bool crowd_is_said;
    struct log_limit floods; /* that are logged */
};

void fleet_hosts_init(struct fleet_hosts *hosts);
void fleet_hosts_finish(struct fleet_hosts *hosts);

/* A status, or a desired state, that came on the bus. What cannot be read changes nothing; neither
 * does a desired state that is older than one before. */
void fleet_hosts_take_status(struct fleet_hosts *hosts, const char *id, const uint8_t *data,
                             size_t length, uint64_t sequence, nsec_t heard);
void fleet_hosts_take_wanted(struct fleet_hosts *hosts, const char *id, const uint8_t *data,
                             size_t length, uint64_t sequence);

/* There are hosts, and each was heard since then (CLOCK_BOOTTIME). */
bool fleet_hosts_all_heard(const struct fleet_hosts *hosts, nsec_t since);

/* The stream of statuses, or of desired states, was made anew. What is known stays: of a desired
 * state it is what the next one is made from. */
void fleet_hosts_on_statuses_remade(struct fleet_hosts *hosts);
void fleet_hosts_on_wanted_remade(struct fleet_hosts *hosts);

/* The greatest generation that the host says it has seen; 0: none. It takes none below. */
uint64_t host_entry_generation(const struct host_entry *entry);

/* A desired state is older than one of the host's that came before: it was put back from a copy, or
 * by who carries it. */
bool host_entry_is_past(const struct host_entry *entry, const DesiredState *state);

/* NULL: there is none. */
struct host_entry *fleet_hosts_find(const struct fleet_hosts *hosts, const char *id);

/* All, by id; until the next one comes. */
struct host_entry **fleet_hosts_all(struct fleet_hosts *hosts);

/* Among all the place of the first whose id is behind the token. */
size_t fleet_hosts_behind(struct fleet_hosts *hosts, const char *token);

/* As the engine looks at them for a policy, for the caller to free; NULL: no memory.
 * `wanted_is_whole`: all desired states that there are have come. */
struct fleet_host *fleet_hosts_view(struct fleet_hosts *hosts, const char *policy,
                                    bool wanted_is_whole);

#endif
