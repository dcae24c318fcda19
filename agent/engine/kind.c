/* The table of kinds. */
#include "agent/engine/kind.h"

#include <assert.h>
#include <stddef.h>

const struct action_traits *action_traits(enum action_kind kind)
{
    static const struct action_traits traits[ACTION_KIND_COUNT] = {
#define KIND(name, wire, effect, text, step) [ACTION_##name] = {ACTION_##effect, text, step},
        ACTION_KINDS(KIND)
#undef KIND
    };

    assert(kind > ACTION_NONE && kind < ACTION_KIND_COUNT);
    return &traits[kind];
}
