/* The agent's command line. */
#ifndef VMRECLAIM_AGENT_OPTIONS_H
#define VMRECLAIM_AGENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"

#define OPTIONS_SETTINGS_MAX 32

enum options_mode {
    OPTIONS_RUN,
    OPTIONS_CHECK,
    OPTIONS_DOCTOR,
    OPTIONS_DRY_RUN,
    OPTIONS_RESTORE,
    OPTIONS_HELP,
    OPTIONS_VERSION,
};

struct options {
    enum options_mode mode;
    bool is_once;
    const char *root;
    const char *configuration_file; /* NULL: the default one, if it is there */
    /* "key=value", also for --connect and its like */
    const char *settings[OPTIONS_SETTINGS_MAX];
    size_t setting_count;
    char texts[3][512]; /* behind the settings made of --connect, --listen, --state-directory */
    size_t text_count;
};

extern const char options_help[];

/* -EINVAL with what is wrong. */
int options_parse(int argument_count, char **arguments, struct options *ret_options,
                  struct error *error);

#endif
