/* Texts of requests that are longer than the daemon takes: each of them, through the real door. */
#include "tests/lib/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "controller/api/api.h"
#include "controller/vms/tick.h"
#include "tests/lib/loop.h"
#include "tests/lib/texts.h"

static uv_loop_t loop;
static struct supervisor supervisor;
static struct api api;
static struct ttrpc_connection *client;
static int root;
static unsigned places;
static unsigned audited;

/* What the last call got. */
static bool is_done;
static enum ttrpc_code code;
static char words[256];

static void on_audit(const struct api_call *call, const ProtobufCMessage *request, bool allowed,
                     void *userdata)
{
    audited++;
}

static int set_up(void **state)
{
    struct ttrpc_connection_options options = {.limits = ttrpc_limits_default};
    const struct peer peer = {.kind = ADDRESS_UNIX, .pid = 1, .uid = geteuid()};
    int pair[2];

    assert_int_equal(uv_loop_init(&loop), 0);
    root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(supervisor_init(&supervisor, &loop, root, NSEC_PER_SEC), 0);
    api_init(&api, &(struct api_rooms){.supervisor = &supervisor});
    api.audit = on_audit;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    api_accept(&api, pair[1], &peer);
    assert_int_equal(ttrpc_connection_create(&loop, pair[0], &options, &client), 0);
    return 0;
}

static int tear_down(void **state)
{
    ttrpc_connection_close(client);
    api_stop(&api);
    supervisor_stop(&supervisor);
    loop_finish(&loop);
    api_finish(&api);
    supervisor_finish(&supervisor);
    close(root);
    return 0;
}

static void on_message(const ProtobufCMessage *message, void *userdata)
{
    fail_msg("no message is expected");
}

static void on_result(const struct ttrpc_result *result, void *userdata)
{
    is_done = true;
    code = result->code;
    snprintf(words, sizeof(words), "%s", result->message);
}

static void call_with(const struct text_place *place, size_t length)
{
    ProtobufCMessage *request = make_text_request(place, length);
    bool streams = (api_method_of(place->method->input)->flags & API_STREAMS) != 0;

    is_done = false;
    if (streams)
        assert_int_equal(ttrpc_call_stream(client, api_service, place->method->name, request, 0,
                                           on_message, on_result, NULL, NULL),
                         0);
    else
        assert_int_equal(ttrpc_call_unary(client, api_service, place->method->name, request, 0,
                                          on_result, NULL, NULL),
                         0);
    loop_run_until(&loop, &is_done);
    protobuf_c_message_free_unpacked(request, NULL);
}

/* As connections.c has it. */
static size_t bound_of(const char *field)
{
    for (const struct ttrpc_text_bound *bound = api_texts; bound->field != NULL; bound++)
        if (strcmp(bound->field, field) == 0)
            return bound->bytes;
    return API_TEXT_BYTES;
}

static void check(const struct text_place *place, void *userdata)
{
    size_t most = bound_of(text_field(place)->name);
    char expected[256];

    places++;
    call_with(place, most + 1);
    snprintf(expected, sizeof(expected), "%s has %zu bytes; at most %zu are taken",
             text_field(place)->name, most + 1, most);
    assert_string_equal(words, expected);
    assert_int_equal(code, TTRPC_INVALID_ARGUMENT);
}

static void test_every_text_has_a_bound(void **state)
{
    places = 0;
    visit_texts(api_service, check, NULL);
    assert_in_range(places, 25, 200);
    assert_int_equal(audited, 0); /* nothing was asked of the daemon */
}

static void count_name(const struct text_place *place, void *userdata)
{
    const char **field = userdata;

    if (*field != NULL && strcmp(text_field(place)->name, *field) == 0)
        *field = NULL;
}

/* Every row of the table is of some request. */
static void test_the_table_has_no_row_too_many(void **state)
{
    for (const struct ttrpc_text_bound *bound = api_texts; bound->field != NULL; bound++) {
        const char *field = bound->field;

        visit_texts(api_service, count_name, &field);
        assert_null(field);
    }
}

static void test_a_text_as_long_as_it_may_be(void **state)
{
    const ProtobufCMessageDescriptor *input =
        &vmreclaim__controller__v1__list_vms_request__descriptor;
    const struct text_place place = {
        .method = protobuf_c_service_descriptor_get_method_by_name(api_service, "ListVms"),
        .fields = {protobuf_c_message_descriptor_get_field_by_name(input, "page_token")},
    };

    call_with(&place, bound_of("page_token"));
    assert_int_equal(code, TTRPC_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_text_has_a_bound, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_text_as_long_as_it_may_be, set_up, tear_down),
        cmocka_unit_test(test_the_table_has_no_row_too_many),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
