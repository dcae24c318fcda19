/* The deadline queue against a plain array. */
#include "tests/lib/test.h"

#include <stdlib.h>

#include "common/ttrpc/deadline.h"

#define COUNT 200

struct item {
    struct deadline deadline;
    struct deadline_queue *queue;
    nsec_t expired_due;
    unsigned expired;
    nsec_t again; /* set anew when it expires */
};

static nsec_t last_expired;

static void on_expire(struct deadline *deadline)
{
    struct item *item = container_of(deadline, struct item, deadline);

    item->expired++;
    item->expired_due = deadline->due;
    last_expired = deadline->due;
    if (item->again != 0) {
        deadline_set(item->queue, deadline, item->again);
        item->again = 0;
    }
}

static void init_items(struct item *items, struct deadline_queue *queue)
{
    for (unsigned i = 0; i < COUNT; i++) {
        items[i] = (struct item){.queue = queue};
        deadline_init(&items[i].deadline, on_expire);
    }
}

static void test_order(void **state)
{
    struct deadline_queue queue = {0};
    struct item items[COUNT];

    init_items(items, &queue);
    assert_true(deadline_next(&queue) == NSEC_INFINITY);
    for (unsigned i = 0; i < COUNT; i++)
        deadline_set(&queue, &items[i].deadline, 1 + (nsec_t)i * 73 % COUNT);
    for (nsec_t now = 1; now <= COUNT; now++) {
        assert_true(deadline_next(&queue) == now);
        deadline_expire(&queue, now);
        assert_true(last_expired == now);
    }
    assert_null(queue.first);
}

static nsec_t earliest(const struct item *items)
{
    nsec_t least = NSEC_INFINITY;

    for (unsigned i = 0; i < COUNT; i++)
        if (deadline_is_set(&items[i].deadline))
            least = min_of(least, items[i].deadline.due);
    return least;
}

/* Random setting, moving, clearing and expiring; after each step the head is the earliest. */
static void test_random_steps(void **state)
{
    struct deadline_queue queue = {0};
    struct item items[COUNT];
    nsec_t now = 0;

    srandom(1);
    init_items(items, &queue);
    for (unsigned step = 0; step < 20000; step++) {
        struct item *item = &items[random() % COUNT];

        switch (random() % 4) {
        case 0:
            deadline_clear(&queue, &item->deadline);
            assert_false(deadline_is_set(&item->deadline));
            break;
        case 1:
            now += (nsec_t)(random() % 20);
            deadline_expire(&queue, now);
            assert_true(deadline_next(&queue) > now);
            break;
        default:
            deadline_set(&queue, &item->deadline, now + 1 + (nsec_t)(random() % 1000));
        }
        assert_true(deadline_next(&queue) == earliest(items));
    }
}

static void test_may_set_itself_again(void **state)
{
    struct deadline_queue queue = {0};
    struct item items[COUNT];

    init_items(items, &queue);
    items[0].again = 20;
    deadline_set(&queue, &items[0].deadline, 10);
    deadline_expire(&queue, 15);
    assert_int_equal(items[0].expired, 1);
    assert_true(deadline_next(&queue) == 20);
    deadline_expire(&queue, 20);
    assert_int_equal(items[0].expired, 2);
    assert_true(items[0].expired_due == 20);
    assert_false(deadline_is_set(&items[0].deadline));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_random_steps),
        cmocka_unit_test(test_may_set_itself_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
