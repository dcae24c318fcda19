/* Every message of the Agent service, as the connection decodes it. */
#include "agent.pb-c.h"
#include "tests/fuzz/messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_service(&vmreclaim__agent__v1__agent__descriptor, data, size);
}
