/* Free page reporting as the kernel shows it: mm/page_reporting.c and the features a balloon device
 * and its driver agreed on. */
#ifndef VMRECLAIM_COMMON_PROC_PAGE_REPORTING_H
#define VMRECLAIM_COMMON_PROC_PAGE_REPORTING_H

#include <stdbool.h>
#include <stdint.h>

#define PAGE_REPORTING_ORDER_PATH "sys/module/page_reporting/parameters/page_reporting_order"

/* The order in force. -ENOENT: no such parameter; kernels before 5.14 have none and report at the
 * pageblock order. -ENODEV: no device has registered. The parameter is then above `max_order` up to
 * Linux 6.1, and -1 since. Once somebody has written to it, this is not seen any more. */
int page_reporting_order_read(int root, uint32_t max_order, uint32_t *ret_order);

/* The same of a kernel with a device that reports, parameter or not. */
int page_reporting_order_in_force(int root, uint32_t max_order, uint32_t pageblock_order,
                                  uint32_t *ret_order);

/* What a balloon's driver and device have agreed on. Neither side's offer is seen by itself. */
struct page_reporting_balloon {
    bool is_virtio;     /* one is bound to its driver */
    bool is_hyperv;     /* ... Hyper-V's; whether its host takes reports is not seen */
    bool reports;       /* virtio: free page reporting */
    bool keeps_pattern; /* virtio: PAGE_POISON, which only a kernel that overwrites free pages takes
                         */
};

void page_reporting_find_balloon(int root, struct page_reporting_balloon *ret_balloon);

/* 0: a balloon that may report is there; -ENODEV: no balloon at all; -EOPNOTSUPP: driver and device
 * did not agree on reporting. */
int page_reporting_device(int root);

/* What the marks in /proc/kpageflags say of some thousand pages, spread over all memory: a
 * millisecond, however large it is. */
enum page_reporting_marks {
    PAGE_REPORTING_MARKS_UNKNOWN, /* they cannot be read, or no page looked at is free */
    PAGE_REPORTING_MARKS_ABSENT,  /* there are free ones, and none is marked as reported */
    PAGE_REPORTING_MARKS_SEEN,
};

enum page_reporting_marks page_reporting_marks(int root);

/* What overwrites free pages with a pattern: "page_poison" or "init_on_free" of the kernel's
 * command line. Or "built into the kernel", where only the negotiated PAGE_POISON shows it. NULL:
 * nothing, whatever the command line says, where the driver reports and took no PAGE_POISON. NULL
 * also when it is not known. The driver reports only to a device that offers to keep the pattern
 * (virtballoon_validate in drivers/virtio/virtio_balloon.c). QEMU discards nothing while the
 * pattern is other than zero (virtio_balloon_handle_report in hw/virtio/virtio-balloon.c). */
const char *page_poisoning(int root);

#endif
