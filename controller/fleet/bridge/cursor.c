/* One line: "STORE NUMBER". */
#include "controller/fleet/bridge/cursor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/number.h"

#define HEXADECIMAL "0123456789abcdef"

int cursor_read(const char *path, struct cursor *ret_cursor)
{
    char text[CURSOR_STORE_SIZE + 32];
    struct cursor cursor = {.store = ""};
    int r = file_read_into(AT_FDCWD, path, text, sizeof(text));
    size_t length;
    char *number;

    if (r == -EFBIG)
        return -EUCLEAN;
    if (r < 0)
        return r;
    length = strspn(text, HEXADECIMAL);
    number = text + length + 1;
    if (length == 0 || length >= sizeof(cursor.store) || text[length] != ' ')
        return -EUCLEAN;
    number[strcspn(number, "\n")] = '\0';
    if (number_parse(number, &cursor.number) < 0)
        return -EUCLEAN;
    memcpy(cursor.store, text, length);
    *ret_cursor = cursor;
    return 0;
}

int cursor_write(const char *path, const struct cursor *cursor)
{
    char text[CURSOR_STORE_SIZE + 32];
    int length = snprintf(text, sizeof(text), "%s %" PRIu64 "\n", cursor->store, cursor->number);

    return file_replace(AT_FDCWD, path, text, (size_t)length);
}
