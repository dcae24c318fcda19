/* What a user who may not control can take from the others: connections, audit entries, processor
 * time, and the time of the system's user database. The users are made up, the connections are
 * socket pairs. */
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <pwd.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/ttrpc/loop.h"
#include "controller/api/api.h"
#include "controller/vms/tick.h"
#include "tests/lib/loop.h"

#define STRANGER    54321 /* a uid that is in no group */
#define SLOW        65533 /* one whom the user database has to look for */
#define READERS     54001 /* groups */
#define CONTROLLERS 54002

struct fixture {
    uv_loop_t loop;
    struct supervisor supervisor;
    struct api api;
    int root;
    unsigned audited;
    char audited_name[64];
};

/* ---- the user database ---- */

static pthread_t loop_thread;
static sem_t answer; /* one more of the lookups of SLOW gets its answer */
static unsigned asked_on_loop;

int __wrap_getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size,
                      struct passwd **ret_found);

int __wrap_getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size,
                      struct passwd **ret_found)
{
    *ret_found = NULL;
    if (pthread_equal(pthread_self(), loop_thread)) {
        asked_on_loop++;
        return EIO;
    }
    if (uid != SLOW && uid != 0)
        return 0; /* there is no such user */
    if (size < 4096)
        return ERANGE;
    if (uid == SLOW)
        (void)sem_wait(&answer);
    snprintf(buffer, size, "%s", uid == 0 ? "root" : "late\nriser");
    *entry = (struct passwd){.pw_name = buffer};
    *ret_found = entry;
    return 0;
}

/* ---- the fixture ---- */

static void on_audit(const struct api_call *call, const ProtobufCMessage *request, bool allowed,
                     void *userdata)
{
    struct fixture *f = userdata;

    f->audited++;
    snprintf(f->audited_name, sizeof(f->audited_name), "%s", call->caller.name);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (f == NULL || uv_loop_init(&f->loop) < 0)
        return -1;
    loop_thread = pthread_self();
    asked_on_loop = 0;
    f->root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (supervisor_init(&f->supervisor, &f->loop, f->root, NSEC_PER_SEC) < 0)
        return -1;
    api_init(&f->api, &(struct api_rooms){.supervisor = &f->supervisor});
    f->api.audit = on_audit;
    f->api.audit_userdata = f;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    api_stop(&f->api);
    supervisor_stop(&f->supervisor);
    loop_finish(&f->loop);
    api_finish(&f->api);
    supervisor_finish(&f->supervisor);
    close(f->root);
    free(f);
    return asked_on_loop == 0 ? 0 : -1;
}

/* Returns the user's end. */
static int connect_with_group(struct fixture *f, uid_t uid, gid_t gid)
{
    struct peer peer = {.kind = ADDRESS_UNIX, .pid = 1, .uid = uid, .gid = gid};
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    api_accept(&f->api, pair[1], &peer);
    return pair[0];
}

static int connect_as(struct fixture *f, uid_t uid)
{
    return connect_with_group(f, uid, (gid_t)uid);
}

static size_t count_connections(const struct fixture *f)
{
    size_t count = 0;

    for (const struct list *link = f->api.connections.next; link != &f->api.connections;
         link = link->next)
        count++;
    return count;
}

static void wait_until_there_are(struct fixture *f, size_t count)
{
    while (count_connections(f) > count)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_int_equal(count_connections(f), count);
}

/* Many connections of one user; the user's ends. */
struct crowd {
    int descriptors[40];
};

static void crowd_in(struct fixture *f, struct crowd *crowd, uid_t uid, gid_t gid)
{
    for (unsigned i = 0; i < ARRAY_SIZE(crowd->descriptors); i++)
        crowd->descriptors[i] = connect_with_group(f, uid, gid);
}

static void crowd_leaves(const struct crowd *crowd)
{
    for (unsigned i = 0; i < ARRAY_SIZE(crowd->descriptors); i++)
        close(crowd->descriptors[i]);
}

static void test_one_user_leaves_room_for_others(void **state)
{
    struct fixture *f = *state;
    struct crowd crowd;

    f->api.groups.read = READERS;
    crowd_in(f, &crowd, STRANGER, READERS);
    assert_int_equal(count_connections(f), 32);
    close(connect_with_group(f, STRANGER + 1, READERS));
    assert_int_equal(count_connections(f), 33);
    close(connect_as(f, 0));
    assert_int_equal(count_connections(f), 34);
    assert_int_equal(f->api.users.count, 3);
    crowd_leaves(&crowd);
    wait_until_there_are(f, 0);
    /* There is room again. */
    close(connect_with_group(f, STRANGER, READERS));
    assert_int_equal(count_connections(f), 1);
}

/* However many come to look, and however many have no right to: root and the group that controls
 * get in. */
static void test_a_reserve(void **state)
{
    struct fixture *f = *state;
    static struct crowd readers[6], strangers[10];
    struct crowd controllers;

    f->api.groups.read = READERS;
    f->api.groups.control = CONTROLLERS;
    for (unsigned i = 0; i < ARRAY_SIZE(strangers); i++)
        crowd_in(f, &strangers[i], STRANGER + i, STRANGER);
    assert_int_equal(count_connections(f), 32);
    for (unsigned i = 0; i < ARRAY_SIZE(readers); i++)
        crowd_in(f, &readers[i], STRANGER + 100 + i, READERS);
    assert_int_equal(count_connections(f), 32 + 128);
    crowd_in(f, &controllers, STRANGER, CONTROLLERS);
    assert_int_equal(count_connections(f), 32 + 128 + 40);
    close(connect_as(f, 0));
    assert_int_equal(count_connections(f), 32 + 128 + 41);
    crowd_leaves(&controllers);
    for (unsigned i = 0; i < ARRAY_SIZE(readers); i++)
        crowd_leaves(&readers[i]);
    for (unsigned i = 0; i < ARRAY_SIZE(strangers); i++)
        crowd_leaves(&strangers[i]);
    wait_until_there_are(f, 0);
}

static void wait_for_names(struct fixture *f)
{
    list_for_each (link, &f->api.users.list) {
        const struct api_user *user = list_entry(link, struct api_user, link);

        while (user->lookup != NULL)
            uv_run(&f->loop, UV_RUN_ONCE);
    }
}

/* Not even those who control shut root out. */
static void test_a_reserve_for_root(void **state)
{
    static struct crowd crowds[8];
    struct fixture *f = *state;

    f->api.groups.control = CONTROLLERS;
    for (unsigned i = 0; i < ARRAY_SIZE(crowds); i++)
        crowd_in(f, &crowds[i], STRANGER + i, CONTROLLERS);
    assert_int_equal(count_connections(f), 208);
    close(connect_as(f, 0));
    assert_int_equal(count_connections(f), 209);
    for (unsigned i = 0; i < ARRAY_SIZE(crowds); i++)
        crowd_leaves(&crowds[i]);
    wait_until_there_are(f, 0);
}

/* How soon the only connection is closed when it stays unused. */
static nsec_t unused_for(struct fixture *f, uid_t uid, gid_t gid)
{
    nsec_t before = time_monotonic();
    int descriptor = connect_with_group(f, uid, gid);
    struct ttrpc_loop *loop = ttrpc_loop_acquire(&f->loop);
    nsec_t due;

    wait_for_names(f);
    assert_non_null(loop);
    due = deadline_next(&loop->deadlines);
    ttrpc_loop_release(loop);
    close(descriptor);
    wait_until_there_are(f, 0);
    return due == NSEC_INFINITY ? due : due - before;
}

/* Who may only look makes room when it does not; who has no right, sooner; who controls, never. */
static void test_unused_connections(void **state)
{
    struct fixture *f = *state;

    f->api.groups.read = READERS;
    assert_in_range(unused_for(f, STRANGER, STRANGER), 10 * NSEC_PER_SEC, 60 * NSEC_PER_SEC);
    assert_in_range(unused_for(f, STRANGER, READERS), 300 * NSEC_PER_SEC, 360 * NSEC_PER_SEC);
    assert_int_equal(unused_for(f, 0, 0), NSEC_INFINITY);
}

static void test_users_are_forgotten(void **state)
{
    struct fixture *f = *state;
    int kept = connect_as(f, STRANGER);

    for (uid_t i = 1; i < 2 * API_USERS_MAX; i++) {
        close(connect_as(f, STRANGER + i));
        wait_until_there_are(f, 1);
    }
    assert_int_equal(f->api.users.count, API_USERS_MAX);
    assert_int_equal(list_entry(f->api.users.list.next, struct api_user, link)->uid, STRANGER);
    close(kept);
}

struct answers {
    unsigned count;
    enum ttrpc_code code;
};

static void on_answer(const struct ttrpc_result *result, void *userdata)
{
    struct answers *answers = userdata;

    answers->count++;
    answers->code = result->code;
}

/* Calls Compact as the user: each is answered with `code`, and the audit gets the name. */
static void call_as(struct fixture *f, uid_t uid, unsigned times, enum ttrpc_code code)
{
    Vmreclaim__Controller__V1__CompactVmRequest request =
        VMRECLAIM__CONTROLLER__V1__COMPACT_VM_REQUEST__INIT;
    struct ttrpc_connection_options options = {.limits = ttrpc_limits_default};
    struct ttrpc_connection *client;
    struct answers answers = {0};

    assert_int_equal(ttrpc_connection_create(&f->loop, connect_as(f, uid), &options, &client), 0);
    for (unsigned i = 1; i <= times; i++) {
        assert_int_equal(ttrpc_call_unary(client,
                                          &vmreclaim__controller__v1__controller__descriptor,
                                          "Compact", &request.base, 0, on_answer, &answers, NULL),
                         0);
        while (answers.count < i)
            uv_run(&f->loop, UV_RUN_ONCE);
        assert_int_equal(answers.code, code);
    }
    ttrpc_connection_close(client);
}

/* The audit is not filled by who has no rights, nor by who comes under many numbers. */
static void test_refusals_are_audited_in_bounds(void **state)
{
    struct fixture *f = *state;

    call_as(f, STRANGER, 50, TTRPC_PERMISSION_DENIED);
    assert_int_equal(f->audited, 20);
    for (uid_t i = 1; i < 6; i++)
        call_as(f, STRANGER + i, 20, TTRPC_PERMISSION_DENIED);
    assert_int_equal(f->audited, 60);
}

/* Who controls is not held back; the others pay. */
static void test_who_pays(void **state)
{
    Vmreclaim__Controller__V1__ListVmsRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_VMS_REQUEST__INIT;
    struct ttrpc_connection_options options = {.limits = ttrpc_limits_default};
    static const uid_t uids[] = {STRANGER, 0};
    struct fixture *f = *state;

    for (unsigned i = 0; i < ARRAY_SIZE(uids); i++) {
        struct ttrpc_connection *client;
        struct answers answers = {0};

        assert_int_equal(
            ttrpc_connection_create(&f->loop, connect_as(f, uids[i]), &options, &client), 0);
        assert_int_equal(ttrpc_call_unary(client,
                                          &vmreclaim__controller__v1__controller__descriptor,
                                          "ListVms", &request.base, 0, on_answer, &answers, NULL),
                         0);
        while (answers.count == 0)
            uv_run(&f->loop, UV_RUN_ONCE);
        assert_int_equal(answers.code, uids[i] == 0 ? TTRPC_OK : TTRPC_PERMISSION_DENIED);
        ttrpc_connection_close(client);
    }
    list_for_each (link, &f->api.users.list) {
        const struct api_user *user = list_entry(link, struct api_user, link);

        assert_int_equal(user->processor[API_STANDING_NONE].paid_until > 0, user->uid == STRANGER);
        assert_ptr_equal(user->processor[API_STANDING_NONE].whole,
                         &f->api.users.processor[API_STANDING_NONE]);
    }
    assert_true(f->api.users.processor[API_STANDING_NONE].paid_until > 0);
    assert_true(f->api.users.processor[API_STANDING_OWNER].paid_until == 0);
}

/* ---- names ---- */

/* The first call of a user has its name already; who has none is a number. */
static void test_names(void **state)
{
    struct fixture *f = *state;

    call_as(f, 0, 1, TTRPC_NOT_FOUND);
    assert_string_equal(f->audited_name, "root");
    call_as(f, STRANGER, 1, TTRPC_PERMISSION_DENIED);
    assert_string_equal(f->audited_name, "uid 54321");
}

/* A directory that does not answer holds up nobody, and its user for a moment only. */
static void test_a_slow_directory(void **state)
{
    struct fixture *f = *state;
    int held = connect_as(f, SLOW);
    const struct api_user *user = api_users_get(&f->api.users, SLOW);

    assert_non_null(user->lookup);
    call_as(f, 0, 1, TTRPC_NOT_FOUND);
    assert_string_equal(f->audited_name, "root");
    assert_non_null(user->lookup);
    call_as(f, SLOW, 1, TTRPC_PERMISSION_DENIED);
    assert_string_equal(f->audited_name, "uid 65533");
    assert_non_null(user->lookup);
    (void)sem_post(&answer);
    wait_for_names(f);
    call_as(f, SLOW, 1, TTRPC_PERMISSION_DENIED);
    assert_string_equal(f->audited_name, "late?riser");
    close(held);
}

/* The daemon ends while somebody's name is looked up and the connection waits for it. */
static void test_an_end_meanwhile(void **state)
{
    struct fixture *f = *state;

    close(connect_as(f, SLOW));
    assert_int_equal(count_connections(f), 1);
    api_set_groups(&f->api, &(struct api_groups){API_GROUP_NONE, API_GROUP_NONE, API_GROUP_NONE});
    assert_int_equal(count_connections(f), 1);
    (void)sem_post(&answer);
}

#define api_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        api_test(test_one_user_leaves_room_for_others),
        api_test(test_a_reserve),
        api_test(test_a_reserve_for_root),
        api_test(test_unused_connections),
        api_test(test_users_are_forgotten),
        api_test(test_refusals_are_audited_in_bounds),
        api_test(test_who_pays),
        api_test(test_names),
        api_test(test_a_slow_directory),
        api_test(test_an_end_meanwhile),
    };

    signal(SIGPIPE, SIG_IGN);
    if (sem_init(&answer, 0, 0) < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
