/* A VM file, vms/NAME.yaml: what an operator says about one VM.
 *
 *     name: web-1            # default: the file's name
 *     uuid: 8f0c...          # to recognise it in other sources
 *     cid: 5                 # of its vsock device
 *     hypervisor: qemu:/run/qemu/web-1.qmp
 *     agent: hybrid:/run/fc/web-1.vsock:1017   # for agents that the controller dials
 *     policy: policies/balanced.yaml           # relative to the VM file
 *     floor: 512MiB          # leases leave the guest at least this much
 *     labels: [tier=web, rack=7]
 */
#ifndef VMRECLAIM_CONTROLLER_CONFIG_VM_FILE_H
#define VMRECLAIM_CONTROLLER_CONFIG_VM_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "controller/config/keys.h"
#include "controller/hypervisors/hypervisors.h"

#define VM_NAME_SIZE  64
#define VM_UUID_SIZE  DRIVER_UUID_SIZE
#define VM_LABELS_MAX 16

struct vm_definition {
    char name[VM_NAME_SIZE];
    char uuid[VM_UUID_SIZE]; /* lower case; empty: neither it nor the address has one */
    uint32_t cid;            /* 0: not given */
    struct hypervisor_address hypervisor; /* no driver: not given */
    char *agent;                          /* address; NULL: the agent dials in */
    char *policy;                         /* path of the file; NULL: the daemon's default */
    uint64_t floor;                       /* bytes; 0: not given */
    char *labels[VM_LABELS_MAX];          /* "key=value" */
    size_t label_count;
    char *source; /* the file it came from, for messages */
};

/* Every key of a VM file once. */
extern const struct keys vm_keys;

/* Parses the text of a VM file. `source` is its path. -EINVAL with file and line in `error`.
 * The definition is the caller's, to be destroyed. */
int vm_definition_parse(const char *text, size_t length, const char *source,
                        struct vm_definition **ret_definition, struct error *error);

/* Reads one file. -ENOENT, -EFBIG as keys_read_file(). */
int vm_definition_read(const char *path, struct vm_definition **ret_definition,
                       struct error *error);

/* NULL is fine. */
void vm_definition_destroy(struct vm_definition *definition);

/* True when both say the same. */
bool vm_definition_equal(const struct vm_definition *a, const struct vm_definition *b);

/* The nearest name to a text that says what the VM is called. */
void vm_name_make(const char *text, char name[VM_NAME_SIZE]);

/* 0 when `name` can be a VM's name: letters, digits and ".-_", not starting with a dot. */
int vm_name_check(const char *name, struct error *error);

#endif
