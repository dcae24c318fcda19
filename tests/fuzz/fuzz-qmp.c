/* A whole session of the QEMU driver against a hypervisor that writes the input and hangs up:
 * facts, balloon, statistics and events. The input's lines that hold "%" have the id of the command
 * put in, so that answers are matched; every operation ends exactly once, and the session is freed.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "controller/hypervisors/driver.h"
#include "controller/hypervisors/table.h"
#include "tests/fuzz/fuzz.h"

#define TIMEOUT     (5 * NSEC_PER_SEC)
#define TURNS_MAX   64
#define OUTPUT_MAX  (64 * 1024)
#define ANSWERS_MAX 32

static const struct driver *driver;
static int listener = -1;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static unsigned started, ended, ready, failed;
static struct driver_session *session;

static void remove_listener(void)
{
    (void)unlink(address.sun_path);
}

static void make_listener(void)
{
    snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/fuzz-qmp.%d", (int)getpid());
    (void)unlink(address.sun_path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(listener >= 0 &&
            bind(listener, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
            listen(listener, 4) == 0 && atexit(remove_listener) == 0);
    require(driver_find("qemu", &driver, NULL) == 0);
}

static void on_done(const struct driver_result *result, void *userdata)
{
    require(result->status <= 0);
    require(result->status == 0 || result->error != NULL);
    ended++;
}

static void ask(enum driver_operation operation, uint64_t value)
{
    if (driver->start(session, operation, value, TIMEOUT, on_done, NULL) == 0)
        started++;
}

static void on_ready(const struct driver_facts *facts, void *userdata)
{
    require(ready++ == 0);
    require(memchr(facts->name, '\0', sizeof(facts->name)) != NULL);
    ask(DRIVER_READ_BALLOON, 0);
    ask(DRIVER_READ_STATISTICS, 0);
    ask(DRIVER_READ_MEMORY_MAP, 0);
    ask(DRIVER_READ_FACTS, 0);
    ask(DRIVER_SET_BALLOON, (uint64_t)1 << 30);
}

static void on_event(enum driver_event event, void *userdata)
{
}

static void on_failed(int status, const struct error *error, void *userdata)
{
    require(status < 0 && error != NULL && error->text[0] != '\0');
    require(failed++ == 0);
    driver->close(session); /* as the contract has it */
    session = NULL;
}

static const struct driver_callbacks callbacks = {on_ready, on_event, on_failed};

/* The next id that an answer may have: ids count from the first command. */
static void send_line(int peer, const uint8_t *line, size_t length, unsigned *id)
{
    static char text[4096];
    size_t used = 0;

    for (size_t i = 0; i < length && used + 16 < sizeof(text); i++) {
        if (line[i] == '%')
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%u", (*id)++);
        else
            text[used++] = (char)line[i];
    }
    text[used++] = '\n';
    (void)send(peer, text, used, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Until nothing more is to be done at once. */
static void run(uv_loop_t *loop, int peer)
{
    static char output[OUTPUT_MAX];

    for (unsigned i = 0; i < 3; i++)
        uv_run(loop, UV_RUN_NOWAIT);
    while (recv(peer, output, sizeof(output), MSG_DONTWAIT) > 0)
        ;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uv_loop_t loop;
    unsigned id = 1, turns = 0;
    int peer;

    if (listener < 0)
        make_listener();
    started = ended = ready = failed = 0;
    require(uv_loop_init(&loop) == 0);
    require(driver->open(&loop, address.sun_path, TIMEOUT, &callbacks, NULL, &session) == 0);
    uv_run(&loop, UV_RUN_NOWAIT);
    peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    require(peer >= 0);
    while (size > 0 && failed == 0 && turns++ < TURNS_MAX) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t length = end == NULL ? size : (size_t)(end - data);

        send_line(peer, data, length, &id);
        run(&loop, peer);
        data += length + (end != NULL);
        size -= length + (end != NULL);
    }
    close(peer);
    if (failed == 0)
        uv_run(&loop, UV_RUN_NOWAIT);
    driver->close(session);
    require(ended == started);
    uv_run(&loop, UV_RUN_DEFAULT);
    require(uv_loop_close(&loop) == 0);
    return 0;
}
