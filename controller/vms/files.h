/* VM files and the records that they are about: which files can be in force, and whose record each
 * names. Reads the registry and changes nothing. */
#ifndef VMRECLAIM_CONTROLLER_VMS_FILES_H
#define VMRECLAIM_CONTROLLER_VMS_FILES_H

#include "controller/config/sources.h"
#include "controller/vms/claims.h"
#include "controller/vms/registry.h"

struct file_plan {
    size_t count;
    struct claimant *claimants;
    struct planned_file *files; /* of the same index */
    struct hash_table by_source;
};

struct planned_file {
    struct hash_link link;
    char *source;               /* its path */
    struct vm *vm;              /* whose file it is now; NULL: nobody's */
    struct vm_definition *next; /* what it says, ours until somebody takes it; NULL: the same */
    bool is_there;
};

/* What is to become of each file. Files whose VM lies in the way of what another VM's own
 * hypervisor says are refused. Takes the definitions out of `files`. -ENOMEM. */
int file_plan_init(struct file_plan *plan, const struct registry *registry, struct vm_files *files,
                   struct error *error);
void file_plan_finish(struct file_plan *plan);

/* The file's definition is to be put in force. */
bool file_plan_changes(const struct file_plan *plan, size_t index);

/* The record that the file is about: what it says of the hypervisor counts first, then the UUID,
 * the CID and the name. NULL: there is none, or it is another file's. */
struct vm *file_plan_find(const struct file_plan *plan, const struct registry *registry,
                          size_t index);

/* The file that names the VM is gone, and no other took the VM over. */
bool file_plan_is_gone(const struct file_plan *plan, const struct vm *vm);

/* ... and nobody else names it. */
bool file_plan_ends(const struct file_plan *plan, const struct vm *vm);

#endif
