/* A scripted QMP server on the test's own loop: enough of QEMU to be believed, and every way to be
 * broken. */
#ifndef VMRECLAIM_TESTS_COMPONENT_CONTROLLER_QMP_SERVER_H
#define VMRECLAIM_TESTS_COMPONENT_CONTROLLER_QMP_SERVER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

enum qmp_server_fault {
    QMP_SERVER_WORKS,
    QMP_SERVER_SILENT,    /* accepts, never greets: another client holds it */
    QMP_SERVER_GARBAGE,   /* greets with something that is not JSON */
    QMP_SERVER_OVERSIZED, /* greets with a line without end */
    QMP_SERVER_HANGS,     /* greets, then answers nothing, as with its main loop stuck */
    QMP_SERVER_DEAF,      /* greets and negotiates, then answers nothing */
    QMP_SERVER_HANGS_UP,  /* closes after the greeting */
    QMP_SERVER_REFUSES,   /* every command */
    QMP_SERVER_CLOSES,    /* in the middle of the next command */
    QMP_SERVER_GARBLES,   /* the answer to the next command */
    QMP_SERVER_LATE,      /* keeps its answers until qmp_server_release */
};

/* The one job, named "job". */
struct qmp_server_job {
    const char *type; /* NULL: there is none */
    const char *status;
    bool has_failed;
};

struct qmp_server {
    uv_loop_t *loop;
    uv_pipe_t listening;
    uv_pipe_t client;
    bool has_client;
    bool client_closing;
    bool client_waits; /* another one, not greeted */
    bool is_listening;
    enum qmp_server_fault fault;
    char line[65536];
    size_t line_length;
    /* the machine */
    char name[64];
    char uuid[37];
    char status[24];    /* as query-status */
    char migration[24]; /* as query-migrate; empty: none */
    uint64_t ram;       /* base memory */
    struct {
        uint64_t dimm;
        uint64_t nvdimm;
        uint64_t virtio_pmem;
        uint64_t virtio_mem; /* what is plugged of it */
    } plugged;               /* memory devices; 0: none of the kind */
    uint64_t balloon_actual; /* of base memory and DIMMs, as QEMU counts; 0: no balloon */
    uint64_t balloon_target;
    bool balloon_is_stuck; /* takes the target, never moves */
    bool balloon_refuses;  /* answers the command with an error */
    bool free_page_reporting;
    bool guest_declines_reporting; /* its driver does, which is said as by QEMU 7.2 */
    bool deflate_on_oom;
    uint32_t guest_cid; /* 0: no vsock device */
    bool has_memfd;     /* else anonymous; preallocated */
    bool is_mixed;      /* beside the memory a DIMM of 200 MiB, ivshmem and vhost-vdpa */
    struct {
        uint64_t updated; /* UNIX seconds */
        uint32_t interval;
        uint64_t free; /* with an empty balloon, as a guest without an agent tells it when it is
                          asked; 0: it does not */
        bool has_no_figure; /* with `free` 0: nor the total */
        unsigned pokes;     /* the interval was 0 and is not any more */
        struct {
            uint64_t free;
            uint64_t faults;
        } told; /* when the guest was last asked */
    } statistics;
    struct qmp_server_job job;
    unsigned vfio_devices;
    /* what was asked */
    unsigned commands;
    unsigned unanswered; /* of them, by its fault */
    unsigned balloon_commands;
    unsigned jobs_queries;
    unsigned statistics_queries;
    unsigned clients; /* greeted so far */
    void (*on_command)(struct qmp_server *server, const char *command, void *userdata);
    void *userdata;
    json_t *held; /* answers that were kept */
};

/* A running machine with 1 GiB, a balloon with everything, CID 5; change fields as needed. */
void qmp_server_init(struct qmp_server *server, uv_loop_t *loop);
int qmp_server_listen(struct qmp_server *server, const char *path);
void qmp_server_close(struct qmp_server *server);

/* Sends what was kept, and works again. */
void qmp_server_release(struct qmp_server *server);

/* Drops the client; the hypervisor's end is what the process behind it says. */
void qmp_server_drop_client(struct qmp_server *server);

/* `data` may be NULL; it is taken over. */
void qmp_server_event(struct qmp_server *server, const char *name, json_t *data);

/* The guest goes back to a snapshot in which the balloon was so. QEMU tells that it stops the guest
 * and lets it run again, and no more. */
void qmp_server_restore(struct qmp_server *server, uint64_t actual);

/* QEMU sends no event of that either. What is in the balloon stays there. */
void qmp_server_plug_dimm(struct qmp_server *server, uint64_t bytes);

/* As if someone else had asked for it. */
void qmp_server_move_balloon(struct qmp_server *server, uint64_t actual);

#endif
