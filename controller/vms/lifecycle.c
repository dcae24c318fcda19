/* The life cycle's table and the walk through it. */
#include "controller/vms/lifecycle.h"

#include <assert.h>

#define BIT(state) (1u << (state))

static const struct {
    const char *name;
    unsigned next;        /* states that may follow */
    enum vm_state detour; /* towards a state that may not follow */
} states[VM_STATE_COUNT] = {
    [VM_DISCOVERED] = {"discovered",
                       BIT(VM_CONNECTED) | BIT(VM_PAUSED) | BIT(VM_MIGRATING) | BIT(VM_GONE),
                       VM_CONNECTED},
    [VM_CONNECTED] = {"connected",
                      BIT(VM_MANAGED) | BIT(VM_STALLED) | BIT(VM_LOST) | BIT(VM_PAUSED) |
                          BIT(VM_MIGRATING) | BIT(VM_GONE),
                      VM_LOST},
    [VM_MANAGED] = {"managed",
                    BIT(VM_CONNECTED) | BIT(VM_STALLED) | BIT(VM_LOST) | BIT(VM_PAUSED) |
                        BIT(VM_MIGRATING) | BIT(VM_GONE),
                    VM_LOST},
    [VM_PAUSED] = {"paused",
                   BIT(VM_DISCOVERED) | BIT(VM_CONNECTED) | BIT(VM_LOST) | BIT(VM_MIGRATING) |
                       BIT(VM_GONE),
                   VM_CONNECTED},
    [VM_MIGRATING] = {"migrating",
                      BIT(VM_DISCOVERED) | BIT(VM_CONNECTED) | BIT(VM_LOST) | BIT(VM_PAUSED) |
                          BIT(VM_GONE),
                      VM_CONNECTED},
    [VM_STALLED] = {"stalled",
                    BIT(VM_CONNECTED) | BIT(VM_MANAGED) | BIT(VM_LOST) | BIT(VM_PAUSED) |
                        BIT(VM_MIGRATING) | BIT(VM_GONE),
                    VM_LOST},
    [VM_LOST] = {"lost",
                 BIT(VM_DISCOVERED) | BIT(VM_CONNECTED) | BIT(VM_PAUSED) | BIT(VM_MIGRATING) |
                     BIT(VM_GONE),
                 VM_CONNECTED},
    [VM_GONE] = {"gone", BIT(VM_DISCOVERED), VM_DISCOVERED},
};

const char *vm_state_name(enum vm_state state)
{
    return states[state].name;
}

bool vm_state_may_follow(enum vm_state state, enum vm_state next)
{
    return (states[state].next & BIT(next)) != 0;
}

static enum vm_state state_of(const struct vm_facts *facts)
{
    if (facts->gone)
        return VM_GONE;
    if (facts->migrating)
        return VM_MIGRATING;
    if (facts->paused)
        return VM_PAUSED;
    if (!facts->agent_connected)
        return facts->agent_was_here ? VM_LOST : VM_DISCOVERED;
    if (facts->agent_late)
        return VM_STALLED;
    return facts->agent_ready ? VM_MANAGED : VM_CONNECTED;
}

enum vm_state vm_state_step(enum vm_state state, const struct vm_facts *facts)
{
    enum vm_state wanted;

    assert(state < VM_STATE_COUNT);
    wanted = state_of(facts);
    if (wanted == state || vm_state_may_follow(state, wanted))
        return wanted;
    assert(states[state].detour != state);
    assert(vm_state_may_follow(state, states[state].detour));
    return states[state].detour;
}
