/* libnats' status, and what it says of a certificate: "...: 20:unable to get local issuer
 * certificate:depth=0:cert=/CN=bus-1:issuer=...", whose number is OpenSSL's (x509_vfy.h). */
#include "controller/fleet/bus/problem.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/base/util.h"

#define HANDSHAKE "SSL handshake error: "
#define STRANGER                                                                                   \
    "the server's certificate is not signed by who 'authority' names (the system's authorities "   \
    "without it)"
#define OTHER_NAME                                                                                 \
    "the server's certificate is for another name than the one in 'servers': write it there as "   \
    "the certificate has it"

static const struct {
    long code; /* of OpenSSL */
    const char *words;
} certificates[] = {
    {9, "the server's certificate is not valid yet, or this clock is behind; see date(1)"},
    {10, "the server's certificate has expired, or this clock is ahead; see date(1)"},
    {18, STRANGER},
    {19, STRANGER},
    {20, STRANGER},
    {21, STRANGER},
    {23, "the server's certificate was revoked"},
    {62, OTHER_NAME},
    {64, OTHER_NAME},
};

static const struct {
    natsStatus status;
    const char *words;
} statuses[] = {
    {NATS_NO_SERVER, "no server answers there: does it run, and may this host reach its port?"},
    {NATS_TIMEOUT, "no server answers in time"},
    {NATS_CONNECTION_AUTH_FAILED,
     "the servers do not know the key of 'nkey', or no more: enrol it with vmreclaim-fleet "
     "--enrol, and reload them"},
    {NATS_SECURE_CONNECTION_WANTED,
     "the server has no TLS, which tls:// and 'authority' want of it"},
    {NATS_SECURE_CONNECTION_REQUIRED, "the server wants TLS: write tls:// in 'servers'"},
};

/* libnats begins with the place in its own source. */
static const char *without_place(const char *detail)
{
    const char *end = detail[0] == '(' ? strstr(detail, "): ") : NULL;

    return end == NULL ? detail : end + 3;
}

static const char *of_certificate(const char *detail)
{
    const char *place = strstr(detail, HANDSHAKE);
    long code = place == NULL ? 0 : strtol(place + strlen(HANDSHAKE), NULL, 10);

    for (size_t i = 0; i < ARRAY_SIZE(certificates); i++)
        if (certificates[i].code == code)
            return certificates[i].words;
    return NULL;
}

static const char *find(natsStatus status, const char *detail)
{
    if (status == NATS_SSL_ERROR && strstr(detail, "loading trusted certificates") != NULL)
        return "the file of 'authority' cannot be read, or has no certificates in PEM";
    if (status == NATS_SSL_ERROR)
        return of_certificate(detail);
    for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
        if (statuses[i].status == status)
            return statuses[i].words;
    return NULL;
}

const char *bus_problem(natsStatus status, const char *detail, char *ret_text, size_t size)
{
    const char *own = natsStatus_GetText(status);
    const char *words;

    detail = detail == NULL ? "" : without_place(detail);
    words = find(status, detail);
    if (words != NULL)
        text_copy(ret_text, size, words);
    else if (detail[0] == '\0' || strcmp(detail, own) == 0)
        text_copy(ret_text, size, own);
    else
        text_format(ret_text, size, "%s: %s", own, detail);
    return ret_text;
}
