/* The exact line that mends something, by who keeps the VM's configuration. One table, pure. */
#ifndef VMRECLAIM_CONTROLLER_DOCTOR_REMEDIES_H
#define VMRECLAIM_CONTROLLER_DOCTOR_REMEDIES_H

#include <stddef.h>

#include "controller/doctor/subject.h"

#define REMEDY_TEXT_SIZE 320

enum remedy {
    REMEDY_NONE,
    REMEDY_VSOCK,      /* a vsock device */
    REMEDY_BALLOON,    /* a balloon device, with all that the others ask of it */
    REMEDY_REPORTING,  /* free page reporting on the balloon device */
    REMEDY_DEFLATE,    /* deflate-on-oom on it */
    REMEDY_STATISTICS, /* its statistics */
    REMEDY_BACKING,    /* guest memory from a memfd */
    REMEDY_SOCKET,     /* a QMP socket for vmreclaimd alone */
    REMEDIES,
};

/* What the line is. */
enum remedy_form {
    REMEDY_FORM_NONE,
    REMEDY_FORM_XML,     /* of a libvirt domain */
    REMEDY_FORM_OPTION,  /* of the hypervisor's command line */
    REMEDY_FORM_COMMAND, /* for a shell on this host */
    REMEDY_FORM_REQUEST, /* to the hypervisor's API before the guest starts */
};

/* When it works. */
enum remedy_time {
    REMEDY_NOW,        /* in the running VM */
    REMEDY_COLD_START, /* the hypervisor must end and start again; the guest's reboot is not that */
};

struct remedy_line {
    enum remedy remedy;
    enum remedy_form form;
    enum remedy_time time;
    char text[REMEDY_TEXT_SIZE]; /* "": nobody has such a line */
};

/* `text` is "" where this manager has none. */
void remedy_write(const struct doctor_subject *subject, enum remedy remedy,
                  struct remedy_line *ret_line);

/* For programs: "vsock", "command", "cold-start"; "" for none. */
const char *remedy_name(enum remedy remedy);
const char *remedy_form_name(enum remedy_form form);
const char *remedy_time_name(enum remedy_time time);

#endif
