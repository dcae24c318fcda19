/* Which requests are answered at all. Everything here only reads, but what it reads is not for
 * every web page: on a loopback address a page of another site can send its visitors' browsers
 * here, by a name that it lets point to 127.0.0.1 (DNS rebinding) or by a plain link. Pure. */
#ifndef VMRECLAIM_CONTROLLER_WEB_GUARD_H
#define VMRECLAIM_CONTROLLER_WEB_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#define GUARD_HOSTS_MAX 16

struct guard {
    bool checks_host;                   /* not behind a UNIX socket */
    const char *hosts[GUARD_HOSTS_MAX]; /* names beside those of this machine's loopback */
    size_t host_count;
};

/* The headers that it is about, NULL where there is none. */
struct guard_request {
    const char *method;
    const char *path;
    const char *host;
    const char *fetch_site; /* Sec-Fetch-Site */
    const char *fetch_mode; /* Sec-Fetch-Mode */
    bool has_body;
};

/* 0: it may be answered. Else the HTTP status of a refusal, and why in `*ret_reason`, a constant.
 */
unsigned guard_check(const struct guard *guard, const struct guard_request *request,
                     const char **ret_reason);

/* "name", "name:port", "[address]:port" without the port. The length of what is before it; 0: none
 * of these. */
size_t guard_host_length(const char *host);

#endif
