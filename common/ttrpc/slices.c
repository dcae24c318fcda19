/* Work that is made in slices. */
#include "common/ttrpc/slices.h"

static struct slice_work *take_first(struct slices *slices)
{
    struct slice_work *work = list_entry(slices->ready.next, struct slice_work, link);

    list_remove(&work->link);
    return work;
}

static void on_turn(uv_idle_t *idle)
{
    struct slices *slices = container_of(idle, struct slices, idle);
    struct slice_work *work = take_first(slices);

    if (list_is_empty(&slices->ready))
        (void)uv_idle_stop(idle);
    work->make_slice(work);
}

void slices_add(struct slices *slices, struct slice_work *work)
{
    if (uv_is_closing((uv_handle_t *)&slices->idle)) {
        work->cancel(work);
        return;
    }
    list_append(&slices->ready, &work->link);
    (void)uv_idle_start(&slices->idle, on_turn);
}

void slices_init(struct slices *slices, uv_loop_t *loop)
{
    (void)uv_idle_init(loop, &slices->idle); /* never fails */
    list_init(&slices->ready);
}

void slices_stop(struct slices *slices)
{
    uv_close((uv_handle_t *)&slices->idle, NULL);
    while (!list_is_empty(&slices->ready)) {
        struct slice_work *work = take_first(slices);

        work->cancel(work);
    }
}
