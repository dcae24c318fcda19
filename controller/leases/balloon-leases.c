/* Leases of a balloon. */
#include "controller/leases/balloon-leases.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/util.h"

const char *balloon_news_text(enum balloon_news news)
{
    static const char *const texts[] = {
        [BALLOON_NO_NEWS] = "",
        [BALLOON_NEWS_HELD] = "a lease is held",
        [BALLOON_NEWS_REACHED] = "the guest has given what was asked of it",
        [BALLOON_NEWS_RELEASED] = "the guest has its memory back",
        [BALLOON_NEWS_EXPIRED] = "a lease expired",
        [BALLOON_NEWS_PRESSURE] = "the guest needs memory: its leases end, it gets all back",
        [BALLOON_NEWS_VOID] =
            "the guest was reset, migrated or restored: its leases end, it gets all back",
        [BALLOON_NEWS_FOREIGN] =
            "someone else moves the balloon: the leases end, what is found is the new baseline",
        [BALLOON_NEWS_STALLED] = "the guest does not give more; tried again later",
        [BALLOON_NEWS_INERT] =
            "the guest gave memory, the host got nothing (assigned device?): the leases end",
        [BALLOON_NEWS_NO_JOURNAL] = "a lease could not be written to the journal and is refused",
        [BALLOON_NEWS_REFUSED] = "the hypervisor refuses the balloon's target",
    };

    return texts[news];
}

uint64_t balloon_headroom(uint64_t ram, bool deflate_on_oom)
{
    /* Without deflate-on-oom a guest that is short kills a process before we can help. */
    return deflate_on_oom ? max_of(64 * MIB, ram / 20) : max_of(256 * MIB, ram / 5);
}

/* ---- sums ---- */

bool balloon_counts(const struct balloon_lease *entry)
{
    return entry->lease.state != LEASE_RELEASING;
}

bool balloon_is_pulse(const struct balloon_control *control, const struct balloon_lease *entry)
{
    return pulse_is_on(&control->pulse) && entry->lease.id == control->pulse.lease;
}

uint64_t balloon_held(const struct balloon_control *control)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < control->lease_count; i++) {
        const struct balloon_lease *entry = &control->leases[i];

        if (balloon_counts(entry))
            bytes += balloon_is_pulse(control, entry) ? pulse_depth(&control->pulse)
                                                      : entry->lease.bytes;
    }
    return bytes;
}

static uint64_t floor_of(const struct balloon_control *control)
{
    uint64_t floor = BALLOON_SIZE_MIN;

    for (uint32_t i = 0; i < control->lease_count; i++)
        if (balloon_counts(&control->leases[i]))
            floor = max_of(floor, control->leases[i].lease.floor);
    return min_of(floor, control->baseline);
}

uint64_t balloon_wanted(const struct balloon_control *control)
{
    uint64_t held = balloon_held(control);
    uint64_t floor = floor_of(control);

    assert(floor <= control->baseline);
    return held < control->baseline - floor ? control->baseline - held : floor;
}

uint64_t balloon_moved_size(uint64_t size, uint64_t before, uint64_t now)
{
    if (now >= before)
        return size + (now - before);
    return max_of(saturating_subtract(size, before - now), MIB);
}

struct balloon_lease *balloon_find_lease(struct balloon_control *control, uint64_t id)
{
    for (uint32_t i = 0; i < control->lease_count; i++)
        if (control->leases[i].lease.id == id)
            return &control->leases[i];
    return NULL;
}

void balloon_drop_lease(struct balloon_control *control, uint64_t id)
{
    struct balloon_lease *entry = balloon_find_lease(control, id);

    if (entry != NULL)
        *entry = control->leases[--control->lease_count];
}

void balloon_set_state(struct balloon_lease *entry, enum lease_state state)
{
    static const unsigned next[LEASE_STATE_COUNT] = {
        [LEASE_REQUESTED] = 1u << LEASE_HELD | 1u << LEASE_RELEASING,
        [LEASE_HELD] = 1u << LEASE_RELEASING,
    };

    if (entry->lease.state == state)
        return;
    assert((next[entry->lease.state] & 1u << state) != 0);
    entry->lease.state = state;
    entry->written = false;
}

void balloon_release_all(struct balloon_control *control)
{
    for (uint32_t i = 0; i < control->lease_count; i++)
        balloon_set_state(&control->leases[i], LEASE_RELEASING);
    assert(balloon_held(control) == 0 && balloon_wanted(control) == control->baseline);
}

void balloon_check(const struct balloon_control *control)
{
    assert(control->lease_count <= BALLOON_LEASES_MAX);
    assert(control->baseline != 0 || control->lease_count == 0);
    assert(control->trust <= BALLOON_INERT);
    assert(control->news >> BALLOON_NEWS_COUNT == 0);
    assert(!control->telling || (control->unanswered > 0 && control->telling_target != 0));
    assert(control->doubted == 0 || control->target != 0);
    assert(control->moved >= control->told);
    assert(control->strange == 0 || control->strange >= control->told);
    assert(pulse_is_on(&control->pulse) || pulse_depth(&control->pulse) == 0);
    for (uint32_t i = 0; i < control->lease_count; i++) {
        const struct balloon_lease *entry = &control->leases[i];

        assert(entry->lease.id != 0 && entry->lease.bytes != 0);
        assert(entry->lease.state < LEASE_STATE_COUNT);
        for (uint32_t j = 0; j < i; j++)
            assert(control->leases[j].lease.id != entry->lease.id);
    }
}

void balloon_rename(struct balloon_control *control, const char *vm)
{
    for (uint32_t i = 0; i < control->lease_count; i++) {
        struct balloon_lease *entry = &control->leases[i];

        memset(entry->lease.vm, 0, sizeof(entry->lease.vm));
        memcpy(entry->lease.vm, vm, strnlen(vm, sizeof(entry->lease.vm) - 1));
        entry->written = false;
    }
}

/* ---- what is there ---- */

void balloon_adopt(struct balloon_control *control, uint64_t actual, uint64_t maximum)
{
    *control = (struct balloon_control){
        .baseline = actual,
        .maximum = maximum,
        .target = actual,
        .actual = actual,
        .from = actual,
    };
}

void balloon_recover(struct balloon_control *control, uint64_t baseline)
{
    assert(baseline > control->actual && control->actual != 0);
    control->baseline = baseline;
    control->raise = true;
}

void balloon_set_inert(struct balloon_control *control)
{
    control->trust = BALLOON_INERT;
}

/* Memory may have been plugged while nobody looked. */
static void follow_maximum(const struct balloon_control *control, struct balloon_lease *entry)
{
    struct lease *lease = &entry->lease;

    if (control->maximum == 0 || lease->maximum == control->maximum)
        return;
    if (lease->maximum != 0)
        lease->baseline = balloon_moved_size(lease->baseline, lease->maximum, control->maximum);
    lease->maximum = control->maximum;
    entry->written = false;
}

int balloon_resume(struct balloon_control *control, const struct lease *lease, bool is_valid)
{
    struct balloon_lease *entry;

    balloon_check(control);
    assert(control->baseline != 0);
    if (control->lease_count == BALLOON_LEASES_MAX)
        return -ENOSPC;
    entry = &control->leases[control->lease_count++];
    *entry = (struct balloon_lease){.lease = *lease, .written = true};
    follow_maximum(control, entry);
    control->baseline = max_of(control->baseline, entry->lease.baseline);
    control->resync = true;
    /* Nobody has heard that a requested one is held. */
    if (!is_valid || lease->state == LEASE_REQUESTED)
        balloon_set_state(entry, LEASE_RELEASING);
    assert(control->baseline >= entry->lease.baseline);
    balloon_check(control);
    return 0;
}

/* ---- requests ---- */

bool balloon_may_step_down(const struct balloon_control *control, const struct balloon_input *input)
{
    return input->running && input->now >= control->retry && control->trust != BALLOON_INERT &&
           control->trust != BALLOON_CANARY && control->actual <= control->target + BALLOON_SLACK;
}

/* What could be taken without touching the headroom. */
uint64_t balloon_takeable(const struct balloon_input *input)
{
    uint64_t headroom = balloon_headroom(input->ram, input->deflate_on_oom);

    return saturating_subtract(input->available, headroom);
}

static int check_guest(const struct balloon_control *control, uint64_t bytes,
                       const struct balloon_input *input, struct error *error)
{
    if (control->trust == BALLOON_INERT)
        return error_set(error, -EOPNOTSUPP, "%s", balloon_news_text(BALLOON_NEWS_INERT));
    if (!input->running)
        return error_set(error, -EBUSY, "the guest is paused or migrating");
    if (!input->guest_is_fresh)
        return error_set(
            error, -EBUSY,
            "there is no fresh reading of the guest: its agent is not connected or does "
            "not answer");
    if (bytes > balloon_takeable(input))
        return error_set(error, -EBUSY,
                         "the guest could give %s now, the rest is in use or headroom; reclaim its "
                         "cache first, or ask for less",
                         BYTES_TEXT(balloon_takeable(input)));
    return 0;
}

static const char *why_floor(uint64_t floor)
{
    return floor > BALLOON_SIZE_MIN ? "'floor' in its VM file or policy says so"
                                    : "no guest lives with less";
}

int balloon_request(struct balloon_control *control, const struct lease *lease,
                    const struct balloon_input *input, struct error *error)
{
    uint64_t held = balloon_held(control);
    uint64_t floor = max_of(floor_of(control), lease->floor);
    int r;

    balloon_check(control);
    assert(balloon_find_lease(control, lease->id) == NULL);
    if (control->lease_count == BALLOON_LEASES_MAX)
        return error_set(error, -ENOSPC, "the VM has %d leases already; release one",
                         BALLOON_LEASES_MAX);
    if (pulse_is_on(&control->pulse))
        return error_set(error, -EBUSY, "a pulse is under way; try again when it has ended");
    if (lease->bytes == 0)
        return error_set(error, -EINVAL, "a lease of nothing takes nothing; give it a size");
    if (control->baseline < floor || lease->bytes > control->baseline - floor ||
        held > control->baseline - floor - lease->bytes)
        return error_set(error, -EBUSY,
                         "%s cannot be taken: the VM has %s, %s of it is held already, %s must "
                         "stay: %s",
                         BYTES_TEXT(lease->bytes), BYTES_TEXT(control->baseline), BYTES_TEXT(held),
                         BYTES_TEXT(floor), why_floor(floor));
    r = check_guest(control, lease->bytes, input, error);
    if (r < 0)
        return r;
    control->leases[control->lease_count] = (struct balloon_lease){.lease = *lease};
    control->leases[control->lease_count].lease.state = LEASE_REQUESTED;
    control->leases[control->lease_count].lease.baseline = control->baseline;
    control->leases[control->lease_count].lease.maximum = control->maximum;
    control->lease_count++;
    control->stalled = false;
    control->retry = 0;
    balloon_check(control);
    assert(balloon_wanted(control) == control->baseline - held - lease->bytes);
    return 0;
}

bool balloon_release(struct balloon_control *control, uint64_t id)
{
    struct balloon_lease *entry;

    balloon_check(control);
    if (id == 0) {
        balloon_release_all(control);
        return control->lease_count > 0;
    }
    entry = balloon_find_lease(control, id);
    if (entry != NULL)
        balloon_set_state(entry, LEASE_RELEASING);
    return entry != NULL;
}
