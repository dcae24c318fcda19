/* A real nats-server on loopback, with a port that was free. */
#ifndef VMRECLAIM_TESTS_INTEROP_NATS_NATS_SERVER_H
#define VMRECLAIM_TESTS_INTEROP_NATS_NATS_SERVER_H

#include <sys/types.h>

struct nats_server {
    char directory[64]; /* of its own, made by nats_server_init */
    char url[64];       /* "nats://127.0.0.1:PORT" */
    unsigned port;      /* 0: one that is free; the same again after the first start */
    pid_t pid;          /* 0: it does not run */
};

/* The program that is run. */
extern const char *nats_server_program;

void nats_server_init(struct nats_server *server);

/* Returns when it listens. `configuration`: what is beside port and store. */
void nats_server_start(struct nats_server *server, const char *configuration);

/* By a signal; what it has stored stays. */
void nats_server_end(struct nats_server *server, int signal);

/* One that has ended loses what it has stored. */
void nats_server_lose(struct nats_server *server);

/* Ends it, and takes its directory away. */
void nats_server_finish(struct nats_server *server);

#endif
