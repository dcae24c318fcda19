/* Facts about a Firecracker microVM. */
#include "controller/hypervisors/firecracker/facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/hypervisors/microvm/place.h"

#define NO_NAME "anonymous-instance" /* of one that was given none */

/* ---- GET /vm/config ---- */

/* Its memory is then a shared memfd, and MADV_DONTNEED on one returns nothing. */
static bool has_vhost_user(const json_t *config)
{
    const json_t *drive;
    size_t i;

    json_array_foreach(json_object_get(config, "drives"), i,
                       drive) if (json_is_string(json_object_get(drive, "socket"))) return true;
    return false;
}

static void take_memory(struct driver_facts *facts, const json_t *config, uint64_t mebibytes)
{
    const char *pages = microvm_text(json_object_get(config, "machine-config"), "huge_pages");

    facts->ram = mebibytes * MIB;
    facts->memory = (struct guest_backing){0};
    facts->backing_page_size = 0;
    if (strcmp(pages, "2M") == 0) {
        facts->backing = MEMORY_BACKING_HUGETLB;
        facts->backing_page_size = 2 * MIB;
    } else {
        facts->backing = has_vhost_user(config) ? MEMORY_BACKING_MEMFD : MEMORY_BACKING_ANONYMOUS;
    }
    if (has_vhost_user(config)) {
        facts->memory.shared_count = 1;
        facts->memory.shared[0] = facts->ram;
    } else {
        facts->memory.private_bytes = facts->ram;
    }
}

static void take_balloon(struct driver_facts *facts, const json_t *config)
{
    const json_t *balloon = json_object_get(config, "balloon");
    uint64_t interval = microvm_number(balloon, "stats_polling_interval_s");

    facts->capabilities = 0;
    facts->balloon = json_is_object(balloon) && !has_vhost_user(config) ? ANSWER_YES : ANSWER_NO;
    facts->free_page_reporting = ANSWER_NO; /* also of versions that have none */
    facts->statistics_interval = DRIVER_INTERVAL_UNKNOWN;
    if (facts->balloon != ANSWER_YES)
        return;
    if (microvm_answer(balloon, "free_page_reporting") == ANSWER_YES)
        facts->free_page_reporting = ANSWER_YES;
    facts->deflate_on_oom = microvm_answer(balloon, "deflate_on_oom");
    facts->balloon_maximum = facts->ram;
    facts->balloon_minimum = MIB;
    if (interval <= UINT16_MAX)
        facts->statistics_interval = (uint32_t)interval;
    if (interval > 0 && interval <= UINT16_MAX)
        facts->capabilities = DRIVER_CAN_SET_BALLOON | DRIVER_CAN_READ_STATISTICS;
}

/* Its CID is the device's own: in the host's kernel it may be another guest's. */
static void take_vsock(struct driver_facts *facts, const json_t *vsock)
{
    microvm_resolve(facts->pid, microvm_text(vsock, "uds_path"), facts->hybrid_vsock,
                    sizeof(facts->hybrid_vsock));
}

int firecracker_take_config(struct microvm_view *view, const struct microvm_reply *reply,
                            struct error *error)
{
    struct driver_facts *facts = &view->facts;
    uint64_t memory =
        microvm_number(json_object_get(reply->body, "machine-config"), "mem_size_mib");

    if (memory == 0 || memory > UINT64_MAX / MIB / 2)
        return error_set(error, -EPROTO,
                         "what answers there is no Firecracker: GET /vm/config "
                         "has no memory");
    facts->pid = reply->peer;
    take_memory(facts, reply->body, memory);
    take_balloon(facts, reply->body);
    take_vsock(facts, json_object_get(reply->body, "vsock"));
    return 0;
}

/* ---- GET / ---- */

int firecracker_take_instance(struct microvm_view *view, const struct microvm_reply *reply,
                              struct error *error)
{
    static const struct {
        const char *text;
        enum run_state state;
    } states[] = {
        {"Running", RUN_STATE_RUNNING},
        {"Paused", RUN_STATE_PAUSED},
        {"Not started", RUN_STATE_STOPPED},
    };
    const char *id = microvm_text(reply->body, "id");
    const char *state = microvm_text(reply->body, "state");

    view->facts.run_state = RUN_STATE_UNKNOWN;
    for (size_t i = 0; i < ARRAY_SIZE(states); i++)
        if (strcmp(states[i].text, state) == 0)
            view->facts.run_state = states[i].state;
    text_copy_line(view->facts.name, sizeof(view->facts.name), strcmp(id, NO_NAME) == 0 ? "" : id);
    return 0;
}

/* ---- GET /balloon/statistics ---- */

bool firecracker_has_statistics(const struct microvm_view *view)
{
    return (view->facts.capabilities & DRIVER_CAN_READ_STATISTICS) != 0 &&
           view->facts.run_state != RUN_STATE_STOPPED;
}

int firecracker_take_statistics(struct microvm_view *view, const struct microvm_reply *reply,
                                struct error *error)
{
    const json_t *body = reply->body;
    struct driver_statistics now = {
        .updated = view->statistics.updated,
        .total = microvm_number(body, "total_memory"),
        .free = microvm_number(body, "free_memory"),
        .available = microvm_number(body, "available_memory"),
        .disk_caches = microvm_number(body, "disk_caches"),
        .swap_in = microvm_number(body, "swap_in"),
        .swap_out = microvm_number(body, "swap_out"),
        .major_faults = microvm_number(body, "major_faults"),
        .minor_faults = microvm_number(body, "minor_faults"),
        .oom_kills = microvm_number(body, "oom_kill"),
    };
    bool is_first = view->has_statistics == ANSWER_UNKNOWN;
    uint64_t taken = microvm_number(body, "actual_pages");

    if (taken > view->facts.ram / 4096)
        return error_set(error, -EREMOTEIO,
                         "Firecracker reports no size of its balloon, or more "
                         "than the VM has");
    if (!is_first && now.minor_faults != view->statistics.minor_faults)
        now.updated = reply->now;
    view->facts.balloon_actual = view->facts.ram - taken * 4096;
    view->statistics = now;
    view->has_statistics = ANSWER_YES;
    return 0;
}

/* ---- PATCH /balloon ---- */

void firecracker_write_set(const struct microvm_view *view, uint64_t bytes,
                           char body[MICROVM_BODY_SIZE])
{
    uint64_t taken = view->facts.ram - min_of(bytes, view->facts.ram);

    snprintf(body, MICROVM_BODY_SIZE, "{\"amount_mib\": %" PRIu64 "}", taken / MIB);
}

void firecracker_describe(const json_t *body, char *text, size_t size)
{
    text_copy_line(text, size, microvm_text(body, "fault_message"));
}
