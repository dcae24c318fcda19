/* What the arbiter decides. */
#include "controller/arbiter/arbiter.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/base/util.h"

void arbiter_init(struct arbiter *arbiter)
{
    *arbiter = (struct arbiter){.state = ARBITER_RESTING};
}

void arbiter_finish(struct arbiter *arbiter)
{
    free(arbiter->claims);
    *arbiter = (struct arbiter){.state = ARBITER_RESTING};
}

static int make_room(struct arbiter *arbiter, size_t count)
{
    struct share_claim *claims;

    if (count <= arbiter->room)
        return 0;
    claims = reallocarray(arbiter->claims, count, sizeof(*claims));
    if (claims == NULL)
        return -ENOMEM;
    arbiter->claims = claims;
    arbiter->room = count;
    return 0;
}

/* ---- what is counted ---- */

static uint64_t coming_of(const struct arbiter_vm *vm, nsec_t now)
{
    const struct arbiter_pending *taken = &vm->memory->taken;
    uint64_t fallen = saturating_subtract(taken->footprint, vm->footprint);

    return now >= taken->end ? 0 : saturating_subtract(taken->bytes, fallen);
}

struct arbiter_view arbiter_look(const struct arbiter_host *host, const struct arbiter_vm vms[],
                                 size_t count)
{
    struct arbiter_view view = {.available = host->available, .promised = host->reserved};

    for (size_t i = 0; i < count; i++)
        view.coming += coming_of(&vms[i], host->now);
    view.counted = saturating_subtract(view.available, view.promised) + view.coming;
    return view;
}

/* ---- the step ---- */

int arbiter_step(struct arbiter *arbiter, const struct arbiter_host *host, struct arbiter_vm vms[],
                 size_t count, struct arbiter_request requests[], size_t *ret_count)
{
    int r = make_room(arbiter, count);

    if (r < 0)
        return r;
    assert(host->critical < host->low && host->low < host->high);
    *ret_count = 0;
    return 0;
}

void arbiter_note_refused(struct arbiter_memory *memory, enum arbiter_step step, nsec_t now)
{
    memory->cool[step] = now + 30 * NSEC_PER_SEC;
    memory->taken = (struct arbiter_pending){.bytes = 0};
}

void arbiter_note_end(struct arbiter_memory *memory, enum arbiter_step step, uint64_t brought,
                      nsec_t now)
{
    memory->asked = ARBITER_NO_STEP;
}
