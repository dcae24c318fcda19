/* Answers with the headers that all of them have. A reply counts its references: many clients can
 * be sent the same one, and its body is there until the last has it. */
#ifndef VMRECLAIM_CONTROLLER_WEB_REPLY_H
#define VMRECLAIM_CONTROLLER_WEB_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <microhttpd.h>

#define REPLY_TEXT    "text/plain; charset=utf-8"
#define REPLY_JSON    "application/json"
#define REPLY_METRICS "text/plain; version=0.0.4; charset=utf-8"

struct reply {
    struct MHD_Response *response;
    unsigned references;
    const char *body; /* NULL: it is a stream */
    size_t length;
};

struct reply *reply_hold(struct reply *reply);
/* NULL is fine. */
void reply_release(struct reply *reply);

/* Bytes of all bodies that are made and not sent to their last client yet. */
uint64_t reply_bytes(void);

/* Takes over `body`, from malloc, in any case. NULL: no memory. */
struct reply *reply_create(const char *type, char *body, size_t length);

/* The same with Content-Encoding: gzip. NULL: no memory. */
struct reply *reply_create_gzip(const char *type, const char *body, size_t length);

/* Of a text that stays, as a constant does. */
struct reply *reply_constant(const char *type, const char *body, size_t length);

/* Without an end: `read` as MHD wants it, in blocks of `block` bytes. */
struct reply *reply_stream(const char *type, size_t block, MHD_ContentReaderCallback read,
                           void *userdata);

/* One more header; a failure is no memory, and the header is missing. */
void reply_header(struct reply *reply, const char *name, const char *value);

/* Whether Accept-Encoding takes gzip. NULL: no. */
bool reply_accepts_gzip(const char *accept_encoding);

#endif
