/* Basic auth (RFC 7617): who is let in.
 *
 * A password is verified on a thread, one at a time, so that a guess costs the loop nothing; those
 * who send the same name and password meanwhile wait together. What was verified is remembered as a
 * keyed hash of 32 bytes until the passwords change: a page's other requests and the next scrapes
 * cost microseconds. Guesses are bounded by address and in all; who is remembered is let in however
 * many others guess. */
#ifndef VMRECLAIM_CONTROLLER_WEB_LOGIN_H
#define VMRECLAIM_CONTROLLER_WEB_LOGIN_H

#include <stdint.h>
#include <uv.h>

#include "common/base/error.h"
#include "common/base/list.h"
#include "common/base/log.h"
#include "controller/web/attempts.h"
#include "controller/web/passwords.h"
#include "controller/web/server.h"

#define LOGIN_DIGEST_BYTES 32
#define LOGIN_VERIFIED_MAX 256 /* the oldest is forgotten */
#define LOGIN_WAITING_MAX  32  /* different ones, until they are verified */

/* A name, '\0', a password, '\0'. */
#define LOGIN_TEXT_SIZE (PASSWORDS_NAME_MAX + 1 + PASSWORD_MAX + 1)

struct login_check;

struct login {
    uv_loop_t *loop;
    struct passwords *passwords;
    server_handler on_admitted;
    void *userdata;
    struct list checks; /* struct login_check, in the order they came; the first is on the thread */
    unsigned check_count;
    struct attempts attempts;
    uint8_t key[LOGIN_DIGEST_BYTES]; /* of the keyed hash */
    uint8_t verified[LOGIN_VERIFIED_MAX][LOGIN_DIGEST_BYTES];
    uint64_t verified_count; /* since the passwords changed */
    struct log_limit refusals;
};

/* The caller's memory, until the loop is dry. -EIO: no random numbers. */
int login_init(struct login *login, uv_loop_t *loop, server_handler on_admitted, void *userdata,
               struct error *error);

/* Takes over the reference. Whoever was let in has to show his password again. */
void login_set_passwords(struct login *login, struct passwords *passwords);

/* The header Authorization. False: it is none, or has no name and password. Pure. */
bool login_read_header(const char *header, char text[LOGIN_TEXT_SIZE], const char **ret_password);

/* Hands the request to `on_admitted`, now or later, or refuses it with 401, 429 or 503. There are
 * passwords. */
void login_request(struct login *login, struct request *request);

/* Requests have ended before. */
void login_stop(struct login *login);

#endif
