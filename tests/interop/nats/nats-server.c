/* It says in a file where it listens. */
#include "tests/interop/nats/nats-server.h"

#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/time.h"

#define START_MAX (60 * NSEC_PER_SEC)
#define POLL      (10 * NSEC_PER_MSEC)

const char *nats_server_program = "nats-server";

void nats_server_init(struct nats_server *server)
{
    *server = (struct nats_server){.directory = "/tmp/vmreclaim-nats-XXXXXX"};
    assert_non_null(mkdtemp(server->directory));
}

static void write_configuration(const struct nats_server *server, const char *path,
                                const char *configuration)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    fprintf(file,
            "host: 127.0.0.1\nport: %d\nports_file_dir: \"%s\"\n"
            "jetstream { store_dir: \"%s\", max_file_store: 256MB, max_memory_store: 16MB }\n%s\n",
            server->port == 0 ? -1 : (int)server->port, server->directory, server->directory,
            configuration);
    assert_int_equal(fclose(file), 0);
}

static void run(const struct nats_server *server, const char *configuration)
{
    char log[96];
    int output;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(log, sizeof(log), "%s/log", server->directory);
    output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (output < 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
        _exit(127);
    execlp(nats_server_program, "nats-server", "-c", configuration, (char *)NULL);
    _exit(127);
}

/* {"nats":["nats://127.0.0.1:4222"],...} */
static bool read_port(struct nats_server *server)
{
    char path[128], text[1024];
    const char *place;

    snprintf(path, sizeof(path), "%s/nats-server_%d.ports", server->directory, (int)server->pid);
    if (file_read_into(AT_FDCWD, path, text, sizeof(text)) <= 0)
        return false;
    place = strstr(text, "127.0.0.1:");
    if (place == NULL)
        return false;
    server->port = (unsigned)strtoul(strchr(place, ':') + 1, NULL, 10);
    snprintf(server->url, sizeof(server->url), "nats://127.0.0.1:%u", server->port);
    return true;
}

/* False: it has ended before. */
static bool wait_until_it_listens(struct nats_server *server, nsec_t end)
{
    while (!read_port(server)) {
        int status;

        if (waitpid(server->pid, &status, WNOHANG) != 0)
            return false;
        if (time_monotonic() > end)
            fail_msg("nats-server does not start; see %s/log", server->directory);
        (void)usleep(POLL / NSEC_PER_USEC);
    }
    return true;
}

void nats_server_start(struct nats_server *server, const char *configuration)
{
    char path[96];

    nsec_t end = time_monotonic() + START_MAX;

    snprintf(path, sizeof(path), "%s/nats.conf", server->directory);
    write_configuration(server, path, configuration);
    do { /* while it was away its port may have become another connection's, for a while */
        if (time_monotonic() > end)
            fail_msg("nats-server ends; see %s/log", server->directory);
        server->pid = fork();
        assert_true(server->pid >= 0);
        if (server->pid == 0)
            run(server, path);
    } while (!wait_until_it_listens(server, end));
}

void nats_server_end(struct nats_server *server, int signal)
{
    int status;

    assert_int_equal(kill(server->pid, signal), 0);
    assert_int_equal(waitpid(server->pid, &status, 0), server->pid);
    server->pid = 0;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    return remove(path);
}

void nats_server_lose(struct nats_server *server)
{
    char store[96];

    assert_int_equal(server->pid, 0);
    snprintf(store, sizeof(store), "%s/jetstream", server->directory);
    assert_int_equal(nftw(store, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

void nats_server_finish(struct nats_server *server)
{
    if (server->pid > 0)
        nats_server_end(server, SIGKILL);
    (void)nftw(server->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
