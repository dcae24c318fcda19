/* The rollouts of the coordinator with a script: one that a gate has paused, and some others. */
#include "tests/component/web/coordinator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/time.h"
#include "common/base/util.h"

typedef Vmreclaim__Fleet__V1__Rollout Rollout;

#define TREATED 300u

enum { ROLLOUTS = 5, STEPS = 3, RECORDS = 3 };

static Rollout rollouts[ROLLOUTS];
static char *treated[TREATED];
static uint32_t waves[] = {100, 2500, 10000};
static Vmreclaim__Fleet__V1__Gate gates[2];
static Vmreclaim__Fleet__V1__Gate *gate_list[] = {&gates[0], &gates[1]};
static Vmreclaim__Fleet__V1__GateState states[2];
static Vmreclaim__Fleet__V1__GateState *state_list[] = {&states[0], &states[1]};
static char *history[STEPS] = {(char *)"1789990000 writing wave 0",
                               (char *)"1789990060 soaking wave 0",
                               (char *)"1789993600 paused wave 0: " EVIL};

static void make_gates(void)
{
    static const char *const names[] = {"oom-kills", "refaults"};
    static const char *const words[] = {"oom-kills: 0 on treated hosts, 0 on others",
                                        "refaults: host h00002, VM " EVIL ": 9 times as many"};

    for (unsigned i = 0; i < 2; i++) {
        vmreclaim__fleet__v1__gate__init(&gates[i]);
        vmreclaim__fleet__v1__gate_state__init(&states[i]);
        gates[i].name = states[i].name = text(names[i]);
        gates[i].limit = i == 0 ? 0 : 200;
        states[i].text = text(words[i]);
        states[i].failed_in_a_row = i;
    }
}

void coordinator_make_rollouts(void)
{
    static const struct {
        const char *id, *policy, *reason;
        Vmreclaim__Fleet__V1__RolloutState state;
    } rows[ROLLOUTS] = {
        {"4f00aa", "night", "refaults of " EVIL,
         VMRECLAIM__FLEET__V1__ROLLOUT_STATE__ROLLOUT_PAUSED},
        {"3e00bb", "day", "", VMRECLAIM__FLEET__V1__ROLLOUT_STATE__ROLLOUT_SOAKING},
        {"2d00cc", "night", "", VMRECLAIM__FLEET__V1__ROLLOUT_STATE__ROLLOUT_COMPLETE},
        {"1c00dd", "night", "oom-kills: VM db1: 1",
         VMRECLAIM__FLEET__V1__ROLLOUT_STATE__ROLLOUT_REVERTED},
        {"0b00ee", EVIL, "", VMRECLAIM__FLEET__V1__ROLLOUT_STATE__ROLLOUT_SUPERSEDED},
    };

    make_gates();
    for (unsigned i = 0; i < TREATED; i++)
        if (asprintf(&treated[i], "h%05u", i) < 0)
            exit(1);
    for (unsigned i = 0; i < ROLLOUTS; i++) {
        Rollout *rollout = &rollouts[i];

        vmreclaim__fleet__v1__rollout__init(rollout);
        rollout->id = text(rows[i].id);
        rollout->policy = text(rows[i].policy);
        rollout->text = text("name: night\nprofile: gentle\n# " EVIL "\n");
        rollout->host_selector = text("all");
        rollout->waves_permyriad = waves;
        rollout->n_waves_permyriad = 3;
        rollout->canary_hosts = 1;
        rollout->soak_ns = 600 * NSEC_PER_SEC;
        rollout->canary_soak_ns = 3600 * NSEC_PER_SEC;
        rollout->gates = gate_list;
        rollout->gate_states = state_list;
        rollout->n_gates = rollout->n_gate_states = 2;
        rollout->author = text("uid 0");
        rollout->created_ns = 1790000000000000000 - (int64_t)(i * 3600 * NSEC_PER_SEC);
        rollout->since_ns = rollout->created_ns + 60 * (int64_t)NSEC_PER_SEC;
        rollout->state = rows[i].state;
        rollout->resumes_to = VMRECLAIM__FLEET__V1__ROLLOUT_STATE__ROLLOUT_SOAKING;
        rollout->wave = 2;
        rollout->wave_begin = 50;
        rollout->reason = text(rows[i].reason);
        rollout->history = history;
        rollout->n_history = STEPS;
        rollout->hosts = treated;
        rollout->late = treated + TREATED - 1;
    }
}

void coordinator_list_rollouts(struct ttrpc_call *call, const ProtobufCMessage *message,
                               void *userdata)
{
    const Vmreclaim__Fleet__V1__ListRolloutsRequest *request = (const void *)message;
    Vmreclaim__Fleet__V1__ListRolloutsResponse response =
        VMRECLAIM__FLEET__V1__LIST_ROLLOUTS_RESPONSE__INIT;
    Rollout *list[ROLLOUTS];
    bool is_alone;

    coordinator_calls++;
    for (unsigned i = 0; i < ROLLOUTS; i++)
        if (strncmp(rollouts[i].id, request->id, strlen(request->id)) == 0)
            list[response.n_rollouts++] = &rollouts[i];
    is_alone = response.n_rollouts == 1 && request->with_hosts;
    for (size_t i = 0; i < response.n_rollouts; i++) {
        list[i]->n_hosts = is_alone ? min_of(coordinator_hosts, TREATED) : 0;
        list[i]->n_late = is_alone ? 1 : 0;
    }
    response.rollouts = list;
    ttrpc_call_finish(call, &response.base);
}

/* An order of somebody with a name, what became of it, and a step. */
void coordinator_list_rollout_history(struct ttrpc_call *call, const ProtobufCMessage *message,
                                      void *userdata)
{
    const Vmreclaim__Fleet__V1__ListRolloutHistoryRequest *request = (const void *)message;
    Vmreclaim__Fleet__V1__ListRolloutHistoryResponse response =
        VMRECLAIM__FLEET__V1__LIST_ROLLOUT_HISTORY_RESPONSE__INIT;
    Vmreclaim__Fleet__V1__AuditRecord records[RECORDS], *list[RECORDS];

    coordinator_calls++;
    for (unsigned i = 0; i < RECORDS; i++) {
        vmreclaim__fleet__v1__audit_record__init(&records[i]);
        records[i].phase = (Vmreclaim__Fleet__V1__AuditPhase)(i + 1);
        records[i].time_ns = 1790000000000000000 + (int64_t)i;
        records[i].rollout = rollouts[0].id;
        records[i].policy = rollouts[0].policy;
        records[i].order = text(i < 2 ? "pause" : "");
        records[i].author = text(i < 2 ? EVIL : "");
        records[i].state = rollouts[0].state;
        list[i] = &records[i];
    }
    if (strncmp(rollouts[0].id, request->id, strlen(request->id)) == 0)
        response.n_records = RECORDS;
    response.records = list;
    ttrpc_call_finish(call, &response.base);
}
