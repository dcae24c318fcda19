/* JSON of the daemon's answers. */
#include "controller/web/api.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "controller.pb-c.h"
#include "controller/json/json.h"
#include "controller/web/api-request.h"
#include "controller/web/reply.h"
#include "controller/web/shared.h"

/* Answers that are remembered, also without being fresh. */
enum { ANSWERS_MAX = 32 };

/* When bodies take more than that, no answer is remembered: the server cuts readers off beyond its
 * own bound, which is higher. */
#define REMEMBERED_BYTES (SERVER_BODIES_BYTES / 4)

#define TIMEOUT (10 * NSEC_PER_SEC)

/* To one question. */
struct answer {
    struct list link;
    struct api *api;
    struct fetcher *fetcher; /* of `path` */
    const struct api_path *path;
    ProtobufCMessage *request;
    struct fetch *fetch; /* NULL: none is under way */
    struct shared shared;
};

unsigned api_status(enum ttrpc_code code)
{
    switch (code) {
    case TTRPC_OK:
        return MHD_HTTP_OK;
    case TTRPC_INVALID_ARGUMENT:
    case TTRPC_OUT_OF_RANGE:
        return MHD_HTTP_BAD_REQUEST;
    case TTRPC_NOT_FOUND:
        return MHD_HTTP_NOT_FOUND;
    case TTRPC_FAILED_PRECONDITION:
        return MHD_HTTP_CONFLICT;
    case TTRPC_UNIMPLEMENTED:
        return MHD_HTTP_NOT_IMPLEMENTED;
    case TTRPC_UNAVAILABLE:
    case TTRPC_RESOURCE_EXHAUSTED:
        return MHD_HTTP_SERVICE_UNAVAILABLE;
    case TTRPC_DEADLINE_EXCEEDED:
        return MHD_HTTP_GATEWAY_TIMEOUT;
    default:
        return MHD_HTTP_BAD_GATEWAY;
    }
}

/* ---- documents ---- */

/* Ends with a line's end, as those of the command line. NULL: no memory. Takes over `text`, which
 * may be NULL. */
static char *end_line(char *text, size_t length, size_t *ret_length)
{
    char *longer = text == NULL ? NULL : realloc(text, length + 2);

    if (longer == NULL) {
        free(text);
        return NULL;
    }
    longer[length] = '\n';
    longer[length + 1] = '\0';
    *ret_length = length + 1;
    return longer;
}

/* NULL: no memory. Takes over `json`. */
static char *dump(json_t *json, size_t *ret_length)
{
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER);

    json_decref(json);
    return end_line(text, text == NULL ? 0 : strlen(text), ret_length);
}

/* A text of the daemon's that is JSON already. NULL: no memory. */
static char *copy_text(const ProtobufCMessage *message, size_t *ret_length)
{
    const Vmreclaim__Controller__V1__DumpStateResponse *whole = (const void *)message;
    size_t length = whole->text.len;
    char *copy = malloc(length + 1);

    if (copy != NULL && length > 0)
        memcpy(copy, whole->text.data, length);
    return end_line(copy, length, ret_length);
}

/* A sentence, as {"error": "..."}. */
static char *dump_error(const char *words, size_t *ret_length)
{
    json_t *object = json_object();

    if (object != NULL)
        (void)json_object_set_new(object, "error", json_text(words, strlen(words)));
    return dump(object, ret_length);
}

static void refuse(struct request *request, unsigned status, const char *words)
{
    size_t length;
    char *text = dump_error(words, &length);

    request_answer(request, status, text == NULL ? NULL : reply_create(REPLY_JSON, text, length));
}

/* ---- answers ---- */

static void destroy(struct answer *answer)
{
    if (answer->fetch != NULL)
        fetch_cancel(answer->fetch);
    shared_finish(&answer->shared);
    protobuf_c_message_free_unpacked(answer->request, NULL);
    list_remove(&answer->link);
    answer->api->count--;
    free(answer);
}

static bool is_waited_for(const struct answer *answer)
{
    return answer->fetch != NULL || shared_has_waiters(&answer->shared);
}

/* The oldest go first. Those who are being sent one keep it. */
static void forget(struct api *api)
{
    list_for_each_safe (link, following, &api->answers) {
        struct answer *answer = list_entry(link, struct answer, link);

        if (reply_bytes() <= REMEMBERED_BYTES)
            return;
        if (!is_waited_for(answer))
            destroy(answer);
    }
}

/* It may be forgotten at once. */
static void on_result(const struct ttrpc_result *result, void *userdata)
{
    struct answer *answer = userdata;
    struct api *api = answer->api;
    unsigned status = api_status(result->code);
    size_t length = 0;
    json_t *json = NULL;
    char *text;

    answer->fetch = NULL;
    if (result->code != TTRPC_OK)
        text = dump_error(
            result->message[0] != '\0' ? result->message : ttrpc_code_name(result->code), &length);
    else if (answer->path->form == FETCH_TEXT)
        text = copy_text(result->response, &length);
    else if (json_from_message(result->response, &json) < 0)
        text = NULL;
    else
        text = dump(json, &length);
    shared_put(&answer->shared, status, text, length, result->code != TTRPC_OK);
    forget(api);
}

static int ask(struct answer *answer)
{
    const struct fetch_request fetch = {
        .method = answer->path->method,
        .form = answer->path->form,
        .message = answer->request,
        .wanted = api_request_wanted(answer->request),
        .timeout = TIMEOUT,
        .on_end = on_result,
        .userdata = answer,
    };

    return fetch_start(answer->fetcher, &fetch, &answer->fetch);
}

static bool is_same(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
    size_t size = protobuf_c_message_get_packed_size(a);
    uint8_t *packed;
    bool same = false;

    if (a->descriptor != b->descriptor || size != protobuf_c_message_get_packed_size(b))
        return false;
    packed = malloc(2 * size + 1);
    if (packed != NULL) {
        (void)protobuf_c_message_pack(a, packed);
        (void)protobuf_c_message_pack(b, packed + size);
        same = memcmp(packed, packed + size, size) == 0;
    }
    free(packed);
    return same;
}

/* The oldest that nobody waits for goes. */
static void make_room(struct api *api)
{
    list_for_each_safe (link, following, &api->answers) {
        struct answer *answer = list_entry(link, struct answer, link);

        if (api->count < ANSWERS_MAX)
            return;
        if (!is_waited_for(answer))
            destroy(answer);
    }
}

static struct fetcher *fetcher_of(const struct api *api, const struct api_path *path)
{
    bool is_fleets = path->service == api->fetchers[1]->upstream->peer->service;

    return api->fetchers[is_fleets ? 1 : 0];
}

/* Takes over `message` in any case. NULL: no memory, or too many questions at once. */
static struct answer *get_answer(struct api *api, const struct api_path *path,
                                 ProtobufCMessage *message)
{
    struct answer *answer;

    list_for_each (link, &api->answers) {
        answer = list_entry(link, struct answer, link);
        if (!is_same(answer->request, message))
            continue;
        protobuf_c_message_free_unpacked(message, NULL);
        list_remove(&answer->link);
        list_append(&api->answers, &answer->link);
        return answer;
    }
    make_room(api);
    answer = api->count >= 2 * ANSWERS_MAX ? NULL : calloc(1, sizeof(*answer));
    if (answer == NULL) {
        protobuf_c_message_free_unpacked(message, NULL);
        return NULL;
    }
    answer->api = api;
    answer->path = path;
    answer->fetcher = fetcher_of(api, path);
    answer->request = message;
    shared_init(&answer->shared, REPLY_JSON);
    list_append(&api->answers, &answer->link);
    api->count++;
    return answer;
}

static void give(struct answer *answer, struct request *request)
{
    int r = 0;

    if (shared_is_fresh(&answer->shared)) {
        shared_answer(&answer->shared, request);
        return;
    }
    if (answer->fetch == NULL)
        r = ask(answer);
    if (r == 0)
        shared_wait(&answer->shared, request);
    else if (r == -EPIPE)
        refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, answer->fetcher->upstream->problem.text);
    else
        refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, "too much is asked at once; try again");
}

/* ---- questions ---- */

struct arguments {
    const struct api_path *path;
    ProtobufCMessage *message;
    struct error *error;
    int r;
};

static bool on_argument(const char *name, const char *value, void *userdata)
{
    struct arguments *arguments = userdata;

    arguments->r =
        api_request_set(arguments->path, arguments->message, name, value, arguments->error);
    return arguments->r == 0;
}

void api_answer(struct api *api, struct request *request)
{
    const struct api_path *path = api_path_find(request_path(request) + strlen(API_PREFIX));
    struct error error = {"out of memory"};
    struct arguments arguments = {.path = path, .error = &error};
    struct answer *answer;

    if (path == NULL) {
        refuse(request, MHD_HTTP_NOT_FOUND, "no such path below /api/; see vmreclaim-web(8)");
        return;
    }
    if (fetcher_of(api, path)->upstream->is_none) {
        refuse(request, MHD_HTTP_NOT_FOUND, fetcher_of(api, path)->upstream->problem.text);
        return;
    }
    arguments.message = api_request_create(path);
    if (arguments.message == NULL) {
        request_answer(request, MHD_HTTP_SERVICE_UNAVAILABLE, NULL);
        return;
    }
    request_each_argument(request, on_argument, &arguments);
    if (arguments.r == 0)
        arguments.r = api_request_check(path, arguments.message, &error);
    if (arguments.r < 0) {
        protobuf_c_message_free_unpacked(arguments.message, NULL);
        refuse(request, MHD_HTTP_BAD_REQUEST, error.text);
        return;
    }
    answer = get_answer(api, path, arguments.message);
    if (answer == NULL)
        refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, "too much is asked at once; try again");
    else
        give(answer, request);
}

void api_init(struct api *api, struct fetcher *daemon, struct fetcher *fleet)
{
    *api = (struct api){.fetchers = {daemon, fleet}};
    list_init(&api->answers);
}

void api_finish(struct api *api)
{
    while (!list_is_empty(&api->answers))
        destroy(list_entry(api->answers.next, struct answer, link));
}
