/* The words of a host's screen. */
#include "controller/cli/top/kind.h"

#include <stddef.h>

static const struct top_letter legend[] = {
    {'U', "in use by the guest"},
    {'k', "the guest kernel's own, and what no part of it counts"},
    {'C', "file cache, which reclaim could take"},
    {'T', "trapped: free in pieces too small to return"},
    {'p', "free in per-CPU lists"},
    {'f', "free, and to be reported"},
    {'?', "on the host, though no part of the guest needs it"},
    {'#', "held by the host; what the guest does with it is not known"},
    {'.', "not on the host"},
    {'\0', NULL},
};

const struct top_kind top_kind_vms = {
    .program = "vmreclaim top",
    .noun = "VM",
    .heading = "VM",
    .how = "HOW",
    .bars = "MEMORY ON THE HOST, BY USE",
    .peer = "daemon",
    .peer_loud = "DAEMON",
    .asking = "is being measured",
    .keys = "?:help q:quit Enter:explain r:reclaim c:compact p:pulse s:sort /:filter",
    .nothing = "No VMs. See vmreclaimd(8).",
    .legend_title = "A bar is the VM's memory, filled with what of it the host holds:",
    .legend = legend,
};
