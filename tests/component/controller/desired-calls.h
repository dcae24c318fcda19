/* What the fleet's operators sign, and handing it in to the daemon of a fixture. */
#ifndef VMRECLAIM_TESTS_COMPONENT_CONTROLLER_DESIRED_CALLS_H
#define VMRECLAIM_TESTS_COMPONENT_CONTROLLER_DESIRED_CALLS_H

#include "controller/signing/signed-state.h"
#include "tests/component/controller/fixture.h"

typedef Vmreclaim__Fleet__V1__Applied Applied;
typedef Vmreclaim__Fleet__V1__AppliedPolicy AppliedPolicy;

#define PINNED   VMRECLAIM__FLEET__V1__APPLIED_OUTCOME__APPLIED_PINNED
#define IN_FORCE VMRECLAIM__FLEET__V1__APPLIED_OUTCOME__APPLIED_IN_FORCE

#define WISHES_MAX 4

struct wish {
    const char *name;
    const char *text;
    const char *selector; /* NULL: none */
    const char *rollout;
};

/* Of host h1, issued now and for an hour, until a test changes it. */
struct desired_message {
    DesiredState state;
    Vmreclaim__Fleet__V1__DesiredPolicy policies[WISHES_MAX];
    Vmreclaim__Fleet__V1__DesiredPolicy *pointers[WISHES_MAX];
    char *selectors[WISHES_MAX];
};
void desired_fill(struct desired_message *message, uint64_t generation, const struct wish *wishes,
                  size_t count);

/* One line of base64. */
const char *key_text(const struct signing_key *key);

/* vmreclaimd.yaml of host h1 with these keys and lines more. */
void put_fleet(const struct fixture *f, const struct signing_key *keys, size_t count,
               const char *more);

/* f->code says how the call went. */
void hand_in_bytes(struct fixture *f, const uint8_t *bytes, size_t size);
void hand_in(struct fixture *f, const struct desired_message *message,
             const struct signing_key *key);

/* What the last call of these said. */
const Applied *answer_of(const struct fixture *f);

/* As GetStatus has it; NULL: the host is in no fleet. */
const Applied *status_of(struct fixture *f);

#endif
