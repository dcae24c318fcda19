/* HTTP clients of one UNIX socket each. */
#include "controller/hypervisors/http/client.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/list.h"
#include "common/base/process-path.h"
#include "common/base/util.h"
#include "controller/hypervisors/http/loop.h"

struct http_request {
    struct list link; /* in `waiting` until it is sent */
    nsec_t deadline;  /* CLOCK_MONOTONIC */
    nsec_t timeout;
    http_done done;
    void *userdata;
    bool was_sent;
    const char *method; /* static */
    char path[HTTP_PATH_SIZE];
    char *body;
};

struct http_client {
    struct http_loop *loop;
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
    struct list waiting; /* struct http_request, oldest first */
    unsigned count;      /* of those and `current` */
    nsec_t heard;
    unsigned users; /* frames of ours that go on after a callback */
    bool is_destroyed;
    /* the one on the wire */
    CURL *easy;
    struct curl_slist *headers;
    bool is_sent;
    struct http_request *current; /* NULL: nobody waits for its answer any more */
    char *sent;                   /* its body, which libcurl reads */
    struct process_socket held;   /* where it goes */
    int fd;
    pid_t peer;
    char *answer;
    size_t length;
    size_t header_length;
    bool is_too_large;
};

static void free_request(struct http_request *request)
{
    free(request->body);
    free(request);
}

/* ---- a transfer's callbacks ---- */

static curl_socket_t on_open_socket(void *userdata, curlsocktype purpose,
                                    struct curl_sockaddr *address)
{
    struct http_client *client = userdata;

    client->fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    return client->fd < 0 ? CURL_SOCKET_BAD : client->fd;
}

static void read_peer(struct http_client *client)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);

    if (getsockopt(client->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0)
        client->peer = peer.pid;
}

static size_t on_header(char *text, size_t size, size_t count, void *userdata)
{
    struct http_client *client = userdata;

    if (client->header_length == 0)
        read_peer(client);
    client->header_length += size * count;
    client->is_too_large = client->header_length > HTTP_HEADERS_MAX;
    return client->is_too_large ? 0 : size * count;
}

static size_t on_body(char *text, size_t size, size_t count, void *userdata)
{
    struct http_client *client = userdata;
    size_t length = size * count;
    char *answer;

    if (length > HTTP_BODY_MAX - client->length) {
        client->is_too_large = true;
        return 0;
    }
    answer = realloc(client->answer, client->length + length + 1);
    if (answer == NULL)
        return 0;
    memcpy(answer + client->length, text, length);
    client->answer = answer;
    client->length += length;
    client->answer[client->length] = '\0';
    return length;
}

/* ---- sending ---- */

static int set_options(struct http_client *client, const struct http_request *request)
{
    CURL *easy = client->easy;
    char url[HTTP_PATH_SIZE + 32];

    curl_easy_reset(easy);
    snprintf(url, sizeof(url), "http://localhost%s", request->path);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, client);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, client->headers);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, client);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, client);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, client);
    if (request->body != NULL)
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    return curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, client->held.text) == CURLE_OK &&
                   curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK
               ? 0
               : -ENOMEM;
}

static void on_transfer_ended(void *transfer, CURLcode result);

static int send_request(struct http_client *client, struct http_request *request)
{
    int r;

    assert(!client->is_sent && client->current == NULL);
    client->fd = -1;
    client->peer = 0;
    client->length = 0;
    client->header_length = 0;
    client->is_too_large = false;
    r = process_socket_hold(&client->held, client->path);
    if (r == 0)
        r = set_options(client, request);
    if (r == 0)
        r = http_loop_start(client->loop, client->easy, on_transfer_ended);
    if (r < 0) {
        process_socket_release(&client->held);
        return r;
    }
    free(client->sent);
    client->sent = request->body;
    request->body = NULL;
    client->is_sent = true;
    client->current = request;
    request->was_sent = true;
    return 0;
}

/* ---- endings ---- */

static void hold(struct http_client *client)
{
    client->users++;
}

static void let_go(struct http_client *client)
{
    if (--client->users == 0 && client->is_destroyed)
        free(client);
}

/* Takes `request` over, which is in no list any more. */
static void end(struct http_client *client, struct http_request *request,
                const struct http_answer *answer)
{
    client->count--;
    request->done(answer, request->userdata);
    free_request(request);
}

static void fail(struct http_client *client, struct http_request *request, int status,
                 const struct error *error)
{
    end(client, request,
        &(struct http_answer){
            .status = status, .error = error, .was_sent = request->was_sent, .body = ""});
}

/* The next one that can be sent. */
static void go_on(struct http_client *client)
{
    struct error error;

    while (!client->is_destroyed && !client->is_sent && !list_is_empty(&client->waiting)) {
        struct http_request *request = list_entry(client->waiting.next, struct http_request, link);
        int r;

        list_remove(&request->link);
        r = send_request(client, request);
        if (r < 0)
            fail(client, request,
                 error_set(&error, r, "%s: cannot ask: %s", client->path, strerror(-r)), &error);
    }
}

/* What the transfer's end says of the peer. */
static int judge(const struct http_client *client, CURLcode result, struct error *error)
{
    long os = 0;

    if (client->is_too_large)
        return error_set(error, -EMSGSIZE, "%s: its answer is longer than a hypervisor's",
                         client->path);
    switch (result) {
    case CURLE_OK:
        return 0;
    case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9 */
    case CURLE_WEIRD_SERVER_REPLY:
        return error_set(error, -EPROTO, "%s: what answers there does not speak HTTP",
                         client->path);
    case CURLE_OUT_OF_MEMORY:
        return error_set(error, -ENOMEM, "%s: out of memory", client->path);
    case CURLE_COULDNT_CONNECT:
        (void)curl_easy_getinfo(client->easy, CURLINFO_OS_ERRNO, &os);
        os = os == 0 ? ECONNREFUSED : os;
        return error_set(error, -(int)os, "%s: cannot connect: %s", client->path,
                         strerror((int)os));
    default:
        return error_set(error, -ECONNRESET, "%s: the connection broke: %s", client->path,
                         curl_easy_strerror(result));
    }
}

static void on_transfer_ended(void *transfer, CURLcode result)
{
    struct http_client *client = transfer;
    struct http_request *request = client->current;
    struct error error;
    struct http_answer answer = {.status = judge(client, result, &error), .body = ""};
    char *body = client->answer;
    long code = 0;

    (void)curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &code);
    answer.code = (int)code;
    answer.error = answer.status < 0 ? &error : NULL;
    answer.peer = client->peer;
    answer.was_sent = result != CURLE_COULDNT_CONNECT;
    if (answer.status == 0) {
        client->heard = time_monotonic();
        answer.length = client->length;
        answer.body = body == NULL ? "" : body;
    }
    client->answer = NULL;
    client->is_sent = false;
    client->current = NULL;
    process_socket_release(&client->held);
    hold(client);
    go_on(client);
    if (request != NULL)
        end(client, request, &answer);
    free(body);
    let_go(client);
}

static struct http_request *find_late(struct http_client *client, nsec_t now)
{
    struct http_request *request = client->current;

    if (request != NULL && now >= request->deadline) {
        client->current = NULL; /* its answer is waited for, and dropped */
        return request;
    }
    list_for_each (link, &client->waiting) {
        request = list_entry(link, struct http_request, link);
        if (now >= request->deadline) {
            list_remove(&request->link);
            return request;
        }
    }
    return NULL;
}

void http_client_tick(struct http_client *client, nsec_t now)
{
    struct http_request *request;
    struct error error;

    hold(client);
    while (!client->is_destroyed && (request = find_late(client, now)) != NULL)
        fail(client, request,
             error_set(&error, -ETIMEDOUT, "%s: no answer to %s %s within %.1f s", client->path,
                       request->method, request->path,
                       (double)request->timeout / (double)NSEC_PER_SEC),
             &error);
    let_go(client);
}

/* ---- from outside ---- */

int http_client_ask(struct http_client *client, const char *method, const char *path,
                    const char *body, nsec_t timeout, http_done done, void *userdata)
{
    struct http_request *request;
    int r = 0;

    assert(strlen(path) < HTTP_PATH_SIZE);
    if (client->count >= HTTP_REQUESTS_MAX)
        return -EBUSY;
    request = calloc(1, sizeof(*request));
    if (request == NULL)
        return -ENOMEM;
    request->deadline = time_monotonic() + timeout;
    request->timeout = timeout;
    request->done = done;
    request->userdata = userdata;
    request->method = method;
    snprintf(request->path, sizeof(request->path), "%s", path);
    request->body = body == NULL ? NULL : strdup(body);
    if (body != NULL && request->body == NULL)
        r = -ENOMEM;
    else if (client->is_sent)
        list_append(&client->waiting, &request->link);
    else
        r = send_request(client, request);
    if (r < 0)
        free_request(request);
    else
        client->count++;
    return r;
}

nsec_t http_client_heard(const struct http_client *client)
{
    return client->heard;
}

static void free_parts(struct http_client *client)
{
    if (client->is_sent)
        http_loop_stop(client->loop, client->easy);
    process_socket_release(&client->held);
    curl_easy_cleanup(client->easy);
    curl_slist_free_all(client->headers);
    free(client->sent);
    free(client->answer);
    if (client->loop != NULL)
        http_loop_release(client->loop);
}

void http_client_destroy(struct http_client *client)
{
    struct error error;

    if (client == NULL || client->is_destroyed)
        return;
    client->is_destroyed = true;
    free_parts(client);
    error_set(&error, -ECANCELED, "%s: closed", client->path);
    hold(client);
    if (client->current != NULL)
        fail(client, client->current, -ECANCELED, &error);
    while (!list_is_empty(&client->waiting)) {
        struct http_request *request = list_entry(client->waiting.next, struct http_request, link);

        list_remove(&request->link);
        fail(client, request, -ECANCELED, &error);
    }
    let_go(client);
}

static struct curl_slist *make_headers(void)
{
    struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");
    struct curl_slist *longer = list == NULL ? NULL : curl_slist_append(list, "Expect:");

    if (longer == NULL)
        curl_slist_free_all(list);
    return longer;
}

int http_client_create(uv_loop_t *loop, const char *socket_path, struct http_client **ret_client)
{
    struct http_client *client;

    if (socket_path[0] != '/' || strlen(socket_path) >= sizeof(client->path))
        return -EINVAL;
    client = calloc(1, sizeof(*client));
    if (client == NULL)
        return -ENOMEM;
    list_init(&client->waiting);
    client->held.descriptor = -1;
    snprintf(client->path, sizeof(client->path), "%s", socket_path);
    client->loop = http_loop_take(loop);
    client->easy = curl_easy_init();
    client->headers = make_headers();
    if (client->loop == NULL || client->easy == NULL || client->headers == NULL) {
        free_parts(client);
        free(client);
        return -ENOMEM;
    }
    *ret_client = client;
    return 0;
}
