/* A QMP client that knows nothing of vmreclaim: for what another client of the hypervisor does, and
 * for the hypervisor's own word on what came of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "qmp: %s: %s\n", what, strerror(errno));
    exit(2);
}

static FILE *open_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    FILE *stream = NULL;

    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        die(path);
    }
    memcpy(address.sun_path, path, strlen(path));
    if (descriptor < 0 ||
        connect(descriptor, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        !(stream = fdopen(descriptor, "r+"))) {
        die(path);
    }
    return stream;
}

/* The next line that is not an event; without one there is nothing more to do. */
static char *read_answer(FILE *stream)
{
    static char *line;
    static size_t size;

    do {
        if (getline(&line, &size, stream) < 0) {
            errno = errno != 0 ? errno : ECONNRESET;
            die("no answer");
        }
    } while (strncmp(line, "{\"timestamp\"", 12) == 0);
    return line;
}

static void say(FILE *stream, const char *command, const char *arguments)
{
    fprintf(stream, "{\"execute\": \"%s\"%s%s}\n", command, arguments ? ", \"arguments\": " : "",
            arguments ? arguments : "");
    fflush(stream);
}

/* Holds the socket and prints what comes. */
static void watch(FILE *stream)
{
    char *line = NULL;
    size_t size = 0;

    puts("ready");
    fflush(stdout);
    while (getline(&line, &size, stream) >= 0) {
        fputs(line, stdout);
        fflush(stdout);
    }
    free(line);
}

int main(int argc, char *argv[])
{
    FILE *stream;
    const char *answer;

    if (argc != 3 && argc != 4) {
        fprintf(stderr, "Usage: qmp SOCKET COMMAND [ARGUMENTS] | qmp SOCKET watch\n");
        return 2;
    }
    alarm(strcmp(argv[2], "watch") == 0 ? 0 : 30);
    stream = open_socket(argv[1]);
    read_answer(stream); /* the greeting */
    say(stream, "qmp_capabilities", NULL);
    read_answer(stream);
    if (strcmp(argv[2], "watch") == 0) {
        watch(stream);
        return 0;
    }
    say(stream, argv[2], argc == 4 ? argv[3] : NULL);
    answer = read_answer(stream);
    fputs(answer, stdout);
    return strncmp(answer, "{\"return\"", 9) == 0 ? 0 : 1;
}
