/* Reading a policy file. */
#include "controller/cli/policy-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/text.h"
#include "controller/cli/cli.h"

/* What the daemon takes in one frame, with room to spare. */
enum { POLICY_FILE_MAX = 64 * 1024 };

int policy_file_read(const char *path, char **ret_text)
{
    const char *name = strcmp(path, "-") == 0 ? "/dev/stdin" : path;
    char *text;
    size_t length;

    int r = file_read(AT_FDCWD, name, POLICY_FILE_MAX, &text, &length);
    if (r == -EFBIG)
        return fail(EXIT_USAGE, "%s: larger than 64 KiB; is this a policy?", path);
    if (r < 0)
        return fail(EXIT_USAGE, "%s: %s", path, strerror(-r));
    if (strlen(text) != length) {
        free(text);
        return fail(EXIT_USAGE, "%s: holds a NUL byte; is this a policy?", path);
    }
    if (!text_is_utf8(text, length)) {
        free(text);
        return fail(EXIT_USAGE, "%s: is not UTF-8; convert it, for example: iconv -f latin1", path);
    }
    *ret_text = text;
    return EXIT_DONE;
}
