/* Somebody has the key of one host: what he may do on a real server with the accounts that are
 * handed out, and what not. Each abuse is tried as libnats' user would, and then the streams are
 * looked at. */
#include "tests/lib/test.h"

#include <assert.h>
#include <fcntl.h>
#include <nats/nats.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "controller/fleet/enrol/enrol.h"
#include "tests/interop/nats/nats-server.h"

#define WAIT_MS       60000 /* for what comes */
#define SILENCE_MS    300   /* in which what must not come does not */
#define TRIES         20
#define STREAM_BYTES  (64 << 10)
#define MESSAGE_BYTES 2048

struct user {
    char seed[128]; /* its file */
    char key[NKEY_PUBLIC_SIZE];
    natsConnection *connection;
    jsCtx *stream;
};

struct fixture {
    struct nats_server server;
    struct user fleet;
    struct user thief; /* host "stolen" */
    struct user other; /* host "other" */
};

static const char *accounts;

/* ---- set-up ---- */

static void put_text(const struct fixture *f, const char *name, const char *text)
{
    char path[160];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", f->server.directory, name);
    file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void make_user(const struct fixture *f, struct user *user, const char *name)
{
    char seed[NKEY_SEED_SIZE];
    struct error error;

    nkey_make(seed);
    assert_int_equal(nkey_public(seed, user->key, &error), 0);
    snprintf(user->seed, sizeof(user->seed), "%s/%s", f->server.directory, name);
    put_text(f, name, seed);
}

/* By the program's own hand. */
static void put_users(const struct fixture *f)
{
    const char *directory = f->server.directory;
    struct error error;

    assert_int_equal(enrol_add(directory, ROSTER_COORDINATOR, "fleet", f->fleet.key, &error), 0);
    assert_int_equal(enrol_add(directory, ROSTER_HOST, "stolen", f->thief.key, &error), 0);
    assert_int_equal(enrol_add(directory, ROSTER_HOST, "other", f->other.key, &error), 0);
}

/* Now and then libnats signs a server's question wrongly, see controller/fleet/bus/thread.c; and on
 * a busy machine the answer is later than the two seconds that a server waits for it. */
static void connect_as(const struct fixture *f, struct user *user, const char *inbox)
{
    natsOptions *options = NULL;
    jsOptions stream;
    natsStatus s = NATS_ERR;

    (void)jsOptions_Init(&stream);
    stream.Wait = WAIT_MS;
    assert_int_equal(natsOptions_Create(&options), NATS_OK);
    assert_int_equal(natsOptions_SetTimeout(options, WAIT_MS), NATS_OK);
    assert_int_equal(natsOptions_SetURL(options, f->server.url), NATS_OK);
    assert_int_equal(natsOptions_SetNKeyFromSeed(options, user->key, user->seed), NATS_OK);
    if (inbox != NULL)
        assert_int_equal(natsOptions_SetCustomInboxPrefix(options, inbox), NATS_OK);
    for (unsigned i = 0; i < TRIES && s != NATS_OK; i++)
        s = natsConnection_Connect(&user->connection, options);
    assert_int_equal(s, NATS_OK);
    assert_int_equal(natsConnection_JetStream(&user->stream, user->connection, &stream), NATS_OK);
    natsOptions_Destroy(options);
}

static void make_stream(struct fixture *f, const char *name, const char *subject, bool republishes)
{
    const char *subjects[] = {subject};
    jsRePublish republish = {.Source = subject,
                             .Destination = "vmr.v1.live.policy.{{wildcard(1)}}"};
    jsStreamConfig config;

    (void)jsStreamConfig_Init(&config);
    config.Name = name;
    config.Subjects = subjects;
    config.SubjectsLen = 1;
    config.AllowDirect = true;
    config.DenyDelete = true;
    config.MaxMsgsPerSubject = 8;
    config.MaxBytes = STREAM_BYTES;
    config.MaxMsgSize = MESSAGE_BYTES;
    if (republishes)
        config.RePublish = &republish;
    assert_int_equal(js_AddStream(NULL, f->fleet.stream, &config, NULL, NULL), NATS_OK);
}

static void keep(struct fixture *f, const char *subject, const char *text)
{
    assert_int_equal(
        js_Publish(NULL, f->fleet.stream, subject, text, (int)strlen(text), NULL, NULL), NATS_OK);
}

static int set_up(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;
    char *text = NULL;
    size_t length;

    fixture = (struct fixture){.thief = {.connection = NULL}};
    nats_server_init(&f->server);
    make_user(f, &f->fleet, "fleet.nkey");
    make_user(f, &f->thief, "thief.nkey");
    make_user(f, &f->other, "other.nkey");
    assert_int_equal(file_read(AT_FDCWD, accounts, 65536, &text, &length), 0);
    put_text(f, "accounts.conf", text);
    free(text);
    put_users(f);
    nats_server_start(&f->server, "include \"accounts.conf\"");
    connect_as(f, &f->fleet, NULL);
    make_stream(f, "VMR_STATUS", "vmr.v1.status.*", false);
    make_stream(f, "VMR_EVENT", "vmr.v1.event.>", false);
    make_stream(f, "VMR_POLICY", "vmr.v1.policy.*", true);
    make_stream(f, "KV_VMR_ROLLOUT", "$KV.VMR_ROLLOUT.>", false);
    make_stream(f, "VMR_AUDIT", "vmr.v1.audit.>", false);
    keep(f, "vmr.v1.policy.other", "other's policy");
    keep(f, "vmr.v1.policy.stolen", "stolen's policy");
    keep(f, "$KV.VMR_ROLLOUT.rollout.1", "rollout");
    keep(f, "vmr.v1.event.other.action", "other's event");
    keep(f, "vmr.v1.audit.rollout.1", "order");
    connect_as(f, &f->thief, "_INBOX_stolen");
    *state = f;
    return 0;
}

static void hang_up(struct user *user)
{
    jsCtx_Destroy(user->stream);
    natsConnection_Destroy(user->connection);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    hang_up(&f->thief);
    hang_up(&f->fleet);
    nats_server_finish(&f->server);
    return 0;
}

/* ---- what is there afterwards ---- */

/* Everything that the thief said was taken or refused by now. */
static void settle(struct fixture *f)
{
    (void)natsConnection_FlushTimeout(f->thief.connection, WAIT_MS);
    assert_int_equal(natsConnection_FlushTimeout(f->fleet.connection, WAIT_MS), NATS_OK);
}

static uint64_t count(struct fixture *f, const char *stream)
{
    jsStreamInfo *info = NULL;
    uint64_t messages;

    assert_int_equal(js_GetStreamInfo(&info, f->fleet.stream, stream, NULL, NULL), NATS_OK);
    messages = info->State.Msgs;
    jsStreamInfo_Destroy(info);
    return messages;
}

/* Of a stream, on some of its subjects. */
static uint64_t count_of(struct fixture *f, const char *stream, const char *subjects)
{
    jsStreamInfo *info = NULL;
    jsOptions options;
    uint64_t messages = 0;

    (void)jsOptions_Init(&options);
    options.Stream.Info.SubjectsFilter = subjects;
    assert_int_equal(js_GetStreamInfo(&info, f->fleet.stream, stream, &options, NULL), NATS_OK);
    for (int i = 0; info->State.Subjects != NULL && i < info->State.Subjects->Count; i++)
        messages += info->State.Subjects->List[i].Msgs;
    jsStreamInfo_Destroy(info);
    return messages;
}

static void check_is(struct fixture *f, const char *stream, const char *subject, const char *text)
{
    natsMsg *message = NULL;

    assert_int_equal(js_GetLastMsg(&message, f->fleet.stream, stream, subject, NULL, NULL),
                     NATS_OK);
    assert_int_equal(natsMsg_GetDataLength(message), strlen(text));
    assert_memory_equal(natsMsg_GetData(message), text, strlen(text));
    natsMsg_Destroy(message);
}

static void check_unharmed(struct fixture *f, uint64_t statuses)
{
    settle(f);
    assert_int_equal(count(f, "VMR_POLICY"), 2);
    assert_int_equal(count(f, "KV_VMR_ROLLOUT"), 1);
    assert_int_equal(count(f, "VMR_AUDIT"), 1);
    assert_int_equal(count(f, "VMR_STATUS"), statuses);
    check_is(f, "VMR_EVENT", "vmr.v1.event.other.action", "other's event");
    assert_int_equal(count_of(f, "VMR_EVENT", "vmr.v1.event.other.>"), 1);
    check_is(f, "VMR_POLICY", "vmr.v1.policy.other", "other's policy");
    check_is(f, "KV_VMR_ROLLOUT", "$KV.VMR_ROLLOUT.rollout.1", "rollout");
}

/* ---- tests ---- */

/* What it said is acknowledged, to itself. */
static void test_an_event_is_acknowledged(void **state)
{
    struct fixture *f = *state;
    jsPubAck *ack = NULL;

    assert_int_equal(
        js_Publish(&ack, f->thief.stream, "vmr.v1.event.stolen.action", "mine", 4, NULL, NULL),
        NATS_OK);
    assert_string_equal(ack->Stream, "VMR_EVENT");
    jsPubAck_Destroy(ack);
    check_unharmed(f, 0);
    check_is(f, "VMR_EVENT", "vmr.v1.event.stolen.action", "mine");
}

static void publish(struct fixture *f, const char *subject)
{
    (void)natsConnection_PublishString(f->thief.connection, subject, "forged");
}

static void test_what_a_host_may(void **state)
{
    struct fixture *f = *state;
    natsMsg *answer = NULL;

    publish(f, "vmr.v1.status.stolen");
    check_unharmed(f, 1);
    check_is(f, "VMR_STATUS", "vmr.v1.status.stolen", "forged");
    assert_int_equal(natsConnection_Request(&answer, f->thief.connection, "vmr.v1.policyget.stolen",
                                            NULL, 0, WAIT_MS),
                     NATS_OK);
    assert_memory_equal(natsMsg_GetData(answer), "stolen's policy", 15);
    natsMsg_Destroy(answer);
}

static void test_no_other_subject(void **state)
{
    static const char *const subjects[] = {
        "vmr.v1.status.other",
        "vmr.v1.policy.other",
        "vmr.v1.policy.stolen",
        "vmr.v1.live.policy.other",
        "vmr.v1.event.other.action",
        "vmr.v1.event.other",
        "vmr.v1.event.stolen",
        "vmr.v1.event.stolen.made-up",
        "vmr.v1.event.stolen.action.more",
        "vmr.v1.policyget.other",
        "vmr.v1.audit.rollout.1",
        "$KV.VMR_ROLLOUT.rollout.1",
        "$KV.VMR_LEAD.coordinator",
        "$JS.API.STREAM.PURGE.VMR_AUDIT",
        "$JS.API.STREAM.PURGE.VMR_POLICY",
        "$JS.API.STREAM.DELETE.VMR_POLICY",
        "$JS.API.STREAM.MSG.DELETE.VMR_POLICY",
        "$JS.API.CONSUMER.CREATE.VMR_POLICY",
        "$JS.API.CONSUMER.DURABLE.CREATE.VMR_POLICY.thief",
        "$JS.API.STREAM.MSG.GET.VMR_POLICY",
        "$JS.API.DIRECT.GET.VMR_POLICY.vmr.v1.policy.other",
        "$JS.API.STREAM.UPDATE.VMR_POLICY",
        "$JS.API.META.LEADER.STEPDOWN",
        "$SYS.REQ.USER.INFO",
        "$JS.API.STREAM.CREATE.MINE",
        "$SYS.REQ.SERVER.PING",
        "_INBOX_other.x",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_SIZE(subjects); i++)
        publish(f, subjects[i]);
    check_unharmed(f, 0);
}

/* Where a request wants its answer is checked by nobody: in one account this overwrote policies. */
static void test_answers_go_nowhere(void **state)
{
    static const char *const replies[] = {
        "vmr.v1.policy.other",
        "vmr.v1.live.policy.other",
        "vmr.v1.status.other",
        "vmr.v1.event.other.action",
        "vmr.v1.audit.rollout.1",
        "$KV.VMR_ROLLOUT.rollout.1",
        "$JS.API.STREAM.PURGE.VMR_POLICY",
        "$JS.API.STREAM.DELETE.KV_VMR_ROLLOUT",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_SIZE(replies); i++) {
        (void)natsConnection_PublishRequestString(f->thief.connection, "vmr.v1.status.stolen",
                                                  replies[i], "{}");
        (void)natsConnection_PublishRequestString(f->thief.connection, "vmr.v1.policyget.stolen",
                                                  replies[i], "");
        (void)natsConnection_PublishRequestString(f->thief.connection, "vmr.v1.event.stolen.action",
                                                  replies[i], "{}");
    }
    settle(f);
    check_unharmed(f, count(f, "VMR_STATUS"));
    check_is(f, "VMR_STATUS", "vmr.v1.status.stolen", "{}");
    assert_int_equal(count(f, "VMR_STATUS"), ARRAY_SIZE(replies));
}

static void publish_with(struct fixture *f, const char *subject, const char *header,
                         const char *value)
{
    natsMsg *message = NULL;

    assert_int_equal(natsMsg_Create(&message, subject, NULL, "x", 1), NATS_OK);
    assert_int_equal(natsMsgHeader_Set(message, header, value), NATS_OK);
    (void)natsConnection_PublishMsg(f->thief.connection, message);
    natsMsg_Destroy(message);
}

/* Headers that have a stream thrown away, or a message taken for another. */
static void test_headers(void **state)
{
    static const char *const headers[][2] = {
        {"Nats-Rollup", "all"},
        {"Nats-Rollup", "sub"},
        {"Nats-Expected-Stream", "VMR_POLICY"},
    };
    struct fixture *f = *state;

    keep(f, "vmr.v1.status.other", "other's status");
    for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
        publish_with(f, "vmr.v1.status.stolen", headers[i][0], headers[i][1]);
        publish_with(f, "vmr.v1.event.stolen.action", headers[i][0], headers[i][1]);
    }
    check_unharmed(f, 1);
    assert_int_equal(count(f, "VMR_EVENT"), 1);
    check_is(f, "VMR_STATUS", "vmr.v1.status.other", "other's status");
}

/* A message that another one's id was taken for is lost: so nobody gives his an id. */
static void test_ids_of_messages(void **state)
{
    struct fixture *f = *state;

    publish_with(f, "vmr.v1.status.stolen", "Nats-Msg-Id", "1");
    publish_with(f, "vmr.v1.event.stolen.action", "Nats-Msg-Id", "1");
    settle(f);
    keep(f, "vmr.v1.status.other", "other's status");
    keep(f, "vmr.v1.event.other.action", "other's second event");
    check_is(f, "VMR_STATUS", "vmr.v1.status.other", "other's status");
    check_is(f, "VMR_EVENT", "vmr.v1.event.other.action", "other's second event");
}

/* What is beyond a stream's bytes pushes the oldest out, whose it ever was. */
static void test_a_flood_pushes_nobody_out(void **state)
{
    static char large[MESSAGE_BYTES / 2];
    struct fixture *f = *state;

    memset(large, 'x', sizeof(large) - 1);
    keep(f, "vmr.v1.status.other", "other's status");
    for (unsigned i = 0; i < 4 * STREAM_BYTES / sizeof(large); i++) {
        char subject[64];

        snprintf(subject, sizeof(subject), "vmr.v1.event.stolen.kind%u", i);
        (void)natsConnection_PublishString(f->thief.connection, subject, large);
        (void)natsConnection_PublishString(f->thief.connection, "vmr.v1.event.stolen.action",
                                           large);
        (void)natsConnection_PublishString(f->thief.connection, "vmr.v1.status.stolen", large);
    }
    check_unharmed(f, 2 + 7); /* eight of the thief's, and one */
    check_is(f, "VMR_STATUS", "vmr.v1.status.other", "other's status");
}

/* ... nor is what is too large kept. */
static void test_what_is_too_large(void **state)
{
    static char large[MESSAGE_BYTES + 2]; /* one byte more than it takes */
    struct fixture *f = *state;

    memset(large, 'x', sizeof(large) - 1);
    (void)natsConnection_PublishString(f->thief.connection, "vmr.v1.status.stolen", large);
    check_unharmed(f, 0);
}

/* The subject says whose policy it is; a request's text may say something else. */
static void test_what_is_asked_for_is_its_own(void **state)
{
    static const char *const texts[] = {
        "",
        "{}",
        "{\"seq\":1}",
        "{\"last_by_subj\":\"vmr.v1.policy.other\"}",
        "{\"next_by_subj\":\"vmr.v1.policy.*\"}",
        "{\"multi_last\":[\"vmr.v1.policy.*\"]}",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        natsMsg *answer = NULL;

        if (natsConnection_RequestString(&answer, f->thief.connection, "vmr.v1.policyget.stolen",
                                         texts[i], 5000) == NATS_OK &&
            natsMsg_GetDataLength(answer) > 0)
            assert_memory_equal(natsMsg_GetData(answer), "stolen's policy", 15);
        natsMsg_Destroy(answer);
    }
    check_unharmed(f, 0);
}

/* Answers to others come to their inboxes. */
static void test_others_inboxes(void **state)
{
    static const char *const subjects[] = {"_INBOX_other.>", "_INBOX_*.>", "_INBOX.>", "*.>"};
    struct fixture *f = *state;
    natsSubscription *all[ARRAY_SIZE(subjects)] = {NULL};
    natsMsg *answer = NULL;

    connect_as(f, &f->other, "_INBOX_other");
    for (size_t i = 0; i < ARRAY_SIZE(subjects); i++)
        (void)natsConnection_SubscribeSync(&all[i], f->thief.connection, subjects[i]);
    settle(f);
    assert_int_equal(natsConnection_RequestString(&answer, f->other.connection,
                                                  "vmr.v1.policyget.other", "", WAIT_MS),
                     NATS_OK);
    natsMsg_Destroy(answer);
    for (size_t i = 0; i < ARRAY_SIZE(subjects); i++) {
        answer = NULL;
        if (all[i] != NULL)
            assert_true(natsSubscription_NextMsg(&answer, all[i], i == 0 ? SILENCE_MS : 1) !=
                        NATS_OK);
        natsSubscription_Destroy(all[i]);
    }
    hang_up(&f->other);
}

static bool hears(struct fixture *f, const char *subject, const char *said, int64_t wait)
{
    natsSubscription *subscription = NULL;
    natsMsg *message = NULL;
    bool came;

    if (natsConnection_SubscribeSync(&subscription, f->thief.connection, subject) != NATS_OK)
        return false;
    (void)natsConnection_FlushTimeout(f->thief.connection, WAIT_MS);
    keep(f, said, "secret");
    came = natsSubscription_NextMsg(&message, subscription, wait) == NATS_OK;
    natsMsg_Destroy(message);
    natsSubscription_Destroy(subscription);
    return came;
}

static void test_nothing_of_others_is_heard(void **state)
{
    struct fixture *f = *state;

    assert_true(hears(f, "vmr.v1.live.policy.stolen", "vmr.v1.policy.stolen", WAIT_MS));
    assert_false(hears(f, "vmr.v1.event.other.>", "vmr.v1.event.other.action", SILENCE_MS));
    assert_false(hears(f, "vmr.v1.live.policy.other", "vmr.v1.policy.other", SILENCE_MS));
    assert_false(hears(f, "vmr.v1.live.policy.*", "vmr.v1.policy.other", SILENCE_MS));
    assert_false(hears(f, "vmr.v1.>", "vmr.v1.policy.other", SILENCE_MS));
    assert_false(hears(f, ">", "vmr.v1.policy.other", SILENCE_MS));
    assert_false(hears(f, "vmr.v1.status.other", "vmr.v1.status.other", SILENCE_MS));
    assert_false(hears(f, "$JS.>", "vmr.v1.policy.other", SILENCE_MS));
}

static void test_no_api(void **state)
{
    struct fixture *f = *state;
    jsStreamInfo *info = NULL;
    jsOptions wait;

    (void)jsOptions_Init(&wait);
    wait.Wait = SILENCE_MS;
    assert_true(js_GetStreamInfo(&info, f->thief.stream, "VMR_POLICY", &wait, NULL) != NATS_OK);
    assert_true(js_PurgeStream(f->thief.stream, "VMR_POLICY", &wait, NULL) != NATS_OK);
    assert_true(js_DeleteStream(f->thief.stream, "VMR_STATUS", &wait, NULL) != NATS_OK);
    check_unharmed(f, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        TEST(what_a_host_may),
        TEST(an_event_is_acknowledged),
        TEST(no_other_subject),
        TEST(answers_go_nowhere),
        TEST(headers),
        TEST(ids_of_messages),
        TEST(a_flood_pushes_nobody_out),
        TEST(what_is_too_large),
        TEST(what_is_asked_for_is_its_own),
        TEST(others_inboxes),
        TEST(nothing_of_others_is_heard),
        TEST(no_api),
    };
    int r;

    assert(argc == 3);
    nats_server_program = argv[1];
    accounts = argv[2];
    r = cmocka_run_group_tests(tests, NULL, NULL);
    nats_Close();
    return r;
}
