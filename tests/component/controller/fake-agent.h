/* A scripted agent on the test's own loop: answers like one, and misbehaves on demand. */
#ifndef VMRECLAIM_TESTS_COMPONENT_CONTROLLER_FAKE_AGENT_H
#define VMRECLAIM_TESTS_COMPONENT_CONTROLLER_FAKE_AGENT_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "common/transport/transport.h"
#include "common/ttrpc/ttrpc.h"

enum fake_agent_fault {
    FAKE_AGENT_WORKS,
    FAKE_AGENT_GARBAGE,   /* sends bytes that are no frame */
    FAKE_AGENT_OVERSIZED, /* sends a frame's head that promises more than is allowed */
    FAKE_AGENT_TRUNCATED, /* sends half a frame and closes */
    FAKE_AGENT_SILENT,    /* accepts and never says anything */
    FAKE_AGENT_LIES,      /* samples that cannot be true */
};

struct fake_agent {
    uv_loop_t *loop;
    struct listener *listener;
    struct ttrpc_connection *connection; /* the newest */
    struct ttrpc_call *watch;            /* NULL: nobody watches */
    uv_timer_t timer;                    /* samples, as often as Watch asked */
    enum fake_agent_fault fault;
    unsigned connections;
    /* the guest */
    char boot_id[37];
    uint64_t total;
    uint64_t free;
    uint64_t cache;
    const uint64_t *size; /* what its balloon leaves of a GiB, taken from free; NULL: no balloon */
    uint64_t sequence;
    struct {
        uint64_t per_sample;
        uint64_t sum; /* until the last sample */
    } refaults;       /* file pages read back */
    uint64_t oom_kills;
    const char *asked_by; /* what it says of its own actions */
    uint64_t clock_back;  /* ns that the guest's clock is behind this one's */
    bool stands_still;    /* no samples */
    bool compact_fails;
    bool lacks_reclaim; /* as if it did not know the call */
    bool holds;         /* Compact is answered later */
    struct {
        struct ttrpc_call *call; /* NULL: none is */
        char id[64];
    } held;
    struct {
        uint64_t joined;       /* of what is free, in blocks that are reported */
        uint32_t order;        /* in force */
        uint32_t order_before; /* one for a while; 0: none is in force */
        uint32_t protocol;     /* 0: it does not say its order either */
    } reporting;
    bool has_limits; /* its own: cpu_budget 3s, and it takes no orders */
    /* what was asked */
    struct {
        unsigned compactions;
        unsigned brief_answers; /* of GetMemory */
        char orders[256];       /* "cache ", "drop ", "compact ", "order ", "restore ", "kick " */
    } asked;
    uint64_t watch_interval;
    int lowest_order; /* -1: not told */
    bool takes_free;  /* the host does, as it was told */
    char policy_name[64];
    char policy_profile[32];
    char policy_hash[65];
    const char *own_key; /* that its owner set, of what it runs by itself; NULL: it does not say */
    const char *kept_hash;       /* of a policy that a host gave it before; NULL: none */
    bool wants_policy;           /* as one of before does: not to be told that there is none */
    enum ttrpc_code policy_code; /* what ApplyPolicy answers; TTRPC_OK: it takes the policy */
    unsigned policies;
    void (*on_action)(struct fake_agent *agent, void *userdata); /* before the answer */
    void *userdata;
};

void fake_agent_init(struct fake_agent *agent, uv_loop_t *loop);
int fake_agent_listen(struct fake_agent *agent, const char *address);

/* Serves a connected descriptor instead of listening. */
void fake_agent_serve(struct fake_agent *agent, int descriptor);
void fake_agent_drop(struct fake_agent *agent);
void fake_agent_close(struct fake_agent *agent);

/* The Compact that it holds; at the end it is answered at any rate. */
void fake_agent_answer(struct fake_agent *agent);

void fake_agent_pressure(struct fake_agent *agent, uint64_t available);

/* Tells that the guest's policy reclaimed cache. */
void fake_agent_reclaimed(struct fake_agent *agent);

#endif
