/* Many clients of vmreclaim-web in one process, for SECONDS.
 *
 *   idle     connects and asks for nothing
 *   streams  reads /events; prints the bytes that each got on average, and fails when one got none
 *
 * usage: web-clients idle|streams ADDRESS:PORT COUNT SECONDS */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/base/time.h"

static const char request[] = "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n";

static int dial(const char *text)
{
    struct sockaddr_in name = {.sin_family = AF_INET};
    const char *colon = strrchr(text, ':');
    char host[64];
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (colon == NULL || descriptor < 0)
        return -1;
    snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
    name.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    if (inet_pton(AF_INET, host, &name.sin_addr) != 1 ||
        connect(descriptor, (const struct sockaddr *)(const void *)&name, sizeof(name)) < 0)
        return -1;
    return descriptor;
}

/* False: it was closed. */
static int read_one(int descriptor, unsigned long long *bytes)
{
    static char buffer[1 << 16];
    ssize_t n = recv(descriptor, buffer, sizeof(buffer), MSG_DONTWAIT);

    if (n <= 0)
        return n < 0 && errno == EAGAIN;
    *bytes += (unsigned long long)n;
    return 1;
}

static int read_streams(int poll, unsigned long long *bytes, unsigned count, nsec_t end)
{
    struct epoll_event events[64];
    unsigned long long total = 0;

    while (time_monotonic() < end) {
        int n = epoll_wait(poll, events, 64, 100);

        for (int i = 0; i < n; i++)
            if (!read_one((int)(events[i].data.u64 & 0xffffffff),
                          &bytes[events[i].data.u64 >> 32])) {
                fprintf(stderr, "a stream was closed\n");
                return 1;
            }
    }
    for (unsigned i = 0; i < count; i++) {
        total += bytes[i];
        if (bytes[i] == 0) {
            fprintf(stderr, "a stream got nothing\n");
            return 1;
        }
    }
    printf("%llu\n", total / count);
    return 0;
}

int main(int argc, char **argv)
{
    unsigned count = argc == 5 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
    unsigned long long *bytes = calloc(count + 1, sizeof(*bytes));
    nsec_t end;
    int poll = epoll_create1(EPOLL_CLOEXEC);

    if (count == 0 || bytes == NULL || poll < 0)
        return 2;
    end = time_monotonic() + strtoul(argv[4], NULL, 10) * NSEC_PER_SEC;
    for (unsigned i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN};
        int descriptor = dial(argv[2]);

        if (descriptor < 0) {
            perror("connect");
            return 1;
        }
        event.data.u64 = (uint64_t)i << 32 | (unsigned)descriptor;
        if (strcmp(argv[1], "streams") != 0)
            continue;
        if (send(descriptor, request, sizeof(request) - 1, 0) < 0 ||
            epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event) < 0)
            return 1;
    }
    if (strcmp(argv[1], "streams") == 0)
        return read_streams(poll, bytes, count, end);
    while (time_monotonic() < end) {
        const struct timespec tenth = {.tv_nsec = 100 * 1000 * 1000};

        (void)nanosleep(&tenth, NULL);
    }
    return 0;
}
