/* Free page reporting as the kernel shows it: mm/page_reporting.c and the features a balloon device
 * and its driver agreed on. */
#ifndef VMRECLAIM_PROC_PAGE_REPORTING_H
#define VMRECLAIM_PROC_PAGE_REPORTING_H

#include <stdint.h>

#define PAGE_REPORTING_ORDER_PATH "sys/module/page_reporting/parameters/page_reporting_order"

/* The order in force. -ENOENT: not in this kernel; -ENODEV: no device has registered (the parameter
 * is then above `max_order` up to Linux 6.1 and -1 since). */
int page_reporting_order_read(int root, uint32_t max_order, uint32_t *ret_order);

/* 0: a virtio balloon with free page reporting, or Hyper-V's balloon, is bound to its driver;
 * -ENODEV: no balloon at all; -EOPNOTSUPP: a balloon, but its hypervisor offers no reporting. */
int page_reporting_device(int root);

/* What overwrites free pages with a pattern: "page_poison" or "init_on_free" of the kernel's
 * command line, or "built into the kernel" where only the balloon's negotiated PAGE_POISON tells.
 * NULL: nothing. The driver then reports only to a device that offers to keep the pattern, and QEMU
 * discards nothing while the pattern is other than zero (drivers/virtio/virtio_balloon.c
 * virtballoon_validate, QEMU hw/virtio/virtio-balloon.c virtio_balloon_handle_report). */
const char *page_poisoning(int root);

#endif
