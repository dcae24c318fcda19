/* The table of all figures. */
#include "controller/telemetry/counters.h"

#include <assert.h>

#include "common/base/util.h"
#include "controller/telemetry/totals.h"

static const char *const parts[PART_COUNT] = {
    [PART_IN_USE] = "in_use",       [PART_CACHE] = "cache",   [PART_REPORTABLE] = "reportable",
    [PART_TRAPPED] = "trapped",     [PART_PERCPU] = "percpu", [PART_UNMANAGED] = "unmanaged",
    [PART_REMAINDER] = "remainder",
};

static const char *const steps[COUNTER_STEPS] = {"report", "reclaim", "compact", "pulse",
                                                 "balloon"};

static const struct counter_label none[COUNTER_LABELS_MAX];
static const struct counter_label by_part[COUNTER_LABELS_MAX] = {{"part", parts, PART_COUNT}};
static const struct counter_label by_step[COUNTER_LABELS_MAX] = {{"step", steps, COUNTER_STEPS}};
static const struct counter_label by_kind[COUNTER_LABELS_MAX] = {
    {"kind", total_kind_names, TOTAL_KIND_COUNT}};
static const struct counter_label by_outcome[COUNTER_LABELS_MAX] = {
    {"kind", total_kind_names, TOTAL_KIND_COUNT},
    {"outcome", total_outcome_names, TOTAL_OUTCOME_COUNT}};
static const struct counter_label by_reason[COUNTER_LABELS_MAX] = {
    {"kind", total_kind_names, TOTAL_KIND_COUNT},
    {"outcome", total_outcome_names, TOTAL_OUTCOME_COUNT},
    {"reason", NULL, 0}};
static const struct counter_label by_result[COUNTER_LABELS_MAX] = {{"method", NULL, 0},
                                                                   {"result", NULL, 0}};

/* One label of any text. */
#define NAMED(label) ((const struct counter_label[COUNTER_LABELS_MAX]){{label, NULL, 0}})

const struct counter counter_table[COUNTER_COUNT] = {
    [COUNTER_VM_UUID] = {"vm_info", COUNTER_TYPE_TEXT, UNIT_NONE, NAMED("uuid"), NULL,
                         "What the VM is and has.", "its hypervisor"},
    [COUNTER_VM_DRIVER] = {"vm_info", COUNTER_TYPE_TEXT, UNIT_NONE, NAMED("driver"), NULL,
                           "What the VM is and has.", "its file, or who found it"},
    [COUNTER_VM_BACKING] = {"vm_info", COUNTER_TYPE_TEXT, UNIT_NONE, NAMED("backing"), NULL,
                            "What the VM is and has.", "its hypervisor's memory map"},
    [COUNTER_VM_POLICY] = {"vm_info", COUNTER_TYPE_TEXT, UNIT_NONE, NAMED("policy"), NULL,
                           "What the VM is and has.", "assignments in the store, or its file"},
    [COUNTER_VM_AGENT_VERSION] = {"vm_info", COUNTER_TYPE_TEXT, UNIT_NONE, NAMED("agent_version"),
                                  NULL, "What the VM is and has.", "its agent"},
    [COUNTER_VM_STATE] = {"vm_state", COUNTER_TYPE_TEXT, UNIT_NONE, NAMED("state"), NULL,
                          "Where the VM is in its life.", "the daemon"},
    [COUNTER_VM_REPORTING] = {"vm_reporting", COUNTER_TYPE_TEXT, UNIT_NONE, NAMED("reporting"),
                              NULL,
                              "Whether its free pages are reported: on, off, inert or unknown.",
                              "its hypervisor and its agent"},
    [COUNTER_VM_ENGINE_STATE] = {"vm_engine_state", COUNTER_TYPE_TEXT, UNIT_NONE, NAMED("state"),
                                 NULL, "What its policy is doing in the guest.", "its agent"},
    [COUNTER_VM_BALLOON_OWNER] = {"vm_balloon_lease_owner", COUNTER_TYPE_TEXT, UNIT_NONE,
                                  NAMED("owner"), NULL, "Who holds the lease of its balloon.",
                                  "the journal of leases"},
    [COUNTER_VM_FOOTPRINT] = {"vm_footprint_bytes", COUNTER_TYPE_GAUGE, UNIT_BYTES, none, NULL,
                              "What the host holds for the guest's memory.",
                              "its hypervisor's files and /proc/PID/status"},
    [COUNTER_VM_SWAPPED] = {"vm_swapped_bytes", COUNTER_TYPE_GAUGE, UNIT_BYTES, none, NULL,
                            "What the host has swapped out of the guest's memory.",
                            "/proc/PID/status, VmSwap"},
    [COUNTER_VM_RAM] = {"vm_ram_bytes", COUNTER_TYPE_GAUGE, UNIT_BYTES, none, NULL,
                        "The VM's memory as it was defined.", "its hypervisor"},
    [COUNTER_VM_MEMORY] = {"vm_memory_bytes", COUNTER_TYPE_GAUGE, UNIT_BYTES, by_part, NULL,
                           "Where the footprint is: the parts add up to it.",
                           "its agent's sample; remainder: beside the footprint"},
    [COUNTER_VM_REPORTED] = {"vm_reported_bytes", COUNTER_TYPE_GAUGE, UNIT_BYTES, none, NULL,
                             "Free memory that the guest has returned.",
                             "its agent, /proc/kpageflags"},
    [COUNTER_VM_HELD_BACK] = {"vm_held_back_bytes", COUNTER_TYPE_GAUGE, UNIT_BYTES, none, NULL,
                              "What of reportable the guest's kernel keeps from reporting.",
                              "its agent"},
    [COUNTER_VM_BALLOON] = {"vm_balloon_bytes", COUNTER_TYPE_GAUGE, UNIT_BYTES, none, NULL,
                            "Memory in its balloon, whoever has it there.", "its hypervisor"},
    [COUNTER_VM_BALLOON_TARGET] = {"vm_balloon_target_bytes", COUNTER_TYPE_GAUGE, UNIT_BYTES, none,
                                   NULL, "What its balloon is to leave the guest.", "the daemon"},
    [COUNTER_VM_BALLOON_LEASE] = {"vm_balloon_lease_bytes", COUNTER_TYPE_GAUGE, UNIT_BYTES, none,
                                  NULL, "What leases hold in its balloon.",
                                  "the journal of leases"},
    [COUNTER_VM_BALLOON_EXPIRY] = {"vm_balloon_lease_expiry_timestamp_seconds", COUNTER_TYPE_GAUGE,
                                   UNIT_UNIX_NANOSECONDS, none, NULL,
                                   "When the lease ends; absent without a lease or an end.",
                                   "the journal of leases"},
    [COUNTER_VM_COULD_RETURN] =
        {"vm_could_return_bytes", COUNTER_TYPE_GAUGE, UNIT_BYTES, by_step, NULL,
         "What could come back, each byte by the first step that brings it.",
         "the daemon, as in 'vmreclaim host'"},
    [COUNTER_VM_AGENT_CONNECTED] = {"vm_agent_connected", COUNTER_TYPE_GAUGE, UNIT_FLAG, none, NULL,
                                    "Whether its agent is connected.", "the daemon"},
    [COUNTER_VM_GUEST_KNOWN] = {"vm_guest_known", COUNTER_TYPE_GAUGE, UNIT_FLAG, none, NULL,
                                "Whether the guest's side is known now.", "the daemon"},
    [COUNTER_VM_HALTED] = {"vm_halted", COUNTER_TYPE_GAUGE, UNIT_FLAG, none, NULL,
                           "Whether an operator has halted it.", "the store"},
    [COUNTER_VM_STARVED] = {"vm_starved", COUNTER_TYPE_GAUGE, UNIT_FLAG, none, NULL,
                            "Whether the guest is short of memory under a balloon.", "the daemon"},
    [COUNTER_VM_LAST_SAMPLE] = {"vm_last_sample_timestamp_seconds", COUNTER_TYPE_GAUGE,
                                UNIT_UNIX_NANOSECONDS, none, NULL,
                                "When the guest's last sample came.", "its agent"},
    [COUNTER_VM_MEASURED] = {"vm_measured_timestamp_seconds", COUNTER_TYPE_GAUGE,
                             UNIT_UNIX_NANOSECONDS, none, NULL,
                             "When these bytes were so: the same time as in its history.",
                             "the daemon"},
    [COUNTER_GUEST_WAITING] = {"guest_pressure_memory_waiting_seconds_total", COUNTER_TYPE_TOTAL,
                               UNIT_NANOSECONDS, none, NULL,
                               "Time in which some task of the guest waited for memory.",
                               "its agent, /proc/pressure/memory, some"},
    [COUNTER_GUEST_STALLED] = {"guest_pressure_memory_stalled_seconds_total", COUNTER_TYPE_TOTAL,
                               UNIT_NANOSECONDS, none, NULL,
                               "Time in which all tasks of the guest waited for memory.",
                               "its agent, /proc/pressure/memory, full"},
    [COUNTER_GUEST_REFAULTED_FILE] = {"guest_refaulted_file_pages_total", COUNTER_TYPE_TOTAL,
                                      UNIT_PAGES, none, NULL,
                                      "File pages that the guest had to read again.",
                                      "its agent, /proc/vmstat, workingset_refault_file"},
    [COUNTER_GUEST_REFAULTED_ANON] = {"guest_refaulted_anon_pages_total", COUNTER_TYPE_TOTAL,
                                      UNIT_PAGES, none, NULL,
                                      "Pages that the guest had to swap in again.",
                                      "its agent, /proc/vmstat, workingset_refault_anon"},
    [COUNTER_GUEST_MAJOR_FAULTS] = {"guest_major_faults_total", COUNTER_TYPE_TOTAL, UNIT_COUNT,
                                    none, NULL, "Page faults of the guest that waited for a disk.",
                                    "its agent, /proc/vmstat, pgmajfault"},
    [COUNTER_GUEST_OOM_KILLS] = {"guest_oom_kills_total", COUNTER_TYPE_TOTAL, UNIT_COUNT, none,
                                 NULL,
                                 "Programs that the guest's kernel killed for want of memory.",
                                 "its agent, /proc/vmstat, oom_kill"},
    [COUNTER_VM_ACTIONS] = {"vm_actions_total", COUNTER_TYPE_TOTAL, UNIT_COUNT, by_outcome, NULL,
                            "Actions that have ended.", "their records"},
    [COUNTER_VM_ASKED] = {"vm_asked_bytes_total", COUNTER_TYPE_TOTAL, UNIT_BYTES, by_kind, NULL,
                          "Bytes that actions were to bring, where the request named a size.",
                          "their records"},
    [COUNTER_VM_FREED] = {"vm_guest_freed_bytes_total", COUNTER_TYPE_TOTAL, UNIT_BYTES, by_kind,
                          NULL, "Bytes that actions freed in the guest.",
                          "their records: the agent's account"},
    [COUNTER_VM_RETURNED] = {"vm_host_returned_bytes_total", COUNTER_TYPE_TOTAL, UNIT_BYTES,
                             by_kind, NULL, "Bytes that actions brought the host.",
                             "their records: the footprint"},
    [COUNTER_VM_LOST] = {"vm_host_lost_bytes_total", COUNTER_TYPE_TOTAL, UNIT_BYTES, by_kind, NULL,
                         "Bytes that the host gave while an action ran, as a release does.",
                         "their records: the footprint"},
    [COUNTER_VM_DECLINED] = {"vm_actions_declined_total", COUNTER_TYPE_TOTAL, UNIT_COUNT, by_kind,
                             NULL,
                             "Actions that the agent or the hypervisor would not carry out, or "
                             "could not.",
                             "their records"},
    [COUNTER_DAEMON_VERSION] = {"build_info", COUNTER_TYPE_TEXT, UNIT_NONE, NAMED("version"), NULL,
                                "The daemon's version.", "the daemon"},
    [COUNTER_DAEMON_START] = {"start_time_seconds", COUNTER_TYPE_GAUGE, UNIT_UNIX_NANOSECONDS, none,
                              NULL, "When the daemon started.", "the daemon"},
    [COUNTER_DAEMON_CPU] = {"cpu_seconds_total", COUNTER_TYPE_TOTAL, UNIT_NANOSECONDS, none, NULL,
                            "Processor time that the daemon has used.", "getrusage"},
    [COUNTER_DAEMON_RESIDENT] = {"resident_memory_bytes", COUNTER_TYPE_GAUGE, UNIT_BYTES, none,
                                 NULL, "Memory that the daemon occupies.", "/proc/self/statm"},
    [COUNTER_LOOP_TURNS] = {"loop_turn_seconds", COUNTER_TYPE_HISTOGRAM, UNIT_NANOSECONDS, none,
                            &histogram_times,
                            "Turns of the daemon's event loop, without its waiting.", "libuv"},
    [COUNTER_RPC_CALLS] = {"rpc_calls_total", COUNTER_TYPE_TOTAL, UNIT_COUNT, by_result, NULL,
                           "Calls of the operators' API that have ended: ok, failed or left.",
                           "the daemon"},
    [COUNTER_RPC_TIME] = {"rpc_seconds_total", COUNTER_TYPE_TOTAL, UNIT_NANOSECONDS,
                          NAMED("method"), NULL, "Time from calls to their answers.", "the daemon"},
    [COUNTER_RPC_DURATION] = {"rpc_duration_seconds", COUNTER_TYPE_HISTOGRAM, UNIT_NANOSECONDS,
                              none, &histogram_times,
                              "Calls that read and get one answer, until they have it.",
                              "the daemon"},
    [COUNTER_EVENTS] = {"events_total", COUNTER_TYPE_TOTAL, UNIT_COUNT, none, NULL,
                        "Events of VMs.", "the daemon"},
    [COUNTER_REFUSED_AGENTS] = {"refused_agents_total", COUNTER_TYPE_TOTAL, UNIT_COUNT, none, NULL,
                                "Connections that no agent of a guest made; the log says why.",
                                "the daemon"},
    [COUNTER_VMS] = {"vms", COUNTER_TYPE_GAUGE, UNIT_COUNT, NAMED("state"), NULL, "VMs by state.",
                     "the daemon"},
    [COUNTER_AGENTS] = {"agents", COUNTER_TYPE_GAUGE, UNIT_COUNT, none, NULL,
                        "VMs whose agent is connected.", "the daemon"},
    [COUNTER_LEASES] = {"leases", COUNTER_TYPE_GAUGE, UNIT_COUNT, none, NULL,
                        "Leases of balloons that are held or wait for their hypervisor.",
                        "the journal of leases"},
    [COUNTER_STORE_SIZE] = {"store_size_bytes", COUNTER_TYPE_GAUGE, UNIT_BYTES, none, NULL,
                            "Size of the store's file.", "the store"},
    [COUNTER_STORE_PENDING] = {"store_pending_records", COUNTER_TYPE_GAUGE, UNIT_COUNT, none, NULL,
                               "Records that wait until the store can be written.", "the store"},
    [COUNTER_DEGRADED] = {"degraded", COUNTER_TYPE_GAUGE, UNIT_FLAG, NAMED("part"), NULL,
                          "1 for each part that does not work as it should.",
                          "as in 'vmreclaim status'"},
    [COUNTER_HOST_MEMORY] = {"host_memory_bytes", COUNTER_TYPE_GAUGE, UNIT_BYTES, none, NULL,
                             "The host's memory.",
                             "/proc/meminfo, MemTotal, or the cgroup's limit"},
    [COUNTER_HOST_AVAILABLE] = {"host_available_bytes", COUNTER_TYPE_GAUGE, UNIT_BYTES, none, NULL,
                                "What the host has left.",
                                "/proc/meminfo, MemAvailable, or the cgroup's room"},
    [COUNTER_HOST_PRESSURE] = {"host_pressure_memory_ratio", COUNTER_TYPE_GAUGE, UNIT_PERMYRIAD,
                               NAMED("tasks"), NULL,
                               "Share of ten seconds in which some or all tasks waited for memory.",
                               "/proc/pressure/memory, avg10"},
    [COUNTER_HOST_SWAP] = {"host_swap_bytes", COUNTER_TYPE_GAUGE, UNIT_BYTES, none, NULL,
                           "The host's swap.", "/proc/meminfo, SwapTotal"},
    [COUNTER_HOST_SWAP_FREE] = {"host_swap_free_bytes", COUNTER_TYPE_GAUGE, UNIT_BYTES, none, NULL,
                                "What of it is free.", "/proc/meminfo, SwapFree"},
    [COUNTER_HOST_RESERVED] = {"host_reserved_bytes", COUNTER_TYPE_GAUGE, UNIT_BYTES, none, NULL,
                               "Reservations that are not used yet.", "the store"},
    [COUNTER_FOOTPRINT] = {"footprint_bytes", COUNTER_TYPE_GAUGE, UNIT_BYTES, none, NULL,
                           "What the host holds for all guests' memory.", "the sum over VMs"},
    [COUNTER_COULD_RETURN] = {"could_return_bytes", COUNTER_TYPE_GAUGE, UNIT_BYTES, by_step, NULL,
                              "What could come back of all VMs, by step.", "the sum over VMs"},
    [COUNTER_ACTIONS] = {"actions_total", COUNTER_TYPE_TOTAL, UNIT_COUNT, by_reason, NULL,
                         "Actions that have ended, with the reason where little came back.",
                         "their records"},
    [COUNTER_ACTIONS_REFUSED] = {"actions_refused_total", COUNTER_TYPE_TOTAL, UNIT_COUNT, by_kind,
                                 NULL, "Actions that were refused: nothing was done.",
                                 "the daemon"},
    [COUNTER_ACTIONS_ASKED] = {"asked_bytes_total", COUNTER_TYPE_TOTAL, UNIT_BYTES, by_kind, NULL,
                               "Bytes that actions were to bring, where the request named a size.",
                               "their records"},
    [COUNTER_ACTIONS_FREED] = {"guest_freed_bytes_total", COUNTER_TYPE_TOTAL, UNIT_BYTES, by_kind,
                               NULL, "Bytes that actions freed in guests.",
                               "their records: the agents' accounts"},
    [COUNTER_ACTIONS_RETURNED] = {"host_returned_bytes_total", COUNTER_TYPE_TOTAL, UNIT_BYTES,
                                  by_kind, NULL, "Bytes that actions brought the host.",
                                  "their records: the footprint"},
    [COUNTER_ACTIONS_LOST] = {"host_lost_bytes_total", COUNTER_TYPE_TOTAL, UNIT_BYTES, by_kind,
                              NULL,
                              "Bytes that the host gave while an action ran, as a release does.",
                              "their records: the footprint"},
    [COUNTER_ACTION_DURATION] = {"action_duration_seconds", COUNTER_TYPE_HISTOGRAM,
                                 UNIT_NANOSECONDS, by_kind, &histogram_long_times,
                                 "Actions until they were measured.", "their records"},
    [COUNTER_ACTION_RETURNED] = {"action_host_returned_bytes", COUNTER_TYPE_HISTOGRAM, UNIT_BYTES,
                                 by_kind, &histogram_sizes, "What each action brought the host.",
                                 "their records: the footprint"},
};

const char *counter_type_name(enum counter_type type)
{
    static const char *const names[COUNTER_TYPE_COUNT] = {
        [COUNTER_TYPE_GAUGE] = "gauge",
        [COUNTER_TYPE_TOTAL] = "counter",
        [COUNTER_TYPE_HISTOGRAM] = "histogram",
        [COUNTER_TYPE_TEXT] = "text",
    };

    return names[type];
}

const char *counter_unit_name(enum counter_unit unit)
{
    static const char *const names[COUNTER_UNIT_COUNT] = {
        [UNIT_NONE] = "",
        [UNIT_BYTES] = "bytes",
        [UNIT_NANOSECONDS] = "nanoseconds",
        [UNIT_UNIX_NANOSECONDS] = "unix-nanoseconds",
        [UNIT_PAGES] = "pages",
        [UNIT_PERMYRIAD] = "permyriad",
        [UNIT_COUNT] = "count",
        [UNIT_FLAG] = "flag",
    };

    return names[unit];
}

bool counter_is_of_vm(enum counter_id id)
{
    return id < COUNTERS_OF_VM;
}

/* ---- series of VMs ---- */

static size_t width_of(const struct counter *counter, size_t label)
{
    return counter->labels[label].values == NULL ? 1 : counter->labels[label].count;
}

static void add_series(struct counter_places *places, enum counter_id id)
{
    const struct counter *counter = &counter_table[id];

    for (size_t first = 0; first < width_of(counter, 0); first++)
        for (size_t second = 0; second < width_of(counter, 1); second++) {
            assert(places->count < COUNTER_SERIES_MAX);
            places->series[places->count++] = (struct counter_series){id, first, second};
        }
}

void counter_places_init(struct counter_places *places)
{
    places->count = 0;
    for (enum counter_id id = 0; id < COUNTER_COUNT; id++) {
        places->begin[id] = (uint32_t)places->count;
        if (counter_is_of_vm(id))
            add_series(places, id);
    }
}

uint32_t counter_place(const struct counter_places *places, enum counter_id counter, size_t first,
                       size_t second)
{
    const struct counter *row = &counter_table[counter];

    assert(counter_is_of_vm(counter) && first < width_of(row, 0) && second < width_of(row, 1));
    return (uint32_t)(places->begin[counter] + first * width_of(row, 1) + second);
}
