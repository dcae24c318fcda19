/* The balloon's world. */
#include "tests/unit/controller/leases/balloon-world.h"

void world_init(struct world *w)
{
    *w = (struct world){
        .input =
            {
                .now = 1000 * NSEC_PER_SEC,
                .ready = true,
                .running = true,
                .ram = 4 * GIB,
                .actual = 4 * GIB,
                .maximum = 4 * GIB,
                .deflate_on_oom = true,
                .guest_is_fresh = true,
                .guest_read = 1000 * NSEC_PER_SEC,
                .available = 3 * GIB,
                .footprint = 4 * GIB,
            },
        .next_id = 1,
    };
    balloon_adopt(&w->control, 4 * GIB, 4 * GIB);
}

/* What a lease's release needs to be found again after a crash. */
struct lease *journaled(struct world *w, uint64_t id)
{
    for (size_t i = 0; i < ARRAY_SIZE(w->journal); i++)
        if (w->journal[i].id == id)
            return &w->journal[i];
    return NULL;
}

static void put(struct world *w, const struct lease *lease)
{
    struct lease *place = journaled(w, lease->id);

    w->puts++;
    if (place == NULL)
        place = journaled(w, 0);
    assert_non_null(place);
    if (w->put_status == 0)
        *place = *lease;
}

static void follow(struct world *w)
{
    uint64_t target = w->control.target;

    if (w->stuck)
        return;
    if (target < w->input.actual) {
        w->input.available -= w->input.actual - target;
        if (!w->never_frees)
            w->input.footprint -= w->input.actual - target;
    } else {
        w->input.available += target - w->input.actual;
    }
    w->input.actual = target;
}

/* One action, done. */
enum balloon_action_kind act(struct world *w)
{
    struct balloon_action action = balloon_step(&w->control, &w->input);
    int status = 0;

    w->input.pressure = false;
    w->input.voided = false;
    switch (action.kind) {
    case BALLOON_PUT:
        put(w, &action.lease);
        status = w->put_status;
        break;
    case BALLOON_FORGET:
        w->forgets++;
        if (journaled(w, action.lease.id) != NULL)
            *journaled(w, action.lease.id) = (struct lease){0};
        break;
    case BALLOON_TELL:
        w->tells++;
        w->told = action.target;
        status = w->tell_status;
        w->tell_status = 0;
        /* What is taken is in the journal. */
        if (action.target < w->control.target)
            for (uint32_t i = 0; i < w->control.lease_count; i++)
                assert_non_null(journaled(w, w->control.leases[i].lease.id));
        assert_true(action.target <= w->control.baseline);
        assert_true(action.target >= 64 * MIB);
        break;
    case BALLOON_NOTHING:
        return BALLOON_NOTHING;
    }
    balloon_done(&w->control, &action, status, w->input.now);
    if (action.kind == BALLOON_TELL && status == 0)
        follow(w);
    return action.kind;
}

void pass(struct world *w, nsec_t time)
{
    w->input.now += time;
    if (!w->hangs)
        w->input.guest_read = w->input.now;
}

/* Until nothing changes, a second at a time. */
void run(struct world *w, unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i++) {
        while (act(w) != BALLOON_NOTHING)
            ;
        follow(w);
        pass(w, NSEC_PER_SEC);
    }
}

int request(struct world *w, uint64_t bytes, struct error *error)
{
    const struct lease lease = {.id = w->next_id++, .bytes = bytes, .owner = "test"};

    return balloon_request(&w->control, &lease, &w->input, error);
}

void world_with_lease(struct world *w)
{
    world_init(w);
    assert_int_equal(request(w, GIB, NULL), 0);
    run(w, 10);
}

bool has_news(struct world *w, enum balloon_news wanted)
{
    bool found = false;

    for (enum balloon_news news = balloon_take_news(&w->control); news != BALLOON_NO_NEWS;
         news = balloon_take_news(&w->control))
        found = found || news == wanted;
    return found;
}
