/* Checks of a request's headers. */
#include "controller/web/guard.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { METHOD_NOT_ALLOWED = 405, FORBIDDEN = 403, TOO_LARGE = 413 };

static bool is_port(const char *text)
{
    size_t length = strspn(text, "0123456789");

    return length > 0 && length <= 5 && text[length] == '\0';
}

size_t guard_host_length(const char *host)
{
    size_t length =
        host[0] == '[' ? strspn(host + 1, "0123456789abcdefABCDEF:.") + 2 : strcspn(host, ":");

    if (length == 0 || (host[0] == '[' && host[length - 1] != ']'))
        return 0;
    if (host[length] != '\0' && (host[length] != ':' || !is_port(host + length + 1)))
        return 0;
    return length;
}

/* An IPv4 address of this machine's loopback; any of 127.0.0.0/8. */
static bool is_loopback_address(const char *host, size_t length)
{
    return length > 4 && strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") >= length;
}

static bool is_name(const char *host, size_t length, const char *name)
{
    return strlen(name) == length && strncasecmp(host, name, length) == 0;
}

static bool host_is_ours(const struct guard *guard, const char *host)
{
    size_t length = host == NULL ? 0 : guard_host_length(host);

    if (length == 0)
        return false;
    if (is_name(host, length, "localhost") || is_name(host, length, "[::1]") ||
        is_loopback_address(host, length))
        return true;
    for (size_t i = 0; i < guard->host_count; i++)
        if (is_name(host, length, guard->hosts[i]))
            return true;
    return false;
}

/* A link on another site may lead to the page; its data is for our own page only. */
static bool comes_from_elsewhere(const struct guard_request *request)
{
    bool follows_a_link = request->fetch_mode != NULL &&
                          strcmp(request->fetch_mode, "navigate") == 0 &&
                          strcmp(request->path, "/") == 0;

    if (request->fetch_site == NULL || strcmp(request->fetch_site, "same-origin") == 0 ||
        strcmp(request->fetch_site, "none") == 0)
        return false;
    return !follows_a_link;
}

unsigned guard_check(const struct guard *guard, const struct guard_request *request,
                     const char **ret_reason)
{
    if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
        *ret_reason = "Everything here only reads: GET and HEAD.\n";
        return METHOD_NOT_ALLOWED;
    }
    if (request->has_body) {
        *ret_reason = "A request has no body here.\n";
        return TOO_LARGE;
    }
    if (guard->checks_host && !host_is_ours(guard, request->host)) {
        *ret_reason = "This host's name is not one of mine.\n"
                      "Start vmreclaim-web with --host NAME where it is.\n";
        return FORBIDDEN;
    }
    if (comes_from_elsewhere(request)) {
        *ret_reason = "Another site sent you here.\n";
        return FORBIDDEN;
    }
    return 0;
}
