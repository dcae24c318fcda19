/* The hash table. */
#include "tests/lib/test.h"

#include "common/base/hash.h"

struct entry {
    struct hash_link link;
    uint64_t key;
};

static struct entry *find(const struct hash_table *table, uint64_t key)
{
    struct hash_link *link = hash_table_first(table, hash_number(key));

    while (link != NULL && container_of(link, struct entry, link)->key != key)
        link = hash_table_next(link);
    return link == NULL ? NULL : container_of(link, struct entry, link);
}

static void test_many_entries(void **state)
{
    static struct entry entries[1000];
    struct hash_table table;

    hash_table_init(&table);
    assert_null(find(&table, 7));
    for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
        entries[i].key = i;
        assert_int_equal(hash_table_add(&table, &entries[i].link, hash_number(i)), 0);
    }
    for (size_t i = 0; i < ARRAY_SIZE(entries); i += 2)
        hash_table_remove(&table, &entries[i].link);
    assert_int_equal(table.count, 500);
    for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
        assert_ptr_equal(find(&table, i), i % 2 == 0 ? NULL : &entries[i]);
    hash_table_remove(&table, &entries[0].link);
    assert_int_equal(table.count, 500);
    hash_table_finish(&table);
}

static void test_equal_hashes_are_walked(void **state)
{
    struct entry entries[3] = {{.key = 1}, {.key = 2}, {.key = 3}};
    struct hash_table table;
    struct hash_link *link;
    unsigned found = 0;

    hash_table_init(&table);
    for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
        assert_int_equal(hash_table_add(&table, &entries[i].link, i < 2 ? 42 : 42 + 16), 0);
    for (link = hash_table_first(&table, 42); link != NULL; link = hash_table_next(link))
        found++;
    assert_int_equal(found, 2);
    hash_table_finish(&table);
}

static void test_texts_differ(void **state)
{
    assert_int_not_equal(hash_text("web-1"), hash_text("web-2"));
    assert_int_equal(hash_text("web-1"), hash_text("web-1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_entries),
        cmocka_unit_test(test_equal_hashes_are_walked),
        cmocka_unit_test(test_texts_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
