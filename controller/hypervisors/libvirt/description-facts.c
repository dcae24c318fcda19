/* What a domain's description means. */
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/hypervisors/libvirt/description.h"

#define BALLOON_MIN MIB /* the least size that the guest is asked to keep */

static uint64_t sum(const struct description *description, enum memory_device_kind kind,
                    bool plugged)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < description->device_count; i++) {
        const struct description_memory *device = &description->devices[i];

        if (device->kind == kind)
            bytes += plugged ? device->current : device->size;
    }
    return bytes;
}

/* What the domain has without devices. */
static uint64_t initial(const struct description *description)
{
    uint64_t devices = 0;

    for (size_t i = 0; i < description->device_count; i++)
        devices += description->devices[i].size;
    return saturating_subtract(description->memory, devices);
}

uint64_t description_beyond_balloon(const struct description *description)
{
    return sum(description, MEMORY_DEVICE_VIRTIO_MEM, true);
}

uint64_t description_balloon_maximum(const struct description *description)
{
    if (description->is_cut || description->memory == 0)
        return 0;
    return initial(description) + sum(description, MEMORY_DEVICE_DIMM, false) +
           description_beyond_balloon(description);
}

/* ---- backing ---- */

static bool is_shared(const struct description *description,
                      const struct description_memory *memory)
{
    return memory->is_shared == ANSWER_UNKNOWN ? description->is_shared
                                               : memory->is_shared == ANSWER_YES;
}

/* Huge pages are mapped whole. */
static uint64_t mapped_size(const struct description *description, uint64_t size)
{
    uint64_t page = description->has_huge_pages ? description->huge_page_size : 0;

    return page == 0 ? size : (size + page - 1) / page * page;
}

/* False: it does not fit. */
static bool add_backend(const struct description *description,
                        const struct description_memory *memory, struct guest_backing *backing)
{
    uint64_t size = mapped_size(description, memory->size);

    if (!is_shared(description, memory)) {
        backing->private_bytes += size;
        return true;
    }
    if (backing->shared_count == GUEST_BACKENDS_MAX)
        return false;
    backing->shared[backing->shared_count++] = size;
    return true;
}

static bool add_backends(const struct description *description, struct guest_backing *backing)
{
    const struct description_memory whole = {.size = initial(description)};
    bool fits = !description->is_cut && description->memory > 0;

    if (description->cell_count == 0)
        fits = fits && add_backend(description, &whole, backing);
    for (size_t i = 0; i < description->cell_count && fits; i++)
        fits = add_backend(description, &description->cells[i], backing);
    for (size_t i = 0; i < description->device_count && fits; i++)
        fits = description->devices[i].kind == MEMORY_DEVICE_OTHER ||
               add_backend(description, &description->devices[i], backing);
    return fits;
}

static enum memory_backing backing_of(const struct description *description)
{
    const struct description_memory *first = description->cell_count > 0
                                                 ? &description->cells[0]
                                                 : &(const struct description_memory){0};

    if (description->has_huge_pages)
        return MEMORY_BACKING_HUGETLB;
    /* A private mapping of a file gets anonymous pages as the guest writes. */
    if (!is_shared(description, first))
        return MEMORY_BACKING_ANONYMOUS;
    return description->is_memfd ? MEMORY_BACKING_MEMFD : MEMORY_BACKING_FILE;
}

static void set_backing(const struct description *description, struct driver_facts *facts)
{
    struct guest_backing backing = {0};

    facts->backing = backing_of(description);
    if (description->has_huge_pages)
        facts->backing_page_size = description->huge_page_size;
    if (add_backends(description, &backing))
        facts->memory = backing;
}

/* ---- the whole ---- */

static enum answer answer_of(bool yes)
{
    return yes ? ANSWER_YES : ANSWER_NO;
}

static void set_balloon(const struct description *description, struct driver_facts *facts)
{
    uint64_t beyond = description_beyond_balloon(description);

    facts->balloon = answer_of(description->has_balloon);
    facts->statistics_interval = 0;
    if (!description->has_balloon)
        return;
    facts->balloon_actual = description->current + beyond;
    facts->balloon_maximum = description_balloon_maximum(description);
    facts->balloon_minimum = BALLOON_MIN + beyond;
    facts->free_page_reporting = answer_of(description->reports_free_pages);
    facts->deflate_on_oom = answer_of(description->deflates_on_oom);
    facts->mark = description->mark;
    if (description->is_of_ovirt)
        text_copy_line(facts->balloon_owner, sizeof(facts->balloon_owner),
                       "oVirt's memory manager");
    facts->statistics_interval = description->statistics_interval;
}

void description_facts(const struct description *description, struct driver_facts *facts)
{
    uint64_t maximum = description_balloon_maximum(description);

    text_copy_line(facts->name, sizeof(facts->name), description->name);
    text_copy_line(facts->uuid, sizeof(facts->uuid), description->uuid);
    text_copy_line(facts->title, sizeof(facts->title), description->title);
    text_copy_line(facts->labels, sizeof(facts->labels), description->labels);
    if (maximum > 0)
        facts->ram = maximum + sum(description, MEMORY_DEVICE_STORAGE, false);
    facts->guest_cid = description->guest_cid;
    facts->encrypted = description->is_encrypted;
    facts->vfio_devices = description->vfio_devices;
    set_balloon(description, facts);
    set_backing(description, facts);
}
