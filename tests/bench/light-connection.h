/* One user's connection to a nats-server, as light as it can be: the protocol itself over a socket
 * that does not block, so that one process has ten thousand of them. For benches. */
#ifndef VMRECLAIM_TESTS_BENCH_LIGHT_CONNECTION_H
#define VMRECLAIM_TESTS_BENCH_LIGHT_CONNECTION_H

#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum light_state {
    LIGHT_CLOSED,
    LIGHT_CONNECTING,
    LIGHT_GREETING, /* the server speaks first */
    LIGHT_HANDSHAKE,
    LIGHT_SIGNING_ON,
    LIGHT_READY,
};

struct light_buffer {
    char *bytes;
    size_t length;
    size_t room;
};

struct light_message {
    const char *subject;
    size_t subject_length;
    const uint8_t *headers; /* with "NATS/1.0" before them; NULL: none */
    size_t header_length;
    const uint8_t *data;
    size_t length;
};

struct light_connection;

/* What all connections of a process share. */
struct light_options {
    int epoll;
    gnutls_certificate_credentials_t credentials; /* NULL: no TLS */
    void (*on_ready)(struct light_connection *connection);
    void (*on_message)(struct light_connection *connection, const struct light_message *message);
    /* Nothing comes any more; maybe it is opened again. */
    void (*on_lost)(struct light_connection *connection, const char *why);
    uint64_t bytes_sent; /* of all */
    uint64_t bytes_received;
};

struct light_connection {
    struct light_options *options;
    const char *name; /* the caller's, as are these three */
    const char *seed;
    const char *public_key;
    enum light_state state;
    int descriptor;
    bool waits_to_write;
    gnutls_session_t session;
    struct light_buffer in;
    struct light_buffer out;
};

/* Goes on by light_connection_go_on when epoll says so, with the connection as its data. */
void light_connection_open(struct light_connection *connection, const struct sockaddr_in *server);
void light_connection_go_on(struct light_connection *connection, uint32_t events);
void light_connection_close(struct light_connection *connection);

void light_connection_subscribe(struct light_connection *connection, const char *subject,
                                unsigned id);
/* `reply` NULL: none. */
void light_connection_publish(struct light_connection *connection, const char *subject,
                              const char *reply, const void *data, size_t length);

#endif
