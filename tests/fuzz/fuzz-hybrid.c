/* The answer to CONNECT: bounded, safe to show when it is refused, and final at the first newline.
 */
#include <string.h>

#include "common/base/text.h"
#include "common/transport/hybrid.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hybrid_reply reply = {0};
    int r = 0;

    for (size_t i = 0; i < size && r == 0; i++) {
        r = hybrid_reply_take(&reply, (char)data[i]);
        require(data[i] != '\n' || r != 0);
        require(i < HYBRID_LINE_MAX || r != 0);
    }
    require(strlen(reply.line) == reply.length && reply.length < sizeof(reply.line));
    for (size_t i = 0; r < 0 && i < reply.length;) {
        bool safe;

        i += text_take(reply.line + i, reply.length - i, TEXT_ONE_LINE, &safe);
        require(safe);
    }
    require(r <= 0 || strncmp(reply.line, "OK ", 3) == 0);
    return 0;
}
