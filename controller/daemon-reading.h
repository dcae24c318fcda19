/* What the daemon's files and directories say, read on a thread of its own. A file may lie on a
 * disk that does not answer, a group in a directory on the network. */
#ifndef VMRECLAIM_CONTROLLER_DAEMON_READING_H
#define VMRECLAIM_CONTROLLER_DAEMON_READING_H

#include <stdatomic.h>
#include <sys/types.h>

#include "common/base/hash.h"
#include "common/base/list.h"
#include "common/policy/policy.h"
#include "controller/api/dispatch.h"
#include "controller/config/daemon-config.h"
#include "controller/config/problems.h"
#include "controller/config/sources.h"
#include "controller/directory-watches.h"

struct registry;

/* A policy that VM files name; each file is read once. */
struct policy_file {
    struct hash_link link;
    struct list in_order; /* of a reading's policies */
    char *path;
    char *named_by; /* a VM file, for messages */
    int status;
    struct error error;
    struct policy policy;
};

struct reading {
    const struct daemon_sources *sources;
    struct daemon_config config; /* in force when it began */
    bool configures;             /* the configuration is read as well */
    _Atomic(const char *) at;    /* what it is reading, for whoever waits; NULL: it has not begun */
    struct problems problems;
    /* ---- directories ---- */
    struct directory_watches *watches; /* NULL: nothing is to be watched */
    int watch_status;
    /* ---- the configuration ---- */
    int status;
    struct error error;
    struct daemon_config next;
    struct api_groups groups;
    /* ---- VM files and their policies ---- */
    int files_status;
    struct error files_error;
    struct vm_files files;
    struct hash_table by_path;
    struct list policies; /* struct policy_file */
    /* ---- hypervisors ---- */
    int found_status;
    struct error found_error;
    struct hypervisor_address *found;
    size_t found_count;
    /* ---- */
    nsec_t used; /* of the processor, on a thread */
};

/* Begins: the policies of VMs that are known are read again, whatever becomes of their files. */
void reading_init(struct reading *reading, const struct daemon_sources *sources,
                  const struct daemon_config *config, const struct registry *registry);

/* Reads all, on any thread. */
void reading_run(struct reading *reading);

/* NULL: nobody named it. */
const struct policy_file *reading_find_policy(const struct reading *reading, const char *path);

void reading_finish(struct reading *reading);

/* API_GROUP_NONE for one that is not configured. -ENOENT: the host has no such group. */
int daemon_find_groups(const struct daemon_config *config, struct api_groups *ret_groups,
                       struct error *error);

#endif
