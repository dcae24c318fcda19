/* Lines of /proc/PID files, parsed without allocation. Internal to the folder. */
#ifndef VMRECLAIM_CONTROLLER_FOOTPRINT_PROCESS_H
#define VMRECLAIM_CONTROLLER_FOOTPRINT_PROCESS_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The kernel answers both for a dead process, depending on what is read. */
static inline int process_gone(int r)
{
    return r == -ENOENT ? -ESRCH : r;
}

/* What /proc/PID/status says, bytes. */
struct process_status {
    uint64_t rss_anonymous;
    uint64_t rss_shared; /* RssShmem */
    uint64_t swapped;    /* VmSwap */
    uint64_t hugetlb;    /* HugetlbPages; 0 where the kernel has none */
    uint64_t resident;   /* VmRSS, of all kinds; 0: not given */
    uint64_t peak;       /* VmHWM, the highest `resident`; 0: not given */
};

/* -EINVAL: a field is missing or not a number of kB. */
int process_status_parse(const char *text, struct process_status *ret_status);

/* VmLck, which mlock and VFIO add to, and VmPin, which vhost-vdpa and iommufd add to. -EINVAL. */
int process_locked_parse(const char *text, uint64_t *ret_locked, uint64_t *ret_pinned);

/* AnonHugePages of /proc/PID/smaps_rollup, bytes. -EINVAL. */
int process_huge_parse(const char *text, uint64_t *ret_bytes);

/* Anonymous memory from /proc/PID/statm: resident less shared pages. -EINVAL, also for a process
 * that is on its way out and has no memory any more. */
int process_statm_parse(const char *text, uint64_t page_size, uint64_t *ret_anonymous);

/* Field 22 of /proc/PID/stat; the name in field 2 may hold anything. -EINVAL. */
int process_start_time_parse(const char *text, uint64_t *ret_start_time);

/* One line of /proc/PID/maps. */
struct mapping {
    uint64_t start;
    uint64_t end;
    bool accessible; /* in any way: what is not holds no pages */
    bool writable;
    bool shared;
    dev_t device;
    ino_t inode; /* 0: anonymous */
};

/* -EINVAL: the line is something else. */
int mapping_parse(const char *line, struct mapping *ret_mapping);

/* The text of /proc/PID/maps, to be freed. -ESRCH: the process is dead; -errno. */
int maps_read(int process_directory, char **ret_text);

/* The mapping of the next line that has one, and moves `*text` behind it. False: there is none. */
bool maps_next(const char **text, struct mapping *ret_mapping);

#endif
