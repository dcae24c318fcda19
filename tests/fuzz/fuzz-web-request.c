/* What vmreclaim-web itself reads of a request, beside what the HTTP library does: headers, a path
 * of /api/ and its arguments. The fields are the input's lines: Host, Sec-Fetch-Site,
 * Sec-Fetch-Mode, path, Accept-Encoding and Authorization, the scraper's timeout, then NAME=VALUE
 * each. */
#include <string.h>

#include "common/base/text.h"
#include "controller/web/api-request.h"
#include "controller/web/guard.h"
#include "controller/web/host-view.h"
#include "controller/web/login.h"
#include "controller/web/reply.h"
#include "controller/web/scrape.h"
#include "tests/fuzz/fuzz.h"

enum { ARGUMENTS = 6, FIELDS = 16 }; /* lines; from which on they are arguments */

/* A name is believed with any port, and with nothing else behind it. */
static void check_host(const char *host)
{
    size_t length = guard_host_length(host);

    require(length <= strlen(host));
    require(length == 0 || host[length] == '\0' || host[length] == ':');
    require(length == 0 || strchr("[0123456789abcdefABCDEF:.]", host[0]) != NULL ||
            memchr(host, ':', length) == NULL);
}

static void check_guard(char *const fields[FIELDS])
{
    static const struct guard guard = {
        .checks_host = true, .hosts = {"a.example"}, .host_count = 1};
    const struct guard_request request = {.method = "GET",
                                          .host = fields[0],
                                          .fetch_site = fields[1],
                                          .fetch_mode = fields[2],
                                          .path = fields[3]};
    const char *reason = NULL;
    unsigned status = guard_check(&guard, &request, &reason);

    require((status == 0) == (reason == NULL));
    require(status == 0 || status == 403);
    require(status != 0 || guard_host_length(fields[0]) > 0);
}

/* What was taken is what is sent: the daemon reads the same. */
static void check_message(const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = malloc(size + 1);
    ProtobufCMessage *again;

    require(packed != NULL && protobuf_c_message_pack(message, packed) == size);
    again = protobuf_c_message_unpack(message->descriptor, NULL, size, packed);
    require(again != NULL && protobuf_c_message_get_packed_size(again) == size);
    protobuf_c_message_free_unpacked(again, NULL);
    free(packed);
}

static void check_words(const struct error *error)
{
    require(text_is_utf8(error->text, strlen(error->text)) && error->text[0] != '\0');
}

static void check_api(char *const fields[FIELDS], char *const values[FIELDS])
{
    const struct api_path *path = api_path_find(fields[3]);
    struct error error = {""};
    ProtobufCMessage *message;

    if (path == NULL)
        return;
    message = api_request_create(path);
    for (size_t i = ARGUMENTS; i < FIELDS; i++)
        if (values[i] != NULL && api_request_set(path, message, fields[i], values[i], &error) < 0)
            check_words(&error);
    (void)api_request_check(path, message, &error);
    check_message(message);
    protobuf_c_message_free_unpacked(message, NULL);
}

/* A question about a fleet's hosts, of whom there are none. */
static void check_fleet(char *const fields[FIELDS], char *const values[FIELDS])
{
    struct host_query query = {.limit = HOST_VIEW_LIMIT};
    const struct host_table table = {.rows = NULL};
    struct error error = {""};
    json_t *view;

    for (size_t i = ARGUMENTS; i < FIELDS; i++)
        if (values[i] != NULL && host_query_set(&query, fields[i], values[i], &error) < 0)
            check_words(&error);
    require(query.limit >= 1 && query.limit <= HOST_VIEW_LIMIT_MAX && query.down <= 1);
    require(text_is_utf8(query.selector, strlen(query.selector)));
    view = host_view(&table, &query);
    require(view != NULL && json_array_size(json_object_get(view, "hosts")) == 0);
    json_decref(view);
}

/* "NAME=VALUE" becomes both; NULL: it is none. */
static void split_arguments(char *const fields[FIELDS], char *values[FIELDS])
{
    for (size_t i = ARGUMENTS; i < FIELDS; i++) {
        values[i] = strchr(fields[i], '=');
        if (values[i] != NULL)
            *values[i]++ = '\0';
    }
}

/* The password stands behind the name, and both end. */
static void check_login(const char *header)
{
    char text[LOGIN_TEXT_SIZE];
    const char *password;

    if (!login_read_header(header, text, &password))
        return;
    require(password == text + strlen(text) + 1);
    require(password + strlen(password) < text + sizeof(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[1024];
    char *fields[FIELDS], *values[FIELDS];
    size_t count = 0;
    nsec_t timeout;

    if (size >= sizeof(text))
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    for (char *next = text; count < FIELDS; count++) {
        fields[count] = next == NULL ? text + size : next;
        next = next == NULL ? NULL : strchr(next, '\n');
        if (next != NULL)
            *next++ = '\0';
    }
    check_host(fields[0]);
    check_guard(fields);
    (void)reply_accepts_gzip(fields[4]);
    check_login(fields[4]);
    timeout = scrape_timeout(fields[5]);
    require(timeout >= NSEC_PER_SEC / 2 && timeout <= 30 * NSEC_PER_SEC);
    split_arguments(fields, values);
    check_api(fields, values);
    check_fleet(fields, values);
    return 0;
}
