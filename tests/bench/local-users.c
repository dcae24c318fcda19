/* Local users who mean harm: USERS of them from UID on, each a process with CONNECTIONS connections
 * to the operators' API that calls the dearest its KIND is allowed, and some that it is not, as
 * fast as it is answered. Users are of GROUP alone. "burn" calls nobody and takes as much of the
 * processor. Ends by SIGTERM, then every user prints how its calls were answered. */
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/transport/transport.h"
#include "common/ttrpc/ttrpc.h"
#include "controller.pb-c.h"

#define USERS_MAX       64
#define CONNECTIONS_MAX 256
#define DEPTH           4          /* calls under way on a connection */
#define RETRY_MS        100        /* until one that was closed dials again */
#define POLICY_BYTES    (63 << 10) /* the longest text that is a policy */
#define SOURCE_BYTES    (900 << 10)
#define CODES           17
#define TIMEOUT         (60 * NSEC_PER_SEC)

struct call {
    const char *method;
    const ProtobufCMessage *request;
    bool streams;
    void (*change)(void); /* NULL: the same again */
};

struct line {
    uv_timer_t retry;
    struct ttrpc_connection *connection; /* NULL: to be dialled */
    size_t next;
};

struct user {
    uv_loop_t loop;
    uv_signal_t terminate;
    struct address address;
    const struct call *calls;
    struct line lines[CONNECTIONS_MAX];
    unsigned long connected;
    unsigned long codes[CODES];
};

static struct user user;
static volatile sig_atomic_t is_over;

static const ProtobufCServiceDescriptor *const service =
    &vmreclaim__controller__v1__controller__descriptor;

/* ---- what they ask ---- */

static Vmreclaim__Controller__V1__ListVmsRequest list_vms;
static Vmreclaim__Controller__V1__GetVmRequest get_vm;
static Vmreclaim__Controller__V1__ExplainRequest explain;
static Vmreclaim__Controller__V1__CompactVmRequest compact;
static Vmreclaim__Controller__V1__ListRangesRequest list_ranges;
static Vmreclaim__Controller__V1__ApplyVmPolicyRequest apply_policy, apply_source;
static Vmreclaim__Controller__V1__WatchEventsRequest watch_events;
static Vmreclaim__Controller__V1__ListPoliciesRequest list_policies;
static Vmreclaim__Controller__V1__RollBackPolicyRequest roll_back;
static Vmreclaim__Controller__V1__SetReportingVmRequest set_reporting;
static Vmreclaim__Controller__V1__ListActionsRequest list_actions;
static Vmreclaim__Controller__V1__VerifyActionRequest verify;
static Vmreclaim__Controller__V1__GetHistoryRequest get_history;
static Vmreclaim__Controller__V1__DumpStateRequest dump_state;
static Vmreclaim__Controller__V1__ReloadRequest reload;

static char policy_text[POLICY_BYTES + 1];

/* Never the text of before, nor another user's. */
static void change_policy(void)
{
    static unsigned number;
    int length = snprintf(policy_text, sizeof(policy_text), "name: u%u\nprofile: gentle\n# %u ",
                          getuid(), number++);

    policy_text[length] = 'x';
}

static const struct call calls_of_none[] = {
    {"ApplyPolicy", &apply_source.base, false, NULL}, {"ListVms", &list_vms.base, false, NULL},
    {"GetHistory", &get_history.base, true, NULL},    {"Compact", &compact.base, false, NULL},
    {"DumpState", &dump_state.base, true, NULL},      {NULL, NULL, false, NULL},
};

static const struct call calls_of_readers[] = {
    {"WatchEvents", &watch_events.base, true, NULL},
    {"GetHistory", &get_history.base, true, NULL},
    {"ListVms", &list_vms.base, false, NULL},
    {"DumpState", &dump_state.base, true, NULL},
    {"ListActions", &list_actions.base, false, NULL},
    {"Explain", &explain.base, false, NULL},
    {"GetVm", &get_vm.base, false, NULL},
    {"VerifyAction", &verify.base, false, NULL},
    {"ListRanges", &list_ranges.base, true, NULL},
    {"ListPolicies", &list_policies.base, false, NULL},
    {"ApplyPolicy", &apply_source.base, false, NULL},
    {NULL, NULL, false, NULL},
};

static const struct call calls_of_controllers[] = {
    {"ApplyPolicy", &apply_policy.base, false, change_policy},
    {"GetHistory", &get_history.base, true, NULL},
    {"Compact", &compact.base, false, NULL},
    {"ListVms", &list_vms.base, false, NULL},
    {"DumpState", &dump_state.base, true, NULL},
    {"RollBackPolicy", &roll_back.base, false, NULL},
    {"SetReporting", &set_reporting.base, false, NULL},
    {"Explain", &explain.base, false, NULL},
    {"Reload", &reload.base, false, NULL},
    {"WatchEvents", &watch_events.base, true, NULL},
    {"ListActions", &list_actions.base, false, NULL},
    {NULL, NULL, false, NULL},
};

static const struct kind {
    const char *name;
    const struct call *calls; /* NULL: none */
} kinds[] = {
    {"none", calls_of_none},
    {"read", calls_of_readers},
    {"control", calls_of_controllers},
    {"burn", NULL},
};

static void init_reads(char *vm)
{
    vmreclaim__controller__v1__list_vms_request__init(&list_vms);
    vmreclaim__controller__v1__get_vm_request__init(&get_vm);
    vmreclaim__controller__v1__explain_request__init(&explain);
    vmreclaim__controller__v1__list_ranges_request__init(&list_ranges);
    vmreclaim__controller__v1__watch_events_request__init(&watch_events);
    vmreclaim__controller__v1__list_policies_request__init(&list_policies);
    vmreclaim__controller__v1__list_actions_request__init(&list_actions);
    vmreclaim__controller__v1__verify_action_request__init(&verify);
    vmreclaim__controller__v1__get_history_request__init(&get_history);
    vmreclaim__controller__v1__dump_state_request__init(&dump_state);
    get_vm.vm = vm;
    get_vm.fresh = 1;
    explain.vm = vm;
    explain.exact = 1;
    list_ranges.vm = vm;
    list_actions.limit = UINT32_MAX;
    verify.id = (char *)"past-1";
    get_history.vm = vm;
    get_history.points = UINT32_MAX;
}

static void init_changes(char *vm)
{
    char *source = malloc(SOURCE_BYTES + 1);
    static char name[32];

    if (source == NULL)
        exit(1);
    memset(source, '\x01', SOURCE_BYTES); /* six times as long in JSON */
    source[SOURCE_BYTES] = '\0';
    memset(policy_text, 'x', POLICY_BYTES);
    snprintf(name, sizeof(name), "u%u", getuid());
    vmreclaim__controller__v1__compact_vm_request__init(&compact);
    vmreclaim__controller__v1__apply_vm_policy_request__init(&apply_policy);
    vmreclaim__controller__v1__apply_vm_policy_request__init(&apply_source);
    vmreclaim__controller__v1__roll_back_policy_request__init(&roll_back);
    vmreclaim__controller__v1__set_reporting_vm_request__init(&set_reporting);
    vmreclaim__controller__v1__reload_request__init(&reload);
    compact.vm = vm;
    compact.force = 1;
    set_reporting.vm = vm;
    apply_policy.source = policy_text;
    apply_source.source = source;
    roll_back.name = name;
}

/* ---- how they ask ---- */

static void ask(struct line *line);
static void dial(struct line *line);

static void on_answer(const struct ttrpc_result *result, void *userdata)
{
    struct line *line = userdata;

    user.codes[min_of((unsigned)result->code, CODES - 1u)]++;
    if (line->connection != NULL)
        ask(line);
}

static void on_part(const ProtobufCMessage *message, void *userdata)
{
}

static void ask(struct line *line)
{
    const struct call *call = &user.calls[line->next++];

    if (call->method == NULL) {
        line->next = 1;
        call = &user.calls[0];
    }
    if (call->change != NULL)
        call->change();
    if (call->streams)
        (void)ttrpc_call_stream(line->connection, service, call->method, call->request, TIMEOUT,
                                on_part, on_answer, line, NULL);
    else
        (void)ttrpc_call_unary(line->connection, service, call->method, call->request, TIMEOUT,
                               on_answer, line, NULL);
}

static void on_retry(uv_timer_t *timer)
{
    dial(timer->data);
}

static void on_close(struct ttrpc_connection *connection, int status, const char *reason,
                     void *userdata)
{
    struct line *line = userdata;

    line->connection = NULL;
    uv_timer_start(&line->retry, on_retry, RETRY_MS, 0);
}

static void on_dialled(int descriptor, const struct error *error, void *userdata)
{
    struct ttrpc_connection_options options = {
        .limits = ttrpc_limits_default, .userdata = userdata, .on_close = on_close};
    struct line *line = userdata;

    options.limits.frame_bytes = 4u << 20;
    options.limits.queued_bytes = 16u << 20;
    if (descriptor < 0 ||
        ttrpc_connection_create(&user.loop, descriptor, &options, &line->connection) < 0) {
        uv_timer_start(&line->retry, on_retry, RETRY_MS, 0);
        return;
    }
    user.connected++;
    for (unsigned i = 0; i < DEPTH && line->connection != NULL; i++)
        ask(line);
}

static void dial(struct line *line)
{
    if (dial_start(&user.loop, &user.address, 0, on_dialled, line, NULL) < 0)
        exit(1);
}

/* ---- one user ---- */

static void print(const char *kind)
{
    char text[512];
    int length = snprintf(text, sizeof(text), "%s: uid %u, %lu connections;", kind, getuid(),
                          user.connected);

    for (unsigned i = 0; i < CODES; i++)
        if (user.codes[i] > 0)
            length += snprintf(text + length, sizeof(text) - (size_t)length, " %s %lu",
                               ttrpc_code_name(i), user.codes[i]);
    text[length++] = '\n';
    if (write(STDOUT_FILENO, text, (size_t)length) < 0)
        _exit(1);
}

static void on_terminate(uv_signal_t *handle, int number)
{
    uv_stop(&user.loop);
}

static void run_user(const struct kind *kind, unsigned connections)
{
    user.calls = kind->calls;
    if (uv_loop_init(&user.loop) < 0 || uv_signal_init(&user.loop, &user.terminate) < 0 ||
        uv_signal_start(&user.terminate, on_terminate, SIGTERM) < 0)
        _exit(1);
    for (unsigned i = 0; i < connections; i++) {
        struct line *line = &user.lines[i];

        uv_timer_init(&user.loop, &line->retry);
        line->retry.data = line;
        line->next = i % 2 == 0 ? 0 : 1; /* half of them begin with the second */
        dial(line);
    }
    uv_run(&user.loop, UV_RUN_DEFAULT);
    print(kind->name);
}

static void on_signal(int number)
{
    is_over = 1;
}

static void become(uid_t uid, gid_t group)
{
    if (setgroups(1, &group) < 0 || setgid(group) < 0 || setuid(uid) < 0) {
        perror("local-users: becoming another user");
        _exit(1);
    }
}

static pid_t start_user(const struct kind *kind, unsigned connections, uid_t uid, gid_t group,
                        char *vm)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    become(uid, group);
    if (kind->calls == NULL) {
        (void)signal(SIGTERM, on_signal);
        while (!is_over)
            ;
        _exit(0);
    }
    init_reads(vm);
    init_changes(vm);
    run_user(kind, connections);
    _exit(0);
}

static const struct kind *find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

int main(int argc, char **argv)
{
    struct error error = {.text = "usage: local-users API KIND USERS CONNECTIONS UID GROUP VM"};
    const struct kind *kind = argc == 8 ? find(argv[2]) : NULL;
    const struct group *group = kind != NULL ? getgrnam(argv[6]) : NULL;
    unsigned users, connections;
    pid_t pids[USERS_MAX];

    if (group == NULL || address_parse(argv[1], &user.address, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 2;
    }
    users = min_of((unsigned)atoi(argv[3]), USERS_MAX + 0u);
    connections = min_of((unsigned)atoi(argv[4]), CONNECTIONS_MAX + 0u);
    for (unsigned i = 0; i < users; i++)
        pids[i] = start_user(kind, connections, (uid_t)atoi(argv[5]) + i, group->gr_gid, argv[7]);
    (void)signal(SIGTERM, on_signal);
    while (!is_over && pause() < 0)
        ;
    for (unsigned i = 0; i < users; i++)
        (void)kill(pids[i], SIGTERM);
    while (wait(NULL) > 0)
        ;
    return 0;
}
