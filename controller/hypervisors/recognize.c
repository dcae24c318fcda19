/* Command lines of hypervisors. */
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/hypervisors/command-line.h"
#include "controller/hypervisors/processes.h"

static bool begins_with(const char *text, const char *begin)
{
    return strncmp(text, begin, strlen(begin)) == 0;
}

static void take_cid(const char *text, struct driver_vm *vm)
{
    uint64_t cid;

    if (number_parse(text, &cid) == 0 && cid >= 3 && cid < UINT32_MAX)
        vm->guest_cid = (uint32_t)cid;
}

/* ---- QEMU ---- */

/* A part of an option, which may be JSON since QEMU 6.0 and libvirt 7.1. */
static bool get_part(const char *option, const char *key, char *value, size_t size)
{
    json_t *object;
    const json_t *part;
    bool found = false;

    if (option[0] != '{')
        return option_get(option, key, value, size);
    object = json_loads(option, 0, NULL);
    part = json_object_get(object, key);
    if (json_is_string(part))
        found = (size_t)snprintf(value, size, "%s", json_string_value(part)) < size;
    else if (json_is_integer(part))
        found = (size_t)snprintf(value, size, "%lld", (long long)json_integer_value(part)) < size;
    json_decref(object);
    return found;
}

static bool is_on(const char *option, const char *key)
{
    char value[8];

    /* "server" alone is what it was before QEMU 6.0. */
    if (get_part(option, key, value, sizeof(value)))
        return strcmp(value, "on") == 0 || strcmp(value, "true") == 0;
    for (const char *part = strchr(option, ','); part != NULL; part = strchr(part + 1, ','))
        if (strncmp(part + 1, key, strlen(key)) == 0 &&
            (part[1 + strlen(key)] == ',' || part[1 + strlen(key)] == '\0'))
            return true;
    return false;
}

/* The last one that is given counts: one that was added for us beside the owner's. */
static void take_socket(const char *path, struct driver_vm *vm)
{
    if (path[0] != '\0' && strlen(path) < sizeof(vm->where))
        memcpy(vm->where, path, strlen(path) + 1);
}

/* -qmp unix:PATH,server=on,wait=off */
static void take_qmp(const char *option, struct driver_vm *vm)
{
    char path[DRIVER_WHERE_SIZE];

    if (begins_with(option, "unix:") && is_on(option, "server") &&
        option_get(option, "", path, sizeof(path)))
        take_socket(path + 5, vm);
}

/* -mon chardev=ID,mode=control of a -chardev socket,id=ID,path=PATH,server=on */
static void take_monitor(const struct command_line *line, const char *monitor, struct driver_vm *vm)
{
    char wanted[64];
    char mode[16];
    const char *argument = NULL;

    if (!get_part(monitor, "mode", mode, sizeof(mode)) || strcmp(mode, "control") != 0 ||
        !get_part(monitor, "chardev", wanted, sizeof(wanted)))
        return;
    while ((argument = command_line_next(line, argument)) != NULL) {
        const char *option = command_line_next(line, argument);
        char id[64];
        char path[DRIVER_WHERE_SIZE];

        if (strcmp(argument, "-chardev") == 0 && option != NULL &&
            get_part(option, "id", id, sizeof(id)) && strcmp(id, wanted) == 0 &&
            is_on(option, "server") && get_part(option, "path", path, sizeof(path)))
            take_socket(path, vm);
    }
}

static void take_device(const char *option, struct driver_vm *vm)
{
    char driver[64];
    char cid[16];

    if (option[0] == '{' ? !get_part(option, "driver", driver, sizeof(driver))
                         : !option_get(option, "", driver, sizeof(driver)))
        return;
    if (begins_with(driver, "vhost-vsock-") && get_part(option, "guest-cid", cid, sizeof(cid)))
        take_cid(cid, vm);
}

static void take_name(const char *option, struct driver_vm *vm)
{
    char name[sizeof(vm->name)];

    if (get_part(option, "guest", name, sizeof(name)) || option_get(option, "", name, sizeof(name)))
        text_copy_line(vm->name, sizeof(vm->name), name);
}

static void take_uuid(const char *text, struct driver_vm *vm)
{
    if (strlen(text) != 36 || strspn(text, "0123456789abcdefABCDEF-") != 36)
        return;
    for (size_t i = 0; i < 36; i++)
        vm->uuid[i] = (char)tolower((unsigned char)text[i]);
}

static void take_qemu_option(const struct command_line *line, const char *name, const char *value,
                             struct driver_vm *vm)
{
    if (strcmp(name, "-name") == 0)
        take_name(value, vm);
    else if (strcmp(name, "-uuid") == 0)
        take_uuid(value, vm);
    else if (strcmp(name, "-qmp") == 0 || strcmp(name, "-qmp-pretty") == 0)
        take_qmp(value, vm);
    else if (strcmp(name, "-mon") == 0)
        take_monitor(line, value, vm);
    else if (strcmp(name, "-device") == 0)
        take_device(value, vm);
}

static void read_qemu(const struct command_line *line, struct driver_vm *vm)
{
    const char *argument = command_line_next(line, NULL);

    while ((argument = command_line_next(line, argument)) != NULL) {
        const char *value = command_line_next(line, argument);
        const char *name = argument;

        if (value == NULL)
            break;
        if (begins_with(name, "--"))
            name++;
        take_qemu_option(line, name, value, vm);
    }
}

/* ---- the others ---- */

static void read_firecracker(const struct command_line *line, struct driver_vm *vm)
{
    const char *path = command_line_value(line, "api-sock");
    const char *id = command_line_value(line, "id");
    const char *argument = NULL;

    if (id != NULL)
        text_copy_line(vm->name, sizeof(vm->name), id);
    while ((argument = command_line_next(line, argument)) != NULL)
        if (strcmp(argument, "--no-api") == 0)
            return;
    take_socket(path == NULL ? "/run/firecracker.socket" : path, vm);
}

static void read_cloud_hypervisor(const struct command_line *line, struct driver_vm *vm)
{
    const char *socket = command_line_value(line, "api-socket");
    char text[DRIVER_WHERE_SIZE];

    /* The CID is its own device's, not one of the host's kernel. */
    if (socket == NULL || begins_with(socket, "fd="))
        return;
    take_socket(option_get(socket, "path", text, sizeof(text)) ? text : socket, vm);
}

bool process_recognize(const char *command_line, size_t length, struct found_process *ret_found)
{
    static const struct {
        const char *program;
        bool is_prefix;
        const char *driver;
        void (*read)(const struct command_line *line, struct driver_vm *vm);
    } programs[] = {
        {"qemu-system-", true, "qemu", read_qemu},
        {"qemu-kvm", false, "qemu", read_qemu},
        {"kvm", false, "qemu", read_qemu},
        {"firecracker", false, "firecracker", read_firecracker},
        {"cloud-hypervisor", false, "cloud-hypervisor", read_cloud_hypervisor},
    };
    const struct command_line line = {command_line, length};
    const char *program;

    if (length == 0 || command_line[length - 1] != '\0')
        return false;
    program = command_line_program(&line);
    for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
        if (programs[i].is_prefix ? !begins_with(program, programs[i].program)
                                  : strcmp(program, programs[i].program) != 0)
            continue;
        *ret_found = (struct found_process){.driver = programs[i].driver};
        programs[i].read(&line, &ret_found->vm);
        return true;
    }
    return false;
}
