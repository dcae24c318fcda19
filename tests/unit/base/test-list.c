/* The intrusive list. */
#include "tests/lib/test.h"

#include "common/base/list.h"

struct item {
    int number;
    struct list link;
};

static void test_order_and_removal(void **state)
{
    struct item items[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
    struct list head;
    int seen = 0;

    list_init(&head);
    assert_true(list_is_empty(&head));
    list_append(&head, &items[1].link);
    list_append(&head, &items[2].link);
    list_prepend(&head, &items[0].link);
    list_for_each (link, &head) {
        assert_int_equal(list_entry(link, struct item, link)->number, seen);
        seen++;
    }
    assert_int_equal(seen, 3);
    list_for_each_safe (link, following, &head)
        list_remove(link);
    assert_true(list_is_empty(&head));
    list_remove(&items[0].link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_removal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
