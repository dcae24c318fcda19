/* Addresses: what parses is printed as text that parses to the same. */
#include <string.h>

#include "common/transport/address.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[256], printed[160], again[160];
    struct address address, second;
    struct error error;

    if (size >= sizeof(text))
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (address_parse(text, &address, &error) < 0) {
        require(strlen(error.text) > 0);
        return 0;
    }
    (void)address_format(&address, printed, sizeof(printed));
    require(address_parse(printed, &second, &error) == 0);
    require(strcmp(printed, address_format(&second, again, sizeof(again))) == 0);
    require(address.kind == second.kind && address.cid == second.cid);
    require(address.port == second.port && strcmp(address.path, second.path) == 0);
    return 0;
}
