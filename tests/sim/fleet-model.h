/* A fleet in memory: hosts with guests, what a policy does to them, the streams that keep desired
 * states and the rollout's document, and coordinators that die and go on. For tests of the rollout
 * engine as it ships. One step is a second. */
#ifndef VMRECLAIM_TESTS_SIM_FLEET_MODEL_H
#define VMRECLAIM_TESTS_SIM_FLEET_MODEL_H

#include "controller/fleet/engine/rollout.h"
#include "tests/sim/random.h"

#define FLEET_HOSTS_MAX 512
#define FLEET_VMS       3
#define FLEET_FIGURES   6
#define FLEET_LABELS    2
#define FLEET_ID        "r-7"
#define FLEET_BEFORE    "r-1" /* the rollout that was before */

/* What the new policy does to guests that run it. */
struct fleet_harm {
    unsigned oom_seconds; /* one kill per VM in so many; 0: none */
    double waited;        /* part of its time that a guest waits for memory */
    uint64_t refaults;    /* per second */
    bool loses_agents;
    bool loses_hosts;       /* the host falls over a minute after it took it */
    bool is_refused;        /* by the daemon */
    bool keeps_all;         /* nothing is returned any more */
    unsigned gives_seconds; /* a guest returns so long what it had before, then nothing; 0: ever */
};

struct fleet_model_vm {
    char name[16], uuid[16], boot[16];
    uint64_t figures[FLEET_FIGURES]; /* by the kinds below */
    VmStatus status;
    Vmreclaim__Fleet__V1__Figure figure[FLEET_FIGURES];
    Vmreclaim__Fleet__V1__Figure *figure_list[FLEET_FIGURES];
    bool has_agent;
};

/* Newest desired state of a host in its stream. */
struct fleet_stored {
    char rollout[16]; /* of the policy's entry */
    char previous[16];
    uint64_t generation;
    uint64_t epoch;
};

struct fleet_model_host {
    char id[16], name[16];
    char label[FLEET_LABELS][24];
    char *labels[FLEET_LABELS];
    bool exists; /* it was enrolled */
    bool is_up;
    bool is_pinned;   /* its operator holds the policy */
    bool takes_none;  /* its operator takes nothing of the fleet */
    bool has_no_key;  /* no key of its fits what it gets: it cannot tell what it refuses */
    bool is_deaf;     /* it takes no desired state, and says how it is */
    bool has_figures; /* its guests say something */
    double waits;     /* part of its time that each guest waits for memory, whatever it runs */
    struct fleet_stored stored;
    bool was_reverted; /* in the stream */
    char runs[16];     /* rollout that brought what runs */
    char said[16];     /* likewise, in its status */
    uint64_t generation;
    uint64_t runs_since; /* second */
    bool refuses;
    struct fleet_model_vm vms[FLEET_VMS];
    HostStatus status;
    VmStatus *vm_list[FLEET_VMS];
    Vmreclaim__Fleet__V1__Applied applied;
    Vmreclaim__Fleet__V1__AppliedPolicy policy, *policies[1];
    bool has_status; /* it ever sent one */
};

struct fleet_model {
    struct fleet_model_host hosts[FLEET_HOSTS_MAX];
    unsigned count;
    uint64_t now;       /* seconds */
    int64_t clock_step; /* seconds that the coordinators' wall clocks are wrong by */
    struct fleet_harm harm;
    double noise; /* OOM kills per VM and hour of any guest */
    bool statuses_are_late;
    bool is_silent; /* no status comes through */
    struct random random;
    uint8_t *document; /* packed; NULL: none */
    size_t length;
    uint64_t revision;
};

/* What a coordinator knows and does. */
struct fleet_coordinator {
    struct fleet_model *model;
    struct rollout_engine *engine;
    uint64_t epoch;
    uint64_t began; /* second since when it listens */
    nsec_t heard[FLEET_HOSTS_MAX];
    struct fleet_host hosts[FLEET_HOSTS_MAX];
    unsigned acts;    /* writes so far */
    unsigned dies_at; /* before that act; 0: never */
    bool is_dead;
    /* What it was about to write when it fell asleep: it goes on with that. */
    enum rollout_write write;
    char list[FLEET_HOSTS_MAX][16];
    unsigned list_count;
};

void fleet_model_init(struct fleet_model *model, unsigned hosts, uint64_t seed);
void fleet_model_finish(struct fleet_model *model);

/* A second: guests, hosts, statuses to these coordinators. */
void fleet_model_step(struct fleet_model *model, struct fleet_coordinator *coordinators[],
                      unsigned count);

/* Puts a host out of the net, or back. */
void fleet_model_set_up(struct fleet_model *model, unsigned host, bool is_up);
void fleet_model_boot(struct fleet_model *model, unsigned host, unsigned vm);

/* A draft with these waves, soaks in seconds; for the caller to free_unpacked. */
Rollout *fleet_model_draft(const uint32_t waves[], size_t count, unsigned canary_soak,
                           unsigned soak);

/* The document in the bucket. Storing takes the revision that was read: false where it is another
 * one. */
Rollout *fleet_model_read(const struct fleet_model *model, uint64_t *ret_revision);
bool fleet_model_store(struct fleet_model *model, const Rollout *rollout, uint64_t revision);

/* An operator's order, by this coordinator's epoch; as rollout_order(). */
int fleet_model_order(struct fleet_model *model, enum rollout_verb verb, uint64_t epoch);

/* ---- coordinators ---- */

void fleet_coordinator_begin(struct fleet_coordinator *coordinator, struct fleet_model *model,
                             uint64_t epoch);
void fleet_coordinator_end(struct fleet_coordinator *coordinator);

/* One step and its writes. -ESTALE: a later one leads. It dies where it was told to. */
int fleet_coordinator_step(struct fleet_coordinator *coordinator);

/* Takes the next step up to its writes, which it does later, whoever leads then. */
void fleet_coordinator_fall_asleep(struct fleet_coordinator *coordinator);
void fleet_coordinator_wake(struct fleet_coordinator *coordinator);

/* Hosts that are to run the rollout, by the stream; that run it. */
unsigned fleet_model_stored(const struct fleet_model *model);
unsigned fleet_model_running(const struct fleet_model *model);

#endif
