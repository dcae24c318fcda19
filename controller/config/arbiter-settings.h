/* What an operator says of the arbiter, in the daemon's configuration. */
#ifndef VMRECLAIM_CONTROLLER_CONFIG_ARBITER_SETTINGS_H
#define VMRECLAIM_CONTROLLER_CONFIG_ARBITER_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"

/* A size of the host: bytes, or a share of its memory where they are 0; of both the smaller. */
struct arbiter_mark {
    uint64_t bytes;
    uint32_t permyriad;
};

struct arbiter_settings {
    bool is_on;
    struct arbiter_mark critical;
    struct arbiter_mark low;
    struct arbiter_mark high;
    char host_cgroup[256]; /* "": the machine is the host */
};

/* Off; watermarks of 4, 8 and 12 %, of 4, 8 and 12 GiB at most. */
void arbiter_settings_init(struct arbiter_settings *settings);

/* "CRITICAL,LOW,HIGH": three sizes or three shares, each above the one before. -EINVAL. */
int arbiter_set_watermarks(struct arbiter_settings *settings, const char *text,
                           struct error *error);

/* Of a host with so much memory. */
uint64_t arbiter_mark_bytes(const struct arbiter_mark *mark, uint64_t total);

#endif
