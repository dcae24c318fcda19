/* Policy files of this machine. */
#ifndef VMRECLAIM_CONTROLLER_CLI_POLICY_FILE_H
#define VMRECLAIM_CONTROLLER_CLI_POLICY_FILE_H

/* The file's text, "-" for standard input, into memory the caller frees. An exit code; what is
 * wrong has been said. At most 64 KiB. */
int policy_file_read(const char *path, char **ret_text);

#endif
