/* The kernel's random number of this boot. */
#include "common/proc/boot-id.h"

#include <string.h>

#include "common/base/file.h"
#include "common/base/text.h"

void boot_id_read(int root, char ret_boot_id[static BOOT_ID_SIZE])
{
    char text[BOOT_ID_SIZE + 2]; /* its end of line, and that of the string */

    if (file_read_into(root, "proc/sys/kernel/random/boot_id", text, sizeof(text)) < 0)
        text[0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    text_copy_line(ret_boot_id, BOOT_ID_SIZE, text);
}
