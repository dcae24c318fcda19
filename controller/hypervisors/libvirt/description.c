/* Reads a domain's XML: a table of places, each with what takes the value there. */
#include "controller/hypervisors/libvirt/description.h"

#include <ctype.h>
#include <errno.h>
#include <expat.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/hypervisors/libvirt/labels.h"

#define PATH_BYTES 256
#define TEXT_BYTES 512
#define BYTES_MAX  ((uint64_t)1 << 50) /* more is no memory of a guest; sums do not wrap */

struct reader {
    XML_Parser parser;
    struct description *description;
    char path[PATH_BYTES]; /* "/domain/devices/memory" */
    unsigned beyond;       /* elements below the last that fits into the path */
    char text[TEXT_BYTES]; /* of the element so far */
    size_t text_length;
    char unit[16]; /* of the element's number */
    struct labels labels;
};

/* ---- values ---- */

/* A number with the element's unit; KiB where there is none, as libvirt has it. */
static uint64_t size_of(const struct reader *reader, const char *value)
{
    static const struct {
        const char *unit;
        uint64_t bytes;
    } units[] = {{"", KIB},  {"bytes", 1},        {"b", 1},         {"KiB", KIB},
                 {"k", KIB}, {"MiB", MIB},        {"M", MIB},       {"GiB", GIB},
                 {"G", GIB}, {"TiB", GIB * 1024}, {"T", GIB * 1024}};
    uint64_t number;
    uint64_t size;

    if (number_parse(value, &number) < 0)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(units); i++)
        if (strcmp(units[i].unit, reader->unit) == 0)
            return __builtin_mul_overflow(number, units[i].bytes, &size) || size > BYTES_MAX ? 0
                                                                                             : size;
    return 0;
}

static uint32_t small_number(const char *value)
{
    uint64_t number;

    return number_parse(value, &number) < 0 || number > UINT32_MAX ? 0 : (uint32_t)number;
}

static bool is_on(const char *value)
{
    return strcmp(value, "on") == 0 || strcmp(value, "yes") == 0;
}

/* ---- what is taken ---- */

static void take_name(struct reader *reader, const char *value)
{
    text_copy_line(reader->description->name, sizeof(reader->description->name), value);
}

static void take_uuid(struct reader *reader, const char *value)
{
    char *uuid = reader->description->uuid;

    text_copy_line(uuid, sizeof(reader->description->uuid), value);
    for (; *uuid != '\0'; uuid++)
        *uuid = (char)tolower((unsigned char)*uuid);
}

static void take_title(struct reader *reader, const char *value)
{
    text_copy_line(reader->description->title, sizeof(reader->description->title), value);
}

static void take_memory(struct reader *reader, const char *value)
{
    reader->description->memory = size_of(reader, value);
}

static void take_current(struct reader *reader, const char *value)
{
    reader->description->current = size_of(reader, value);
}

static void take_source(struct reader *reader, const char *value)
{
    reader->description->is_memfd = strcmp(value, "memfd") == 0;
}

static void take_access(struct reader *reader, const char *value)
{
    reader->description->is_shared = strcmp(value, "shared") == 0;
}

static void take_huge_page(struct reader *reader, const char *value)
{
    uint64_t size = size_of(reader, value);

    reader->description->huge_page_size = max_of(reader->description->huge_page_size, size);
}

static void take_balloon(struct reader *reader, const char *value)
{
    reader->description->has_balloon = strcmp(value, "none") != 0;
}

static void take_reporting(struct reader *reader, const char *value)
{
    reader->description->reports_free_pages = is_on(value);
}

static void take_deflate(struct reader *reader, const char *value)
{
    reader->description->deflates_on_oom = is_on(value);
}

static void take_period(struct reader *reader, const char *value)
{
    reader->description->statistics_interval = small_number(value);
}

static void take_cid(struct reader *reader, const char *value)
{
    reader->description->guest_cid = small_number(value);
}

static void take_host_device(struct reader *reader, const char *value)
{
    if (strcmp(value, "pci") == 0 || strcmp(value, "mdev") == 0)
        reader->description->vfio_devices++;
}

static void take_interface(struct reader *reader, const char *value)
{
    if (strcmp(value, "hostdev") == 0 || strcmp(value, "vdpa") == 0)
        reader->description->vfio_devices++;
}

static void take_security(struct reader *reader, const char *value)
{
    reader->description->is_encrypted = true;
}

/* The piece of memory that is being read; it began with its element. NULL: it did not fit. */
static struct description_memory *last(struct description_memory *list, size_t count,
                                       const struct reader *reader)
{
    return count == 0 || reader->description->is_cut ? NULL : &list[count - 1];
}

static struct description_memory *last_cell(const struct reader *reader)
{
    return last(reader->description->cells, reader->description->cell_count, reader);
}

static struct description_memory *last_device(const struct reader *reader)
{
    return last(reader->description->devices, reader->description->device_count, reader);
}

static void set_shared(struct description_memory *memory, const char *value)
{
    if (memory != NULL)
        memory->is_shared = strcmp(value, "shared") == 0 ? ANSWER_YES : ANSWER_NO;
}

static void take_cell_memory(struct reader *reader, const char *value)
{
    struct description_memory *cell = last_cell(reader);

    if (cell != NULL)
        cell->size = size_of(reader, value);
}

static void take_cell_access(struct reader *reader, const char *value)
{
    set_shared(last_cell(reader), value);
}

static void take_device_model(struct reader *reader, const char *value)
{
    static const struct {
        const char *model;
        enum memory_device_kind kind;
    } models[] = {{"dimm", MEMORY_DEVICE_DIMM},
                  {"nvdimm", MEMORY_DEVICE_STORAGE},
                  {"virtio-pmem", MEMORY_DEVICE_STORAGE},
                  {"virtio-mem", MEMORY_DEVICE_VIRTIO_MEM}};
    struct description_memory *device = last_device(reader);

    for (size_t i = 0; i < ARRAY_SIZE(models) && device != NULL; i++)
        if (strcmp(models[i].model, value) == 0)
            device->kind = models[i].kind;
}

static void take_device_access(struct reader *reader, const char *value)
{
    set_shared(last_device(reader), value);
}

static void take_device_size(struct reader *reader, const char *value)
{
    struct description_memory *device = last_device(reader);

    if (device != NULL)
        device->size = size_of(reader, value);
}

static void take_device_current(struct reader *reader, const char *value)
{
    struct description_memory *device = last_device(reader);

    if (device != NULL)
        device->current = size_of(reader, value);
}

static const struct place {
    const char *path;
    const char *attribute; /* NULL: the element's text */
    void (*take)(struct reader *reader, const char *value);
} places[] = {
    {"/domain/name", NULL, take_name},
    {"/domain/uuid", NULL, take_uuid},
    {"/domain/title", NULL, take_title},
    {"/domain/memory", NULL, take_memory},
    {"/domain/currentMemory", NULL, take_current},
    {"/domain/memoryBacking/source", "type", take_source},
    {"/domain/memoryBacking/access", "mode", take_access},
    {"/domain/memoryBacking/hugepages/page", "size", take_huge_page},
    {"/domain/cpu/numa/cell", "memory", take_cell_memory},
    {"/domain/cpu/numa/cell", "memAccess", take_cell_access},
    {"/domain/devices/memory", "model", take_device_model},
    {"/domain/devices/memory", "access", take_device_access},
    {"/domain/devices/memory/target/size", NULL, take_device_size},
    {"/domain/devices/memory/target/current", NULL, take_device_current},
    {"/domain/devices/memballoon", "model", take_balloon},
    {"/domain/devices/memballoon", "freePageReporting", take_reporting},
    {"/domain/devices/memballoon", "autodeflate", take_deflate},
    {"/domain/devices/memballoon/stats", "period", take_period},
    {"/domain/devices/vsock/cid", "address", take_cid},
    {"/domain/devices/hostdev", "type", take_host_device},
    {"/domain/devices/interface", "type", take_interface},
    {"/domain/launchSecurity", "type", take_security},
};

static void take(struct reader *reader, const char *attribute, const char *value)
{
    for (size_t i = 0; i < ARRAY_SIZE(places); i++)
        if (strcmp(places[i].path, reader->path) == 0 && text_equal(places[i].attribute, attribute))
            places[i].take(reader, value);
}

/* Elements that matter by being there. */
static void begin_element(struct reader *reader)
{
    struct description *description = reader->description;

    if (strcmp(reader->path, "/domain/memoryBacking/hugepages") == 0)
        description->has_huge_pages = true;
    else if (strcmp(reader->path, "/domain/cpu/numa/cell") == 0) {
        if (description->cell_count < DESCRIPTION_CELLS_MAX)
            description->cells[description->cell_count++] = (struct description_memory){0};
        else
            description->is_cut = true;
    } else if (strcmp(reader->path, "/domain/devices/memory") == 0) {
        if (description->device_count < DESCRIPTION_DEVICES_MAX)
            description->devices[description->device_count++] = (struct description_memory){0};
        else
            description->is_cut = true;
    }
}

/* ---- the parser's callbacks ---- */

static bool push(struct reader *reader, const char *name)
{
    size_t length = strlen(reader->path);
    size_t more = strlen(name);

    if (reader->beyond > 0 || length + 1 + more >= sizeof(reader->path)) {
        reader->beyond++;
        return false;
    }
    reader->path[length] = '/';
    memcpy(reader->path + length + 1, name, more + 1);
    return true;
}

static const char *attribute_of(const char **attributes, const char *name)
{
    for (; attributes[0] != NULL; attributes += 2)
        if (strcmp(attributes[0], name) == 0)
            return attributes[1];
    return "";
}

/* oVirt's metadata are known by their namespace. */
static bool is_of_ovirt(const char *path, const char **attributes)
{
    static const char namespace[] = "http://ovirt.org/vm/";

    if (strncmp(path, "/domain/metadata", 16) != 0)
        return false;
    for (; attributes[0] != NULL; attributes += 2)
        if (strncmp(attributes[1], namespace, sizeof(namespace) - 1) == 0)
            return true;
    return false;
}

static bool is_mark(const char *path)
{
    return strcmp(path, "/domain/metadata/" DESCRIPTION_MARK_KEY ":lease") == 0;
}

static void take_mark(struct description *description, const char **attributes)
{
    uint64_t mark;

    if (number_parse(attribute_of(attributes, "baseline"), &mark) == 0)
        description->mark = mark;
}

static void XMLCALL on_begin(void *userdata, const char *name, const char **attributes)
{
    struct reader *reader = userdata;

    if (!push(reader, name))
        return;
    reader->text_length = 0;
    text_copy(reader->unit, sizeof(reader->unit), attribute_of(attributes, "unit"));
    begin_element(reader);
    if (is_mark(reader->path))
        take_mark(reader->description, attributes);
    else
        labels_begin(&reader->labels, reader->path, attributes);
    if (is_of_ovirt(reader->path, attributes))
        reader->description->is_of_ovirt = true;
    for (; attributes[0] != NULL; attributes += 2)
        take(reader, attributes[0], attributes[1]);
}

static void XMLCALL on_text(void *userdata, const char *text, int length)
{
    struct reader *reader = userdata;
    size_t room = sizeof(reader->text) - 1 - reader->text_length;
    size_t taken = min_of((size_t)length, room);

    memcpy(reader->text + reader->text_length, text, taken);
    reader->text_length += taken;
}

static void XMLCALL on_end(void *userdata, const char *name)
{
    struct reader *reader = userdata;
    char *text;

    if (reader->beyond > 0) {
        reader->beyond--;
        return;
    }
    reader->text[reader->text_length] = '\0';
    text_mend(reader->text, reader->text_length);
    text = text_trim(reader->text);
    if (text[0] != '\0') {
        take(reader, NULL, text);
        labels_text(&reader->labels, reader->path, text);
    }
    reader->text_length = 0;
    *strrchr(reader->path, '/') = '\0';
}

/* libvirt writes none: whoever does wants something else. */
static void XMLCALL on_doctype(void *userdata, const char *name, const char *system,
                               const char *public, int has_subset)
{
    struct reader *reader = userdata;

    XML_StopParser(reader->parser, XML_FALSE);
}

int description_parse(const char *xml, size_t length, struct description *ret_description,
                      struct error *error)
{
    struct reader reader = {.description = ret_description};
    bool is_read;

    if (length > DESCRIPTION_XML_MAX)
        return error_set(error, -EPROTO, "libvirt's XML of a domain is longer than %u KiB",
                         DESCRIPTION_XML_MAX / 1024);
    *ret_description = (struct description){0};
    labels_init(&reader.labels, ret_description->labels, sizeof(ret_description->labels));
    reader.parser = XML_ParserCreate(NULL);
    if (reader.parser == NULL)
        return error_set(error, -ENOMEM, "out of memory");
    XML_SetUserData(reader.parser, &reader);
    XML_SetElementHandler(reader.parser, on_begin, on_end);
    XML_SetCharacterDataHandler(reader.parser, on_text);
    XML_SetStartDoctypeDeclHandler(reader.parser, on_doctype);
    is_read = XML_Parse(reader.parser, xml, (int)length, XML_TRUE) == XML_STATUS_OK;
    XML_ParserFree(reader.parser);
    if (!is_read || ret_description->uuid[0] == '\0')
        return error_set(error, -EPROTO, "libvirt's XML of a domain is not understood");
    return 0;
}
