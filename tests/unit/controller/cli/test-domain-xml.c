/* Changes to domain XML. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cli/domain-xml.h"

#define HEAD  "<domain type='kvm'>\n  <title>&lt;memballoon&gt;</title>\n  <devices>\n"
#define TAIL  "  </devices>\n</domain>\n"
#define STATS "\n      <stats period='10'/>\n    </memballoon>\n"

static const struct domain_balloon both = {.reporting = true, .deflate = true};

static void assert_change(const char *from, const struct domain_balloon *balloon, const char *to)
{
    char *result = NULL;

    assert_int_equal(domain_xml_balloon(from, balloon, &result), 0);
    assert_string_equal(result, to);
    free(result);
}

static void test_attributes(void **state)
{
    static const struct domain_balloon reporting = {.reporting = true};

    assert_change(
        HEAD "    <memballoon model='virtio'>\n      <address/>\n    </memballoon>\n" TAIL, &both,
        HEAD "    <memballoon model='virtio' autodeflate='on' freePageReporting='on'>\n"
             "      <address/>\n    </memballoon>\n" TAIL);
    assert_change(HEAD "    <memballoon model='virtio'/>\n" TAIL, &reporting,
                  HEAD "    <memballoon model='virtio' freePageReporting='on'/>\n" TAIL);
    assert_change(HEAD "    <memballoon freePageReporting=\"off\" model='a>b'/>\n" TAIL, &reporting,
                  HEAD "    <memballoon freePageReporting=\"on\" model='a>b'/>\n" TAIL);
    /* What is on stays as it is. */
    assert_change(HEAD "    <memballoon model='virtio' freePageReporting='on'/>\n" TAIL, &reporting,
                  HEAD "    <memballoon model='virtio' freePageReporting='on'/>\n" TAIL);
}

static void test_no_balloon(void **state)
{
    static const char with[] = HEAD "    <memballoon model='virtio' autodeflate='on' "
                                    "freePageReporting='on'>" STATS TAIL;

    assert_change(HEAD TAIL, &both, with);
    assert_change(HEAD "    <memballoon model='none'/>\n" TAIL, &both, with);
    assert_change(HEAD "    <memballoon model='none'>\n    </memballoon>\n" TAIL, &both, with);
}

static void test_what_is_none(void **state)
{
    static const char *const texts[] = {"", "error: no domain", "<domain></domain>",
                                        "<domain><devices>", "</devices><domain>"};
    char *result = NULL;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(domain_xml_balloon(texts[i], &both, &result), -EINVAL);
    /* Cut off in the middle of the tag: one more is added, and nothing is read behind the end. */
    if (domain_xml_balloon("<domain><devices></devices><memballoon model='v", &both, &result) == 0)
        free(result);
}

static void test_tag(void **state)
{
    char *tag = domain_xml_balloon_tag(HEAD "    <memballoon model='virtio'>" STATS TAIL);

    assert_string_equal(tag, "<memballoon model='virtio'>");
    free(tag);
    tag = domain_xml_balloon_tag(HEAD TAIL);
    assert_string_equal(tag, "");
    free(tag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_no_balloon),
        cmocka_unit_test(test_what_is_none),
        cmocka_unit_test(test_tag),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
