/* Runs a fuzz target over every file of a corpus folder, with any compiler. */
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "tests/fuzz/fuzz.h"

#define INPUT_MAX ((size_t)1 << 20)

static void run_file(int folder, const char *name)
{
    cleanup_free char *text = NULL;
    size_t length = 0;
    int r = file_read(folder, name, INPUT_MAX, &text, &length);

    if (r < 0) {
        fprintf(stderr, "%s: %s\n", name, strerror(-r));
        exit(1);
    }
    (void)LLVMFuzzerTestOneInput((const uint8_t *)text, length);
}

int main(int argc, char **argv)
{
    cleanup_closedir DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    unsigned count = 0;
    const struct dirent *entry;

    if (folder == NULL) {
        fprintf(stderr, "usage: replay FOLDER (%s)\n", strerror(errno));
        return 1;
    }
    (void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        run_file(dirfd(folder), entry->d_name);
        count++;
    }
    printf("%u inputs\n", count);
    return count > 0 ? 0 : 1;
}
