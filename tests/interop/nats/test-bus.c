/* The bus over a real nats-server: what comes, what is kept, and what becomes of both when the
 * server goes away. */
#include "tests/lib/test.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nats/nats.h>

#include "common/base/log.h"
#include "common/base/time.h"
#include "controller/fleet/bus/bus.h"
#include "controller/fleet/bus/nkey.h"
#include "tests/interop/nats/nats-server.h"

#define WAIT_MAX  (60 * NSEC_PER_SEC)
#define SEEN_MAX  64
#define TEXT_SIZE 128
#define LOST      10 /* messages of a stream that is lost */

struct fixture {
    struct nats_server server;
    uv_loop_t loop;
    uv_timer_t ticker;
    struct bus *bus;
    char seed[96];
    bool is_connected;
    char problem[TEXT_SIZE];
    struct {
        char subject[TEXT_SIZE];
        char text[TEXT_SIZE];
        uint64_t sequence;
        bool is_kept;
    } seen[SEEN_MAX];
    size_t seen_count;
    unsigned whole;  /* how often the stream was whole */
    unsigned remade; /* how often it was another one */
    /* the last answer */
    bool is_answered;
    int status;
    uint64_t sequence;
    char text[TEXT_SIZE];
};

/* The condition may do something, as often as it takes. */
#define wait_for(f, condition)                                                                     \
    do {                                                                                           \
        nsec_t end_ = time_monotonic() + WAIT_MAX;                                                 \
        bool is_met_;                                                                              \
        while (!(is_met_ = (condition)) && time_monotonic() < end_)                                \
            uv_run(&(f)->loop, UV_RUN_ONCE);                                                       \
        if (!is_met_)                                                                              \
            fail_msg("never came: %s (%s)", #condition, (f)->problem);                             \
    } while (0)

/* ---- what the bus calls back ---- */

static void on_state(bool is_connected, const char *problem, void *userdata)
{
    struct fixture *f = userdata;

    f->is_connected = is_connected;
    snprintf(f->problem, sizeof(f->problem), "%s", problem);
}

static void on_message(const struct bus_message *message, void *userdata)
{
    struct fixture *f = userdata;

    assert_true(f->seen_count < SEEN_MAX);
    snprintf(f->seen[f->seen_count].subject, TEXT_SIZE, "%s", message->subject);
    snprintf(f->seen[f->seen_count].text, TEXT_SIZE, "%.*s", (int)message->length,
             (const char *)message->data);
    f->seen[f->seen_count].is_kept = message->is_kept;
    f->seen[f->seen_count++].sequence = message->sequence;
}

static void on_whole(const char *stream, void *userdata)
{
    struct fixture *f = userdata;

    assert_string_equal(stream, "KEPT");
    f->whole++;
}

static void on_remade(const char *stream, void *userdata)
{
    struct fixture *f = userdata;

    assert_string_equal(stream, "KEPT");
    f->remade++;
}

static void on_answer(const struct bus_answer *answer, void *userdata)
{
    struct fixture *f = userdata;

    f->is_answered = true;
    f->status = answer->status;
    f->sequence = answer->sequence;
    snprintf(f->text, sizeof(f->text), "%.*s", (int)answer->length, (const char *)answer->data);
    if (answer->status < 0)
        snprintf(f->problem, sizeof(f->problem), "%s", answer->problem);
}

/* ---- set-up ---- */

static void on_tick(uv_timer_t *timer)
{
}

static int set_up(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;

    fixture = (struct fixture){.is_connected = false};
    nats_server_init(&f->server);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    assert_int_equal(uv_timer_init(&f->loop, &f->ticker), 0);
    uv_timer_start(&f->ticker, on_tick, 10, 10);
    *state = f;
    return 0;
}

static void stop(struct fixture *f)
{
    bus_stop(f->bus);
    f->bus = NULL;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    stop(f);
    uv_close((uv_handle_t *)&f->ticker, NULL);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    nats_server_finish(&f->server);
    return 0;
}

/* What the bus makes where it is not there; the server has no room for two of the latter. */
static const struct bus_stream kept = {
    .name = "KEPT", .subject = "kept.*", .bytes = 1 << 20, .message_bytes = 4096, .per_subject = 1};
static const struct bus_stream several = {
    .name = "KEPT",
    .subject = "this.* that.*.more",
    .bytes = 160 << 20,
    .message_bytes = 1024,
};

static const struct bus_stream small = {
    .name = "KEPT",
    .subject = "kept.*",
    .bytes = 4096,
    .message_bytes = 1024,
    .per_subject = 2,
    .is_never_deleted = true,
};

static void create_with(struct fixture *f, const char *nkey, const struct bus_stream *stream)
{
    const struct bus_options options = {
        .servers = f->server.url,
        .name = "test",
        .nkey = nkey,
        .streams = stream,
        .stream_count = stream == NULL ? 0 : 1,
        .replicas = 1,
        .on_state = on_state,
        .on_message = on_message,
        .on_whole = on_whole,
        .on_remade = on_remade,
        .userdata = f,
    };
    struct error error;

    if (bus_create(&f->loop, &options, &f->bus, &error) < 0)
        fail_msg("%s", error.text);
}

static void create(struct fixture *f, const char *nkey)
{
    create_with(f, nkey, NULL);
}

static void start(struct fixture *f)
{
    struct error error;

    assert_int_equal(bus_start(f->bus, &error), 0);
    wait_for(f, f->is_connected);
}

/* Somebody else: here libnats itself. */
struct other {
    natsConnection *connection;
    jsCtx *stream;
};

static struct other connect_other(const struct fixture *f)
{
    struct other other = {.connection = NULL};
    natsOptions *options = NULL;
    jsOptions stream;

    (void)jsOptions_Init(&stream);
    stream.Wait = WAIT_MAX / NSEC_PER_MSEC;
    assert_int_equal(natsOptions_Create(&options), NATS_OK);
    assert_int_equal(natsOptions_SetURL(options, f->server.url), NATS_OK);
    assert_int_equal(natsOptions_SetTimeout(options, WAIT_MAX / NSEC_PER_MSEC), NATS_OK);
    assert_int_equal(natsConnection_Connect(&other.connection, options), NATS_OK);
    assert_int_equal(natsConnection_JetStream(&other.stream, other.connection, &stream), NATS_OK);
    natsOptions_Destroy(options);
    return other;
}

static void hang_up(struct other *other)
{
    jsCtx_Destroy(other->stream);
    natsConnection_Destroy(other->connection);
}

static void make_stream(struct fixture *f)
{
    static const char *subjects[] = {"kept.*"};
    struct other other = connect_other(f);
    jsStreamConfig config;

    (void)jsStreamConfig_Init(&config);
    config.Name = "KEPT";
    config.Subjects = subjects;
    config.SubjectsLen = 1;
    config.AllowDirect = true;
    assert_int_equal(js_AddStream(NULL, other.stream, &config, NULL, NULL), NATS_OK);
    hang_up(&other);
}

static void put_with_header(struct fixture *f, const char *subject, const char *name,
                            const char *value)
{
    struct other other = connect_other(f);
    natsMsg *message = NULL;

    assert_int_equal(natsMsg_Create(&message, subject, NULL, "forged", 6), NATS_OK);
    assert_int_equal(natsMsgHeader_Set(message, name, value), NATS_OK);
    assert_int_equal(js_PublishMsg(NULL, other.stream, message, NULL, NULL), NATS_OK);
    natsMsg_Destroy(message);
    hang_up(&other);
}

static int put(struct fixture *f, const char *subject, const char *text, uint64_t expected)
{
    f->is_answered = false;
    assert_int_equal(bus_put(f->bus, subject, text, strlen(text), expected, on_answer, f), 0);
    wait_for(f, f->is_answered);
    return f->status;
}

static int get(struct fixture *f, const char *subject)
{
    f->is_answered = false;
    assert_int_equal(bus_get(f->bus, "KEPT", subject, on_answer, f), 0);
    wait_for(f, f->is_answered);
    return f->status;
}

static int ask(struct fixture *f, const char *subject)
{
    f->is_answered = false;
    assert_int_equal(bus_ask(f->bus, subject, on_answer, f), 0);
    wait_for(f, f->is_answered);
    return f->status;
}

/* ---- tests ---- */

static void test_what_is_said_comes(void **state)
{
    struct fixture *f = *state;

    nats_server_start(&f->server, "");
    create(f, NULL);
    assert_int_equal(bus_subscribe(f->bus, "said.>"), 0);
    start(f);
    assert_int_equal(bus_publish(f->bus, "said.one", "first", 5), 0);
    assert_int_equal(bus_publish(f->bus, "unsaid.one", "other", 5), 0);
    assert_int_equal(bus_publish(f->bus, "said.two", "", 0), 0);
    wait_for(f, f->seen_count == 2);
    assert_string_equal(f->seen[0].subject, "said.one");
    assert_string_equal(f->seen[0].text, "first");
    assert_int_equal(f->seen[0].sequence, 0);
    assert_string_equal(f->seen[1].subject, "said.two");
}

static void test_compare_and_set(void **state)
{
    struct fixture *f = *state;

    nats_server_start(&f->server, "");
    make_stream(f);
    create(f, NULL);
    start(f);
    assert_int_equal(get(f, "kept.a"), -ENOENT);
    f->is_answered = false; /* where the stream is missing it is not known what was in it */
    assert_int_equal(bus_get(f->bus, "LOST", "kept.a", on_answer, f), 0);
    wait_for(f, f->is_answered);
    assert_int_equal(f->status, -EIO);
    assert_int_equal(ask(f, "$JS.API.DIRECT.GET.KEPT.kept.a"), -ENOENT);
    assert_int_equal(put(f, "kept.a", "one", BUS_NOTHING), 0);
    assert_int_equal(f->sequence, 1);
    assert_int_equal(put(f, "kept.a", "again", BUS_NOTHING), -ESTALE);
    assert_int_equal(put(f, "kept.b", "b", BUS_ANYTHING), 0);
    assert_int_equal(put(f, "kept.a", "two", 1), 0);
    assert_int_equal(put(f, "kept.a", "late", 1), -ESTALE);
    assert_int_equal(get(f, "kept.a"), 0);
    assert_string_equal(f->text, "two");
    assert_int_equal(f->sequence, 3);
    assert_int_equal(ask(f, "$JS.API.DIRECT.GET.KEPT.kept.a"), 0);
    assert_string_equal(f->text, "two");
    assert_int_equal(f->sequence, 3);
    assert_int_equal(put(f, "nobody.keeps", "x", BUS_ANYTHING), -ENOTCONN);
    assert_int_equal(ask(f, "nobody.answers"), -ENOTCONN);
}

static void test_a_stream_is_followed(void **state)
{
    struct fixture *f = *state;

    nats_server_start(&f->server, "");
    make_stream(f);
    create(f, NULL);
    start(f);
    assert_int_equal(put(f, "kept.a", "old", BUS_ANYTHING), 0);
    assert_int_equal(put(f, "kept.a", "new", BUS_ANYTHING), 0);
    assert_int_equal(put(f, "kept.b", "b", BUS_ANYTHING), 0);
    stop(f);
    f->is_connected = false;
    create(f, NULL);
    assert_int_equal(bus_follow(f->bus, "KEPT", "kept.*"), 0);
    start(f);
    wait_for(f, f->seen_count == 2);
    assert_string_equal(f->seen[0].text, "new");
    assert_int_equal(f->seen[0].sequence, 2);
    assert_true(f->seen[0].is_kept && f->seen[1].is_kept);
    wait_for(f, f->whole == 1);
    assert_string_equal(f->seen[1].subject, "kept.b");
    assert_int_equal(put(f, "kept.b", "newer", BUS_ANYTHING), 0);
    wait_for(f, f->seen_count == 3);
    assert_string_equal(f->seen[2].text, "newer");
    assert_false(f->seen[2].is_kept);
    assert_int_equal(f->whole, 1);
}

/* The stream's last one may be none of those that are followed, or replaced before they are. */
static void test_a_later_one_makes_it_whole(void **state)
{
    struct fixture *f = *state;

    nats_server_start(&f->server, "");
    make_stream(f);
    create(f, NULL);
    start(f);
    assert_int_equal(put(f, "kept.a", "old", BUS_ANYTHING), 0);
    assert_int_equal(put(f, "kept.b", "b", BUS_ANYTHING), 0);
    stop(f);
    f->is_connected = false;
    create(f, NULL);
    assert_int_equal(bus_follow(f->bus, "KEPT", "kept.a"), 0);
    start(f);
    wait_for(f, f->seen_count == 1);
    assert_int_equal(f->whole, 0);
    assert_int_equal(put(f, "kept.a", "new", BUS_ANYTHING), 0);
    wait_for(f, f->whole == 1);
    assert_int_equal(f->seen_count, 2);
    assert_int_equal(put(f, "kept.a", "newer", BUS_ANYTHING), 0);
    wait_for(f, f->seen_count == 3);
    assert_int_equal(f->whole, 1);
}

/* Who says it does not number it: all would count as heard, and a stream as whole, too soon. */
static void test_the_server_alone_numbers(void **state)
{
    struct fixture *f = *state;

    nats_server_start(&f->server, "");
    make_stream(f);
    put_with_header(f, "kept.a", "Nats-Sequence", "1000000");
    create(f, NULL);
    assert_int_equal(bus_follow(f->bus, "KEPT", "kept.*"), 0);
    start(f);
    put_with_header(f, "kept.b", "Nats-Sequence", "0");
    wait_for(f, f->seen_count == 2);
    assert_string_equal(f->seen[0].text, "forged");
    assert_int_equal(f->seen[0].sequence, 1);
    assert_true(f->seen[0].is_kept);
    assert_int_equal(f->seen[1].sequence, 2);
    assert_false(f->seen[1].is_kept);
}

/* Of several subjects, and no others. */
static void test_the_newest_are_followed(void **state)
{
    struct fixture *f = *state;

    nats_server_start(&f->server, "");
    create_with(f, NULL, &several);
    start(f);
    assert_true(put(f, "those.a", "none keeps it", BUS_ANYTHING) < 0);
    assert_int_equal(put(f, "this.a", "1", BUS_ANYTHING), 0);
    assert_int_equal(put(f, "this.a", "2", BUS_ANYTHING), 0);
    assert_int_equal(put(f, "that.a.more", "3", BUS_ANYTHING), 0);
    stop(f);
    f->is_connected = false;
    create_with(f, NULL, &several);
    assert_int_equal(bus_follow_newest(f->bus, "KEPT", ">", 2), 0);
    start(f);
    wait_for(f, f->seen_count == 2 && f->whole == 1);
    assert_string_equal(f->seen[0].text, "2");
    assert_string_equal(f->seen[1].text, "3");
    assert_true(f->seen[0].is_kept && f->seen[1].is_kept);
    assert_int_equal(put(f, "this.b", "4", BUS_ANYTHING), 0);
    wait_for(f, f->seen_count == 3);
    assert_string_equal(f->seen[2].text, "4");
    assert_false(f->seen[2].is_kept);
}

/* It keeps one of its own: the sequences between are nobody's. */
static void test_one_that_says_much_hides_no_other(void **state)
{
    struct fixture *f = *state;
    char text[16];

    nats_server_start(&f->server, "");
    create_with(f, NULL, &kept);
    start(f);
    for (unsigned i = 0; i < 4; i++) {
        snprintf(text, sizeof(text), "kept.q%u", i);
        assert_int_equal(put(f, text, "quiet", BUS_ANYTHING), 0);
    }
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(put(f, "kept.noisy", "noise", BUS_ANYTHING), 0);
    stop(f);
    f->is_connected = false;
    create_with(f, NULL, &kept);
    assert_int_equal(bus_follow_newest(f->bus, "KEPT", ">", 5), 0);
    start(f);
    wait_for(f, f->whole == 1);
    assert_int_equal(f->seen_count, 5);
}

/* Of 4 messages the newer half are in the newer half of 12 sequences. */
static void test_the_newest_by_their_share(void **state)
{
    struct fixture *f = *state;

    nats_server_start(&f->server, "");
    create_with(f, NULL, &kept);
    start(f);
    for (unsigned i = 0; i < 12; i++)
        assert_int_equal(put(f,
                             (const char *const[]){"kept.a", "kept.b", "kept.c", "kept.d"}[i / 3],
                             "text", BUS_ANYTHING),
                         0);
    stop(f);
    f->is_connected = false;
    create_with(f, NULL, &kept);
    assert_int_equal(bus_follow_newest(f->bus, "KEPT", ">", 2), 0);
    start(f);
    wait_for(f, f->whole == 1);
    assert_int_equal(f->seen_count, 2);
    assert_string_equal(f->seen[0].subject, "kept.c");
}

/* Nothing new is taken, and what is there stays. */
static void test_a_full_stream_loses_nothing(void **state)
{
    struct fixture *f = *state;
    char text[700], subject[32];
    unsigned kept_count = 0;

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    nats_server_start(&f->server, "");
    create_with(f, NULL, &small);
    start(f);
    assert_int_equal(put(f, "kept.a", text, BUS_ANYTHING), 0);
    assert_int_equal(put(f, "kept.a", text, BUS_ANYTHING), 0);
    do
        snprintf(subject, sizeof(subject), "kept.%u", kept_count);
    while (put(f, subject, text, BUS_ANYTHING) == 0 && kept_count++ < 100);
    assert_int_equal(f->status, -ENOSPC);
    assert_non_null(strstr(f->problem, "maximum bytes exceeded"));
    assert_int_equal(get(f, "kept.0"), 0);
    assert_int_equal(f->sequence, 3);
    assert_int_equal(get(f, "kept.a"), 0);
    assert_int_equal(f->sequence, 2);
}

static bool has_seen(const struct fixture *f, const char *text)
{
    for (size_t i = 0; i < f->seen_count; i++)
        if (strcmp(f->seen[i].text, text) == 0)
            return true;
    return false;
}

/* Sequence of the last one with the text; 0: none has come. */
static uint64_t newest(const struct fixture *f, const char *text)
{
    for (size_t i = f->seen_count; i > 0; i--)
        if (strcmp(f->seen[i - 1].text, text) == 0)
            return f->seen[i - 1].sequence;
    return 0;
}

/* As a client of one's own may: libnats sets no first line of headers. */
static void put_with_status(const struct fixture *f, const char *subject, const char *header)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)f->server.port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char text[1024];

    assert_int_equal(connect(client, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_true(read(client, text, sizeof(text)) > 0); /* who the server is */
    snprintf(text, sizeof(text),
             "CONNECT {\"headers\":true,\"verbose\":false}\r\nHPUB %s %zu %zu\r\n%s\r\nPING\r\n",
             subject, strlen(header), strlen(header), header);
    assert_int_equal(write(client, text, strlen(text)), strlen(text));
    assert_true(read(client, text, sizeof(text)) > 0); /* it was taken */
    close(client);
}

/* libnats would wait for ever behind the first two: one host could blind all who follow. */
static void test_nobody_speaks_for_the_server(void **state)
{
    static const char *const headers[] = {
        "NATS/1.0 100 Idle Heartbeat\r\n\r\n",
        "NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: 999\r\n\r\n",
        "NATS/1.0 100 FlowControl Request\r\n\r\n",
        "NATS/1.0 409 Consumer Deleted\r\n\r\n",
        "NATS/1.0 503\r\n\r\n",
    };
    struct fixture *f = *state;

    nats_server_start(&f->server, "");
    create_with(f, NULL, &kept);
    assert_int_equal(bus_follow(f->bus, "KEPT", "kept.*"), 0);
    start(f);
    for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
        char text[16];

        snprintf(text, sizeof(text), "after %zu", i);
        put_with_status(f, "kept.stolen", headers[i]);
        assert_int_equal(put(f, "kept.other", text, BUS_ANYTHING), 0);
        wait_for(f, has_seen(f, text));
    }
    assert_int_equal(f->seen_count, 2 * ARRAY_SIZE(headers));
    assert_int_equal(f->whole, 1); /* nothing was followed anew */
}

/* Killed, and back with what it had stored. */
static void test_the_server_goes_and_comes(void **state)
{
    struct fixture *f = *state;

    nats_server_start(&f->server, "");
    make_stream(f);
    create(f, NULL);
    assert_int_equal(bus_follow(f->bus, "KEPT", "kept.*"), 0);
    assert_int_equal(bus_subscribe(f->bus, "said"), 0);
    start(f);
    wait_for(f, f->whole == 1); /* of nothing */
    assert_int_equal(put(f, "kept.a", "before", BUS_ANYTHING), 0);
    wait_for(f, has_seen(f, "before"));
    nats_server_end(&f->server, SIGKILL);
    wait_for(f, !f->is_connected);
    assert_true(put(f, "kept.a", "lost", BUS_ANYTHING) < 0);
    nats_server_start(&f->server, "");
    wait_for(f, f->is_connected);
    wait_for(f, put(f, "kept.a", "after", BUS_ANYTHING) == 0);
    wait_for(f, has_seen(f, "after"));
    assert_int_equal(bus_publish(f->bus, "said", "heard", 5), 0);
    wait_for(f, has_seen(f, "heard"));
}

/* Streams are made anew, and what is in them comes, with smaller sequences. Of a subject they keep
 * one: whatever another follows so soon need not come. */
static void test_the_server_loses_everything(void **state)
{
    struct fixture *f = *state;

    nats_server_start(&f->server, "");
    create_with(f, NULL, &kept);
    assert_int_equal(bus_follow(f->bus, "KEPT", "kept.*"), 0);
    start(f);
    for (unsigned i = 0; i < LOST; i++)
        assert_int_equal(put(f, "kept.a", "before", BUS_ANYTHING), 0);
    wait_for(f, newest(f, "before") == LOST);
    nats_server_end(&f->server, SIGKILL);
    nats_server_lose(&f->server);
    wait_for(f, !f->is_connected);
    nats_server_start(&f->server, "");
    wait_for(f, f->remade == 1);
    wait_for(f, put(f, "kept.a", "after", BUS_ANYTHING) == 0);
    wait_for(f, newest(f, "after") > 0);
    assert_in_range(newest(f, "after"), 1, LOST - 1);
    assert_int_equal(f->remade, 1);
}

/* It is there later than we are. */
static void test_the_server_comes_late(void **state)
{
    struct fixture *f = *state;
    struct error error;

    nats_server_start(&f->server, "");
    nats_server_end(&f->server, SIGTERM);
    create(f, NULL);
    assert_int_equal(bus_start(f->bus, &error), 0);
    wait_for(f, f->problem[0] != '\0');
    assert_int_equal(ask(f, "anything"), -ENOTCONN);
    nats_server_start(&f->server, "");
    wait_for(f, f->is_connected);
}

static void write_seed(struct fixture *f, char public_key[NKEY_PUBLIC_SIZE])
{
    char seed[NKEY_SEED_SIZE];
    struct error error;
    FILE *file;

    nkey_make(seed);
    assert_int_equal(nkey_public(seed, public_key, &error), 0);
    snprintf(f->seed, sizeof(f->seed), "%s/seed", f->server.directory);
    file = fopen(f->seed, "we");
    assert_non_null(file);
    fprintf(file, "%s\n", seed);
    assert_int_equal(fclose(file), 0);
}

/* A key that the servers do not know any more makes libnats give up; we do not. */
static void test_a_key_is_revoked_and_restored(void **state)
{
    struct fixture *f = *state;
    char public_key[NKEY_PUBLIC_SIZE];
    static const char knows_not[] = "authorization { user: other, password: other }";
    char knows[128];

    write_seed(f, public_key);
    snprintf(knows, sizeof(knows), "authorization { users: [ { nkey: %s } ] }", public_key);
    nats_server_start(&f->server, knows);
    create(f, f->seed);
    start(f);
    nats_server_end(&f->server, SIGTERM);
    nats_server_start(&f->server, knows_not);
    wait_for(f, !f->is_connected && strstr(f->problem, "do not know the key") != NULL);
    assert_true(ask(f, "anything") < 0);
    nats_server_end(&f->server, SIGTERM);
    nats_server_start(&f->server, knows);
    wait_for(f, f->is_connected);
}

static void test_stopping_waits_for_nothing(void **state)
{
    struct fixture *f = *state;
    nsec_t begun;

    nats_server_start(&f->server, "");
    create(f, NULL);
    start(f);
    assert_int_equal(kill(f->server.pid, SIGSTOP), 0);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(bus_publish(f->bus, "said", "unheard", 7), 0);
    begun = time_monotonic();
    stop(f);
    while (uv_loop_alive(&f->loop) && time_monotonic() - begun < WAIT_MAX) {
        uv_timer_stop(&f->ticker);
        uv_run(&f->loop, UV_RUN_ONCE);
    }
    assert_int_equal(kill(f->server.pid, SIGCONT), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        TEST(what_is_said_comes),         TEST(compare_and_set),
        TEST(a_stream_is_followed),       TEST(a_later_one_makes_it_whole),
        TEST(the_newest_are_followed),    TEST(one_that_says_much_hides_no_other),
        TEST(the_newest_by_their_share),  TEST(a_full_stream_loses_nothing),
        TEST(the_server_alone_numbers),   TEST(nobody_speaks_for_the_server),
        TEST(the_server_goes_and_comes),  TEST(the_server_loses_everything),
        TEST(the_server_comes_late),      TEST(a_key_is_revoked_and_restored),
        TEST(stopping_waits_for_nothing),
    };
    int r;

    assert(argc == 2);
    nats_server_program = argv[1];
    r = cmocka_run_group_tests(tests, NULL, NULL);
    nats_Close();
    return r;
}
