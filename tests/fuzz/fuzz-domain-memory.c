/* A domain's XML as libvirt gives it to hooks, in which people write titles and metadata: whatever
 * they write, it is no size but a whole number of KiB, and nothing is read behind the end. */
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/cli/domain-xml.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *xml = malloc(size + 1);
    uint64_t bytes = 0;

    require(xml != NULL);
    if (size > 0)
        memcpy(xml, data, size);
    xml[size] = '\0';
    if (domain_xml_memory(xml, &bytes) == 0)
        require(bytes > 0 && bytes % KIB == 0 && strstr(xml, "<memory") != NULL);
    else
        require(bytes == 0);
    free(xml);
    return 0;
}
