/* Work that is made in slices. */
#include "controller/api/slices.h"

static struct api_work *take_first(struct api_slices *slices)
{
    struct api_work *work = list_entry(slices->ready.next, struct api_work, link);

    list_remove(&work->link);
    return work;
}

static void on_turn(uv_idle_t *idle)
{
    struct api_slices *slices = container_of(idle, struct api_slices, idle);
    struct api_work *work = take_first(slices);

    if (list_is_empty(&slices->ready))
        (void)uv_idle_stop(idle);
    work->make_slice(work);
}

void api_slices_add(struct api_slices *slices, struct api_work *work)
{
    if (uv_is_closing((uv_handle_t *)&slices->idle)) {
        work->cancel(work);
        return;
    }
    list_append(&slices->ready, &work->link);
    (void)uv_idle_start(&slices->idle, on_turn);
}

void api_slices_init(struct api_slices *slices, uv_loop_t *loop)
{
    (void)uv_idle_init(loop, &slices->idle); /* never fails */
    list_init(&slices->ready);
}

void api_slices_stop(struct api_slices *slices)
{
    uv_close((uv_handle_t *)&slices->idle, NULL);
    while (!list_is_empty(&slices->ready)) {
        struct api_work *work = take_first(slices);

        work->cancel(work);
    }
}
