/* What is told and asked over the bus. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_BUS_TYPES_H
#define VMRECLAIM_CONTROLLER_FLEET_BUS_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of `expected`: nothing may be there. */
#define BUS_NOTHING 0
/* Whatever is there. */
#define BUS_ANYTHING UINT64_MAX

/* What became of something asked. Pointers live until the callback returns. */
struct bus_answer {
    int status; /* 0; -ESTALE: something else is there; -ENOENT; -ENOTCONN; -ETIMEDOUT: unknown;
                   -ENOSPC: the bus is full; -EMSGSIZE; -EIO */
    const char *problem; /* of a status below 0, in words */
    uint64_t sequence;   /* in the stream; of what was put, or of what is there */
    const uint8_t *data; /* of what is there */
    size_t length;
};
typedef void (*bus_done)(const struct bus_answer *answer, void *userdata);

struct bus_message {
    const char *subject;
    uint64_t sequence; /* in the stream; 0: it comes from none */
    bool is_kept;      /* the stream had it before it was followed: nobody says it now */
    const uint8_t *data;
    size_t length;
};

/* What the bus keeps of what is said on a subject. */
struct bus_stream {
    const char *name;
    const char *subject;     /* or several, at most 16, with blanks between */
    const char *republished; /* where each is said again when it is kept; NULL: nowhere */
    int64_t bytes;           /* of all, reserved when it is made */
    int32_t message_bytes;
    int64_t per_subject;   /* the newest so many; 0: all */
    uint64_t age_ns;       /* then it is forgotten; 0: never */
    bool is_never_deleted; /* a full one takes nothing new; else it forgets the oldest */
    bool is_record;        /* nobody deletes from it, or purges it; a full one forgets the oldest */
};

struct bus_options {
    const char *servers; /* URLs with commas between; "tls://" for TLS */
    const char *name;    /* what the servers call this connection */
    const char *inbox;   /* what its replies come to begins so; NULL: libnats' own */
    const char *nkey;    /* file of the user's seed; NULL: none */
    /* PEM file of who signed the servers' certificates, which it demands; NULL: the system's */
    const char *authority;
    /* Streams that are made where they are not there; NULL: none are. The caller's, as long as the
     * bus is. */
    const struct bus_stream *streams;
    size_t stream_count;
    unsigned replicas; /* of each */
    void (*on_state)(bool is_connected, const char *problem, void *userdata);
    void (*on_message)(const struct bus_message *message, void *userdata);
    /* All that a followed stream had has come; after each connection. NULL: nobody follows. */
    void (*on_whole)(const char *stream, void *userdata);
    /* A followed stream is another one than before, whose sequences begin anew: the servers have
     * lost it. Before anything of it comes. NULL: nobody wants to know. */
    void (*on_remade)(const char *stream, void *userdata);
    void *userdata;
};

#endif
