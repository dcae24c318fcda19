/* What the names in a reason's evidence mean: for the manual, and for programs that read --json. */
#include "controller/explain/view.h"

static const struct {
    const char *name;
    const char *meaning;
} list[] = {
    {"backing_page_size", "bytes of one page of the host's memory behind the VM"},
    {"balloon", "bytes that the VM's balloon holds"},
    {"baseline", "bytes that the guest had when vmreclaim found the balloon"},
    {"cache", "bytes of the guest's cache that could be taken"},
    {"cache_after", "the same right after the action"},
    {"cache_now", "the same at the last measurement"},
    {"dirty", "bytes that wait to be written to the guest's disks"},
    {"footprint", "bytes of the VM's memory on the host"},
    {"guest_freed", "bytes that the guest let go by its own account"},
    {"held_back", "of reportable, what the guest kernel's watermark keeps"},
    {"host_returned", "bytes that the host got, as it measured"},
    {"huge_bytes", "bytes of the VM in the host's transparent huge pages"},
    {"in_use_after", "bytes that the guest used after the action"},
    {"in_use_before", "the same before it"},
    {"mapped", "bytes of files that the guest's processes have mapped"},
    {"moved", "bytes that the action took, or made the guest let go"},
    {"percpu", "bytes in the guest's per-CPU lists"},
    {"refault_limit", "pages per second above which the policy keeps the cache"},
    {"refault_rate", "pages per second that the guest reads back"},
    {"remainder", "bytes of the footprint that no part of the guest explains"},
    {"report_block", "bytes of the smallest block that the guest reports"},
    {"reportable", "free bytes in blocks that are large enough, not reported yet"},
    {"reported", "free bytes that the guest has reported"},
    {"reported_small", "of them, those in blocks smaller than a huge page"},
    {"reporting_order", "the smallest block is 2 to this power of pages"},
    {"swapped", "bytes of the VM in the host's swap"},
    {"touched", "bytes of the VM's largest footprint so far"},
    {"trapped", "free bytes in blocks that are too small to be reported"},
    {"trapped_reclaimable", "of them, those between slab that could be freed"},
    {"trapped_unmovable", "of them, those between memory that cannot be moved"},
    {"unmovable_blocks", "pageblocks of unmovable memory"},
    {"vfio_devices", "devices of the host that are assigned to the VM"},
    {"was_not_on_the_host", "of moved, what the host did not hold"},
    {"writeback", "bytes that are being written to the guest's disks"},
};

const char *explain_evidence_name(size_t index)
{
    return index < ARRAY_SIZE(list) ? list[index].name : NULL;
}

const char *explain_evidence_meaning(size_t index)
{
    return index < ARRAY_SIZE(list) ? list[index].meaning : NULL;
}
