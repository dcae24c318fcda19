/* Measures at a libvirt daemon: what one look at all domains costs us and it, and how long somebody
 * else's calls take.
 *
 *   libvirt-probe look URI LIBVIRTD-PID COUNT
 *   libvirt-probe calls URI SECONDS DOMAIN...
 *
 * Prints one line of JSON. Times are milliseconds. */
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/time.h"
#include "controller/hypervisors/libvirt/events.h"
#include "controller/hypervisors/libvirt/look.h"

#define SAMPLES_MAX 200000

static int die(const char *what)
{
    const char *why = virGetLastErrorMessage();

    fprintf(stderr, "libvirt-probe: %s: %s\n", what, why);
    return 1;
}

/* ---- one look ---- */

static double own_ms(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
}

/* To 10 ms, so over many looks. False: unknown. */
static bool daemon_ms(const char *pid, double *ret_ms)
{
    char path[64];
    unsigned long user;
    unsigned long system;
    FILE *file;
    int count;

    snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
    file = fopen(path, "r");
    if (file == NULL)
        return false;
    count =
        fscanf(file, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
    (void)fclose(file);
    if (count != 2)
        return false;
    *ret_ms = (double)(user + system) * 1e3 / (double)sysconf(_SC_CLK_TCK);
    return true;
}

static int take_look(struct connection *connection, size_t *ret_count)
{
    struct look *look = calloc(1, sizeof(*look));
    int r;

    if (look == NULL)
        return 1;
    look->kind = LOOK_ALL;
    look_run(&look->job, connection);
    r = look->status;
    if (r < 0)
        fprintf(stderr, "libvirt-probe: %s\n", look->error.text);
    *ret_count = look->count;
    look_destroy(look);
    return r < 0;
}

static void print_looks(size_t domains, double own, const double *daemon, double wall)
{
    printf("{\"domains\": %zu, \"own_ms\": %.2f, ", domains, own);
    if (daemon == NULL)
        printf("\"daemon_ms\": null, ");
    else
        printf("\"daemon_ms\": %.2f, ", *daemon);
    printf("\"wall_ms\": %.2f}\n", wall);
}

static int measure_looks(const char *uri, const char *pid, unsigned count)
{
    struct connection connection = {.uri = ""};
    struct error error;
    size_t domains = 0;
    double own;
    double daemon = 0;
    double daemon_end = 0;
    bool has_daemon;
    nsec_t began;

    text_copy(connection.uri, sizeof(connection.uri), uri);
    if (events_start() < 0 || connection_open(&connection, &error) < 0)
        return die(uri);
    if (take_look(&connection, &domains) != 0) /* the first one finds things out */
        return 1;
    own = own_ms();
    has_daemon = daemon_ms(pid, &daemon);
    began = time_monotonic();
    for (unsigned i = 0; i < count; i++)
        if (take_look(&connection, &domains) != 0)
            return 1;
    has_daemon = daemon_ms(pid, &daemon_end) && has_daemon;
    daemon = (daemon_end - daemon) / count;
    print_looks(domains, (own_ms() - own) / count, has_daemon ? &daemon : NULL,
                (double)(time_monotonic() - began) / 1e6 / count);
    connection_close(&connection);
    return 0;
}

/* ---- somebody else's calls ---- */

struct samples {
    const char *name;
    double list[SAMPLES_MAX];
    size_t count;
};

static struct samples lists = {.name = "list"};
static struct samples infos = {.name = "dominfo"};
static struct samples memories = {.name = "dommemstat"};

static void add(struct samples *samples, nsec_t began)
{
    if (samples->count < SAMPLES_MAX)
        samples->list[samples->count++] = (double)(time_monotonic() - began) / 1e6;
}

static int compare(const void *a, const void *b)
{
    double first = *(const double *)a;
    double second = *(const double *)b;

    return first < second ? -1 : first > second;
}

static void print(struct samples *samples, const char *end)
{
    qsort(samples->list, samples->count, sizeof(samples->list[0]), compare);
    if (samples->count == 0)
        return;
    printf("\"%s\": {\"count\": %zu, \"p50\": %.3f, \"p99\": %.3f, \"max\": %.3f}%s", samples->name,
           samples->count, samples->list[samples->count / 2],
           samples->list[samples->count * 99 / 100], samples->list[samples->count - 1], end);
}

static int ask(virConnectPtr connection, const char *name)
{
    virDomainMemoryStatStruct statistics[VIR_DOMAIN_MEMORY_STAT_NR];
    virDomainPtr *domains = NULL;
    virDomainPtr domain;
    virDomainInfo info;
    nsec_t began = time_monotonic();
    int count = virConnectListAllDomains(connection, &domains, 0);

    add(&lists, began);
    for (int i = 0; i < count; i++)
        (void)virDomainFree(domains[i]);
    free(domains);
    domain = count < 0 ? NULL : virDomainLookupByName(connection, name);
    if (domain == NULL)
        return die(name);
    began = time_monotonic();
    (void)virDomainGetInfo(domain, &info);
    add(&infos, began);
    began = time_monotonic();
    (void)virDomainMemoryStats(domain, statistics, VIR_DOMAIN_MEMORY_STAT_NR, 0);
    add(&memories, began);
    (void)virDomainFree(domain);
    return 0;
}

static int measure_calls(const char *uri, unsigned seconds, char **names, int name_count)
{
    nsec_t end = time_monotonic() + seconds * NSEC_PER_SEC;
    virConnectPtr connection = virConnectOpen(uri);

    if (connection == NULL)
        return die(uri);
    for (int i = 0; time_monotonic() < end; i = (i + 1) % name_count) {
        if (ask(connection, names[i]) != 0)
            return 1;
        (void)usleep(20000);
    }
    printf("{");
    print(&lists, ", ");
    print(&infos, ", ");
    print(&memories, "");
    printf("}\n");
    (void)virConnectClose(connection);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "look") == 0)
        return measure_looks(argv[2], argv[3], (unsigned)strtoul(argv[4], NULL, 10));
    if (argc > 4 && strcmp(argv[1], "calls") == 0)
        return measure_calls(argv[2], (unsigned)strtoul(argv[3], NULL, 10), argv + 4, argc - 4);
    fprintf(stderr, "usage: libvirt-probe look URI LIBVIRTD-PID COUNT\n"
                    "       libvirt-probe calls URI SECONDS DOMAIN...\n");
    return 2;
}
