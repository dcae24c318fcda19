/* What the live XML of a domain says, as facts. Pure. The XML is libvirt's, but people write the
 * titles and metadata in it. Sizes are bytes. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_DESCRIPTION_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_DESCRIPTION_H

#include <stddef.h>

#include "common/base/error.h"
#include "controller/hypervisors/driver.h"

#define DESCRIPTION_XML_MAX     (1024u * 1024)
#define DESCRIPTION_DEVICES_MAX 64
#define DESCRIPTION_CELLS_MAX   64

/* Of the element "lease" in a domain's metadata, with the attribute "baseline" in bytes. */
#define DESCRIPTION_MARK_KEY "vmreclaim"
#define DESCRIPTION_MARK_URI "urn:vmreclaim:lease"

enum memory_device_kind {
    MEMORY_DEVICE_OTHER, /* enclaves: not the guest's for general use */
    MEMORY_DEVICE_DIMM,
    MEMORY_DEVICE_STORAGE, /* NVDIMM, virtio-pmem */
    MEMORY_DEVICE_VIRTIO_MEM,
};

/* One piece of the guest's memory. */
struct description_memory {
    enum memory_device_kind kind; /* of devices */
    uint64_t size;
    uint64_t current;      /* what is plugged of virtio-mem */
    enum answer is_shared; /* UNKNOWN: as all of the domain */
};

struct description {
    char name[64];
    char uuid[37];
    char title[DRIVER_TITLE_SIZE];
    char labels[DRIVER_LABELS_SIZE];
    uint64_t memory;  /* devices included, virtio-mem whole */
    uint64_t current; /* as of the last event of the balloon */
    struct description_memory cells[DESCRIPTION_CELLS_MAX]; /* NUMA nodes; none: one of all */
    size_t cell_count;
    struct description_memory devices[DESCRIPTION_DEVICES_MAX];
    size_t device_count;
    bool is_cut; /* there were more of them */
    bool is_memfd;
    bool is_shared;
    bool has_huge_pages;
    uint64_t huge_page_size; /* 0: the host's default */
    bool has_balloon;
    bool reports_free_pages;
    bool deflates_on_oom;
    uint64_t mark;                /* 0: none */
    bool is_of_ovirt;             /* whose memory manager moves balloons */
    uint32_t statistics_interval; /* seconds; 0: off */
    uint32_t guest_cid;           /* 0: none */
    uint32_t vfio_devices;
    bool is_encrypted;
};

/* -EPROTO: it is no XML of a domain. */
int description_parse(const char *xml, size_t length, struct description *ret_description,
                      struct error *error);

/* What a balloon of libvirt does not count: plugged virtio-mem. Sizes of the guest are larger by
 * it than sizes of the balloon. */
uint64_t description_beyond_balloon(const struct description *description);

/* The guest's memory with an empty balloon. */
uint64_t description_balloon_maximum(const struct description *description);

/* Sets what the description knows; the balloon's size is that of the last event. */
void description_facts(const struct description *description, struct driver_facts *facts);

#endif
