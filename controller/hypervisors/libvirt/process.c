/* QEMU's process. */
#include "controller/hypervisors/libvirt/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/util.h"

#define COMMAND_LINE_MAX (256 * 1024)

/* ---- where libvirt keeps its pid ---- */

/* "socket=PATH" among the parameters of a URI. "": not given. */
static void socket_of(const char *uri, char *path, size_t size)
{
    static const char key[] = "socket=";
    const char *parameter = strchr(uri, '?');

    path[0] = '\0';
    while (parameter != NULL && strncmp(parameter + 1, key, sizeof(key) - 1) != 0)
        parameter = strchr(parameter + 1, '&');
    if (parameter != NULL) {
        parameter += sizeof(key);
        text_copy_bytes(path, size, parameter, strcspn(parameter, "&"));
    }
}

void process_directory(const char *uri, char *directory, size_t size)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    bool is_session = strstr(uri, "/session") != NULL;
    char socket[PATH_MAX];
    char *slash;

    socket_of(uri, socket, sizeof(socket));
    slash = strrchr(socket, '/');
    if (slash != NULL) {
        *slash = '\0';
        text_format(directory, size, "%s/qemu%s", socket, is_session ? "/run" : "");
    } else if (!is_session)
        text_format(directory, size, "/run/libvirt/qemu");
    else if (runtime != NULL)
        text_format(directory, size, "%s/libvirt/qemu/run", runtime);
    else
        text_format(directory, size, "/run/user/%u/libvirt/qemu/run", (unsigned)geteuid());
}

pid_t process_find(const char *uri, const char *name, const char *uuid)
{
    char directory[PATH_MAX];
    char path[PATH_MAX + 128];
    char text[32];
    bool is_incoming;
    uint64_t pid;

    process_directory(uri, directory, sizeof(directory));
    text_format(path, sizeof(path), "%s/%s.pid", directory, name);
    if (file_read_into(AT_FDCWD, path, text, sizeof(text)) < 0)
        return 0;
    text[strcspn(text, "\n")] = '\0';
    if (number_parse(text_trim(text), &pid) < 0 || pid == 0 || pid > INT_MAX ||
        !process_is_domain((pid_t)pid, uuid, &is_incoming))
        return 0;
    return (pid_t)pid;
}

/* ---- what it is, and does ---- */

bool process_is_domain(pid_t pid, const char *uuid, bool *ret_is_incoming)
{
    cleanup_free char *text = NULL;
    bool is_domain = false;
    bool is_incoming = false;
    char path[64];
    size_t length;

    snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
    if (file_read(AT_FDCWD, path, COMMAND_LINE_MAX, &text, &length) < 0)
        return false;
    for (const char *word = text; word < text + length; word += strlen(word) + 1) {
        const char *next = word + strlen(word) + 1;

        if (next >= text + length)
            break;
        is_domain = is_domain || (strcmp(word, "-uuid") == 0 && strcasecmp(next, uuid) == 0);
        is_incoming = is_incoming || strcmp(word, "-incoming") == 0;
    }
    if (is_domain)
        *ret_is_incoming = is_incoming;
    return is_domain;
}

const char *process_trouble(pid_t pid)
{
    static const struct {
        char state;
        const char *trouble;
    } states[] = {{'T', "is stopped (T)"},
                  {'t', "is stopped by a debugger (t)"},
                  {'D', "waits for a disk (D)"},
                  {'Z', "has ended (Z)"},
                  {'X', "has ended (X)"}};
    const char *after;
    char path[64];
    char text[512];

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (pid <= 0 || file_read_into(AT_FDCWD, path, text, sizeof(text)) < 0)
        return NULL;
    after = strrchr(text, ')');
    for (size_t i = 0; i < ARRAY_SIZE(states) && after != NULL; i++)
        if (after[1] == ' ' && after[2] == states[i].state)
            return states[i].trouble;
    return NULL;
}
