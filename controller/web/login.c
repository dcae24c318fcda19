/* Header -> digest -> remembered: admitted; else waiting -> thread -> admitted or refused. */
#include "controller/web/login.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "common/base/text.h"
#include "controller/web/reply.h"

#define HEADER_MAX     1024 /* bytes */
#define CHALLENGE      "Basic realm=\"vmreclaim\", charset=\"UTF-8\""
#define BUSY_SECONDS   2u
#define ALL_WRONG      "Log in with a name and password of vmreclaim-web.\n"
#define ONE_TOO_MANY   "Too many wrong passwords came from your address.\n"
#define EVERYBODY_ASKS "Too many log in at once; try again.\n"

/* Name and password that somebody sent, and those requests that wait for what becomes of them. */
struct login_check {
    struct list link;
    struct login *login;
    struct list waiters;
    struct passwords *passwords;
    uint64_t address;
    uint8_t digest[LOGIN_DIGEST_BYTES];
    char text[LOGIN_TEXT_SIZE]; /* the name, '\0', the password */
    const char *password;
    bool is_right;
    uv_work_t work;
};

struct waiter {
    struct list link;
    struct request *request;
};

/* ---- refusing ---- */

static void refuse_for(struct request *request, unsigned status, const char *words,
                       const char *name, const char *value)
{
    struct reply *reply = reply_constant(REPLY_TEXT, words, strlen(words));

    if (reply != NULL)
        reply_header(reply, name, value);
    request_answer(request, status, reply);
}

static void challenge(struct request *request)
{
    refuse_for(request, MHD_HTTP_UNAUTHORIZED, ALL_WRONG, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
               CHALLENGE);
}

static void put_off(struct request *request, unsigned status, const char *words, uint64_t seconds)
{
    char text[24];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)seconds);
    refuse_for(request, status, words, MHD_HTTP_HEADER_RETRY_AFTER, text);
}

/* ---- what is remembered ---- */

static bool is_verified(const struct login *login, const uint8_t digest[LOGIN_DIGEST_BYTES])
{
    size_t count = min_of(login->verified_count, (uint64_t)LOGIN_VERIFIED_MAX);

    for (size_t i = 0; i < count; i++)
        if (gnutls_memcmp(login->verified[i], digest, LOGIN_DIGEST_BYTES) == 0)
            return true;
    return false;
}

static void remember(struct login *login, const uint8_t digest[LOGIN_DIGEST_BYTES])
{
    memcpy(login->verified[login->verified_count++ % LOGIN_VERIFIED_MAX], digest,
           LOGIN_DIGEST_BYTES);
}

/* ---- verifying ---- */

static void start_check(struct login_check *check);

static void destroy_check(struct login_check *check)
{
    assert(list_is_empty(&check->waiters));
    list_remove(&check->link);
    check->login->check_count--;
    passwords_release(check->passwords);
    explicit_bzero(check, sizeof(*check));
    free(check);
}

static void log_refusal(struct login *login, const struct login_check *check)
{
    char name[PASSWORDS_NAME_MAX + 1], address[ATTEMPTS_TEXT_SIZE];
    unsigned suppressed;

    if (!log_limit_pass(&login->refusals, time_monotonic(), &suppressed))
        return;
    text_copy_line(name, sizeof(name), check->text);
    log_notice("a login from %s as \"%s\" had a wrong name or password (%u more like this)",
               attempts_text(check->address, address), name, suppressed);
}

/* The requests are the handlers' from now on. */
static void answer_all(struct login_check *check, bool is_right)
{
    struct login *login = check->login;

    while (!list_is_empty(&check->waiters)) {
        struct waiter *waiter = list_entry(check->waiters.next, struct waiter, link);
        struct request *request = waiter->request;

        list_remove(&waiter->link);
        free(waiter);
        request_wait(request, NULL, NULL);
        if (is_right)
            login->on_admitted(request, login->userdata);
        else
            challenge(request);
    }
}

static void verify(uv_work_t *work)
{
    struct login_check *check = work->data;

    check->is_right = passwords_verify(check->passwords, check->text, check->password);
}

static void on_verified(uv_work_t *work, int status)
{
    struct login_check *check = work->data;
    struct login *login = check->login;
    bool is_current = check->passwords == login->passwords;

    if (check->is_right && is_current) {
        attempts_give_back(&login->attempts, check->address);
        remember(login, check->digest);
    } else if (!check->is_right) {
        log_refusal(login, check);
    }
    answer_all(check, check->is_right && is_current);
    destroy_check(check);
    if (!list_is_empty(&login->checks))
        start_check(list_entry(login->checks.next, struct login_check, link));
}

static void start_check(struct login_check *check)
{
    struct login *login = check->login;

    check->passwords = passwords_hold(login->passwords);
    check->work.data = check;
    (void)uv_queue_work(login->loop, &check->work, verify, on_verified); /* always succeeds */
}

/* ---- who sent what ---- */

bool login_read_header(const char *header, char text[LOGIN_TEXT_SIZE], const char **ret_password)
{
    static const char scheme[] = "Basic ";
    gnutls_datum_t encoded, decoded;
    char *colon;
    bool fits;

    if (header == NULL || strlen(header) > HEADER_MAX ||
        strncasecmp(header, scheme, strlen(scheme)) != 0)
        return false;
    header += strlen(scheme);
    header += strspn(header, " ");
    encoded = (gnutls_datum_t){(unsigned char *)header, (unsigned)strlen(header)};
    if (gnutls_base64_decode2(&encoded, &decoded) < 0)
        return false;
    fits = decoded.size < LOGIN_TEXT_SIZE && memchr(decoded.data, '\0', decoded.size) == NULL;
    if (fits)
        memcpy(text, decoded.data, decoded.size);
    text[fits ? decoded.size : 0] = '\0';
    gnutls_memset(decoded.data, 0, decoded.size);
    gnutls_free(decoded.data);
    colon = strchr(text, ':');
    if (colon == NULL)
        return false;
    *colon = '\0';
    *ret_password = colon + 1;
    return true;
}

/* Of name and password. */
static bool make_digest(const struct login *login, const char *text, const char *password,
                        uint8_t digest[LOGIN_DIGEST_BYTES])
{
    size_t length = (size_t)(password - text) + strlen(password);

    return gnutls_hmac_fast(GNUTLS_MAC_SHA256, login->key, sizeof(login->key), text, length,
                            digest) == 0;
}

static void on_gone(struct request *request, void *userdata)
{
    struct waiter *waiter = userdata;

    list_remove(&waiter->link);
    free(waiter);
}

static void join(struct login_check *check, struct request *request)
{
    struct waiter *waiter = calloc(1, sizeof(*waiter));

    if (waiter == NULL) {
        request_answer(request, MHD_HTTP_SERVICE_UNAVAILABLE, NULL);
        return;
    }
    waiter->request = request;
    list_append(&check->waiters, &waiter->link);
    request_wait(request, on_gone, waiter);
}

static struct login_check *find_check(struct login *login, const uint8_t digest[LOGIN_DIGEST_BYTES])
{
    list_for_each (link, &login->checks) {
        struct login_check *check = list_entry(link, struct login_check, link);

        if (gnutls_memcmp(check->digest, digest, LOGIN_DIGEST_BYTES) == 0)
            return check;
    }
    return NULL;
}

/* NULL: no memory. */
static struct login_check *create_check(struct login *login, const char *text, const char *password,
                                        const uint8_t digest[LOGIN_DIGEST_BYTES])
{
    struct login_check *check = calloc(1, sizeof(*check));

    if (check == NULL)
        return NULL;
    check->login = login;
    memcpy(check->text, text, LOGIN_TEXT_SIZE);
    check->password = check->text + (password - text);
    memcpy(check->digest, digest, LOGIN_DIGEST_BYTES);
    list_init(&check->waiters);
    list_append(&login->checks, &check->link);
    login->check_count++;
    return check;
}

static void begin_check(struct login *login, struct request *request, const char *text,
                        const char *password, const uint8_t digest[LOGIN_DIGEST_BYTES])
{
    uint64_t address = request_address(request);
    struct login_check *check;
    nsec_t wait;

    if (login->check_count >= LOGIN_WAITING_MAX) {
        put_off(request, MHD_HTTP_SERVICE_UNAVAILABLE, EVERYBODY_ASKS, BUSY_SECONDS);
        return;
    }
    wait = attempts_take(&login->attempts, address, time_monotonic());
    if (wait > 0) {
        put_off(request, MHD_HTTP_TOO_MANY_REQUESTS, ONE_TOO_MANY, wait / NSEC_PER_SEC + 1);
        return;
    }
    check = create_check(login, text, password, digest);
    if (check == NULL) {
        request_answer(request, MHD_HTTP_SERVICE_UNAVAILABLE, NULL);
        return;
    }
    check->address = address;
    join(check, request);
    if (login->check_count == 1)
        start_check(check);
}

static void admit_or_check(struct login *login, struct request *request, const char *text,
                           const char *password)
{
    uint8_t digest[LOGIN_DIGEST_BYTES];
    struct login_check *check;

    if (!make_digest(login, text, password, digest)) {
        request_answer(request, MHD_HTTP_SERVICE_UNAVAILABLE, NULL);
        return;
    }
    if (is_verified(login, digest)) {
        login->on_admitted(request, login->userdata);
        return;
    }
    check = find_check(login, digest);
    if (check != NULL)
        join(check, request);
    else
        begin_check(login, request, text, password, digest);
}

void login_request(struct login *login, struct request *request)
{
    const char *header = request_header(request, MHD_HTTP_HEADER_AUTHORIZATION);
    char text[LOGIN_TEXT_SIZE] = "";
    const char *password;

    assert(login->passwords != NULL);
    if (login_read_header(header, text, &password))
        admit_or_check(login, request, text, password);
    else
        challenge(request);
    explicit_bzero(text, sizeof(text));
}

/* ---- beginning and end ---- */

int login_init(struct login *login, uv_loop_t *loop, server_handler on_admitted, void *userdata,
               struct error *error)
{
    *login = (struct login){
        .loop = loop,
        .on_admitted = on_admitted,
        .userdata = userdata,
        .refusals = {.interval = 10 * NSEC_PER_SEC, .burst = 5},
    };
    list_init(&login->checks);
    if (gnutls_rnd(GNUTLS_RND_KEY, login->key, sizeof(login->key)) < 0)
        return error_set(error, -EIO, "no random numbers");
    return 0;
}

void login_set_passwords(struct login *login, struct passwords *passwords)
{
    passwords_release(login->passwords);
    login->passwords = passwords;
    login->verified_count = 0;
}

/* The one on the thread ends by itself. */
void login_stop(struct login *login)
{
    list_for_each_safe (link, following, &login->checks) {
        struct login_check *check = list_entry(link, struct login_check, link);

        if (link != login->checks.next)
            destroy_check(check);
    }
    passwords_release(login->passwords);
    login->passwords = NULL;
}
