/* What is not known. */
#include "controller/json/absence.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CONTROLLER "vmreclaim.controller.v1."
#define AGENT      "vmreclaim.agent.v1."
#define FLEET      "vmreclaim.fleet.v1."

#define FIELDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const struct absence table[] = {
    {CONTROLLER "Waterfall", NULL, FIELDS("time_ns", "vm_ram")},
    {CONTROLLER "Waterfall", "host_is_known",
     FIELDS("footprint", "swapped", "skew_ns", "remainder")},
    {CONTROLLER "Waterfall", "guest_is_known",
     FIELDS("reportable", "held_back", "trapped", "percpu", "cache", "in_use", "skew_ns",
            "remainder")},
    {CONTROLLER "Waterfall", "reported_is_known", FIELDS("reported")},
    {CONTROLLER "Waterfall", "balloon_is_known", FIELDS("balloon")},
    {CONTROLLER "Waterfall", "vm_ram", FIELDS("unmanaged", "remainder")},
    {CONTROLLER "Waterfall", "guest_is_known", FIELDS("unmanaged")},
    {CONTROLLER "ActionSample", NULL, FIELDS("time_ns", "huge_bytes")},
    {CONTROLLER "ActionSample", "host_is_known", FIELDS("footprint", "swapped")},
    {CONTROLLER "ActionSample", "guest_is_known",
     FIELDS("guest_free", "reportable", "held_back", "trapped", "percpu", "cache", "in_use")},
    {CONTROLLER "ActionSample", "reported_is_known", FIELDS("reported")},
    {CONTROLLER "ActionSample", "balloon_is_known", FIELDS("balloon")},
    {CONTROLLER "Action", NULL,
     FIELDS("footprint_before", "started_boottime_ns", "hypervisor_pid", "hypervisor_start_time")},
    {CONTROLLER "Action", "footprint_before", FIELDS("footprint_after", "host_returned")},
    {CONTROLLER "Action", "drift_is_known", FIELDS("drift")},
    {CONTROLLER "Action", "guest_reported_is_known", FIELDS("guest_reported")},
    {CONTROLLER "Action", "checked_again", FIELDS("host_returned_later")},
    {CONTROLLER "ActionResponse", "now_is_known", FIELDS("host_returned_now")},
    {CONTROLLER "Vm", NULL,
     FIELDS("cid", "pid", "balloon_target", "balloon_baseline", "balloon_maximum",
            "balloon_expires_ns", "last_sample_ns", "alarm_since_ns")},
    {CONTROLLER "PlannedStep", "gain_is_known", FIELDS("gain")},
    {CONTROLLER "Degradation", NULL, FIELDS("since_ns")},
    {CONTROLLER "Vm", "refault_rate_is_known", FIELDS("refault_rate")},
    {CONTROLLER "HostFacts", NULL,
     FIELDS("backing_page_size", "huge_bytes", "footprint_at_boot", "touched")},
    {CONTROLLER "HostFacts", "lowest_useful_order_is_known", FIELDS("lowest_useful_order")},
    {CONTROLLER "BalloonStatistics", NULL,
     FIELDS("updated_s", "total", "free", "available", "disk_caches")},
    {CONTROLLER "Finding", NULL, FIELDS("bytes")},
    {CONTROLLER "Obstacle", NULL, FIELDS("bytes")},
    {CONTROLLER "GetStatusResponse", NULL, FIELDS("footprint", "host_available")},
    {CONTROLLER "Host", NULL, FIELDS("total", "available", "critical", "low", "high")},
    {CONTROLLER "Host", "pressure_is_known",
     FIELDS("pressure_some_permyriad", "pressure_full_permyriad")},
    {CONTROLLER "Host", "ksm_is_known", FIELDS("ksm_saved")},
    {CONTROLLER "Host", "zswap_is_known", FIELDS("zswap_stored", "zswap_pool")},
    {CONTROLLER "Host", "arbiter_has_looked",
     FIELDS("promised", "coming", "takeable", "floors_missing")},
    {CONTROLLER "HostVm", NULL, FIELDS("vm_ram")},
    {CONTROLLER "HostVm", "footprint_is_known", FIELDS("footprint")},
    {CONTROLLER "PlannedVm", NULL, FIELDS("size", "vm_ram", "size_now", "footprint", "ceiling")},
    {CONTROLLER "PlannedVm", "guest_is_known", FIELDS("working_set")},
    {FLEET "Applied", NULL,
     FIELDS("generation", "time_ns", "refused_generation", "refused_ns", "issued_ns",
            "expires_ns")},
    {FLEET "FleetHost", "age_is_known", FIELDS("age_ns")},
    {FLEET "VmStatus", NULL, FIELDS("vm_ram")},
    {FLEET "VmStatus", "footprint_is_known", FIELDS("footprint")},
    {FLEET "VmExplanation", NULL, FIELDS("last_sample_ns", "policy_revision")},
    {AGENT "GetInfoResponse", "reporting_order_is_known", FIELDS("reporting_order")},
    {AGENT "MemorySample", NULL, FIELDS("tmpfs", "zfs_arc", "hugetlb_free")},
    {AGENT "MemorySample", "reported_is_known", FIELDS("reported", "reported_small")},
    {AGENT "MemorySample", "trapped_kinds_are_known",
     FIELDS("trapped_unmovable", "trapped_reclaimable", "unmovable_blocks")},
    {AGENT "MemorySample", "reporting_order_is_known", FIELDS("reporting_order")},
    {AGENT "MemorySample", "psi_is_known",
     FIELDS("psi_memory_some_us", "psi_memory_full_us", "psi_io_some_us")},
};

const struct absence *absence_get(size_t index)
{
    return index < sizeof(table) / sizeof(table[0]) ? &table[index] : NULL;
}

static bool is_zero(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const char *value = (const char *)message + field->offset;

    switch (field->type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT64:
        return *(const uint64_t *)(const void *)value == 0;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_UINT32:
        return *(const uint32_t *)(const void *)value == 0;
    case PROTOBUF_C_TYPE_BOOL:
        return *(const protobuf_c_boolean *)(const void *)value == 0;
    default:
        return false;
    }
}

static bool names(const struct absence *absence, const char *field)
{
    for (const char *const *name = absence->fields; *name != NULL; name++)
        if (strcmp(*name, field) == 0)
            return true;
    return false;
}

static bool is_unknown(const struct absence *absence, const ProtobufCMessage *message)
{
    const ProtobufCFieldDescriptor *flag;

    if (absence->unless == NULL)
        return true;
    flag = protobuf_c_message_descriptor_get_field_by_name(message->descriptor, absence->unless);
    return flag != NULL && is_zero(message, flag);
}

bool absence_holds(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    if (!is_zero(message, field))
        return false;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (strcmp(table[i].message, message->descriptor->name) == 0 &&
            names(&table[i], field->name) && is_unknown(&table[i], message))
            return true;
    return false;
}
