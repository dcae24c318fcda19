/* Which boot of the machine this is: another one has other processes and another CLOCK_BOOTTIME. */
#ifndef VMRECLAIM_COMMON_PROC_BOOT_ID_H
#define VMRECLAIM_COMMON_PROC_BOOT_ID_H

#define BOOT_ID_SIZE 37 /* a UUID as text */

/* From below `root`, a directory that has proc/. Fit to be shown; empty: it cannot be read. */
void boot_id_read(int root, char ret_boot_id[static BOOT_ID_SIZE]);

#endif
