/* The names of google.rpc.Code, and which errno is which. */
#include <errno.h>

#include "common/ttrpc/ttrpc.h"

static const char *const names[] = {
    [TTRPC_OK] = "OK",
    [TTRPC_CANCELLED] = "CANCELLED",
    [TTRPC_UNKNOWN] = "UNKNOWN",
    [TTRPC_INVALID_ARGUMENT] = "INVALID_ARGUMENT",
    [TTRPC_DEADLINE_EXCEEDED] = "DEADLINE_EXCEEDED",
    [TTRPC_NOT_FOUND] = "NOT_FOUND",
    [TTRPC_ALREADY_EXISTS] = "ALREADY_EXISTS",
    [TTRPC_PERMISSION_DENIED] = "PERMISSION_DENIED",
    [TTRPC_RESOURCE_EXHAUSTED] = "RESOURCE_EXHAUSTED",
    [TTRPC_FAILED_PRECONDITION] = "FAILED_PRECONDITION",
    [TTRPC_ABORTED] = "ABORTED",
    [TTRPC_OUT_OF_RANGE] = "OUT_OF_RANGE",
    [TTRPC_UNIMPLEMENTED] = "UNIMPLEMENTED",
    [TTRPC_INTERNAL] = "INTERNAL",
    [TTRPC_UNAVAILABLE] = "UNAVAILABLE",
    [TTRPC_DATA_LOSS] = "DATA_LOSS",
    [TTRPC_UNAUTHENTICATED] = "UNAUTHENTICATED",
};

const char *ttrpc_code_name(uint32_t code)
{
    return code < ARRAY_SIZE(names) ? names[code] : names[TTRPC_UNKNOWN];
}

/* The first errno of a code is the one that stands for it. */
static const struct {
    int error;
    enum ttrpc_code code;
} meanings[] = {
    {0, TTRPC_OK},
    {ECANCELED, TTRPC_CANCELLED},
    {EPROTO, TTRPC_UNKNOWN},
    {EINVAL, TTRPC_INVALID_ARGUMENT},
    {ERANGE, TTRPC_INVALID_ARGUMENT},
    {ETIMEDOUT, TTRPC_DEADLINE_EXCEEDED},
    {ENOENT, TTRPC_NOT_FOUND},
    {EEXIST, TTRPC_ALREADY_EXISTS},
    {EPERM, TTRPC_PERMISSION_DENIED},
    {EACCES, TTRPC_PERMISSION_DENIED},
    {ENOMEM, TTRPC_RESOURCE_EXHAUSTED},
    {ENOSPC, TTRPC_RESOURCE_EXHAUSTED},
    {EBUSY, TTRPC_FAILED_PRECONDITION},
    {ENODEV, TTRPC_FAILED_PRECONDITION},
    {EROFS, TTRPC_FAILED_PRECONDITION},
    {EOPNOTSUPP, TTRPC_FAILED_PRECONDITION},
    {EAGAIN, TTRPC_ABORTED},
    {EOVERFLOW, TTRPC_OUT_OF_RANGE},
    {ENOSYS, TTRPC_UNIMPLEMENTED},
    {EIO, TTRPC_INTERNAL},
    {ENOTCONN, TTRPC_UNAVAILABLE},
    {EBADMSG, TTRPC_DATA_LOSS},
    {EKEYREJECTED, TTRPC_UNAUTHENTICATED},
};

enum ttrpc_code ttrpc_code_of_errno(int error)
{
    for (size_t i = 0; i < ARRAY_SIZE(meanings); i++)
        if (meanings[i].error == -error)
            return meanings[i].code;
    return TTRPC_INTERNAL;
}

int ttrpc_code_to_errno(uint32_t code)
{
    for (size_t i = 0; i < ARRAY_SIZE(meanings); i++)
        if (meanings[i].code == code)
            return -meanings[i].error;
    return -EPROTO;
}
