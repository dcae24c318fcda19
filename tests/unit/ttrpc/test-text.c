/* Whatever a handler puts into an answer, it leaves as UTF-8: one string that is not makes a whole
 * answer unreadable to strict decoders. */
#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>

#include "common/base/text.h"
#include "tests/unit/ttrpc/raw.h"

static void compact(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    ttrpc_call_fail(call, TTRPC_ABORTED, "%s",
                    "Stra\xdf"
                    "e");
}

static void reclaim_cache(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    Vmreclaim__Agent__V1__ReclaimCacheResponse response =
        VMRECLAIM__AGENT__V1__RECLAIM_CACHE_RESPONSE__INIT;
    Vmreclaim__Agent__V1__ActionResult result = VMRECLAIM__AGENT__V1__ACTION_RESULT__INIT;

    result.reason = (char *)"Stra\xdf"
                            "e";
    response.result = &result;
    ttrpc_call_finish(call, &response.base);
}

static void watch(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    Vmreclaim__Agent__V1__WatchResponse response = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__INIT;
    Vmreclaim__Agent__V1__EngineState engine = VMRECLAIM__AGENT__V1__ENGINE_STATE__INIT;

    engine.reason = (char *)"Stra\xdf"
                            "e";
    response.event_case = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__EVENT_ENGINE;
    response.engine = &engine;
    if (((const Vmreclaim__Agent__V1__WatchRequest *)message)->interval_ns == 0)
        (void)ttrpc_call_send(call, &response.base);
    ttrpc_call_finish(call, &response.base);
}

/* Longer than an error's text, and two bytes to a character. */
static void set_reporting(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    char text[2001];

    for (size_t i = 0; i < sizeof(text) - 1; i += 2)
        memcpy(text + i, "\xc3\xa4", 3);
    ttrpc_call_fail(call, TTRPC_ABORTED, "%s", text);
}

static const ttrpc_handler handlers[METHOD_COUNT] = {
    [METHOD_COMPACT] = compact,
    [METHOD_RECLAIM_CACHE] = reclaim_cache,
    [METHOD_SET_REPORTING] = set_reporting,
    [METHOD_WATCH] = watch,
};

static const struct ttrpc_service service = {
    .descriptor = &vmreclaim__agent__v1__agent__descriptor,
    .handlers = handlers,
    .streams = 1u << METHOD_WATCH,
};

static const struct ttrpc_service *const services[] = {&service, NULL};

static uint8_t answer[8192];

/* Returns the bytes of all that is answered. */
static size_t ask(const char *method)
{
    struct frame_header header = {.stream = 1, .type = FRAME_REQUEST};
    struct fixture fixture;
    uint8_t request[200] = "\x0a\x18vmreclaim.agent.v1.Agent\x12";
    size_t length = strlen(method);
    ssize_t n;

    request[27] = (uint8_t)length;
    memcpy(request + 28, method, length);
    header.length = (uint32_t)(28 + length);
    fixture_init_server(&fixture, services, NULL);
    send_raw(&fixture, &header, request, header.length);
    loop_run_turns(&fixture.loop, 3);
    n = recv(fixture.raw, answer, sizeof(answer), MSG_DONTWAIT);
    fixture_finish(&fixture);
    assert_true(n > 0);
    return (size_t)n;
}

static void test_text_is_mended_on_its_way_out(void **state)
{
    static const char *const methods[] = {"Compact", "ReclaimCache", "Watch"};

    for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
        size_t length = ask(methods[i]);

        if (memmem(answer, length, "Stra?e", 6) == NULL || memchr(answer, 0xdf, length) != NULL)
            fail_msg("%s", methods[i]);
    }
}

static void test_errors_are_cut_between_characters(void **state)
{
    size_t length = ask("SetReporting");
    const char *text = memchr(answer, 0xc3, length);

    assert_non_null(text);
    assert_true(text_is_utf8(text, length - (size_t)((const uint8_t *)text - answer)));
}

static void test_names_are_repeated_up_to_a_character(void **state)
{
    char method[122] = "a";

    for (size_t i = 1; i < sizeof(method) - 1; i += 2)
        memcpy(method + i, "\xc3\xa4", 3);
    assert_null(memchr(answer, '?', ask(method)));
    assert_non_null(memmem(answer, sizeof(answer), method, 99));
}

/* ---- what a guest says ---- */

static char told[64];

static void on_told(const struct ttrpc_result *result, void *userdata)
{
    const Vmreclaim__Agent__V1__GetInfoResponse *response =
        (const Vmreclaim__Agent__V1__GetInfoResponse *)result->response;

    snprintf(told, sizeof(told), "%s", response == NULL ? result->message : response->boot_id);
    *(bool *)userdata = true;
}

static const char *hear(const struct ttrpc_limits *limits, const void *bytes, size_t length)
{
    Vmreclaim__Agent__V1__GetInfoRequest request = VMRECLAIM__AGENT__V1__GET_INFO_REQUEST__INIT;
    struct frame_header header = {.stream = 1, .type = FRAME_RESPONSE, .length = (uint32_t)length};
    struct fixture fixture;
    bool done = false;

    fixture_init_client(&fixture, limits);
    assert_int_equal(
        ttrpc_call_unary(fixture.client, AGENT, "GetInfo", &request.base, 0, on_told, &done, NULL),
        0);
    send_raw(&fixture, &header, bytes, length);
    loop_run_until(&fixture.loop, &done);
    fixture_finish(&fixture);
    return told;
}

/* A guest's text forges no line, wherever it is repeated. */
static void test_a_guests_text_is_one_line(void **state)
{
    static const uint8_t info[] = "\x12\x0a\x1a\x08"
                                  "a\nb\xe2\x80\xae"
                                  "\x1b[";
    static const uint8_t status[] = "\x0a\x07\x08\x0a\x12\x03"
                                    "a\nb";

    assert_string_equal(hear(&ttrpc_limits_guest, info, sizeof(info) - 1), "a?b????[");
    assert_string_equal(hear(&ttrpc_limits_default, info, sizeof(info) - 1),
                        "a\nb\xe2\x80\xae\x1b[");
    assert_string_equal(hear(&ttrpc_limits_guest, status, sizeof(status) - 1), "a?b");
    assert_string_equal(hear(&ttrpc_limits_default, status, sizeof(status) - 1), "a?b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_is_mended_on_its_way_out),
        cmocka_unit_test(test_errors_are_cut_between_characters),
        cmocka_unit_test(test_names_are_repeated_up_to_a_character),
        cmocka_unit_test(test_a_guests_text_is_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
