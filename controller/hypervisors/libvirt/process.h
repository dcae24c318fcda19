/* The process of a domain's QEMU, by the files that libvirt keeps and by /proc. Reads files, so not
 * for the loop. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_PROCESS_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Of the domain that runs now; its UUID is on the process' command line. 0: not found. */
pid_t process_find(const char *uri, const char *name, const char *uuid);

/* The process is that of the domain. `*ret_is_incoming`: it started with an incoming migration. */
bool process_is_domain(pid_t pid, const char *uuid, bool *ret_is_incoming);

/* NULL: it may be asked. Else why not, as in "is stopped (T)": a process in such a state does not
 * answer, and whoever asks it keeps others waiting. */
const char *process_trouble(pid_t pid);

/* The directory where libvirt keeps NAME.pid of the domains of that URI. */
void process_directory(const char *uri, char *directory, size_t size);

#endif
