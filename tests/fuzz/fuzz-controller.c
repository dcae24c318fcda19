/* Every message of the Controller service, as the connection decodes it. */
#include "controller.pb-c.h"
#include "tests/fuzz/messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_service(&vmreclaim__controller__v1__controller__descriptor, data, size);
}
