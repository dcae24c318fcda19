/* ssh as a transport. */
#include "controller/cli/remote.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/number.h"

/* A word that the remote shell takes as it is. Anything else is refused rather than quoted: what
 * goes here are addresses. */
static int is_plain(const char *word)
{
    return word[0] != '-' && word[0] != '\0' &&
           word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                             "@%+=:,./_-[]")] == '\0';
}

/* Cuts "[USER@]HOST[:PORT]" at the port; "[v6]:PORT" too. NULL: no port. */
static char *split_port(char *destination)
{
    char *colon = strrchr(destination, ':');
    const char *bracket = strrchr(destination, ']');

    if (colon == NULL || (bracket != NULL && bracket > colon))
        return NULL;
    *colon = '\0';
    return colon + 1;
}

int remote_arguments(const char *host, const char *api, bool may_ask, char *buffer, size_t size,
                     const char *arguments[static 12], struct error *error)
{
    static const char scheme[] = "ssh://";
    uint64_t port_number;
    size_t count = 0;

    if (strncmp(host, scheme, sizeof(scheme) - 1) != 0 ||
        (size_t)snprintf(buffer, size, "%s", host + sizeof(scheme) - 1) >= size ||
        !is_plain(buffer))
        return error_set(error, -EINVAL, "--host: \"%s\" is not ssh://[USER@]HOST[:PORT]", host);
    if (!is_plain(api))
        return error_set(error, -EINVAL, "--api: \"%s\" cannot be used on another host", api);
    const char *port = split_port(buffer);
    if (port != NULL && (number_parse(port, &port_number) < 0 || port_number - 1 >= 65535))
        return error_set(error, -EINVAL, "--host: \"%s\" is not a port in %s", port, host);
    arguments[count++] = "ssh";
    arguments[count++] = "-T";
    if (!may_ask)
        arguments[count++] = "-oBatchMode=yes";
    if (port != NULL) {
        arguments[count++] = "-p";
        arguments[count++] = port;
    }
    arguments[count++] = "--";
    arguments[count++] = buffer;
    arguments[count++] = "vmreclaim";
    arguments[count++] = "--api";
    arguments[count++] = api;
    arguments[count++] = "relay";
    arguments[count] = NULL;
    return 0;
}

/* Becomes ssh with `socket` as both its input and its output. */
static void become_ssh(int socket, const char *const *arguments)
{
    if (dup2(socket, STDIN_FILENO) >= 0 && dup2(socket, STDOUT_FILENO) >= 0)
        (void)execvp("ssh", (char *const *)(const void *)arguments);
    fprintf(stderr, "vmreclaim: cannot run ssh: %s\n", strerror(errno));
    _exit(127);
}

int remote_open(const char *host, const char *api, bool may_ask, struct error *error)
{
    char buffer[256];
    const char *arguments[12];
    int pair[2];

    int r = remote_arguments(host, api, may_ask, buffer, sizeof(buffer), arguments, error);
    if (r < 0)
        return r;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return error_set(error, -errno, "cannot make a socket for ssh: %s", strerror(errno));
    pid_t child = fork();
    if (child == 0)
        become_ssh(pair[1], arguments);
    close(pair[1]);
    if (child > 0)
        return pair[0];
    close(pair[0]);
    return error_set(error, -EAGAIN, "cannot start ssh");
}
