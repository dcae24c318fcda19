/* Lines that mend. In them {name}, {place}, {file}, {directory}, {cid} and {mib} stand for the
 * VM's. A VM makes its sockets where it may: vmreclaimd's own directory goes when that is stopped.
 */
#include "controller/doctor/remedies.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/util.h"

#define VIRSH "virsh -c {place} "
#define QEMU_BALLOON                                                                               \
    "-device virtio-balloon-pci,id=balloon0,free-page-reporting=on,deflate-on-oom=on"
#define FC_BALLOON                                                                                 \
    "PUT /balloon {\"amount_mib\": 0, \"deflate_on_oom\": true, "                                  \
    "\"stats_polling_interval_s\": 5, \"free_page_reporting\": true}"
#define CH_BALLOON "--balloon size=0,deflate_on_oom=on,free_page_reporting=on"

static const struct row {
    enum doctor_manager manager;
    enum remedy remedy;
    enum remedy_form form;
    enum remedy_time time;
    const char *text;
} rows[] = {
    {DOCTOR_MANAGER_LIBVIRT, REMEDY_VSOCK, REMEDY_FORM_XML, REMEDY_NOW,
     "<vsock model='virtio'><cid auto='yes'/></vsock>"},
    {DOCTOR_MANAGER_LIBVIRT, REMEDY_BALLOON, REMEDY_FORM_XML, REMEDY_COLD_START,
     "<memballoon model='virtio' autodeflate='on' freePageReporting='on'>"
     "<stats period='10'/></memballoon>"},
    {DOCTOR_MANAGER_LIBVIRT, REMEDY_REPORTING, REMEDY_FORM_XML, REMEDY_COLD_START,
     "<memballoon model='virtio' freePageReporting='on'>"},
    {DOCTOR_MANAGER_LIBVIRT, REMEDY_DEFLATE, REMEDY_FORM_XML, REMEDY_COLD_START,
     "<memballoon model='virtio' autodeflate='on'>"},
    {DOCTOR_MANAGER_LIBVIRT, REMEDY_STATISTICS, REMEDY_FORM_COMMAND, REMEDY_NOW,
     VIRSH "dommemstat {name} --period 10 --live --config"},
    {DOCTOR_MANAGER_LIBVIRT, REMEDY_BACKING, REMEDY_FORM_XML, REMEDY_COLD_START,
     "<memoryBacking><source type='memfd'/></memoryBacking>"},

    {DOCTOR_MANAGER_QEMU, REMEDY_VSOCK, REMEDY_FORM_OPTION, REMEDY_COLD_START,
     "-device vhost-vsock-pci,guest-cid={cid}"},
    {DOCTOR_MANAGER_QEMU, REMEDY_BALLOON, REMEDY_FORM_OPTION, REMEDY_COLD_START, QEMU_BALLOON},
    {DOCTOR_MANAGER_QEMU, REMEDY_REPORTING, REMEDY_FORM_OPTION, REMEDY_COLD_START, QEMU_BALLOON},
    {DOCTOR_MANAGER_QEMU, REMEDY_DEFLATE, REMEDY_FORM_OPTION, REMEDY_COLD_START, QEMU_BALLOON},
    {DOCTOR_MANAGER_QEMU, REMEDY_BACKING, REMEDY_FORM_OPTION, REMEDY_COLD_START,
     "-object memory-backend-memfd,id=mem,size={mib}M -machine memory-backend=mem"},
    {DOCTOR_MANAGER_QEMU, REMEDY_SOCKET, REMEDY_FORM_OPTION, REMEDY_COLD_START,
     "-qmp unix:{directory}/{file}.vmreclaim.qmp,server=on,wait=off"},

    {DOCTOR_MANAGER_PROXMOX, REMEDY_VSOCK, REMEDY_FORM_COMMAND, REMEDY_COLD_START,
     "qm set {place} --args '-device vhost-vsock-pci,guest-cid={place}'"},
    {DOCTOR_MANAGER_PROXMOX, REMEDY_BALLOON, REMEDY_FORM_COMMAND, REMEDY_COLD_START,
     "qm set {place} --delete balloon"},
    {DOCTOR_MANAGER_PROXMOX, REMEDY_SOCKET, REMEDY_FORM_COMMAND, REMEDY_COLD_START,
     "qm set {place} --args '-qmp unix:/run/vmreclaim-{place}.qmp,server=on,wait=off'"},

    {DOCTOR_MANAGER_INCUS, REMEDY_SOCKET, REMEDY_FORM_COMMAND, REMEDY_COLD_START,
     "incus config set {name} raw.qemu='-qmp "
     "unix:{directory}/vmreclaim.qmp,server=on,wait=off'"},

    {DOCTOR_MANAGER_FIRECRACKER, REMEDY_VSOCK, REMEDY_FORM_REQUEST, REMEDY_COLD_START,
     "PUT /vsock {\"guest_cid\": {cid}, \"uds_path\": \"v.sock\"}"},
    {DOCTOR_MANAGER_FIRECRACKER, REMEDY_BALLOON, REMEDY_FORM_REQUEST, REMEDY_COLD_START,
     FC_BALLOON},
    {DOCTOR_MANAGER_FIRECRACKER, REMEDY_REPORTING, REMEDY_FORM_REQUEST, REMEDY_COLD_START,
     FC_BALLOON},
    {DOCTOR_MANAGER_FIRECRACKER, REMEDY_DEFLATE, REMEDY_FORM_REQUEST, REMEDY_COLD_START,
     FC_BALLOON},
    {DOCTOR_MANAGER_FIRECRACKER, REMEDY_STATISTICS, REMEDY_FORM_REQUEST, REMEDY_COLD_START,
     FC_BALLOON},

    {DOCTOR_MANAGER_CLOUD_HYPERVISOR, REMEDY_VSOCK, REMEDY_FORM_COMMAND, REMEDY_NOW,
     "ch-remote --api-socket {place} add-vsock cid={cid},socket={directory}/{file}.vsock"},
    {DOCTOR_MANAGER_CLOUD_HYPERVISOR, REMEDY_BALLOON, REMEDY_FORM_OPTION, REMEDY_COLD_START,
     CH_BALLOON},
    {DOCTOR_MANAGER_CLOUD_HYPERVISOR, REMEDY_REPORTING, REMEDY_FORM_OPTION, REMEDY_COLD_START,
     CH_BALLOON},
    {DOCTOR_MANAGER_CLOUD_HYPERVISOR, REMEDY_DEFLATE, REMEDY_FORM_OPTION, REMEDY_COLD_START,
     CH_BALLOON},
    {DOCTOR_MANAGER_CLOUD_HYPERVISOR, REMEDY_BACKING, REMEDY_FORM_OPTION, REMEDY_COLD_START,
     "--memory size={mib}M,shared=on"},
};

/* ---- filling in ---- */

static void append_value(char *text, size_t size, const char *value, bool is_for_shell)
{
    char quoted[TEXT_QUOTED_SIZE(DRIVER_WHERE_SIZE)];

    if (is_for_shell)
        text_quote(quoted, sizeof(quoted), value);
    value = is_for_shell ? quoted : value;
    text_append_bytes(text, size, value, strlen(value));
}

/* What can be a path, and needs no quotes. */
static void write_path(const char *text, size_t length, const char *others, char *buffer,
                       size_t size)
{
    size_t used = 0;

    for (size_t i = 0; i < length && used + 1 < size; i++)
        buffer[used++] =
            isalnum((unsigned char)text[i]) || strchr(others, text[i]) != NULL ? text[i] : '-';
    buffer[used] = '\0';
}

static void write_number(uint64_t number, char *buffer, size_t size)
{
    buffer[0] = '\0';
    if (number != 0)
        snprintf(buffer, size, "%" PRIu64, number);
}

/* The value of the placeholder at `text`, and its length there; "": it is not known; NULL: it is
 * none. */
static const char *find_value(const struct doctor_subject *subject, const char *text,
                              char buffer[DRIVER_WHERE_SIZE], size_t *ret_length)
{
    static const char *const keys[] = {"{name}",      "{place}", "{file}",
                                       "{directory}", "{cid}",   "{mib}"};
    const char *slash = strrchr(subject->place, '/');
    size_t i = 0;

    while (i < ARRAY_SIZE(keys) && strncmp(text, keys[i], strlen(keys[i])) != 0)
        i++;
    if (i == ARRAY_SIZE(keys))
        return NULL;
    *ret_length = strlen(keys[i]);
    if (i < 2)
        return i == 0 ? subject->name : subject->place;
    if (i == 2)
        write_path(subject->name, strlen(subject->name), "._-", buffer, DRIVER_WHERE_SIZE);
    else if (i == 3)
        write_path(subject->place, slash == NULL ? 0 : (size_t)(slash - subject->place), "/._-",
                   buffer, DRIVER_WHERE_SIZE);
    else
        write_number(i == 4 ? subject->free_cid : subject->facts->ram / MIB, buffer,
                     DRIVER_WHERE_SIZE);
    return buffer;
}

/* "": a value is not known, or the line is too long: half of one is none. */
static void fill(const struct doctor_subject *subject, const struct row *row, char *text,
                 size_t size)
{
    char buffer[DRIVER_WHERE_SIZE];
    size_t length;

    text[0] = '\0';
    for (const char *c = row->text; *c != '\0'; c += length) {
        const char *value = find_value(subject, c, buffer, &length);

        if (value != NULL && value[0] == '\0') {
            text[0] = '\0';
            return;
        }
        if (value != NULL) {
            append_value(text, size, value, row->form == REMEDY_FORM_COMMAND);
        } else {
            length = 1;
            text_append_bytes(text, size, c, 1);
        }
    }
    if (strlen(text) + 1 >= size)
        text[0] = '\0';
}

void remedy_write(const struct doctor_subject *subject, enum remedy remedy,
                  struct remedy_line *ret_line)
{
    *ret_line = (struct remedy_line){.remedy = remedy};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].manager != subject->manager || rows[i].remedy != remedy)
            continue;
        ret_line->form = rows[i].form;
        ret_line->time = rows[i].time;
        fill(subject, &rows[i], ret_line->text, sizeof(ret_line->text));
    }
}

/* ---- names ---- */

const char *remedy_name(enum remedy remedy)
{
    static const char *const names[REMEDIES] = {
        [REMEDY_NONE] = "",           [REMEDY_VSOCK] = "vsock",
        [REMEDY_BALLOON] = "balloon", [REMEDY_REPORTING] = "reporting",
        [REMEDY_DEFLATE] = "deflate", [REMEDY_STATISTICS] = "statistics",
        [REMEDY_BACKING] = "backing", [REMEDY_SOCKET] = "socket",
    };

    return names[remedy];
}

const char *remedy_form_name(enum remedy_form form)
{
    static const char *const names[] = {
        [REMEDY_FORM_NONE] = "",           [REMEDY_FORM_XML] = "xml",
        [REMEDY_FORM_OPTION] = "option",   [REMEDY_FORM_COMMAND] = "command",
        [REMEDY_FORM_REQUEST] = "request",
    };

    return names[form];
}

const char *remedy_time_name(enum remedy_time time)
{
    return time == REMEDY_NOW ? "now" : "cold-start";
}
