/* Which hosts are meant. */
#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>

#include "controller/selectors/host-selector.h"

static char zone[] = "zone=a", tier[] = "tier=db", canary[] = "canary";
static char *const labels[] = {zone, tier, canary};
static const struct host_subject host = {"h0012", "rack1-node2", labels, ARRAY_SIZE(labels)};

static bool means(const char *selector)
{
    assert_int_equal(host_selector_check(selector, NULL), 0);
    return host_selector_matches(selector, &host);
}

static void test_names_ids_and_globs(void **state)
{
    (void)state;
    assert_true(means("all"));
    assert_true(means("*"));
    assert_true(means("h0012"));
    assert_true(means("rack1-node2"));
    assert_true(means("host:rack1-node2"));
    assert_true(means("rack1-*"));
    assert_true(means("host:h00*"));
    assert_false(means("rack2-*"));
    assert_false(means("node2"));
}

static void test_labels(void **state)
{
    (void)state;
    assert_true(means("label:zone=a"));
    assert_true(means("label:canary"));
    assert_true(means("label:zone in (a,b),tier=db"));
    assert_false(means("label:zone=a,tier!=db"));
    assert_false(means("label:!canary"));
}

static void test_a_host_without_a_name(void **state)
{
    const struct host_subject bare = {.id = "h1"};

    (void)state;
    assert_true(host_selector_matches("h1", &bare));
    assert_false(host_selector_matches("node*", &bare));
    assert_false(host_selector_matches("label:zone=a", &bare));
}

static void test_what_cannot_be_read_means_none(void **state)
{
    static const char *const wrong[] = {"", "host:", "label:", "label:a=b,", "a b", "[0"};
    struct error error;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        if (host_selector_check(wrong[i], &error) != -EINVAL ||
            host_selector_matches(wrong[i], &host))
            fail_msg("'%s' is taken", wrong[i]);
    assert_int_equal(host_selector_check("label:", &error), -EINVAL);
    assert_non_null(strstr(error.text, "label:KEY=VALUE"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_ids_and_globs),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_a_host_without_a_name),
        cmocka_unit_test(test_what_cannot_be_read_means_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
