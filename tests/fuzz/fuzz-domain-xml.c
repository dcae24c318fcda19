/* The live XML of a libvirt domain, in which people write titles and metadata. What is taken is
 * within its bounds and may be shown; no size is larger than what it is part of. */
#include <string.h>

#include "common/base/text.h"
#include "controller/hypervisors/libvirt/description.h"
#include "tests/fuzz/fuzz.h"

static void check_text(const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    bool is_safe = true;

    require(length < size);
    for (const char *at = text; at < text + length && is_safe;)
        at += text_take(at, (size_t)(text + length - at), TEXT_ONE_LINE, &is_safe);
    require(is_safe);
}

static void check_facts(const struct driver_facts *facts)
{
    check_text(facts->name, sizeof(facts->name));
    check_text(facts->uuid, sizeof(facts->uuid));
    check_text(facts->title, sizeof(facts->title));
    check_text(facts->labels, sizeof(facts->labels));
    require(facts->balloon == ANSWER_YES || facts->balloon_actual == 0);
    require(facts->memory.shared_count <= GUEST_BACKENDS_MAX);
    require(facts->balloon_maximum == 0 || facts->balloon_maximum <= facts->ram);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct description description;
    struct driver_facts facts = {0};
    struct error error = {0};
    int r = description_parse((const char *)data, size, &description, &error);

    if (r < 0) {
        require(error.text[0] != '\0');
        return 0;
    }
    require(description.cell_count <= DESCRIPTION_CELLS_MAX);
    require(description.device_count <= DESCRIPTION_DEVICES_MAX);
    description_facts(&description, &facts);
    check_facts(&facts);
    return 0;
}
