/* The VM that is examined, as plain facts. */
#ifndef VMRECLAIM_CONTROLLER_DOCTOR_SUBJECT_H
#define VMRECLAIM_CONTROLLER_DOCTOR_SUBJECT_H

#include "controller/hypervisors/driver.h"

/* Who keeps the VM's configuration, and so where a line is to be added. */
enum doctor_manager {
    DOCTOR_MANAGER_UNKNOWN,
    DOCTOR_MANAGER_QEMU, /* a command line */
    DOCTOR_MANAGER_LIBVIRT,
    DOCTOR_MANAGER_PROXMOX,
    DOCTOR_MANAGER_INCUS,
    DOCTOR_MANAGER_FIRECRACKER,
    DOCTOR_MANAGER_CLOUD_HYPERVISOR,
    DOCTOR_MANAGERS,
};

struct doctor_subject {
    enum doctor_manager manager;
    char name[64];                    /* as its manager calls it, or its UUID */
    char place[DRIVER_WHERE_SIZE];    /* libvirt: the URI; Proxmox: the VMID; else the socket */
    uint32_t free_cid;                /* no VM that is known has it */
    bool is_known;                    /* `facts` hold */
    const struct driver_facts *facts; /* never NULL */
    const char *condition;            /* of its hypervisor's session: "ready", or what is wrong */
    const char *owner;                /* whose socket it is: "libvirt"; NULL: nobody's */
    bool is_shared;                   /* a QMP socket that others need too is visited */
    bool is_shut;                     /* somebody else holds the socket now */
    bool agent_is_connected;
    const char *agent_place; /* where it is dialled, beside any vsock device; NULL: it is not */
    bool agent_is_announced;
    bool agent_was_here;
    bool guest_lacks_reporting;  /* its kernel does not use what is offered */
    bool has_statistics;         /* new ones came */
    bool transparent_huge_pages; /* khugepaged works on anonymous memory of this host */
};

/* Fills in manager, name, place and is_shared from a VM's address and name. `driver` "": none. */
void doctor_subject_place(struct doctor_subject *subject, const char *driver, const char *where,
                          const char *name);

/* "libvirt", "qemu", ... for programs. */
const char *doctor_manager_name(enum doctor_manager manager);

#endif
