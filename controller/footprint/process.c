/* Parsers of /proc/PID files; proc(5) gives the forms. */
#include "controller/footprint/process.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "common/base/file.h"
#include "common/base/number.h"
#include "common/base/util.h"

#define MAPS_BYTES_MAX (16u << 20)

/* "Key:     1234 kB" at the start of a line. */
static int find_kib(const char *text, const char *key, uint64_t *ret_bytes)
{
    size_t length = strlen(key);
    const char *line = text;

    while (line != NULL && *line != '\0') {
        if (strncmp(line, key, length) == 0 && line[length] == ':') {
            const char *value = line + length + 1;
            uint64_t kib;

            value += strspn(value, " \t");
            if (number_scan(&value, &kib) < 0 || kib > UINT64_MAX / KIB)
                return -EINVAL;
            *ret_bytes = kib * KIB;
            return 0;
        }
        line = strchr(line, '\n');
        if (line != NULL)
            line++;
    }
    return -ENOENT;
}

int process_status_parse(const char *text, struct process_status *ret_status)
{
    struct process_status status = {0};

    if (find_kib(text, "RssAnon", &status.rss_anonymous) < 0 ||
        find_kib(text, "RssShmem", &status.rss_shared) < 0 ||
        find_kib(text, "VmSwap", &status.swapped) < 0 ||
        find_kib(text, "HugetlbPages", &status.hugetlb) == -EINVAL ||
        find_kib(text, "VmRSS", &status.resident) == -EINVAL ||
        find_kib(text, "VmHWM", &status.peak) == -EINVAL)
        return -EINVAL;
    *ret_status = status;
    return 0;
}

int process_locked_parse(const char *text, uint64_t *ret_locked, uint64_t *ret_pinned)
{
    uint64_t locked = 0;
    uint64_t pinned = 0;

    if (find_kib(text, "VmLck", &locked) < 0 || find_kib(text, "VmPin", &pinned) < 0)
        return -EINVAL;
    *ret_locked = locked;
    *ret_pinned = pinned;
    return 0;
}

int process_huge_parse(const char *text, uint64_t *ret_bytes)
{
    return find_kib(text, "AnonHugePages", ret_bytes) < 0 ? -EINVAL : 0;
}

int process_statm_parse(const char *text, uint64_t page_size, uint64_t *ret_anonymous)
{
    uint64_t fields[3];

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        if (number_scan(&text, &fields[i]) < 0 || *text++ != ' ')
            return -EINVAL;
    }
    /* Without any address space it is on its way out, which the status does not say yet. */
    if (fields[0] == 0 || fields[2] > fields[1] || fields[1] > UINT64_MAX / page_size)
        return -EINVAL;
    *ret_anonymous = (fields[1] - fields[2]) * page_size;
    return 0;
}

int process_start_time_parse(const char *text, uint64_t *ret_start_time)
{
    const char *field = strrchr(text, ')');

    if (field == NULL)
        return -EINVAL;
    for (int number = 2; number < 22; number++) {
        field = strchr(field, ' ');
        if (field == NULL)
            return -EINVAL;
        field++;
    }
    return number_scan(&field, ret_start_time) < 0 ? -EINVAL : 0;
}

/* Hexadecimal digits and the character behind them. */
static int scan_hex(const char **text, char end, uint64_t *ret_value)
{
    uint64_t value = 0;
    size_t digits = strspn(*text, "0123456789abcdef");

    if (digits == 0 || digits > 16 || (*text)[digits] != end)
        return -EINVAL;
    for (size_t i = 0; i < digits; i++) {
        char c = (*text)[i];

        value = value << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *text += digits + 1;
    *ret_value = value;
    return 0;
}

int mapping_parse(const char *line, struct mapping *ret_mapping)
{
    struct mapping mapping = {0};
    const char *permissions;
    uint64_t offset;
    uint64_t major_number;
    uint64_t minor_number;
    uint64_t inode;

    if (scan_hex(&line, '-', &mapping.start) < 0 || scan_hex(&line, ' ', &mapping.end) < 0 ||
        mapping.end < mapping.start || strnlen(line, 5) < 5 || line[4] != ' ')
        return -EINVAL;
    permissions = line;
    line += 5;
    if (scan_hex(&line, ' ', &offset) < 0 || scan_hex(&line, ':', &major_number) < 0 ||
        scan_hex(&line, ' ', &minor_number) < 0 || number_scan(&line, &inode) < 0)
        return -EINVAL;
    mapping.accessible = strncmp(permissions, "---", 3) != 0;
    mapping.writable = permissions[1] == 'w';
    mapping.shared = permissions[3] == 's';
    mapping.device = makedev((unsigned)major_number, (unsigned)minor_number);
    mapping.inode = (ino_t)inode;
    *ret_mapping = mapping;
    return 0;
}

int maps_read(int process_directory, char **ret_text)
{
    size_t length;
    int r = file_read(process_directory, "maps", MAPS_BYTES_MAX, ret_text, &length);

    return r < 0 ? process_gone(r) : 0;
}

bool maps_next(const char **text, struct mapping *ret_mapping)
{
    while (**text != '\0') {
        const char *line = *text;

        *text += strcspn(line, "\n");
        *text += **text == '\n';
        if (mapping_parse(line, ret_mapping) == 0)
            return true;
    }
    return false;
}
