/* The part of a libuv loop that its connections share.
 *
 * The timer is only ever moved to an earlier time. When it fires too early, because its deadline
 * has been cleared, it is set again. A call with a timeout that is answered in time so costs no
 * timer work beyond the heap's. Timer and prepare handle do not keep the loop alive, but for
 * connections that wait for nothing else. */
#include "common/ttrpc/loop.h"

#include <assert.h>
#include <stdlib.h>

static _Thread_local struct list loops;

static struct ttrpc_loop *find(const uv_loop_t *uv)
{
    if (loops.next == NULL)
        list_init(&loops);
    list_for_each (link, &loops) {
        struct ttrpc_loop *loop = list_entry(link, struct ttrpc_loop, link);

        if (loop->uv == uv)
            return loop;
    }
    return NULL;
}

static void on_timer(uv_timer_t *timer);

static void arm(struct ttrpc_loop *loop)
{
    nsec_t due = deadline_next(&loop->deadlines);
    nsec_t now;
    uint64_t delay;

    if (due >= loop->timer_due)
        return;
    assert(loop->references > 0);
    loop->timer_due = due;
    now = time_monotonic();
    delay = due <= now ? 0 : (due - now + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC;
    /* libuv counts from the time it read at the start of this turn. */
    uv_update_time(loop->uv);
    uv_timer_start(&loop->timer, on_timer, delay, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct ttrpc_loop *loop = timer->data;

    loop->timer_due = NSEC_INFINITY;
    deadline_expire(&loop->deadlines, time_monotonic());
    arm(loop);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct ttrpc_loop *loop = prepare->data;

    loop->turn++;
    while (!list_is_empty(&loop->flush)) {
        struct loop_flush *flush = list_entry(loop->flush.next, struct loop_flush, link);

        list_remove(&flush->link);
        flush->on_flush(flush);
    }
}

/* uv_timer_init, uv_prepare_init and uv_prepare_start cannot fail. */
static void start_handles(struct ttrpc_loop *loop)
{
    uv_timer_init(loop->uv, &loop->timer);
    (void)uv_prepare_init(loop->uv, &loop->prepare);
    (void)uv_prepare_start(&loop->prepare, on_prepare);
    loop->timer.data = loop;
    loop->prepare.data = loop;
    uv_unref((uv_handle_t *)&loop->timer);
    uv_unref((uv_handle_t *)&loop->prepare);
    loop->open_handles = 2;
}

struct ttrpc_loop *ttrpc_loop_acquire(uv_loop_t *uv)
{
    struct ttrpc_loop *loop = find(uv);

    if (loop == NULL) {
        loop = malloc(sizeof(*loop));
        if (loop == NULL)
            return NULL;
        loop->uv = uv;
        loop->references = 0;
        loop->deadlines = (struct deadline_queue){0};
        loop->timer_due = NSEC_INFINITY;
        loop->turn = 1;
        loop->waiting = 0;
        list_init(&loop->flush);
        arena_init(&loop->arena, 0);
        start_handles(loop);
        list_append(&loops, &loop->link);
    }
    loop->references++;
    return loop;
}

static void on_closed(uv_handle_t *handle)
{
    struct ttrpc_loop *loop = handle->data;

    if (--loop->open_handles == 0)
        free(loop);
}

void ttrpc_loop_release(struct ttrpc_loop *loop)
{
    assert(loop->references > 0);
    if (--loop->references > 0)
        return;
    assert(loop->waiting == 0 && list_is_empty(&loop->flush));
    list_remove(&loop->link);
    uv_close((uv_handle_t *)&loop->timer, on_closed);
    uv_close((uv_handle_t *)&loop->prepare, on_closed);
}

void ttrpc_loop_wait_for_deadline(struct ttrpc_loop *loop, bool waits)
{
    assert(waits || loop->waiting > 0);
    loop->waiting += waits ? 1u : -1u;
    if (loop->waiting > 0)
        uv_ref((uv_handle_t *)&loop->timer);
    else
        uv_unref((uv_handle_t *)&loop->timer);
}

void ttrpc_loop_set_deadline(struct ttrpc_loop *loop, struct deadline *deadline, nsec_t due)
{
    deadline_set(&loop->deadlines, deadline, due);
    arm(loop);
}

void ttrpc_loop_clear_deadline(struct ttrpc_loop *loop, struct deadline *deadline)
{
    deadline_clear(&loop->deadlines, deadline);
}
