/* Who has connected to a coordinator's two sockets. */
#include "tests/lib/test.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "controller/fleet/coordinator/service.h"
#include "tests/lib/loop.h"

#define CLIENTS 100

static struct fixture {
    uv_loop_t loop;
    struct service service;
    struct fleet_hosts hosts;
    struct rollouts rollouts;
    struct lease lease;
    char root[32];
    char paths[2][64];
    char addresses[2][80];
    int clients[CLIENTS];
    size_t count;
} f;

static int set_up(void **state)
{
    struct error error;

    f = (struct fixture){.root = "/tmp/vmreclaim-service-XXXXXX"};
    assert_non_null(mkdtemp(f.root));
    assert_int_equal(uv_loop_init(&f.loop), 0);
    for (size_t i = 0; i < 2; i++) {
        snprintf(f.paths[i], sizeof(f.paths[i]), "%s/%zu", f.root, i);
        snprintf(f.addresses[i], sizeof(f.addresses[i]), "unix:%s", f.paths[i]);
    }
    if (service_start(&f.service, &f.loop,
                      &(struct service_addresses){f.addresses[0], f.addresses[1]}, &f.hosts,
                      &f.rollouts, &f.lease, &error) < 0)
        fail_msg("%s", error.text);
    return 0;
}

static int tear_down(void **state)
{
    for (size_t i = 0; i < f.count; i++)
        close(f.clients[i]);
    service_stop(&f.service);
    loop_finish(&f.loop);
    for (size_t i = 0; i < 2; i++)
        unlink(f.paths[i]);
    return rmdir(f.root);
}

static uint64_t count_taken(void)
{
    const struct ttrpc_budget *budget = &f.service.budget, *readers = &f.service.readers_budget;

    return budget->connections + budget->refused + readers->connections + readers->refused;
}

/* Returns when it was taken, or refused. */
static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(client >= 0 && f.count < CLIENTS);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert_int_equal(connect(client, (const struct sockaddr *)&address, sizeof(address)), 0);
    f.clients[f.count++] = client;
    while (count_taken() < f.count)
        uv_run(&f.loop, UV_RUN_ONCE);
    return client;
}

static bool is_open(int client)
{
    char byte;

    return recv(client, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static void test_who_looks_keeps_nobody_from_ordering(void **state)
{
    int reader = -1;

    assert_true(is_open(connect_to(f.paths[1])));
    while (f.count < CLIENTS - 1)
        reader = connect_to(f.paths[1]);
    assert_false(is_open(reader));
    assert_true(is_open(connect_to(f.paths[0])));
}

static struct service_client *newest_client(void)
{
    return list_entry(f.service.clients.previous, struct service_client, link);
}

/* Who orders as soon as he is connected is in the audit by his name, where it is known. */
static void test_a_name_is_known_at_once_the_next_time(void **state)
{
    const struct passwd *me = getpwuid(getuid());
    char number[32];

    assert_non_null(me);
    snprintf(number, sizeof(number), "uid %u", (unsigned)getuid());
    connect_to(f.paths[0]);
    assert_string_equal(newest_client()->author, number);
    while (newest_client()->naming != NULL)
        uv_run(&f.loop, UV_RUN_ONCE);
    assert_string_equal(newest_client()->author, me->pw_name);
    connect_to(f.paths[0]);
    assert_string_equal(newest_client()->author, me->pw_name);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_who_looks_keeps_nobody_from_ordering, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_name_is_known_at_once_the_next_time, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
