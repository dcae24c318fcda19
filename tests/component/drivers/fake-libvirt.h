/* libvirt's library, scripted: what the driver calls, with one domain, "web-1". Calls to the domain
 * block, fail or lie as they are told; the others answer at once, as libvirt's do. */
#ifndef VMRECLAIM_TESTS_COMPONENT_DRIVERS_FAKE_LIBVIRT_H
#define VMRECLAIM_TESTS_COMPONENT_DRIVERS_FAKE_LIBVIRT_H

#include <stdbool.h>

#define FAKE_LIBVIRT_URI  "qemu:///system"
#define FAKE_LIBVIRT_UUID "8f0c6a2e-0000-4000-8000-000000000001"

enum fake_fault {
    FAKE_WORKS,
    FAKE_ABSENT,  /* nobody takes a connection */
    FAKE_REFUSES, /* every call to the domain's monitor */
    FAKE_HANGS,   /* they do not return before the fault changes */
    FAKE_STOPS,   /* the next one, and the domain stops */
    FAKE_GARBLES, /* XML that is none */
};

/* A new daemon: its domain runs, with all its memory. */
void fake_libvirt_reset(void);
/* What hangs returns. */
void fake_libvirt_set(enum fake_fault fault);
/* The domain stops; when `again`, it runs again, as another. */
void fake_libvirt_stop(bool again);
/* Events of virDomainEventID, of a lifecycle with type and detail. */
void fake_libvirt_lifecycle(int type, int detail);
void fake_libvirt_event(int event);

#endif
