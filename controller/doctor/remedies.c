/* Lines that mend. In them {name}, {file}, {place}, {cid} and {mib} stand for the VM's. */
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
#define OWN_SOCKET "-qmp unix:/run/vmreclaim/{file}.qmp,server=on,wait=off"

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
    {DOCTOR_MANAGER_QEMU, REMEDY_SOCKET, REMEDY_FORM_OPTION, REMEDY_COLD_START, OWN_SOCKET},

    {DOCTOR_MANAGER_PROXMOX, REMEDY_VSOCK, REMEDY_FORM_COMMAND, REMEDY_COLD_START,
     "qm set {place} --args '-device vhost-vsock-pci,guest-cid={place}'"},
    {DOCTOR_MANAGER_PROXMOX, REMEDY_BALLOON, REMEDY_FORM_COMMAND, REMEDY_COLD_START,
     "qm set {place} --delete balloon"},
    {DOCTOR_MANAGER_PROXMOX, REMEDY_SOCKET, REMEDY_FORM_COMMAND, REMEDY_COLD_START,
     "qm set {place} --args '-qmp unix:/run/vmreclaim/{place}.qmp,server=on,wait=off'"},

    {DOCTOR_MANAGER_INCUS, REMEDY_SOCKET, REMEDY_FORM_COMMAND, REMEDY_COLD_START,
     "incus config set {name} raw.qemu='" OWN_SOCKET "'"},

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
     "ch-remote --api-socket {place} add-vsock cid={cid},socket=/run/vmreclaim/{file}.vsock"},
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

/* As one word of a shell, or of what a hypervisor reads: others are put in quotes. */
static bool is_plain(const char *text)
{
    return text[0] != '\0' &&
           text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                             "._-+:/=@%")] == '\0';
}

static void append(char *text, size_t size, const char *from, size_t length)
{
    size_t used = strlen(text);

    text_copy_bytes(text + used, size - used, from, length);
}

static void append_value(char *text, size_t size, const char *value, bool is_for_shell)
{
    if (!is_for_shell || is_plain(value)) {
        append(text, size, value, strlen(value));
        return;
    }
    append(text, size, "'", 1);
    for (const char *c = value; *c != '\0'; c++)
        append(text, size, *c == '\'' ? "'\\''" : c, *c == '\'' ? 4 : 1);
    append(text, size, "'", 1);
}

/* A name that can be a file's, and needs no quotes. */
static void write_file_name(const char *name, char *file, size_t size)
{
    size_t used = 0;

    for (const char *c = name; *c != '\0' && used + 1 < size; c++)
        file[used++] = isalnum((unsigned char)*c) || strchr("._-", *c) != NULL ? *c : '-';
    file[used] = '\0';
}

/* The value of the placeholder at `text`, and its length there; NULL: it is none. */
static const char *find_value(const struct doctor_subject *subject, const char *text,
                              char buffer[64], size_t *ret_length)
{
    static const char *const keys[] = {"{name}", "{place}", "{file}", "{cid}", "{mib}"};
    size_t i = 0;

    while (i < ARRAY_SIZE(keys) && strncmp(text, keys[i], strlen(keys[i])) != 0)
        i++;
    if (i == ARRAY_SIZE(keys))
        return NULL;
    *ret_length = strlen(keys[i]);
    if (i < 2)
        return i == 0 ? subject->name : subject->place;
    if (i == 2)
        write_file_name(subject->name, buffer, 64);
    else
        snprintf(buffer, 64, "%" PRIu64,
                 i == 3 ? (uint64_t)subject->free_cid : subject->facts->ram / MIB);
    return buffer;
}

static void fill(const struct doctor_subject *subject, const struct row *row, char *text,
                 size_t size)
{
    char buffer[64];
    size_t length;

    text[0] = '\0';
    for (const char *c = row->text; *c != '\0'; c += length) {
        const char *value = find_value(subject, c, buffer, &length);

        if (value != NULL) {
            append_value(text, size, value, row->form == REMEDY_FORM_COMMAND);
        } else {
            length = 1;
            append(text, size, c, 1);
        }
    }
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
