/* What hosts say of themselves, and a rollout's document as another coordinator or a damaged bucket
 * may have it: the engine goes on or refuses it, asks for hosts of the document only, and what it
 * says may be shown. The input is parts, each with its length in two bytes before it: the document,
 * then statuses, which come 15 s apart. */
#include <errno.h>
#include <string.h>

#include "common/base/text.h"
#include "controller/fleet/engine/rollout.h"
#include "tests/fuzz/fuzz.h"

#define HOSTS  4
#define EPOCH  7
#define PARTS  64
#define SECOND NSEC_PER_SEC

static char ids[HOSTS][4] = {"h0", "h1", "h2", "h3"};

/* What is left of the input. */
struct input {
    const uint8_t *data;
    size_t size;
};

static const uint8_t *take(struct input *input, size_t *ret_length)
{
    const uint8_t *part = input->data + 2;
    size_t length;

    if (input->size < 2)
        return NULL;
    length = (size_t)input->data[0] << 8 | input->data[1];
    if (length > input->size - 2)
        length = input->size - 2;
    input->data = part + length;
    input->size -= 2 + length;
    *ret_length = length;
    return part;
}

static bool is_of(const Rollout *rollout, const char *host)
{
    for (size_t i = 0; i < rollout->n_hosts; i++)
        if (strcmp(rollout->hosts[i], host) == 0)
            return true;
    return false;
}

static void check(const Rollout *rollout, const struct rollout_result *result, bool is_moved)
{
    char shown[512];

    require(!result->changed || result->count == 0);
    require(result->count <= rollout->n_hosts);
    for (size_t i = 0; i < result->count; i++)
        require(is_of(rollout, result->hosts[i]));
    if (!is_moved)
        return;
    require(strlen(rollout->reason) < sizeof(shown));
    text_copy_line(shown, sizeof(shown), rollout->reason);
    require(strcmp(shown, rollout->reason) == 0);
}

/* Whether it goes on. */
static bool step(struct rollout_engine *engine, Rollout *rollout, const struct fleet_view *view)
{
    struct rollout_result result;
    RolloutState before = rollout->state;
    int r = rollout_step(engine, rollout, view, &result);

    require(r == 0 || r == -EINVAL || r == -ESTALE);
    if (r == 0)
        check(rollout, &result, rollout->state != before);
    return r == 0;
}

static void live(Rollout *rollout, struct input *input)
{
    struct rollout_engine *engine = rollout_engine_create();
    HostStatus *statuses[HOSTS] = {NULL};
    struct fleet_host hosts[HOSTS];
    struct fleet_view view = {.now = 100 * SECOND,
                              .time_ns = (int64_t)(1000 * SECOND),
                              .epoch = EPOCH,
                              .hosts = hosts,
                              .count = HOSTS};
    size_t length = 0;
    const uint8_t *part;

    require(engine != NULL);
    for (size_t i = 0; i < HOSTS; i++)
        hosts[i] = (struct fleet_host){.id = ids[i], .wanted_is_known = true};
    for (size_t i = 0; i < PARTS && (part = take(input, &length)) != NULL; i++) {
        HostStatus *status = vmreclaim__fleet__v1__host_status__unpack(NULL, length, part);
        size_t host = i % HOSTS;

        view.now += 15 * SECOND;
        view.time_ns += (int64_t)(15 * SECOND);
        if (status != NULL) {
            if (statuses[host] != NULL)
                vmreclaim__fleet__v1__host_status__free_unpacked(statuses[host], NULL);
            statuses[host] = status;
            hosts[host].status = status;
            hosts[host].heard = view.now;
        }
        for (unsigned j = 0; j < 3; j++)
            if (!step(engine, rollout, &view))
                break;
    }
    for (size_t i = 0; i < HOSTS; i++)
        if (statuses[i] != NULL)
            vmreclaim__fleet__v1__host_status__free_unpacked(statuses[i], NULL);
    rollout_engine_destroy(engine);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    size_t length = 0;
    const uint8_t *part = take(&input, &length);
    Rollout *rollout =
        part == NULL ? NULL : vmreclaim__fleet__v1__rollout__unpack(NULL, length, part);

    if (rollout != NULL)
        live(rollout, &input);
    if (rollout != NULL)
        vmreclaim__fleet__v1__rollout__free_unpacked(rollout, NULL);
    return 0;
}
