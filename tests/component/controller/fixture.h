/* What component tests of vmreclaimd share: a made-up root, a scripted hypervisor and agent, the
 * daemon as a child, and an operator's connection, all on one loop. */
#ifndef VMRECLAIM_TESTS_COMPONENT_CONTROLLER_FIXTURE_H
#define VMRECLAIM_TESTS_COMPONENT_CONTROLLER_FIXTURE_H

#include "tests/lib/test.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "common/ttrpc/ttrpc.h"
#include "controller.pb-c.h"
#include "tests/component/controller/fake-agent.h"
#include "tests/component/controller/qmp-server.h"

#define WAIT_MAX (60 * NSEC_PER_SEC) /* a test that needs longer hangs */

/* Path of vmreclaimd. */
extern const char *program;

struct fixture {
    char directory[64];
    int root;
    uv_loop_t loop;
    uv_timer_t ticker;
    struct qmp_server qmp;
    struct fake_agent agent;
    const char *floor; /* of the VM's file; NULL: none */
    pid_t daemon;
    int log; /* read end of its standard error */
    char log_text[65536];
    size_t log_length;
    const char *api_socket;        /* NULL: "api.sock" */
    struct ttrpc_metadata program; /* that the test says it is; key NULL: nothing */
    struct ttrpc_connection *api;
    int dialled; /* -1: under way */
    /* the last call */
    bool answered;
    enum ttrpc_code code;
    char message[512];
    ProtobufCMessage *response; /* a copy */
    unsigned streamed;
};

typedef Vmreclaim__Controller__V1__Vm Vm;
typedef Vmreclaim__Controller__V1__GetVmResponse GetVmResponse;

void put(const struct fixture *f, const char *name, const char *text);
void put_footprint(const struct fixture *f, uint64_t anonymous_kib);
/* A zombie's status has no memory lines. */
void put_dead_process(const struct fixture *f);
void start_daemon(struct fixture *f, char *const *more);
bool log_has(struct fixture *f, const char *text);
/* The last line of the daemon's log that has `text`; "" when there is none. */
const char *log_line(struct fixture *f, const char *text);
void connect_api(struct fixture *f);
/* One attempt; f->api stays NULL when it fails. */
void try_to_connect_api(struct fixture *f);
void call(struct fixture *f, const char *method, const ProtobufCMessage *request);
/* The same of a method that streams; the last message is the response. */
void call_stream(struct fixture *f, const char *method, const ProtobufCMessage *request);
/* Starts one with callbacks of the test's own; `on_each` is NULL where none streams. */
void start_call(struct fixture *f, const char *method, const ProtobufCMessage *request,
                nsec_t timeout, ttrpc_message_callback on_each, ttrpc_result_callback on_end,
                void *userdata);
const Vm *get_vm(struct fixture *f, const char *name);
/* A constant as the texts of requests are. */
char *text(const char *constant);
/* Compacts web-1; f->code says how it went. */
void compact(struct fixture *f);
/* Why the part is degraded; "" when it is not. The part of a socket that nobody serves is left
 * out. */
const char *why_degraded(struct fixture *f, const char *part);
/* Text of a policy for web-1, as if from night.yaml. */
void apply_policy(struct fixture *f, const char *source);
bool is_in_state(struct fixture *f, const char *name, const char *state);
bool driver_says(struct fixture *f, const char *name, const char *text);
void put_vm(const struct fixture *f, const char *name, const char *agent);
void listen_qmp(struct fixture *f, const char *name);
void listen_agent(struct fixture *f);
int set_up(void **state);
void stop_daemon(struct fixture *f, int expected);
void crash_daemon(struct fixture *f);
int tear_down(void **state);
void start_managed(struct fixture *f);
/* With more arguments for the daemon, until the VM is in the state. */
void start_in_state(struct fixture *f, const char *state, char *const *more);
/* The number of the hypervisor's process is another process' now. */
void put_other_process(const struct fixture *f);
/* Its start time, clock ticks since boot. */
void put_process_start(const struct fixture *f, unsigned start_time);
void give_up(struct fixture *f, const char *condition);
void on_message(const ProtobufCMessage *message, void *userdata);
void on_result(const struct ttrpc_result *result, void *userdata);
void free_response(struct fixture *f);

#define wait_for(f, condition)                                                                     \
    do {                                                                                           \
        nsec_t end_ = time_monotonic() + WAIT_MAX;                                                 \
        bool met_ = (condition);                                                                   \
        while (!met_ && time_monotonic() < end_) {                                                 \
            uv_run(&(f)->loop, UV_RUN_ONCE);                                                       \
            met_ = (condition);                                                                    \
        }                                                                                          \
        if (!met_)                                                                                 \
            give_up(f, #condition);                                                                \
    } while (0)

#endif
