/* The system calls that the agent may make, from its start to its end; any other one ends it.
 *
 * The unit's sandbox is the outer wall; this one also stands in an initramfs. The list is one table
 * with a reason per line, made into a BPF program by hand. libseccomp would be a third library for
 * the agent, and 116 KiB more in the static program of 1.5 MiB. */
#ifndef VMRECLAIM_AGENT_SAFETY_SECCOMP_H
#define VMRECLAIM_AGENT_SAFETY_SECCOMP_H

#include <linux/filter.h>
#include <stddef.h>

#define SECCOMP_INSTRUCTIONS_MAX 256

/* Writes the program; returns its length, which is at most SECCOMP_INSTRUCTIONS_MAX. */
size_t seccomp_build(struct sock_filter *program);

/* Takes it into force for this thread and its children, for good; sets no_new_privs.
 * -errno: -EINVAL, -ENOSYS where the kernel has no seccomp. */
int seccomp_apply(void);

#endif
