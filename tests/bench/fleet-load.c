/* Ten thousand hosts of a fleet in one process, as light as they can be: a connection and a key
 * each, a status of 20 VMs every ten seconds, and what the fleet wants of it verified and told as
 * applied in the next status, at once, as a real bridge does.
 *
 * usage: fleet-load users COUNT SEEDS     makes keys; hosts.conf of the servers goes to stdout
 *        fleet-load run SEEDS FLEET_KEY AUTHORITY PORT...
 *
 * AUTHORITY: PEM file of who signed the servers' certificate, or "-": no TLS. Five times a
 * second it writes a line of "name value" pairs: all counts are since the start. */
#include <arpa/inet.h>
#include <errno.h>
#include <nats/nats.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "common/base/random.h"
#include "common/base/time.h"
#include "common/base/util.h"
#include "common/message/copy.h"
#include "controller/fleet/bus/nkey.h"
#include "controller/signing/signed-state.h"
#include "fleet.pb-c.h"
#include "tests/bench/light-connection.h"

#define INTERVAL    (10 * NSEC_PER_SEC) /* of a host's statuses */
#define RETRY_MAX   (5 * NSEC_PER_SEC)
#define REPORT      (NSEC_PER_SEC / 5)
#define OPENING_MAX 200 /* at once */
#define VMS         20
#define FIGURES     7
#define SERVERS_MAX 3
#define TURN_MS     10
#define GIB         ((uint64_t)1 << 30)

typedef Vmreclaim__Fleet__V1__HostStatus HostStatus;
typedef Vmreclaim__Fleet__V1__AppliedPolicy AppliedPolicy;

struct host {
    struct light_connection connection; /* first: epoll has it */
    char id[16];
    char seed[NKEY_SEED_SIZE];
    char public_key[NKEY_PUBLIC_SIZE];
    nsec_t retry; /* not to be opened before */
    unsigned tries;
    uint64_t sequence; /* of its statuses */
    /* ---- what is in force: one policy ---- */
    uint64_t generation;
    char policy[64];
    char rollout[64];
    uint8_t digest[crypto_hash_sha256_BYTES]; /* of the text */
    unsigned applied;                         /* how often another rollout's came */
};

static struct load {
    struct light_options options;
    struct host *hosts;
    size_t count;
    struct sockaddr_in servers[SERVERS_MAX];
    size_t server_count;
    struct signing_public_key key;
    nsec_t begun;
    uint64_t turns; /* statuses that were due */
    /* ---- figures ---- */
    size_t ready;
    size_t opening;
    uint64_t statuses;
    uint64_t status_bytes;
    uint64_t lost;    /* connections */
    uint64_t refused; /* states */
} load;

/* ---- a status ---- */

struct row {
    Vmreclaim__Fleet__V1__VmStatus vm;
    Vmreclaim__Fleet__V1__Figure figures[FIGURES];
    Vmreclaim__Fleet__V1__Figure *list[FIGURES];
    char name[16], uuid[40], boot_id[40];
};

static void fill_row(struct row *row, unsigned i, uint64_t sequence)
{
    static char state[] = "running", policy[] = "balanced";

    vmreclaim__fleet__v1__vm_status__init(&row->vm);
    snprintf(row->name, sizeof(row->name), "guest%02u", i);
    snprintf(row->uuid, sizeof(row->uuid), "0f3c2a%02x-7d41-4f6e-9b1e-5a2d83c4e6f7", i);
    snprintf(row->boot_id, sizeof(row->boot_id), "c1d2e3%02x-0a1b-4c2d-8e3f-405162738495", i);
    row->vm.name = row->name;
    row->vm.uuid = row->uuid;
    row->vm.boot_id = row->boot_id;
    row->vm.state = state;
    row->vm.policy = policy;
    row->vm.has_agent = row->vm.footprint_is_known = true;
    row->vm.vm_ram = 4 * GIB;
    row->vm.footprint = 2 * GIB + i * 4096 * 977;
    row->vm.could_return = GIB / 3 + sequence * 4096;
    for (unsigned k = 0; k < FIGURES; k++) {
        vmreclaim__fleet__v1__figure__init(&row->figures[k]);
        row->figures[k].kind = (Vmreclaim__Fleet__V1__FigureKind)(k + 1);
        row->figures[k].value = k == 0 ? 0 : 100000000 * k + sequence * 977;
        row->list[k] = &row->figures[k];
    }
    row->vm.figures = row->list;
    row->vm.n_figures = FIGURES;
}

static void fill_host(Vmreclaim__Controller__V1__Host *host)
{
    static char arbiter[] = "on", resting[] = "resting";

    vmreclaim__controller__v1__host__init(host);
    host->total = 128 * GIB;
    host->available = 40 * GIB;
    host->pressure_is_known = true;
    host->pressure_some_permyriad = 12;
    host->critical = GIB;
    host->low = 2 * GIB;
    host->high = 4 * GIB;
    host->arbiter = arbiter;
    host->arbiter_state = resting;
    host->takeable = 20 * GIB;
}

/* NULL: nothing was handed to it yet. */
static Vmreclaim__Fleet__V1__Applied *fill_applied(struct host *host,
                                                   Vmreclaim__Fleet__V1__Applied *applied,
                                                   AppliedPolicy *policy, AppliedPolicy **list)
{
    vmreclaim__fleet__v1__applied__init(applied);
    applied->host = host->id;
    applied->generation = host->generation;
    vmreclaim__fleet__v1__applied_policy__init(policy);
    policy->name = host->policy;
    policy->rollout = host->rollout;
    policy->outcome = VMRECLAIM__FLEET__V1__APPLIED_OUTCOME__APPLIED_IN_FORCE;
    policy->digest = (ProtobufCBinaryData){.data = host->digest, .len = sizeof(host->digest)};
    list[0] = policy;
    applied->policies = list;
    applied->n_policies = host->policy[0] != '\0';
    return applied;
}

static void fill_rows(HostStatus *status, struct row *rows, Vmreclaim__Fleet__V1__VmStatus **list)
{
    for (unsigned i = 0; i < VMS; i++) {
        fill_row(&rows[i], i, status->sequence);
        list[i] = &rows[i].vm;
        status->footprint += rows[i].vm.footprint;
        status->could_return += rows[i].vm.could_return;
    }
    status->vms = list;
    status->n_vms = status->vm_count = VMS;
}

static void send_status(struct host *host)
{
    static char boot_id[] = "b5a4c3d2-0a1b-4c2d-8e3f-405162738495", label[] = "rack=r1";
    HostStatus status = VMRECLAIM__FLEET__V1__HOST_STATUS__INIT;
    Vmreclaim__Fleet__V1__VmStatus *list[VMS];
    Vmreclaim__Controller__V1__Host figures;
    Vmreclaim__Fleet__V1__Applied applied;
    AppliedPolicy policy, *policies[1];
    char *labels[] = {label};
    char subject[64];
    struct row rows[VMS];
    uint8_t *packed;
    size_t length = 0;

    fill_host(&figures);
    status.time_ns = time_realtime();
    status.sequence = ++host->sequence;
    status.name = host->id;
    status.boot_id = boot_id;
    status.labels = labels;
    status.n_labels = 1;
    status.host = &figures;
    status.applied = fill_applied(host, &applied, &policy, policies);
    fill_rows(&status, rows, list);
    packed = message_pack(&status.base, &length);
    if (packed == NULL)
        abort();
    snprintf(subject, sizeof(subject), "vmr.v1.status.%s", host->id);
    light_connection_publish(&host->connection, subject, NULL, packed, length);
    load.statuses++;
    load.status_bytes += length;
    free(packed);
}

/* ---- what the fleet wants ---- */

static void take_policies(struct host *host, const DesiredState *state)
{
    const Vmreclaim__Fleet__V1__DesiredPolicy *policy;

    host->generation = state->generation;
    host->policy[0] = '\0';
    if (state->n_policies == 0)
        return;
    policy = state->policies[0];
    snprintf(host->policy, sizeof(host->policy), "%s", policy->name);
    (void)crypto_hash_sha256(host->digest, (const uint8_t *)policy->text, strlen(policy->text));
    if (strcmp(host->rollout, policy->rollout) != 0)
        host->applied++;
    snprintf(host->rollout, sizeof(host->rollout), "%s", policy->rollout);
}

/* As the daemon: nothing of what it cannot verify, of another host's, or of an older one. */
static void on_message(struct light_connection *connection, const struct light_message *message)
{
    struct host *host = container_of(connection, struct host, connection);
    struct signed_state state;
    struct error error;

    if (message->length == 0)
        return; /* nothing is wanted of it yet */
    if (signed_state_open(message->data, message->length, &load.key, 1, &state, &error) < 0) {
        load.refused++;
        return;
    }
    if (strcmp(state.state->host, host->id) != 0)
        load.refused++;
    else if (state.state->generation > host->generation) {
        take_policies(host, state.state);
        send_status(host);
    }
    signed_state_finish(&state);
}

/* ---- connections ---- */

static void on_ready(struct light_connection *connection)
{
    struct host *host = container_of(connection, struct host, connection);
    char subject[64], reply[64];

    snprintf(subject, sizeof(subject), "vmr.v1.live.policy.%s", host->id);
    light_connection_subscribe(connection, subject, 1);
    snprintf(reply, sizeof(reply), "_INBOX_%s.1", host->id);
    light_connection_subscribe(connection, reply, 2);
    snprintf(subject, sizeof(subject), "vmr.v1.policyget.%s", host->id);
    light_connection_publish(connection, subject, reply, "", 0);
    if (connection->state == LIGHT_READY)
        send_status(host);
}

static void on_lost(struct light_connection *connection, const char *why)
{
    struct host *host = container_of(connection, struct host, connection);

    if (load.lost++ == 0)
        fprintf(stderr, "fleet-load: %s was the first to be cut off: %s\n", host->id, why);
    host->retry = time_monotonic() + random_bits() % RETRY_MAX;
}

static void open_some(void)
{
    nsec_t now = time_monotonic();

    for (size_t i = 0; i < load.count && load.opening < OPENING_MAX; i++) {
        struct host *host = &load.hosts[i];

        if (host->connection.state != LIGHT_CLOSED || now < host->retry)
            continue;
        load.opening++;
        light_connection_open(&host->connection,
                              &load.servers[(i + host->tries++) % load.server_count]);
    }
}

static void count_states(void)
{
    load.ready = load.opening = 0;
    for (size_t i = 0; i < load.count; i++) {
        enum light_state state = load.hosts[i].connection.state;

        load.ready += state == LIGHT_READY;
        load.opening += state != LIGHT_READY && state != LIGHT_CLOSED;
    }
}

/* Every host at its own moment of the interval. */
static void send_due(void)
{
    uint64_t due = (time_monotonic() - load.begun) * load.count / INTERVAL;

    for (; load.turns < due; load.turns++) {
        struct host *host = &load.hosts[load.turns % load.count];

        if (host->connection.state == LIGHT_READY)
            send_status(host);
    }
}

static void report(void)
{
    unsigned least = UINT32_MAX, most = 0;
    uint64_t all = 0;

    for (size_t i = 0; i < load.count; i++) {
        least = min_of(least, load.hosts[i].applied);
        most = max_of(most, load.hosts[i].applied);
        all += load.hosts[i].applied;
    }
    printf(
        "ready %zu statuses %llu status_bytes %llu sent %llu received %llu lost %llu refused %llu "
        "applied %llu applied_least %u applied_most %u\n",
        load.ready, (unsigned long long)load.statuses, (unsigned long long)load.status_bytes,
        (unsigned long long)load.options.bytes_sent,
        (unsigned long long)load.options.bytes_received, (unsigned long long)load.lost,
        (unsigned long long)load.refused, (unsigned long long)all, least, most);
    (void)fflush(stdout);
}

static _Noreturn void run(void)
{
    struct epoll_event events[256];
    nsec_t told = 0;

    load.begun = time_monotonic();
    for (;;) {
        int count = epoll_wait(load.options.epoll, events, ARRAY_SIZE(events), TURN_MS);

        for (int i = 0; i < count; i++)
            light_connection_go_on(events[i].data.ptr, events[i].events);
        count_states();
        open_some();
        send_due();
        if (time_monotonic() - told < REPORT)
            continue;
        told = time_monotonic();
        report();
    }
}

/* ---- set-up ---- */

static int make_users(size_t count, const char *path)
{
    FILE *seeds = fopen(path, "we");
    struct error error;

    if (seeds == NULL)
        return 1;
    puts("users: [");
    for (size_t i = 0; i < count; i++) {
        char seed[NKEY_SEED_SIZE], public_key[NKEY_PUBLIC_SIZE];

        nkey_make(seed);
        if (nkey_public(seed, public_key, &error) < 0)
            return 1;
        fprintf(seeds, "h%05zu %s %s\n", i, seed, public_key);
        printf("  { nkey: %s, permissions: {\n"
               "      publish: [ \"vmr.v1.status.h%05zu\", \"vmr.v1.policyget.h%05zu\", "
               "\"vmr.v1.event.h%05zu.>\" ]\n"
               "      subscribe: [ \"_INBOX_h%05zu.>\", \"vmr.v1.live.policy.h%05zu\" ] } }\n",
               public_key, i, i, i, i, i);
    }
    puts("]");
    return fclose(seeds) != 0;
}

static void read_seeds(const char *path)
{
    FILE *seeds = fopen(path, "re");
    size_t room = 0;
    struct host host = {.connection = {.options = &load.options}};

    while (seeds != NULL &&
           fscanf(seeds, "%15s %58s %56s", host.id, host.seed, host.public_key) == 3) {
        if (load.count == room) {
            room = room == 0 ? 1024 : 2 * room;
            load.hosts = realloc(load.hosts, room * sizeof(host));
        }
        if (load.hosts == NULL)
            abort();
        load.hosts[load.count++] = host;
    }
    for (size_t i = 0; i < load.count; i++) {
        load.hosts[i].connection.name = load.hosts[i].id;
        load.hosts[i].connection.seed = load.hosts[i].seed;
        load.hosts[i].connection.public_key = load.hosts[i].public_key;
    }
    if (seeds != NULL)
        (void)fclose(seeds);
}

static void read_authority(const char *path)
{
    if (strcmp(path, "-") == 0)
        return;
    if (gnutls_certificate_allocate_credentials(&load.options.credentials) < 0 ||
        gnutls_certificate_set_x509_trust_file(load.options.credentials, path,
                                               GNUTLS_X509_FMT_PEM) < 1) {
        fprintf(stderr, "fleet-load: no certificate in %s\n", path);
        exit(2);
    }
}

static void read_servers(char **ports)
{
    for (; *ports != NULL && load.server_count < SERVERS_MAX; ports++)
        load.servers[load.server_count++] =
            (struct sockaddr_in){.sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)atoi(*ports)),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void raise_limit(void)
{
    struct rlimit limit = {.rlim_cur = load.count + 64, .rlim_max = load.count + 64};

    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        perror("fleet-load: RLIMIT_NOFILE");
}

int main(int argc, char **argv)
{
    struct error error;

    if (sodium_init() < 0 || nats_Open(-1) != NATS_OK)
        return 1;
    if (argc == 4 && strcmp(argv[1], "users") == 0)
        return make_users((size_t)atol(argv[2]), argv[3]);
    if (argc < 6 || strcmp(argv[1], "run") != 0) {
        fprintf(stderr, "usage: fleet-load users COUNT SEEDS\n"
                        "       fleet-load run SEEDS FLEET_KEY AUTHORITY|- PORT...\n");
        return 2;
    }
    if (signing_public_key_parse(argv[3], &load.key, &error) < 0) {
        fprintf(stderr, "fleet-load: %s\n", error.text);
        return 2;
    }
    load.options = (struct light_options){.epoll = epoll_create1(EPOLL_CLOEXEC),
                                          .on_ready = on_ready,
                                          .on_message = on_message,
                                          .on_lost = on_lost};
    read_seeds(argv[2]);
    read_authority(argv[4]);
    read_servers(argv + 5);
    raise_limit();
    run();
}
