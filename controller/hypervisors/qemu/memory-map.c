/* Reads "info mtree -f". */
#include "controller/hypervisors/qemu/memory-map.h"

#include <stdlib.h>
#include <string.h>

#define PIECES_MAX 64
#define HIDDEN_MAX (UINT64_C(1) << 20) /* behind a PC's ROMs and its screen below 1 MiB */

/* "  0000000000100000-000000007fffffff (prio 0, ram): mem @0000000000100000" */
struct piece {
    uint64_t start;
    uint64_t size;
    char name[64];
    bool is_guests;
};

struct pieces {
    size_t count;
    struct piece list[PIECES_MAX];
};

/* Behind the names of the address space of the CPUs; NULL: it is not there. */
static const char *find_view(const char *text)
{
    const char *view = strstr(text, " AS \"memory\"");
    const char *root = view == NULL ? NULL : strstr(view, "Root memory region:");

    return root == NULL ? NULL : strchr(root, '\n');
}

/* Sixteen digits and `end`; moves behind that. */
static bool parse_address(const char **text, const char *end, uint64_t *ret_address)
{
    char digits[17];
    char *rest;

    if (strspn(*text, "0123456789abcdef") != sizeof(digits) - 1)
        return false;
    memcpy(digits, *text, sizeof(digits) - 1);
    digits[sizeof(digits) - 1] = '\0';
    *ret_address = strtoull(digits, &rest, 16);
    *text += sizeof(digits) - 1;
    if (strncmp(*text, end, strlen(end)) != 0)
        return false;
    *text += strlen(end);
    return true;
}

static bool parse_piece(const char *line, struct piece *piece)
{
    static const char ram[] = ", ram): ";
    size_t length;
    uint64_t last;

    line += strspn(line, " ");
    if (!parse_address(&line, "-", &piece->start) || !parse_address(&line, " (prio ", &last) ||
        last < piece->start || last - piece->start == UINT64_MAX)
        return false;
    line += strspn(line, "-0123456789");
    if (strncmp(line, ram, sizeof(ram) - 1) != 0)
        return false;
    line += sizeof(ram) - 1;
    length = strcspn(line, " \r\n");
    if (length == 0 || length >= sizeof(piece->name))
        return false;
    memcpy(piece->name, line, length);
    piece->name[length] = '\0';
    piece->size = last - piece->start + 1;
    piece->is_guests = false;
    return true;
}

/* False: there are too many. The view ends with a line that begins at its edge. */
static bool read_pieces(const char *text, struct pieces *pieces)
{
    while (*text == '\n' && (text[1] == ' ' || text[1] == '\n' || text[1] == '\r')) {
        const char *end = strchr(text + 1, '\n');
        struct piece piece;

        if (parse_piece(text + 1, &piece)) {
            if (pieces->count == PIECES_MAX)
                return false;
            pieces->list[pieces->count++] = piece;
        }
        if (end == NULL)
            break;
        text = end;
    }
    return true;
}

static uint64_t size_of(const struct pieces *pieces, const char *name)
{
    uint64_t size = 0;

    for (size_t i = 0; i < pieces->count; i++)
        if (strcmp(pieces->list[i].name, name) == 0)
            size += pieces->list[i].size;
    return size;
}

/* The largest region of at most `room` bytes that is not taken yet; NULL: there is none. */
static const char *find_largest(const struct pieces *pieces, uint64_t room, uint64_t *ret_size)
{
    const char *largest = NULL;

    *ret_size = 0;
    for (size_t i = 0; i < pieces->count; i++) {
        uint64_t size = size_of(pieces, pieces->list[i].name);

        if (!pieces->list[i].is_guests && size <= room && size > *ret_size) {
            largest = pieces->list[i].name;
            *ret_size = size;
        }
    }
    return largest;
}

static void take(struct pieces *pieces, const char *name)
{
    for (size_t i = 0; i < pieces->count; i++)
        pieces->list[i].is_guests |= strcmp(pieces->list[i].name, name) == 0;
}

/* A view is in the order of addresses. False: it is not, or has too many ranges. */
static bool add(struct driver_memory_map *map, const struct piece *piece)
{
    struct driver_memory_range *last = map->count == 0 ? NULL : &map->ranges[map->count - 1];

    if (last != NULL && last->guest_address + last->size > piece->start)
        return false;
    if (last != NULL && last->guest_address + last->size == piece->start)
        last->size += piece->size;
    else if (map->count == DRIVER_MEMORY_MAX)
        return false;
    else
        map->ranges[map->count++] = (struct driver_memory_range){piece->start, piece->size};
    return true;
}

bool qemu_memory_map(const char *text, uint64_t ram, struct driver_memory_map *ret_map)
{
    const char *view = find_view(text);
    struct pieces pieces = {.count = 0};
    struct driver_memory_map map = {.count = 0};
    uint64_t room = ram;
    uint64_t size;
    const char *name;

    if (view == NULL || ram == 0 || !read_pieces(view, &pieces))
        return false;
    while ((name = find_largest(&pieces, room, &size)) != NULL) {
        room -= size;
        take(&pieces, name);
    }
    if (room > HIDDEN_MAX)
        return false;
    for (size_t i = 0; i < pieces.count; i++)
        if (pieces.list[i].is_guests && !add(&map, &pieces.list[i]))
            return false;
    *ret_map = map;
    return true;
}
