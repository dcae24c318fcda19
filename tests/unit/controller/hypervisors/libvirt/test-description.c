/* What the XML of domains says. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "controller/hypervisors/libvirt/description.h"

#define UUID "20b51cfa-8eec-4c75-991e-533a30ba5819"

static struct description description;
static struct driver_facts facts;

static int parse(const char *xml)
{
    struct error error = {""};
    int r = description_parse(xml, strlen(xml), &description, &error);

    assert_true((r < 0) == (error.text[0] != '\0'));
    facts = (struct driver_facts){0};
    if (r == 0)
        description_facts(&description, &facts);
    return r;
}

/* As libvirt 9.0 tells of a domain that a tool made. */
static void test_a_stock_domain(void **state)
{
    assert_int_equal(
        parse("<domain type='qemu' id='1'><name>vm1</name><uuid>" UUID "</uuid>"
              "<memory unit='KiB'>196608</memory><currentMemory unit='KiB'>131072</currentMemory>"
              "<vcpu placement='static'>1</vcpu><cpu mode='custom'><model>qemu64</model></cpu>"
              "<devices><channel type='unix'><target type='virtio' name='lab.exec'/></channel>"
              "<memballoon model='virtio'><alias name='balloon0'/></memballoon></devices>"
              "</domain>"),
        0);
    assert_string_equal(facts.name, "vm1");
    assert_string_equal(facts.uuid, UUID);
    assert_string_equal(facts.title, "");
    assert_string_equal(facts.labels, "");
    assert_int_equal(facts.ram, 192 * MIB);
    assert_int_equal(facts.guest_cid, 0);
    assert_int_equal(facts.balloon, ANSWER_YES);
    assert_int_equal(facts.balloon_actual, 128 * MIB);
    assert_int_equal(facts.balloon_maximum, 192 * MIB);
    assert_int_equal(facts.free_page_reporting, ANSWER_NO);
    assert_int_equal(facts.deflate_on_oom, ANSWER_NO);
    assert_int_equal(facts.statistics_interval, 0);
    assert_int_equal(facts.backing, MEMORY_BACKING_ANONYMOUS);
    assert_int_equal(facts.memory.private_bytes, 192 * MIB);
    assert_int_equal(facts.memory.shared_count, 0);
    assert_int_equal(facts.vfio_devices, 0);
    assert_false(facts.encrypted);
}

static void test_a_domain_with_everything(void **state)
{
    assert_int_equal(
        parse("<domain><uuid>" UUID "</uuid><name>big</name><title>The &lt;big&gt; one</title>"
              "<memory unit='MiB'>8192</memory><currentMemory unit='MiB'>4096</currentMemory>"
              "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
              "<launchSecurity type='sev'/>"
              "<devices>"
              "<memory model='dimm'><target><size unit='MiB'>1024</size></target></memory>"
              "<memory model='nvdimm' access='private'>"
              "<target><size unit='MiB'>512</size></target></memory>"
              "<memory model='virtio-mem'><target><size unit='MiB'>2048</size>"
              "<requested unit='MiB'>256</requested><current unit='MiB'>128</current></target>"
              "</memory>"
              "<memballoon model='virtio' autodeflate='on' freePageReporting='on'>"
              "<stats period='7'/></memballoon>"
              "<vsock model='virtio'><cid auto='yes' address='4711'/></vsock>"
              "<hostdev mode='subsystem' type='pci'/><hostdev mode='subsystem' type='usb'/>"
              "<interface type='hostdev'/><interface type='network'/>"
              "</devices></domain>"),
        0);
    assert_string_equal(facts.title, "The <big> one");
    assert_int_equal(facts.guest_cid, 4711);
    assert_int_equal(facts.statistics_interval, 7);
    assert_int_equal(facts.free_page_reporting, ANSWER_YES);
    assert_int_equal(facts.deflate_on_oom, ANSWER_YES);
    assert_int_equal(facts.vfio_devices, 2);
    assert_true(facts.encrypted);
    /* 8192 - 1024 - 512 - 2048 without devices; what the balloon counts, and plugged virtio-mem */
    assert_int_equal(description_beyond_balloon(&description), 128 * MIB);
    assert_int_equal(facts.balloon_maximum, (4608 + 1024 + 128) * MIB);
    assert_int_equal(facts.balloon_actual, (4096 + 128) * MIB);
    assert_int_equal(facts.ram, (4608 + 1024 + 128 + 512) * MIB);
    assert_int_equal(facts.backing, MEMORY_BACKING_MEMFD);
    assert_int_equal(facts.memory.private_bytes, 512 * MIB);
    assert_int_equal(facts.memory.shared_count, 3);
    assert_int_equal(facts.memory.shared[0], 4608 * MIB);
    assert_int_equal(facts.memory.shared[1], 1024 * MIB);
    assert_int_equal(facts.memory.shared[2], 2048 * MIB);
}

static void test_nodes_and_huge_pages(void **state)
{
    assert_int_equal(
        parse("<domain><uuid>" UUID "</uuid><memory unit='KiB'>3145728</memory>"
              "<memoryBacking><hugepages><page size='2048' unit='KiB'/></hugepages></memoryBacking>"
              "<cpu><numa><cell id='0' memory='1048576' unit='KiB' memAccess='shared'/>"
              "<cell id='1' memory='2097152' unit='KiB'/></numa></cpu>"
              "<devices><memballoon model='none'/></devices></domain>"),
        0);
    assert_int_equal(facts.backing, MEMORY_BACKING_HUGETLB);
    assert_int_equal(facts.backing_page_size, 2 * MIB);
    assert_int_equal(facts.balloon, ANSWER_NO);
    assert_int_equal(facts.balloon_maximum, 0);
    assert_int_equal(facts.ram, 3 * GIB);
    assert_int_equal(facts.memory.shared_count, 1);
    assert_int_equal(facts.memory.shared[0], GIB);
    assert_int_equal(facts.memory.private_bytes, 2 * GIB);
}

static void assert_labels(const char *metadata, const char *labels)
{
    char xml[4096];

    snprintf(xml, sizeof(xml),
             "<domain><uuid>" UUID "</uuid><metadata>%s</metadata><memory>1</memory></domain>",
             metadata);
    assert_int_equal(parse(xml), 0);
    assert_string_equal(facts.labels, labels);
}

static void test_metadata_is_labels(void **state)
{
    assert_labels("", "");
    assert_labels("<v:labels xmlns:v='https://example.org/v'> tier=web,rack=7 </v:labels>",
                  "tier=web,rack=7");
    assert_labels("<l:libosinfo xmlns:l='http://libosinfo.org/xmlns/libvirt/domain/1.0'>"
                  "<l:os id='http://debian.org/debian/12'/></l:libosinfo>",
                  "os.id=http://debian.org/debian/12");
    assert_labels("<n:instance xmlns:n='http://openstack.org/x'><n:name>a, b</n:name>"
                  "<n:flavor name='m1.small'><n:memory>2048</n:memory></n:flavor></n:instance>",
                  "name=a; b,flavor.name=m1.small,memory=2048");
    assert_labels("<a><b>one\ntwo</b></a>", "b=one?two");
}

static void assert_mark(const char *baseline, uint64_t mark)
{
    char xml[1024];

    snprintf(xml, sizeof(xml),
             "<domain><uuid>" UUID "</uuid><metadata><vmreclaim:lease "
             "xmlns:vmreclaim='urn:vmreclaim:lease' baseline='%s'/>"
             "<a:labels xmlns:a='https://example.org/a'>tier=web</a:labels></metadata>"
             "<memory>1024</memory><devices><memballoon model='virtio'/></devices></domain>",
             baseline);
    assert_int_equal(parse(xml), 0);
    assert_int_equal(facts.mark, mark);
    assert_string_equal(facts.labels, "tier=web");
}

/* A mark of a lease is no label. */
static void test_a_mark(void **state)
{
    assert_mark("1073741824", GIB);
    assert_mark("-1", 0);
}

/* Its manager moves the balloons of its VMs. */
static void test_a_domain_of_ovirt(void **state)
{
    assert_labels("<a/>", "");
    assert_string_equal(facts.balloon_owner, "");
    assert_labels("<o:vm xmlns:o='http://ovirt.org/vm/1.0'/>", "");
    assert_int_equal(parse("<domain><uuid>" UUID "</uuid><metadata><o:vm "
                           "xmlns:o='http://ovirt.org/vm/1.0'/></metadata><memory>1024</memory>"
                           "<devices><memballoon model='virtio'/></devices></domain>"),
                     0);
    assert_string_equal(facts.balloon_owner, "oVirt's memory manager");
}

static void test_labels_that_do_not_fit_are_left_out_whole(void **state)
{
    char metadata[3000] = "";

    for (size_t i = 0; i < 60; i++)
        snprintf(metadata + strlen(metadata), sizeof(metadata) - strlen(metadata),
                 "<a>word-%02zu-of-many</a>", i);
    char xml[4096];

    snprintf(xml, sizeof(xml), "<domain><uuid>" UUID "</uuid><metadata>%s</metadata></domain>",
             metadata);
    assert_int_equal(parse(xml), 0);
    assert_true(strlen(facts.labels) < sizeof(facts.labels));
    assert_string_equal(facts.labels + strlen(facts.labels) - 18, ",a=word-27-of-many");
    assert_int_equal(facts.ram, 0); /* not told */
}

static void test_what_is_no_domain_is_refused(void **state)
{
    static const char *const others[] = {
        "",
        "<domain>",
        "<network><uuid>" UUID "</uuid></network>",
        "<!DOCTYPE domain [<!ENTITY a 'b'>]><domain><uuid>" UUID "</uuid></domain>",
        "<domain><uuid></uuid></domain>",
        "{\"return\": {}}",
    };

    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        assert_int_equal(parse(others[i]), -EPROTO);
}

/* Pieces, depth and texts beyond what is kept. */
static void test_more_than_is_kept(void **state)
{
    size_t size = 200 * 1024;
    char *xml = malloc(size);
    size_t used = (size_t)snprintf(xml, size, "<domain><uuid>" UUID "</uuid><memory>1024</memory>");

    for (size_t i = 0; i < 300; i++)
        used += (size_t)snprintf(xml + used, size - used, "<deep>");
    for (size_t i = 0; i < 300; i++)
        used += (size_t)snprintf(xml + used, size - used, "</deep>");
    used += (size_t)snprintf(xml + used, size - used, "<title>");
    for (size_t i = 0; i < 1000; i++)
        used += (size_t)snprintf(xml + used, size - used, "title");
    used += (size_t)snprintf(xml + used, size - used, "</title><devices>");
    for (size_t i = 0; i < 100; i++)
        used += (size_t)snprintf(xml + used, size - used,
                                 "<memory model='dimm'><target><size>1</size></target></memory>");
    snprintf(xml + used, size - used, "<memballoon model='virtio'/></devices></domain>");
    assert_int_equal(parse(xml), 0);
    assert_int_equal(facts.balloon, ANSWER_YES);
    assert_int_equal(facts.balloon_maximum, 0); /* not known */
    assert_int_equal(facts.ram, 0);
    assert_int_equal(facts.memory.private_bytes, 0);
    assert_int_equal(strlen(facts.title), sizeof(facts.title) - 1);
    free(xml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stock_domain),
        cmocka_unit_test(test_a_domain_with_everything),
        cmocka_unit_test(test_nodes_and_huge_pages),
        cmocka_unit_test(test_a_mark),
        cmocka_unit_test(test_a_domain_of_ovirt),
        cmocka_unit_test(test_metadata_is_labels),
        cmocka_unit_test(test_labels_that_do_not_fit_are_left_out_whole),
        cmocka_unit_test(test_what_is_no_domain_is_refused),
        cmocka_unit_test(test_more_than_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
