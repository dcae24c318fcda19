/* Who is on the bus: the list, what the servers are given of it, and the directory. */
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "controller/fleet/enrol/enrol.h"
#include "controller/fleet/enrol/join.h"

struct fixture {
    char root[32];
    char directory[64]; /* not there yet */
    char keys[4][NKEY_PUBLIC_SIZE];
};

static struct error error;

static void make_key(char ret_key[NKEY_PUBLIC_SIZE])
{
    char seed[NKEY_SEED_SIZE];

    nkey_make(seed);
    assert_int_equal(nkey_public(seed, ret_key, &error), 0);
}

static int set_up(void **state)
{
    static struct fixture fixture;

    snprintf(fixture.root, sizeof(fixture.root), "/tmp/vmreclaim-enrol-XXXXXX");
    assert_non_null(mkdtemp(fixture.root));
    snprintf(fixture.directory, sizeof(fixture.directory), "%s/fleet", fixture.root);
    for (size_t i = 0; i < ARRAY_SIZE(fixture.keys); i++)
        make_key(fixture.keys[i]);
    *state = &fixture;
    return 0;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    return remove(path);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    return nftw(f->root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static char *read_text(const struct fixture *f, const char *name)
{
    char path[128];
    char *text = NULL;
    size_t length;

    snprintf(path, sizeof(path), "%s/%s", f->directory, name);
    assert_int_equal(file_read(AT_FDCWD, path, 65536, &text, &length), 0);
    return text;
}

static bool has(const struct fixture *f, const char *name, const char *words)
{
    cleanup_free char *text = read_text(f, name);

    return strstr(text, words) != NULL;
}

static int enrol(const struct fixture *f, const char *host, const char *key)
{
    return enrol_add(f->directory, ROSTER_HOST, host, key, &error);
}

static int let_go(const struct fixture *f, const char *host, const char *key)
{
    return enrol_revoke(f->directory, ROSTER_HOST, host, key, &error);
}

/* The list is all that a host may do: nothing is added to it unnoticed. */
static void test_what_a_host_may(void **state)
{
    struct fixture *f = *state;
    cleanup_free char *text = NULL;
    char expected[1024];

    assert_int_equal(enrol(f, "rack7-12", f->keys[0]), 0);
    text = read_text(f, "hosts.conf");
    snprintf(expected, sizeof(expected),
             "users: [\n"
             "  { nkey: %s, permissions: {\n"
             "    publish: [ \"vmr.v1.status.rack7-12\", \"vmr.v1.policyget.rack7-12\", "
             "\"vmr.v1.event.rack7-12.action\", \"vmr.v1.event.rack7-12.checked\", "
             "\"vmr.v1.event.rack7-12.vm\", \"vmr.v1.event.rack7-12.alarm\", "
             "\"vmr.v1.event.rack7-12.policy\", \"vmr.v1.event.rack7-12.daemon\", "
             "\"vmr.v1.event.rack7-12.gap\" ]\n"
             "    subscribe: [ \"_INBOX_rack7-12.>\", \"vmr.v1.live.policy.rack7-12\" ] } }\n"
             "]\n",
             f->keys[0]);
    assert_non_null(strstr(text, expected));
    assert_true(has(f, "coordinators.conf", "users: [\n]\n"));
}

static void test_a_coordinator_is_no_host(void **state)
{
    struct fixture *f = *state;
    char line[128];

    assert_int_equal(enrol_add(f->directory, ROSTER_COORDINATOR, "one", f->keys[0], &error), 0);
    snprintf(line, sizeof(line), "  { nkey: %s } # one\n", f->keys[0]);
    assert_true(has(f, "coordinators.conf", line));
    assert_true(has(f, "hosts.conf", "users: [\n]\n"));
    assert_int_equal(enrol(f, "one", f->keys[0]), -EINVAL);
    assert_non_null(strstr(error.text, "is coordinator one's key already"));
    assert_int_equal(enrol(f, "one", f->keys[1]), 0); /* the names are of two kinds */
    assert_int_equal(let_go(f, "one", NULL), 0);
    assert_true(has(f, "coordinators.conf", line));
}

/* The second key takes the first one's place while both work. */
static void test_a_key_is_replaced(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(enrol(f, "h1", f->keys[0]), 0);
    assert_int_equal(enrol(f, "h1", f->keys[0]), 0); /* again */
    assert_int_equal(enrol(f, "h1", f->keys[1]), 0);
    assert_true(has(f, "hosts.conf", f->keys[0]) && has(f, "hosts.conf", f->keys[1]));
    assert_int_equal(enrol(f, "h1", f->keys[2]), -E2BIG);
    assert_int_equal(let_go(f, "h1", f->keys[0]), 0);
    assert_false(has(f, "hosts.conf", f->keys[0]));
    assert_true(has(f, "hosts.conf", f->keys[1]));
    assert_int_equal(let_go(f, "h1", f->keys[0]), -ENOENT);
    assert_int_equal(let_go(f, "h1", NULL), 0);
    assert_false(has(f, "users", "h1"));
    assert_int_equal(let_go(f, "h1", NULL), -ENOENT);
    assert_int_equal(enrol(f, "h1", f->keys[0]), 0); /* enrolled again */
}

static void test_what_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"", "a.b", ">", "*", "a b", "h\n", "\"h"};
    char seed[NKEY_SEED_SIZE], damaged[NKEY_PUBLIC_SIZE];

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (enrol(f, names[i], f->keys[0]) != -EINVAL)
            fail_msg("%s", names[i]);
    nkey_make(seed);
    assert_int_equal(enrol(f, "h1", seed), -EINVAL);
    assert_non_null(strstr(error.text, "secret"));
    assert_null(strstr(error.text, seed));
    memcpy(damaged, f->keys[0], sizeof(damaged));
    damaged[20] = damaged[20] == 'A' ? 'B' : 'A';
    assert_int_equal(enrol(f, "h1", damaged), -EINVAL);
    assert_int_equal(enrol(f, "h1", f->keys[0]), 0);
    assert_int_equal(enrol(f, "h2", f->keys[0]), -EINVAL);
    assert_non_null(strstr(error.text, "is host h1's key already"));
}

static void put_bytes(const struct fixture *f, const char *name, const char *text, size_t length)
{
    char path[128];

    (void)mkdir(f->directory, 0755);
    snprintf(path, sizeof(path), "%s/%s", f->directory, name);
    assert_int_equal(file_publish(AT_FDCWD, path, text, length), 0);
}

static void put_text(const struct fixture *f, const char *name, const char *text)
{
    put_bytes(f, name, text, strlen(text));
}

/* Whoever is in a file that somebody wrote would be locked out. */
static void test_files_by_hand_stay(void **state)
{
    struct fixture *f = *state;

    put_text(f, "hosts.conf", "users: [ mine ]\n");
    assert_int_equal(enrol(f, "h1", f->keys[0]), -EEXIST);
    assert_true(has(f, "hosts.conf", "mine"));
}

/* Stopped behind the list: the same command again makes what the servers read. */
static void test_stopped_between(void **state)
{
    struct fixture *f = *state;
    char line[128];

    snprintf(line, sizeof(line), "host h1 %s\n", f->keys[0]);
    put_text(f, "users", line);
    assert_int_equal(enrol(f, "h1", f->keys[0]), 0);
    assert_true(has(f, "hosts.conf", f->keys[0]));
    put_text(f, "users", "# nobody\n");
    assert_int_equal(let_go(f, "h1", NULL), -ENOENT);
    assert_false(has(f, "hosts.conf", f->keys[0]));
}

static void test_a_list_that_is_damaged(void **state)
{
    static const char *const bad[] = {"host h1\n", "hast h1 %s\n", "host h1 %s more\n",
                                      "host h.1 %s\n", "host h1 %sA\n"};
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        const char *place = strstr(bad[i], "%s");
        char text[256];

        snprintf(text, sizeof(text), "# a list\n%.*s%s%s",
                 place == NULL ? (int)strlen(bad[i]) : (int)(place - bad[i]), bad[i],
                 place == NULL ? "" : f->keys[0], place == NULL ? "" : place + 2);
        put_text(f, "users", text);
        if (enrol(f, "h2", f->keys[1]) != -EINVAL || strstr(error.text, "line 2") == NULL)
            fail_msg("%s: %s", text, error.text);
        assert_true(has(f, "users", text));
    }
}

/* As a file system leaves it that was not shut down: who is behind would be locked out. */
static void test_a_list_with_a_hole(void **state)
{
    struct fixture *f = *state;
    char text[128];
    int length;

    length = snprintf(text, sizeof(text), "# a list%cand\nhost h1 %s\n", '\0', f->keys[0]);
    put_bytes(f, "users", text, (size_t)length);
    assert_int_equal(enrol(f, "h2", f->keys[1]), -EINVAL);
    assert_non_null(strstr(error.text, "damaged"));
    assert_int_equal(let_go(f, "h2", NULL), -EINVAL);
}

static void test_many_are_in_order(void **state)
{
    static const char *const names[] = {"h3", "h1", "h2"};
    struct roster roster = {.users = NULL};
    struct roster again = {.users = NULL};
    cleanup_free char *text = NULL;
    cleanup_free char *second = NULL;

    for (size_t i = 0; i < 200; i++) {
        char key[NKEY_PUBLIC_SIZE], name[32];

        make_key(key);
        snprintf(name, sizeof(name), "%s-%zu", names[i % 3], i);
        assert_int_equal(roster_add(&roster, ROSTER_HOST, name, key, &error), 0);
    }
    for (size_t i = 1; i < roster.count; i++)
        assert_true(strcmp(roster.users[i - 1].name, roster.users[i].name) < 0);
    text = roster_format(&roster);
    assert_int_equal(roster_parse(&again, text, &error), 0);
    second = roster_format(&again);
    assert_string_equal(text, second);
    roster_finish(&roster);
    roster_finish(&again);
}

/* ---- a new host ---- */

static int join(const struct fixture *f, const char *host, const char *server, char *ret_path,
                size_t size)
{
    const struct join given = {.config = ret_path,
                               .host = host,
                               .authority = "/etc/bus.pem",
                               .servers = &server,
                               .server_count = 1};

    snprintf(ret_path, size, "%s/fleet.yaml", f->directory);
    (void)mkdir(f->directory, 0755);
    return join_fleet(&given, &error);
}

static void test_a_host_joins(void **state)
{
    struct fixture *f = *state;
    cleanup_free char *seed = NULL;
    cleanup_free char *again = NULL;
    struct fleet_config config;
    struct stat status;
    char path[128];

    assert_int_equal(join(f, "rack7-12", "tls://bus-1:4222", path, sizeof(path)), 0);
    assert_int_equal(fleet_config_read(&config, path, &error), 0);
    assert_string_equal(config.host, "rack7-12");
    assert_string_equal(config.servers, "tls://bus-1:4222");
    assert_string_equal(config.authority, "/etc/bus.pem");
    assert_int_equal(stat(config.nkey, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    seed = read_text(f, "fleet.nkey");
    assert_int_equal(join(f, "other", "tls://other:1", path, sizeof(path)), 0);
    again = read_text(f, "fleet.nkey");
    assert_string_equal(seed, again);
    assert_true(has(f, "fleet.yaml", "host: rack7-12\n"));
}

/* What cannot be is found before anything is made. */
static void test_joining_what_cannot_be(void **state)
{
    struct fixture *f = *state;
    char path[128];

    assert_int_equal(join(f, "rack 7", "tls://bus-1:4222", path, sizeof(path)), -EINVAL);
    assert_int_equal(join(f, "rack7", "http://bus-1:4222", path, sizeof(path)), -EINVAL);
    assert_int_equal(join(f, "rack7", "tls://b:1]\nhost: x", path, sizeof(path)), -EINVAL);
    assert_int_equal(rmdir(f->directory), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(what_a_host_may),
        TEST(a_coordinator_is_no_host),
        TEST(a_key_is_replaced),
        TEST(what_is_refused),
        TEST(files_by_hand_stay),
        TEST(stopped_between),
        TEST(a_list_that_is_damaged),
        TEST(a_list_with_a_hole),
        cmocka_unit_test(test_many_are_in_order),
        TEST(a_host_joins),
        TEST(joining_what_cannot_be),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
