/* For each reason the smallest change of a healthy VM that makes it hold. */
#include "tests/unit/controller/explain/provocations.h"

#include <string.h>

#include "common/base/number.h"

static void forbid(struct made *made)
{
    made->result.outcome = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_FORBIDDEN_BY_POLICY;
}

static void not_supported(struct made *made)
{
    made->result.outcome = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_NOT_SUPPORTED;
    made->result.reason = (char *)"the kernel lacks CONFIG_COMPACTION";
}

void busy(struct made *made)
{
    made->vm.engine_state = (char *)"busy";
    made->vm.engine_reason = (char *)"12% of the CPUs";
    made->w.cache = 500 * MIB;
    made->result.outcome = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_STOPPED_BUSY;
}

/* Work of the guest left the action, which runs when nothing else does, no time. */
static void starved(struct made *made)
{
    made->result.outcome = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_STOPPED_TIME_LIMIT;
    made->result.duration_ns = 53 * NSEC_PER_SEC;
    made->result.cpu_ns = NSEC_PER_SEC / 2;
}

static void reporting_off_in_guest(struct made *made)
{
    lack(made, "free-page-reporting", "the VM has no balloon device");
}

void vfio(struct made *made)
{
    made->host.vfio_devices = 1;
}

/* Turning it on would change nothing. */
static void vfio_and_off(struct made *made)
{
    reporting_off(made);
    vfio(made);
}

void encrypted(struct made *made)
{
    made->host.encrypted = 1;
}

void locked(struct made *made)
{
    made->host.locked = 1;
}

void huge_pages(struct made *made)
{
    made->host.backing = (char *)"hugetlb";
    made->host.backing_page_size = GIB;
}

static void poisoned(struct made *made)
{
    lack(made, "unpoisoned-pages", "the kernel overwrites free pages: page_poison");
    resident(made);
}

/* The driver then gives reporting up, and the hypervisor offers it all the same. */
static void poisoned_and_refused(struct made *made)
{
    lack(made, "unpoisoned-pages", "the kernel overwrites free pages: init_on_free");
    made->features[1] = &made->second_feature;
    made->second_feature.name = (char *)"free-page-reporting";
    made->second_feature.reason = (char *)"the kernel overwrites free pages (init_on_free)";
    made->info.n_features = 2;
}

/* The option is built in: nothing in the guest says so. */
void declined(struct made *made)
{
    lack(made, "free-page-reporting", "driver and balloon did not agree: not offered, or ...");
    made->info.reporting_not_agreed = 1;
    made->vm.reporting = (char *)"inert: offered, and the guest does not use it";
}

/* A lowered order: 300 MiB are marked as reported, and the host never held them. */
static void untouched(struct made *made)
{
    made->result.reported_after = 300 * MIB;
    made->before.footprint = made->after.footprint = 512 * MIB;
    made->before.trapped = 300 * MIB;
    made->after.reported = 300 * MIB;
    made->host.touched = 600 * MIB;
}

/* The same where the host once held almost all of it. */
static void gone_before(struct made *made)
{
    untouched(made);
    made->host.touched = 4 * GIB - 100 * MIB;
}

/* One sentence: who else holds the balloon is in it. */
static void starved_guest(struct made *made)
{
    made->vm.alarm = (char *)"the guest is short of memory (2 OOM kills) while its balloon holds "
                             "1.0 GiB: 1.0 GiB taken by another client of the hypervisor";
    made->host.foreign_balloon_owner = (char *)"another client of the hypervisor";
}

void khugepaged(struct made *made)
{
    resident(made);
    made->host.transparent_huge_pages = 1;
    made->guest.reported_small = 800 * MIB;
}

static void migrated(struct made *made)
{
    resident(made);
    made->host.migrated_in = 1;
}

static void restored(struct made *made)
{
    resident(made);
    made->host.restored = 1;
}

static void took_again(struct made *made)
{
    made->before.in_use = 400 * MIB;
    made->after.in_use = 900 * MIB;
}

static void hot(struct made *made)
{
    made->action.kind = (char *)"reclaim";
    made->result.cache_before = 1000 * MIB;
    made->result.cache_after = 200 * MIB;
    made->after.cache = 800 * MIB;
}

static void dirty(struct made *made)
{
    made->action.kind = (char *)"reclaim";
    made->guest.dirty = 50 * MIB;
    made->guest.writeback = 50 * MIB;
}

static void mapped(struct made *made)
{
    made->action.kind = (char *)"reclaim";
    made->guest.mapped = 200 * MIB;
}

static void read_back(struct made *made)
{
    made->vm.refault_rate = 251;
}

void unmovable(struct made *made)
{
    made->w.trapped = 300 * MIB;
    made->guest.trapped_kinds_are_known = 1;
    made->guest.trapped_unmovable = 200 * MIB;
    made->guest.trapped_reclaimable = 20 * MIB;
}

/* Not the most of it. */
void partly_unmovable(struct made *made)
{
    unmovable(made);
    made->guest.trapped_unmovable = 40 * MIB;
    made->guest.unmovable_blocks = 31;
}

static void fragmented(struct made *made)
{
    made->w.trapped = 2 * GIB;
}

static void held_back(struct made *made)
{
    made->w.reportable = 64 * MIB;
    made->w.held_back = 64 * MIB;
}

void throttled(struct made *made)
{
    made->w.reportable = GIB;
}

void per_cpu(struct made *made)
{
    made->w.percpu = 78 * MIB;
}

static void foreign(struct made *made)
{
    made->host.foreign_balloon_owner = (char *)"another QMP client";
}

/* Without a lease of ours. */
static void foreign_before_us(struct made *made)
{
    made->vm.balloon_baseline = 3 * GIB;
    made->vm.balloon_target = 3 * GIB;
    made->w.balloon = GIB;
}

static void nothing_known(struct made *made)
{
    resident(made);
    made->result.free_after = GIB;
}

const struct provocation provocations[] = {
    {"policy-forbids", forbid, false},
    {"not-supported", not_supported, false},
    {"guest-busy", busy, true},
    {"guest-busy", starved, false},
    {"reporting-off", reporting_off, true},
    {"reporting-off", reporting_off_in_guest, true},
    {"reporting-inert-vfio", vfio, true},
    {"reporting-inert-vfio", vfio_and_off, true},
    {"reporting-inert-encrypted", encrypted, true},
    {"reporting-inert-locked", locked, true},
    {"reporting-inert-huge-pages", huge_pages, true},
    {"reporting-inert-poisoning", poisoned, true},
    {"reporting-inert-poisoning", poisoned_and_refused, true},
    {"reporting-inert-poisoning", declined, true},
    {"khugepaged-refilled", khugepaged, true},
    {"migration-filled", migrated, true},
    {"restore-filled", restored, true},
    {"guest-took-again", took_again, false},
    {"cache-hot", hot, false},
    {"cache-dirty", dirty, true},
    {"cache-mapped", mapped, true},
    {"fragmented-unmovable", unmovable, true},
    {"fragmented", fragmented, false},
    {"held-back", held_back, true},
    {"throttled", throttled, true},
    {"per-cpu-lists", per_cpu, true},
    {"never-touched", untouched, false},
    {"already-returned", gone_before, false},
    {"host-swap", swapped, true},
    {"foreign-balloon", foreign, true},
    {"unknown", nothing_known, true},
    {NULL, NULL, false},
};

const struct provocation vm_provocations[] = {
    {"starved", starved_guest, true},
    {"cache-hot", read_back, true},
    {"foreign-balloon", foreign_before_us, true},
    {"fragmented-unmovable", partly_unmovable, true},
    {NULL, NULL, false},
};
