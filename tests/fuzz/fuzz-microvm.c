/* What Firecracker and Cloud Hypervisor answer: JSON of any shape, taken as the answer to every
 * question, one after another. */
#include <string.h>

#include "controller/hypervisors/cloud-hypervisor/facts.h"
#include "controller/hypervisors/firecracker/facts.h"
#include "tests/fuzz/fuzz.h"

typedef int (*take_answer)(struct microvm_view *view, const struct microvm_reply *reply,
                           struct error *error);

static void check(const struct microvm_view *view)
{
    const struct driver_facts *facts = &view->facts;
    char body[MICROVM_BODY_SIZE];

    require(memchr(facts->name, '\0', sizeof(facts->name)) != NULL);
    require(memchr(facts->uuid, '\0', sizeof(facts->uuid)) != NULL);
    require(memchr(facts->hybrid_vsock, '\0', sizeof(facts->hybrid_vsock)) != NULL);
    require(facts->balloon_maximum == 0 || facts->balloon_actual <= facts->balloon_maximum);
    firecracker_write_set(view, 1, body);
    require(strlen(body) + 1 < sizeof(body));
    cloud_write_set(view, UINT64_MAX, body);
    require(strlen(body) + 1 < sizeof(body));
}

static void take(const take_answer *takes, size_t count, const struct microvm_reply *reply)
{
    struct microvm_view view = {0};
    struct error error;

    /* Twice: what was there is overwritten. */
    for (size_t i = 0; i < 2 * count; i++) {
        int r = takes[i % count](&view, reply, &error);

        require(r <= 0);
        require(r == 0 || error.text[0] != '\0');
        check(&view);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const take_answer firecracker[] = {firecracker_take_config, firecracker_take_instance,
                                              firecracker_take_statistics};
    static const take_answer cloud[] = {cloud_take_ping, cloud_take_info, cloud_take_statistics};
    json_t *body =
        json_loadb((const char *)data, size, JSON_DECODE_INT_AS_REAL | JSON_DECODE_ANY, NULL);
    struct microvm_reply reply = {.body = body, .code = 200, .now = 1};
    char text[64];

    take(firecracker, 3, &reply);
    take(cloud, 3, &reply);
    firecracker_describe(body, text, sizeof(text));
    require(strlen(text) < sizeof(text));
    cloud_describe(body, text, sizeof(text));
    require(strlen(text) < sizeof(text));
    json_decref(body);
    return 0;
}
