/* How many bytes a stream may have, as its operators set it: so many, or what it has now, which
 * makes it full.
 *
 * usage: limit-stream URL NKEY STREAM BYTES|full */
#include <fcntl.h>
#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/file.h"
#include "controller/fleet/bus/nkey.h"

#define SPARE 64 /* less than any message */

/* The first that fails. */
#define TRY(status, call)                                                                          \
    do {                                                                                           \
        if ((status) == NATS_OK)                                                                   \
            (status) = (call);                                                                     \
    } while (0)

static natsStatus limit(natsConnection *connection, const char *name, const char *bytes)
{
    jsCtx *context = NULL;
    jsStreamInfo *info = NULL;
    natsStatus s = natsConnection_JetStream(&context, connection, NULL);

    TRY(s, js_GetStreamInfo(&info, context, name, NULL, NULL));
    if (s == NATS_OK) {
        info->Config->MaxBytes =
            strcmp(bytes, "full") == 0 ? (int64_t)info->State.Bytes + SPARE : atoll(bytes);
        printf("%lld of %lld bytes\n", (long long)info->State.Bytes,
               (long long)info->Config->MaxBytes);
    }
    TRY(s, js_UpdateStream(NULL, context, info->Config, NULL, NULL));
    jsStreamInfo_Destroy(info);
    jsCtx_Destroy(context);
    return s;
}

int main(int argc, char **argv)
{
    char seed[256], public_key[NKEY_PUBLIC_SIZE];
    natsConnection *connection = NULL;
    natsOptions *options = NULL;
    struct error error;
    natsStatus s;

    if (argc != 5 || file_read_into(AT_FDCWD, argv[2], seed, sizeof(seed)) < 0 ||
        nkey_public(seed, public_key, &error) < 0) {
        fprintf(stderr, "usage: limit-stream URL NKEY STREAM BYTES|full\n");
        return 2;
    }
    s = natsOptions_Create(&options);
    TRY(s, natsOptions_SetURL(options, argv[1]));
    TRY(s, natsOptions_SetNKeyFromSeed(options, public_key, argv[2]));
    TRY(s, natsConnection_Connect(&connection, options));
    TRY(s, limit(connection, argv[3], argv[4]));
    if (s != NATS_OK)
        fprintf(stderr, "limit-stream: %s: %s\n", natsStatus_GetText(s), nats_GetLastError(NULL));
    natsConnection_Destroy(connection);
    natsOptions_Destroy(options);
    return s != NATS_OK;
}
