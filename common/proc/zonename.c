/* The start of a zone's line. */
#include "common/proc/zonename.h"

#include <errno.h>
#include <string.h>

#include "common/proc/lines.h"

int zonename_parse(const char *line, uint32_t *ret_node, char *name, const char **ret_rest)
{
    uint64_t node;
    size_t length;

    const char *text = lines_after(line, "Node ");
    if (text == NULL)
        return -ENOENT;
    if (lines_number(&text, &node) < 0 || node > UINT32_MAX)
        return -EBADMSG;
    text = lines_after(text, ", zone");
    if (text == NULL)
        return -EBADMSG;
    text += strspn(text, " ");
    length = strcspn(text, " ,\n");
    if (length == 0 || length >= ZONE_NAME_SIZE)
        return -EBADMSG;
    memcpy(name, text, length);
    name[length] = '\0';
    *ret_node = (uint32_t)node;
    *ret_rest = text + length;
    return 0;
}
