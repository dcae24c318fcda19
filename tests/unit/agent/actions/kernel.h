/* A kernel's files that the actions read and write, as a fixture. */
#ifndef VMRECLAIM_TESTS_UNIT_AGENT_ACTIONS_KERNEL_H
#define VMRECLAIM_TESTS_UNIT_AGENT_ACTIONS_KERNEL_H

#include "tests/lib/fixture.h"

#define RECLAIM           "sys/fs/cgroup/memory.reclaim"
#define SWAPPINESS        "proc/sys/vm/swappiness"
#define FRACTION          "proc/sys/vm/percpu_pagelist_high_fraction"
#define DROP              "proc/sys/vm/drop_caches"
#define COMPACT           "proc/sys/vm/compact_memory"
#define NODE0_COMPACT     "sys/devices/system/node/node0/compact"
#define NODE1_COMPACT     "sys/devices/system/node/node1/compact"
#define NODE0_RECLAIM     "sys/devices/system/node/node0/reclaim"
#define ORDER             "sys/module/page_reporting/parameters/page_reporting_order"
#define BALLOON           "sys/bus/virtio/drivers/virtio_balloon/virtio0/features"
#define WITH_REPORTING    "0110010000000000000000000000000011000000000000000000000000000000\n"
#define WITH_PATTERN      "0110110000000000000000000000000011000000000000000000000000000000\n"
#define WITH_PATTERN_ONLY "0110100000000000000000000000000011000000000000000000000000000000\n"
#define WITHOUT           "0110000000000000000000000000000011000000000000000000000000000000\n"
#define JOURNAL           "state/settings.journal"
#define BOOT_ID           "proc/sys/kernel/random/boot_id"

/* Takes any number, but not a number with a word behind it, as memory.reclaim before Linux 6.9. */
#define TAKES_NUMBERS_ONLY "/proc/self/timerslack_ns"
/* Refuses every number that reclaim asks for with EINVAL. */
#define TAKES_NOTHING "/proc/self/oom_score_adj"

/* Everything a newest kernel has, two nodes, swap on. */
static inline void kernel_create(struct fixture *fixture)
{
    static const struct {
        const char *path;
        const char *text;
    } files[] = {
        {"proc/meminfo", "MemTotal: 4000000 kB\nMemFree: 1000000 kB\nSwapTotal: 1000 kB\n"},
        {"proc/vmstat", "pgmigrate_success 100\n"},
        {"proc/pressure/memory", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"},
        {"proc/kpageflags", "01234567"},
        {BOOT_ID, "11111111-2222-3333-4444-555555555555\n"},
        {SWAPPINESS, "60\n"},
        {FRACTION, "0\n"},
        {DROP, ""},
        {COMPACT, ""},
        {NODE0_COMPACT, ""},
        {NODE1_COMPACT, ""},
        {NODE0_RECLAIM, ""},
        {"sys/devices/system/node/node1/reclaim", ""},
        {"sys/devices/system/node/online", "0-1\n"},
        {"sys/devices/system/cpu/online", "0\n"},
        {"sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n"},
        {RECLAIM, ""},
        {ORDER, "9\n"},
        {BALLOON, WITH_REPORTING},
        {"dev/kmsg", ""},
    };

    fixture_init(fixture);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        fixture_write(fixture, files[i].path, files[i].text);
    fixture_directory(fixture, "state");
}

#endif
