/* Runs shell commands in a guest over a virtio-serial port: as "serve" it is the guest's first
 * process, as "run" the client on the host, at the port's UNIX socket.
 *
 * The host sends "ID LENGTH\n" and the command; the guest answers with chunks "ID o LENGTH\n" plus
 * output and one "ID x STATUS\n". ID is random, 16 hexadecimal digits: a client skips whatever an
 * earlier one left in the pipe until its own ID comes by. One command at a time; the client holds
 * a lock on SOCKET.lock meanwhile, so a request during a command says that the earlier client is
 * gone: its command's process group is killed. A command ends with its shell: what it left in the
 * background goes on. News of connections overtake and lag behind the data, so the guest acts on
 * data only. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ID_LENGTH = 16,
    COMMAND_MAX = 64 * 1024,
    HEADER_MAX = 64,
    CHUNK = 4096,
    WAIT_MS = 10,
    REQUEST_MS = 1000,
    EXIT_TIMED_OUT = 124,
    EXIT_TRANSPORT = 125,
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "guest-exec: %s: %s\n", what, strerror(errno));
    exit(EXIT_TRANSPORT);
}

/* ---- guest ---- */

struct server {
    int port;
    int child_signal; /* signalfd */
    int output;       /* of the running command; -1: none */
    pid_t child;      /* 0: none runs */
    char id[ID_LENGTH + 1];
    char request[HEADER_MAX + COMMAND_MAX + 1];
    size_t request_length;
};

/* Waits while no client takes the data. -EPIPE: the next client's request is there. */
static int port_write(struct server *server, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t written = write(server->port, data, length);

        if (written > 0) {
            data += written;
            length -= (size_t)written;
        } else if (written < 0 && errno != EAGAIN && errno != EINTR) {
            return -errno;
        } else {
            struct pollfd descriptor = {.fd = server->port, .events = POLLIN};

            if (poll(&descriptor, 1, 0) > 0 && descriptor.revents & POLLIN) {
                return -EPIPE;
            }
            (void)poll(NULL, 0, WAIT_MS);
        }
    }
    return 0;
}

static int send_frame(struct server *server, char kind, unsigned long number, const char *data)
{
    char header[HEADER_MAX];
    int length = snprintf(header, sizeof(header), "%s %c %lu\n", server->id, kind, number);
    int r = port_write(server, header, (size_t)length);

    return r < 0 || !data ? r : port_write(server, data, number);
}

static void command_start(struct server *server, const char *command)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0) {
        die("pipe");
    }
    server->child = fork();
    if (server->child < 0) {
        die("fork");
    }
    if (server->child == 0) {
        sigset_t none;
        int null = open("/dev/null", O_RDONLY);

        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        setpgid(0, 0);
        if (null < 0 || dup2(null, 0) < 0 || dup2(ends[1], 1) < 0 || dup2(ends[1], 2) < 0) {
            _exit(EXIT_TRANSPORT);
        }
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(EXIT_TRANSPORT);
    }
    close(ends[1]);
    server->output = ends[0];
    (void)fcntl(server->output, F_SETFL, O_NONBLOCK);
}

static void command_abandon(struct server *server)
{
    if (server->child > 0) {
        kill(-server->child, SIGKILL);
        server->child = 0;
    }
    if (server->output >= 0) {
        close(server->output);
        server->output = -1;
    }
}

static void request_read(struct server *server)
{
    size_t room = sizeof(server->request) - 1 - server->request_length;
    ssize_t got = read(server->port, server->request + server->request_length, room);
    unsigned long length;
    size_t header;
    char *end;

    if (got <= 0) {
        (void)poll(NULL, 0, WAIT_MS); /* nobody is connected, and poll() says so at once */
        return;
    }
    if (server->child > 0) {
        command_abandon(server);
    }
    server->request_length += (size_t)got;
    server->request[server->request_length] = '\0';
    end = strchr(server->request, '\n');
    if (!end) {
        return;
    }
    header = (size_t)(end - server->request) + 1;
    if (sscanf(server->request, "%16[0-9a-f] %lu\n", server->id, &length) != 2 ||
        length > COMMAND_MAX) {
        server->request_length = 0;
        return;
    }
    if (server->request_length - header >= length) {
        server->request[header + length] = '\0';
        server->request_length = 0;
        command_start(server, server->request + header);
    }
}

/* Forwards what there is. False: nothing more for now. */
static bool output_read(struct server *server)
{
    char chunk[CHUNK];
    ssize_t got = read(server->output, chunk, sizeof(chunk));

    if (got <= 0) {
        if (got == 0) {
            close(server->output);
            server->output = -1;
        }
        return false;
    }
    if (send_frame(server, 'o', (unsigned long)got, chunk) < 0) {
        command_abandon(server);
        return false;
    }
    return true;
}

/* As first process it reaps everybody's children. */
static void children_reap(struct server *server)
{
    struct signalfd_siginfo ignored;
    pid_t pid;
    int status;

    (void)!read(server->child_signal, &ignored, sizeof(ignored));
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != server->child) {
            continue;
        }
        while (server->output >= 0 && output_read(server)) {
        }
        if (server->child > 0) { /* else the client left during the last output */
            server->child = 0;
            (void)send_frame(server, 'x',
                             WIFEXITED(status) ? (unsigned long)WEXITSTATUS(status)
                                               : 128UL + (unsigned long)WTERMSIG(status),
                             NULL);
        }
        command_abandon(server);
    }
}

static _Noreturn void serve(const char *path)
{
    static struct server server = {.output = -1};
    sigset_t child;

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    server.child_signal = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    server.port = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (server.child_signal < 0 || server.port < 0) {
        die(path);
    }
    for (;;) {
        struct pollfd descriptors[] = {
            {.fd = server.port, .events = POLLIN},
            {.fd = server.child_signal, .events = POLLIN},
            {.fd = server.output, .events = POLLIN},
        };

        if (poll(descriptors, 3, server.request_length > 0 ? REQUEST_MS : -1) == 0) {
            server.request_length = 0; /* its sender died half-way */
        }
        if (descriptors[2].revents && server.output >= 0) {
            (void)output_read(&server);
        }
        if (descriptors[1].revents) {
            children_reap(&server);
        }
        if (descriptors[0].revents) {
            request_read(&server);
        }
    }
}

/* ---- host ---- */

struct client {
    FILE *stream;
    char id[ID_LENGTH + 1];
};

static void client_connect(struct client *client, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char lock_path[sizeof(address.sun_path) + 8];
    uint64_t random;
    int lock, fd;

    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        die(path);
    }
    strcpy(address.sun_path, path);
    snprintf(lock_path, sizeof(lock_path), "%s.lock", path);
    lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0 || flock(lock, LOCK_EX) < 0) {
        die(lock_path);
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        die(path);
    }
    client->stream = fdopen(fd, "r+");
    if (!client->stream || getrandom(&random, sizeof(random), 0) != sizeof(random)) {
        die("client");
    }
    snprintf(client->id, sizeof(client->id), "%016" PRIx64, random);
}

static int read_byte(struct client *client)
{
    int c = getc(client->stream);

    if (c == EOF) {
        errno = ECONNRESET;
        die("the guest went away");
    }
    return c;
}

/* Up to and including our next "ID ", over anything else. */
static void skip_to_id(struct client *client)
{
    size_t matched = 0;

    while (matched < ID_LENGTH) {
        int c = read_byte(client);

        matched = c == client->id[matched] ? matched + 1 : c == client->id[0];
    }
    (void)read_byte(client);
}

static int client_run(const char *path, const char *command)
{
    struct client client;
    char kind;
    unsigned long number;

    client_connect(&client, path);
    fprintf(client.stream, "%s %zu\n%s", client.id, strlen(command), command);
    if (fflush(client.stream) == EOF) {
        die("send");
    }
    for (;;) {
        skip_to_id(&client);
        if (fscanf(client.stream, "%c %lu", &kind, &number) != 2 || read_byte(&client) != '\n') {
            errno = EPROTO;
            die("answer");
        }
        if (kind == 'x') {
            return (int)number;
        }
        while (number-- > 0) {
            putchar(read_byte(&client));
        }
        (void)fflush(stdout);
    }
}

static void timed_out(int signal)
{
    static const char message[] = "guest-exec: the command took too long\n";

    (void)!write(STDERR_FILENO, message, sizeof(message) - 1);
    _exit(EXIT_TIMED_OUT);
}

int main(int argc, char *argv[])
{
    if (argc == 3 && strcmp(argv[1], "serve") == 0) {
        serve(argv[2]);
    }
    if (argc == 5 && strcmp(argv[1], "run") == 0) {
        signal(SIGALRM, timed_out);
        alarm((unsigned)strtoul(argv[3], NULL, 10));
        return client_run(argv[2], argv[4]);
    }
    fprintf(stderr, "Usage: guest-exec serve PORT | guest-exec run SOCKET SECONDS COMMAND\n");
    return 2;
}
