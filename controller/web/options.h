/* The command line of vmreclaim-web. */
#ifndef VMRECLAIM_CONTROLLER_WEB_OPTIONS_H
#define VMRECLAIM_CONTROLLER_WEB_OPTIONS_H

#include <stdbool.h>

#include "common/base/error.h"
#include "common/base/time.h"
#include "controller/web/guard.h"
#include "controller/web/metrics.h"

#define OPTIONS_LISTEN "127.0.0.1:10170"
#define OPTIONS_API    "unix:/run/vmreclaim/api.sock"

enum options_mode { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_VERSION };

struct options {
    enum options_mode mode;
    const char *listen;
    const char *api;   /* "none": no daemon is asked */
    const char *fleet; /* of a coordinator; "none": likewise */
    const char *hosts[GUARD_HOSTS_MAX];
    size_t host_count;
    const char *certificate; /* files; NULL: none */
    const char *key;
    const char *basic_auth; /* the file of passwords; NULL: who can connect may read */
    const char *textfile;   /* NULL: HTTP is served */
    nsec_t interval;        /* of the text file; 0: it is written once */
    enum metrics_scope scope;
    bool debug;
};

extern const char options_help[];

/* Texts are the arguments', and VMRECLAIM_API's. -EINVAL. */
int options_parse(int count, char **arguments, struct options *ret_options, struct error *error);

#endif
