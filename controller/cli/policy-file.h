/* Policy files of this machine. */
#ifndef VMRECLAIM_CONTROLLER_CLI_POLICY_FILE_H
#define VMRECLAIM_CONTROLLER_CLI_POLICY_FILE_H

#include <stddef.h>

/* The file's text, "-" for standard input, into memory the caller frees. An exit code; what is
 * wrong has been said. At most 64 KiB. */
int policy_file_read(const char *path, char **ret_text);

/* A policy's text and where it is from. */
struct policy_text {
    char *path;
    char *text;
};

struct policy_texts {
    struct policy_text *list;
    size_t count;
};

/* One file, "-", or every *.yaml of a directory in the order of their names. Several are checked as
 * a whole: each must be valid, and no two of the same policy. As policy_file_read;
 * policy_texts_finish() also after a failure. */
int policy_texts_read(const char *path, struct policy_texts *ret_texts);
void policy_texts_finish(struct policy_texts *texts);

#endif
