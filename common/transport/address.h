/* Addresses: vsock:CID:PORT, hybrid:PATH:PORT, unix:PATH, fd:N. Which of them is trusted for what
 * is decision 1 in ARCHITECTURE.md. */
#ifndef VMRECLAIM_COMMON_TRANSPORT_ADDRESS_H
#define VMRECLAIM_COMMON_TRANSPORT_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/un.h>

#include "common/base/error.h"

#define AGENT_PORT 1017 /* of vmreclaimd for agents, and of a hybrid guest's agent */

enum address_kind {
    ADDRESS_VSOCK,
    ADDRESS_HYBRID,
    ADDRESS_UNIX,
    ADDRESS_FD,
};

struct address {
    enum address_kind kind;
    uint32_t cid;   /* vsock; VMADDR_CID_ANY for "any" when listening */
    uint32_t port;  /* vsock, hybrid */
    int descriptor; /* fd */
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* unix, hybrid */
};

/* -EINVAL with what is wrong and the accepted forms in `error`. */
int address_parse(const char *text, struct address *ret_address, struct error *error);

/* The socket beside the operators' that only the daemon's own user may use: others, who may crowd
 * theirs, do not get in its way. -EINVAL: `api` is no path; -ENAMETOOLONG. */
int address_of_root(const struct address *api, struct address *ret_address);

/* The text that parses back; `size` >= 160 always fits. */
const char *address_format(const struct address *address, char *buffer, size_t size);

/* Who is at the other end, as the kernel says; fields of other kinds are 0. */
struct peer {
    enum address_kind kind;
    uint32_t cid;
    uint32_t port;
    pid_t pid;
    uid_t uid;
    gid_t gid;
};

#endif
