#include "tests/lab/vsock-device/command.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "common/base/number.h"
#include "common/base/util.h"

#define SPACES " \t\v\f\r"

int command_parse(const char *bytes, size_t length, uint32_t *ret_port)
{
    static const char word[] = "CONNECT";
    char line[COMMAND_SIZE_MAX + 1] = "";
    const char *newline = memchr(bytes, '\n', min_of(length, (size_t)COMMAND_SIZE_MAX));
    const char *text = line;
    uint64_t port;

    if (newline == NULL || (size_t)(newline - bytes) + 1 < COMMAND_SIZE_MIN)
        return -EPROTO;
    memcpy(line, bytes, (size_t)(newline - bytes));
    if (strlen(line) != (size_t)(newline - bytes))
        return -EPROTO;
    text += strspn(text, SPACES);
    if (strncasecmp(text, word, strlen(word)) != 0)
        return -EPROTO;
    text += strlen(word);
    if (strspn(text, SPACES) == 0)
        return -EPROTO;
    text += strspn(text, SPACES);
    if (number_scan(&text, &port) < 0 || port > UINT32_MAX || strchr(SPACES, *text) == NULL)
        return -EPROTO;
    *ret_port = (uint32_t)port;
    return (int)(newline - bytes) + 1;
}
