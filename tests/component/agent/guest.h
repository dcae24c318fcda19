/* A made-up guest for the real agent program: files as /proc and /sys have them below a temporary
 * directory, the agent as a child process, and a client of it that calls and waits. */
#ifndef VMRECLAIM_TESTS_COMPONENT_AGENT_GUEST_H
#define VMRECLAIM_TESTS_COMPONENT_AGENT_GUEST_H

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

#include "agent.pb-c.h"
#include "common/ttrpc/ttrpc.h"

struct guest {
    char directory[64];
    int root;
    int notify; /* the service manager's end */
    char notify_path[108];
    char address[128]; /* unix:... , where agent and test meet */
    char path[108];    /* its path */
    pid_t pid;         /* of the agent; 0: none runs */
};

/* Makes the files. */
void guest_init(struct guest *guest);
/* Kills the agent if it still runs, removes the files. */
void guest_finish(struct guest *guest);

/* Writes `text` to a file below the root, making its directories. */
void guest_write(struct guest *guest, const char *path, const char *text);
/* Its content; the buffer lives until the next call. */
const char *guest_read(struct guest *guest, const char *path);

/* Starts the agent with `arguments` (NULL-terminated) after its --root and --state-directory, and
 * waits until it says READY=1. */
void guest_start(struct guest *guest, const char *const *arguments);
/* The same without waiting. */
void guest_spawn(struct guest *guest, const char *const *arguments);
/* As guest_start, listening at the guest's address. */
void guest_start_listening(struct guest *guest);
/* Sends the signal and waits for the end; the wait status. */
int guest_stop(struct guest *guest, int signal_number);
/* Waits for the end of an agent that ends by itself. */
int guest_wait(struct guest *guest);
/* Waits for a message of the service manager's protocol that contains `text`. */
void guest_wait_notify(struct guest *guest, const char *text);

/* One connection to the agent. */
struct client {
    uv_loop_t loop;
    struct ttrpc_connection *connection;
    bool is_closed;
    nsec_t timeout; /* of calls; 0: 30 s */
    /* of the last call */
    bool is_done;
    enum ttrpc_code code;
    char message[256];
    ProtobufCMessage *response; /* the client's until the next call */
    unsigned message_count;     /* of a stream */
    /* called for every message of a stream */
    void (*on_message)(struct client *client, const ProtobufCMessage *message);
    void *userdata;
};

/* Connects to a listening agent. */
void client_init(struct client *client, struct guest *guest);
/* Takes a descriptor that the agent dialled. */
void client_adopt(struct client *client, int descriptor);
void client_finish(struct client *client);

/* Calls and waits for the end; the response, or NULL when the code is not OK. */
const void *client_call(struct client *client, const char *method, const void *request);
/* Starts a stream. */
struct ttrpc_client_call *client_stream(struct client *client, const char *method,
                                        const void *request);
/* Turns the loop until the stream has had `count` messages, or ended. */
void client_wait_messages(struct client *client, unsigned count);

/* The agent program, from the command line of the test. */
extern const char *guest_agent_program;

#endif
