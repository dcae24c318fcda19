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

/* ---- its memory ---- */

static void expect_size(const char *xml, uint64_t bytes)
{
    uint64_t memory = 0;

    assert_int_equal(domain_xml_memory(xml, &memory), 0);
    assert_int_equal(memory, bytes);
}

static void test_memory(void **state)
{
    expect_size("<domain type='kvm'>\n  <name>web9</name>\n"
                "  <maxMemory slots='16' unit='KiB'>16777216</maxMemory>\n"
                "  <memory unit='KiB'>4194304</memory>\n"
                "  <currentMemory unit='KiB'>2097152</currentMemory>\n"
                "  <memoryBacking>\n    <source type='memfd'/>\n  </memoryBacking>\n"
                "  <devices>\n    <memory model='dimm'>\n      <target>\n"
                "        <size unit='KiB'>1048576</size>\n      </target>\n    </memory>\n" TAIL,
                (uint64_t)4 << 30);
    expect_size("<domain><memory dumpCore='off' unit=\"KiB\">1024</memory></domain>", 1 << 20);
    expect_size("<domain><memory>1024</memory></domain>", 1 << 20);
}

/* People write anything into titles and metadata. */
static void test_memory_that_is_metadata(void **state)
{
    expect_size("<domain>\n  <title>&lt;memory&gt;1&lt;/memory&gt;</title>\n  <metadata>\n"
                "    <a xmlns='b'><metadata/><memory>1</memory></a>\n"
                "    <c><![CDATA[</metadata><memory>2</memory>]]></c>\n  </metadata>\n"
                "  <memory unit='KiB'>2048</memory>\n</domain>",
                2 << 20);
}

static void test_no_memory(void **state)
{
    static const char *const texts[] = {
        "",
        "<memory>1</memory>",
        "<domain></domain>",
        "<domain><memory",
        "<domain><memory>",
        "<domain><memory unit='KiB'>0</memory>",
        "<domain><memory unit='GiB'>1</memory>",
        "<domain><memory unit='KiB'>-1</memory>",
        "<domain><memory unit='KiB'>1",
        "<domain><memory unit='KiB'>18014398509481984</memory>",
        "<domain><memory unit='KiB'>1111111111111111111111111111</memory>",
        "<domain><memoryBacking>1</memoryBacking>",
    };
    uint64_t memory = 7;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(domain_xml_memory(texts[i], &memory), -EINVAL);
    assert_int_equal(memory, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory),     cmocka_unit_test(test_memory_that_is_metadata),
        cmocka_unit_test(test_no_memory),  cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_no_balloon), cmocka_unit_test(test_what_is_none),
        cmocka_unit_test(test_tag),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
