/* MHD's responses, and what a browser is told about all of them: to run nothing but our own files,
 * to guess no types, to tell nobody where it was, to keep no data. */
#include "controller/web/reply.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "common/base/util.h"

#define CONTENT_SECURITY_POLICY                                                                    \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "                    \
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/* 15: the window; 16: a gzip header. */
enum { GZIP_LEVEL = 1, GZIP_WINDOW = 15 + 16, GZIP_MEMORY = 8 };

static const char *const headers[][2] = {
    {"Content-Security-Policy", CONTENT_SECURITY_POLICY},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cache-Control", "no-store"},
};

/* A body that knows its size when it goes. */
struct body {
    size_t length;
    char *text;
};

static uint64_t bytes_alive;

uint64_t reply_bytes(void)
{
    return bytes_alive;
}

struct reply *reply_hold(struct reply *reply)
{
    reply->references++;
    return reply;
}

/* Clients that are still being sent it hold the response itself. */
void reply_release(struct reply *reply)
{
    if (reply == NULL || --reply->references > 0)
        return;
    MHD_destroy_response(reply->response);
    free(reply);
}

void reply_header(struct reply *reply, const char *name, const char *value)
{
    const char *old = MHD_get_response_header(reply->response, name);

    if (old != NULL)
        (void)MHD_del_response_header(reply->response, name, old);
    (void)MHD_add_response_header(reply->response, name, value);
}

/* NULL: no memory. */
static struct reply *wrap(struct MHD_Response *response, const char *type)
{
    struct reply *reply = response == NULL ? NULL : malloc(sizeof(*reply));

    if (reply == NULL) {
        if (response != NULL)
            MHD_destroy_response(response);
        return NULL;
    }
    *reply = (struct reply){.response = response, .references = 1};
    for (size_t i = 0; i < ARRAY_SIZE(headers); i++)
        reply_header(reply, headers[i][0], headers[i][1]);
    reply_header(reply, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    return reply;
}

static void free_body(void *userdata)
{
    struct body *body = userdata;

    bytes_alive -= body->length;
    free(body->text);
    free(body);
}

struct reply *reply_create(const char *type, char *text, size_t length)
{
    struct body *body = malloc(sizeof(*body));
    struct MHD_Response *response = NULL;
    struct reply *reply;

    if (body != NULL)
        response =
            MHD_create_response_from_buffer_with_free_callback_cls(length, text, free_body, body);
    if (response == NULL) {
        free(body);
        free(text);
        return NULL;
    }
    *body = (struct body){.length = length, .text = text};
    bytes_alive += length;
    reply = wrap(response, type);
    if (reply != NULL) {
        reply->body = text;
        reply->length = length;
    }
    return reply;
}

/* All of it in one go. NULL: no memory. */
static char *pack(const char *text, size_t length, size_t *ret_length)
{
    z_stream stream = {0};
    char *packed = NULL;
    size_t room;
    bool is_whole;

    if (deflateInit2(&stream, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return NULL;
    room = deflateBound(&stream, length);
    packed = malloc(room);
    stream.next_in = (Bytef *)text;
    stream.avail_in = (uInt)length;
    stream.next_out = (Bytef *)packed;
    stream.avail_out = (uInt)room;
    is_whole = packed != NULL && deflate(&stream, Z_FINISH) == Z_STREAM_END;
    *ret_length = stream.total_out;
    (void)deflateEnd(&stream);
    if (is_whole)
        return packed;
    free(packed);
    return NULL;
}

struct reply *reply_create_gzip(const char *type, const char *text, size_t length)
{
    size_t packed_length;
    char *packed = pack(text, length, &packed_length);
    char *fitting = packed == NULL ? NULL : realloc(packed, packed_length);
    struct reply *reply = NULL;

    if (packed != NULL)
        reply = reply_create(type, fitting != NULL ? fitting : packed, packed_length);
    if (reply != NULL)
        reply_header(reply, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
    return reply;
}

struct reply *reply_constant(const char *type, const char *body, size_t length)
{
    struct reply *reply =
        wrap(MHD_create_response_from_buffer(length, (void *)body, MHD_RESPMEM_PERSISTENT), type);

    if (reply != NULL) {
        reply->body = body;
        reply->length = length;
    }
    return reply;
}

struct reply *reply_stream(const char *type, size_t block, MHD_ContentReaderCallback read,
                           void *userdata)
{
    return wrap(MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, block, read, userdata, NULL),
                type);
}

/* "gzip", not "gzip;q=0", "x-gzip" or a longer word. */
static bool is_gzip(const char *item, size_t length)
{
    size_t word = strcspn(item, ";,");
    const char *quality;

    word = word < length ? word : length;
    while (word > 0 && (item[word - 1] == ' ' || item[word - 1] == '\t'))
        word--;
    if (word != 4 || strncasecmp(item, "gzip", 4) != 0)
        return false;
    quality = strstr(item, "q=");
    if (quality == NULL || quality > item + length)
        return true;
    quality += 2;
    return strspn(quality, "0.") < strcspn(quality, ", ;\t");
}

bool reply_accepts_gzip(const char *accept_encoding)
{
    const char *item = accept_encoding;

    while (item != NULL && *item != '\0') {
        size_t length;

        item += strspn(item, " \t,");
        length = strcspn(item, ",");
        if (length > 0 && is_gzip(item, length))
            return true;
        item += length;
    }
    return false;
}
