/* Desired states for component tests. */
#include "tests/component/controller/desired-calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/time.h"

#define HOUR (3600 * (int64_t)NSEC_PER_SEC)

void desired_fill(struct desired_message *message, uint64_t generation, const struct wish *wishes,
                  size_t count)
{
    vmreclaim__fleet__v1__desired_state__init(&message->state);
    message->state.host = text("h1");
    message->state.generation = generation;
    message->state.issued_ns = time_realtime();
    message->state.expires_ns = time_realtime() + HOUR;
    message->state.policies = message->pointers;
    message->state.n_policies = count;
    assert_true(count <= WISHES_MAX);
    for (size_t i = 0; i < count; i++) {
        Vmreclaim__Fleet__V1__DesiredPolicy *policy = &message->policies[i];

        vmreclaim__fleet__v1__desired_policy__init(policy);
        policy->name = text(wishes[i].name);
        policy->text = text(wishes[i].text);
        policy->rollout = text(wishes[i].rollout);
        message->selectors[i] = wishes[i].selector == NULL ? NULL : text(wishes[i].selector);
        policy->selectors = &message->selectors[i];
        policy->n_selectors = wishes[i].selector != NULL;
        message->pointers[i] = policy;
    }
}

const char *key_text(const struct signing_key *key)
{
    static char line[SIGNING_PUBLIC_TEXT];
    struct signing_public_key public;

    signing_key_public(key, &public);
    signing_public_key_format(&public, line);
    return line;
}

void put_fleet(const struct fixture *f, const struct signing_key *keys, size_t count,
               const char *more)
{
    char file[512];
    size_t used = (size_t)snprintf(file, sizeof(file),
                                   "sample_interval: 500ms\nfleet_host: h1\n%sfleet_keys: [", more);

    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(file + used, sizeof(file) - used, "%s%s", i == 0 ? "" : ", ",
                                 key_text(&keys[i]));
    snprintf(file + used, sizeof(file) - used, "]\n");
    put(f, "vmreclaimd.yaml", file);
}

void hand_in_bytes(struct fixture *f, const uint8_t *bytes, size_t size)
{
    Vmreclaim__Controller__V1__ApplyDesiredRequest request =
        VMRECLAIM__CONTROLLER__V1__APPLY_DESIRED_REQUEST__INIT;

    request.state = (ProtobufCBinaryData){size, (uint8_t *)bytes};
    call(f, "ApplyDesired", &request.base);
}

void hand_in(struct fixture *f, const struct desired_message *message,
             const struct signing_key *key)
{
    uint8_t *bytes;
    size_t size;

    assert_int_equal(signed_state_sign(&message->state, key, &bytes, &size), 0);
    hand_in_bytes(f, bytes, size);
    free(bytes);
}

const Applied *answer_of(const struct fixture *f)
{
    if (f->code != TTRPC_OK)
        fail_msg("%s", f->message);
    return ((const Vmreclaim__Controller__V1__ApplyDesiredResponse *)f->response)->applied;
}

const Applied *status_of(struct fixture *f)
{
    Vmreclaim__Controller__V1__GetStatusRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_STATUS_REQUEST__INIT;

    call(f, "GetStatus", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    return ((const Vmreclaim__Controller__V1__GetStatusResponse *)f->response)->fleet;
}
