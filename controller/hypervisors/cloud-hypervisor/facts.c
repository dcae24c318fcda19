/* Facts about a Cloud Hypervisor VM. */
#include "controller/hypervisors/cloud-hypervisor/facts.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/hypervisors/microvm/place.h"

#define PAGE 4096

/* Of what may be left out, or too large to be true. */
static uint64_t size_of(const json_t *object, const char *key)
{
    uint64_t size = microvm_number(object, key);

    return size == UINT64_MAX ? 0 : size;
}

/* ---- vmm.ping ---- */

int cloud_take_ping(struct microvm_view *view, const struct microvm_reply *reply,
                    struct error *error)
{
    uint64_t pid = microvm_number(reply->body, "pid");

    if (pid == 0 || pid > INT32_MAX)
        return error_set(error, -EPROTO,
                         "what answers there is no Cloud Hypervisor: vmm.ping has no pid");
    view->facts.pid = microvm_calls_itself(reply->peer, (int64_t)pid) ? reply->peer : 0;
    return 0;
}

/* ---- vm.info ---- */

static enum run_state run_state_of(const char *state)
{
    static const struct {
        const char *text;
        enum run_state state;
    } states[] = {
        {"Running", RUN_STATE_RUNNING},   {"Paused", RUN_STATE_PAUSED},
        {"Created", RUN_STATE_STOPPED},   {"Shutdown", RUN_STATE_STOPPED},
        {"BreakPoint", RUN_STATE_PAUSED},
    };

    for (size_t i = 0; i < ARRAY_SIZE(states); i++)
        if (strcmp(states[i].text, state) == 0)
            return states[i].state;
    return RUN_STATE_UNKNOWN;
}

/* Of `memory`, or of a zone of it. */
static void take_backing(struct driver_facts *facts, const json_t *memory)
{
    facts->backing_page_size = 0;
    if (json_is_true(json_object_get(memory, "hugepages"))) {
        facts->backing = MEMORY_BACKING_HUGETLB;
        facts->backing_page_size = size_of(memory, "hugepage_size");
    } else if (microvm_text(memory, "file")[0] != '\0') {
        facts->backing = MEMORY_BACKING_FILE;
    } else if (json_is_true(json_object_get(memory, "shared"))) {
        facts->backing = MEMORY_BACKING_MEMFD;
    } else {
        facts->backing = MEMORY_BACKING_ANONYMOUS;
    }
}

static uint64_t whole_size(const json_t *memory)
{
    return size_of(memory, "size") + size_of(memory, "hotplugged_size");
}

/* The largest zone speaks for all. */
static void take_memory(struct driver_facts *facts, const json_t *memory)
{
    const json_t *zone;
    uint64_t largest = whole_size(memory);
    size_t i;

    facts->ram = largest;
    facts->memory = (struct guest_backing){0};
    take_backing(facts, memory);
    json_array_foreach(json_object_get(memory, "zones"), i, zone)
    {
        uint64_t size = whole_size(zone);

        facts->ram += min_of(size, UINT64_MAX - facts->ram);
        if (size > largest) {
            largest = size;
            take_backing(facts, zone);
        }
    }
    /* Shared memory is one file per region, and it does not report where regions end. */
    if (facts->backing == MEMORY_BACKING_ANONYMOUS && json_object_get(memory, "zones") == NULL)
        facts->memory.private_bytes = facts->ram;
}

/* What virtio-mem has plugged is reported in one sum with what the balloon took. */
static bool has_virtio_mem(const json_t *memory)
{
    return strcmp(microvm_text(memory, "hotplug_method"), "VirtioMem") == 0 &&
           size_of(memory, "hotplug_size") != 0;
}

static void take_balloon(struct driver_facts *facts, const json_t *info, const json_t *memory)
{
    const json_t *balloon = json_object_get(json_object_get(info, "config"), "balloon");
    uint64_t actual = microvm_number(info, "memory_actual_size");

    facts->capabilities &= ~(uint32_t)DRIVER_CAN_SET_BALLOON;
    facts->balloon = json_is_object(balloon) ? ANSWER_YES : ANSWER_NO;
    facts->free_page_reporting = microvm_answer(balloon, "free_page_reporting");
    facts->deflate_on_oom = microvm_answer(balloon, "deflate_on_oom");
    facts->balloon_actual = 0;
    facts->balloon_maximum = 0;
    if (facts->balloon != ANSWER_YES) {
        facts->free_page_reporting = ANSWER_NO;
        return;
    }
    if (has_virtio_mem(memory) || actual > facts->ram)
        return;
    facts->balloon_actual = actual;
    facts->balloon_maximum = facts->ram;
    facts->balloon_minimum = MIB;
    facts->capabilities |= DRIVER_CAN_SET_BALLOON;
}

/* Its CID is the device's own: in the host's kernel it may be another guest's. */
static void take_vsock(struct driver_facts *facts, const json_t *vsock)
{
    microvm_resolve(facts->pid, microvm_text(vsock, "socket"), facts->hybrid_vsock,
                    sizeof(facts->hybrid_vsock));
}

static void take_platform(struct driver_facts *facts, const json_t *platform)
{
    text_copy_line(facts->uuid, sizeof(facts->uuid), microvm_text(platform, "uuid"));
    if (facts->uuid[0] == '\0')
        text_copy_line(facts->uuid, sizeof(facts->uuid), microvm_text(platform, "system_uuid"));
    for (char *c = facts->uuid; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    facts->encrypted = json_is_true(json_object_get(platform, "tdx")) ||
                       json_is_true(json_object_get(platform, "sev_snp"));
}

int cloud_take_info(struct microvm_view *view, const struct microvm_reply *reply,
                    struct error *error)
{
    struct driver_facts *facts = &view->facts;
    const json_t *config = json_object_get(reply->body, "config");
    const json_t *memory = json_object_get(config, "memory");

    if (!json_is_object(memory))
        return error_set(error, -EPROTO,
                         "what answers there is no Cloud Hypervisor: vm.info has no memory");
    facts->run_state = run_state_of(microvm_text(reply->body, "state"));
    facts->statistics_interval = DRIVER_INTERVAL_UNKNOWN;
    take_memory(facts, memory);
    take_balloon(facts, reply->body, memory);
    take_vsock(facts, json_object_get(config, "vsock"));
    take_platform(facts, json_object_get(config, "platform"));
    facts->vfio_devices = (uint32_t)(json_array_size(json_object_get(config, "devices")) +
                                     json_array_size(json_object_get(config, "vdpa")));
    return 0;
}

bool cloud_take_no_info(struct microvm_view *view, const struct microvm_reply *reply)
{
    pid_t pid = view->facts.pid;

    if (reply->code != 404)
        return false;
    *view = (struct microvm_view){.facts = {.pid = pid, .run_state = RUN_STATE_STOPPED}};
    return true;
}

/* ---- vm.balloon-stats ---- */

bool cloud_may_have_statistics(const struct microvm_view *view)
{
    return view->facts.balloon == ANSWER_YES && view->has_statistics == ANSWER_UNKNOWN &&
           view->facts.run_state == RUN_STATE_RUNNING;
}

int cloud_take_statistics(struct microvm_view *view, const struct microvm_reply *reply,
                          struct error *error)
{
    const json_t *stats = json_object_get(reply->body, "stats");

    view->statistics = (struct driver_statistics){
        .updated = reply->now,
        .total = microvm_number(stats, "total_memory"),
        .free = microvm_number(stats, "free_memory"),
        .available = microvm_number(stats, "available_memory"),
        .disk_caches = microvm_number(stats, "disk_caches"),
        .swap_in = microvm_number(stats, "swap_in"),
        .swap_out = microvm_number(stats, "swap_out"),
        .major_faults = microvm_number(stats, "major_faults"),
        .minor_faults = microvm_number(stats, "minor_faults"),
        .oom_kills = microvm_number(stats, "oom_kills"),
    };
    view->has_statistics = ANSWER_YES;
    view->facts.capabilities |= DRIVER_CAN_READ_STATISTICS;
    return 0;
}

bool cloud_take_no_statistics(struct microvm_view *view, const struct microvm_reply *reply)
{
    view->has_statistics = reply->code == 404 ? ANSWER_NO : ANSWER_UNKNOWN;
    view->facts.capabilities &= ~(uint32_t)DRIVER_CAN_READ_STATISTICS;
    return true;
}

/* ---- vm.resize ---- */

void cloud_write_set(const struct microvm_view *view, uint64_t bytes, char body[MICROVM_BODY_SIZE])
{
    uint64_t taken = view->facts.ram - min_of(bytes, view->facts.ram);

    snprintf(body, MICROVM_BODY_SIZE, "{\"desired_balloon\": %" PRIu64 "}", taken / PAGE * PAGE);
}

/* The last reason is the cause; before v47 the body was no JSON. */
void cloud_describe(const json_t *body, char *text, size_t size)
{
    size_t used = 0;
    const json_t *reason;
    size_t i;

    text[0] = '\0';
    json_array_foreach(body, i, reason)
    {
        if (!json_is_string(reason) || used + 1 >= size)
            continue;
        text_format(text + used, size - used, "%s%s", used == 0 ? "" : ": ",
                    json_string_value(reason));
        used = strlen(text);
    }
    text_make_safe(text, TEXT_ONE_LINE);
}
