/* What all domains are asked, on the control lane's thread: to connect, which run, and whether
 * those in trouble may be asked again. None of it needs a monitor. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_LOOK_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_LOOK_H

#include "controller/hypervisors/libvirt/lane.h"

enum look_kind {
    LOOK_CONNECT, /* anew, events too; then at all */
    LOOK_ALL,
    LOOK_TROUBLED, /* those of `known` only */
};

struct look_domain {
    char uuid[37];
    char name[64];
    int id; /* another number each time it is started */
    pid_t pid;
    bool is_askable; /* its monitor is free, its QEMU is well */
    bool has_job;    /* a migration, a save or the like goes on */
};

struct look {
    struct lane_job job;
    enum look_kind kind;
    struct mailbox *mailbox; /* of connect: where events go ... */
    unsigned connection;     /* ... with this number ... */
    void (*on_notice)(struct letter *letter, void *userdata);
    struct look_domain *known; /* by uuid: for their pids; of troubled: whom it is about */
    size_t known_count;
    /* ---- what came of it ---- */
    int status;
    struct error error;
    struct look_domain *domains;
    size_t count;
};

/* The job's `run`. */
void look_run(struct lane_job *job, struct connection *connection);

/* Sorts `known`. */
void look_sort(struct look *look);

void look_destroy(struct look *look);

/* The lane's `on_end`. */
void look_end(struct connection *connection);

#endif
