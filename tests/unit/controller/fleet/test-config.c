/* fleet.yaml */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controller/fleet/config/config.h"

static struct error error;

static int read_text(struct fleet_config *config, const char *text)
{
    char path[] = "/tmp/vmreclaim-fleet-XXXXXX";
    int file = mkstemp(path);
    int r;

    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    (void)close(file);
    r = fleet_config_read(config, path, &error);
    (void)unlink(path);
    return r;
}

static void test_all_keys(void **state)
{
    struct fleet_config config;

    assert_int_equal(read_text(&config, "host: 8d3f-0c_2\nname: rack2-07\n"
                                        "labels: [rack=2, canary]\n"
                                        "servers: [tls://a:4222, nats://b:1]\n"
                                        "nkey: /n\nauthority: /a\napi: unix:/x\n"),
                     0);
    assert_string_equal(config.host, "8d3f-0c_2");
    assert_string_equal(config.servers, "tls://a:4222,nats://b:1");
    assert_int_equal(config.label_count, 2);
    assert_string_equal(config.labels[1], "canary");
    assert_string_equal(config.api, "unix:/x");
}

static void test_what_is_refused(void **state)
{
    static const struct {
        const char *text;
        const char *words;
    } bad[] = {
        {"host: h1\n", "'servers' is missing"},
        {"host: a.b\nservers: nats://b:1\n", "host 'a.b'"},
        {"host: a>\nservers: nats://b:1\n", "host 'a>'"},
        {"servers: http://b:1\n", "server 'http://b:1'"},
        {"servers: nats://user:secret@b:1\n", "server"},
        {"servers: nats://b:1\nlabels: =2\n", "has no key"},
        {"servers: nats://b:1\nnkey: n\n", "nkey"},
        {"servers: nats://b:1\nhots: x\n", "did you mean 'host'"},
    };
    struct fleet_config config;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_true(read_text(&config, bad[i].text) < 0);
        if (strstr(error.text, bad[i].words) == NULL)
            fail_msg("%s: %s", bad[i].text, error.text);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_keys),
        cmocka_unit_test(test_what_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
