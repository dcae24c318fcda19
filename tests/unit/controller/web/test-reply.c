/* Bodies, and whether they may be packed. */
#include "tests/lib/test.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "controller/web/reply.h"

static void test_who_takes_gzip(void **state)
{
    static const char *const takes[] = {
        "gzip",   "GZIP",  "deflate, gzip",   "gzip;q=0.5, br", "br;q=1.0, gzip; q=1",
        " gzip ", "gzip,", "deflate;q=0,gzip"};
    static const char *const takes_not[] = {
        "",       "br",       "gzip;q=0", "gzip;q=0.0, br",
        "x-gzip", "gzipped",  ",,",       "deflate, gzip ; q=0.000",
        "gzi",    "identity", ";q=1"};

    for (size_t i = 0; i < ARRAY_SIZE(takes); i++)
        if (!reply_accepts_gzip(takes[i]))
            fail_msg("\"%s\" is not taken", takes[i]);
    for (size_t i = 0; i < ARRAY_SIZE(takes_not); i++)
        if (reply_accepts_gzip(takes_not[i]))
            fail_msg("\"%s\" is taken", takes_not[i]);
    assert_false(reply_accepts_gzip(NULL));
}

static void test_bytes_are_counted_until_the_last_is_gone(void **state)
{
    struct reply *reply = reply_create(REPLY_TEXT, strdup("twelve bytes"), 12);

    assert_int_equal(reply_bytes(), 12);
    assert_ptr_equal(reply_hold(reply), reply);
    reply_release(reply);
    assert_int_equal(reply_bytes(), 12);
    reply_release(reply);
    assert_int_equal(reply_bytes(), 0);
    reply_release(NULL);
}

static void test_packed_is_the_same(void **state)
{
    char text[5000];
    char back[5001];
    struct reply *reply;
    z_stream stream = {.next_out = (Bytef *)back, .avail_out = sizeof(back)};

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)('a' + i % 7);
    reply = reply_create_gzip(REPLY_TEXT, text, sizeof(text));
    assert_true(reply->length < 200);
    assert_string_equal(MHD_get_response_header(reply->response, "Content-Encoding"), "gzip");
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    stream.next_in = (Bytef *)(uintptr_t)reply->body;
    stream.avail_in = (uInt)reply->length;
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.total_out, sizeof(text));
    assert_memory_equal(back, text, sizeof(text));
    inflateEnd(&stream);
    reply_release(reply);
}

/* A header that is said anew is there once. */
static void test_headers(void **state)
{
    struct reply *reply = reply_constant(REPLY_JSON, "{}", 2);

    assert_string_equal(MHD_get_response_header(reply->response, "Content-Type"), REPLY_JSON);
    assert_string_equal(MHD_get_response_header(reply->response, "Cache-Control"), "no-store");
    assert_non_null(strstr(MHD_get_response_header(reply->response, "Content-Security-Policy"),
                           "default-src 'none'"));
    reply_header(reply, "Cache-Control", "max-age=60");
    assert_string_equal(MHD_get_response_header(reply->response, "Cache-Control"), "max-age=60");
    reply_release(reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_takes_gzip),
        cmocka_unit_test(test_bytes_are_counted_until_the_last_is_gone),
        cmocka_unit_test(test_packed_is_the_same),
        cmocka_unit_test(test_headers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
