/* A record that waits. For the store's own files. */
#ifndef VMRECLAIM_CONTROLLER_STORE_RECORD_H
#define VMRECLAIM_CONTROLLER_STORE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/list.h"

enum record_kind {
    RECORD_ACTION,
    RECORD_WATERFALL,
    RECORD_AUDIT,
};

/* One row to be. */
struct record {
    struct list link;
    enum record_kind kind;
    int64_t time;
    bool allowed;
    char key[96];    /* id or VM; who */
    char second[96]; /* VM of an action; method */
    size_t length;
    uint8_t data[];
};

#endif
