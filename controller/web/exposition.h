/* The text format of Prometheus, version 0.0.4. Pure: writes into memory of its own. The samples of
 * a family come one after another, and a family comes once; that is the caller's to keep. */
#ifndef VMRECLAIM_CONTROLLER_WEB_EXPOSITION_H
#define VMRECLAIM_CONTROLLER_WEB_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPOSITION_PREFIX      "vmreclaim_"
#define EXPOSITION_NUMBER_SIZE 32

struct exposition {
    char *text; /* from malloc; not ended with '\0' */
    size_t length;
    size_t room;
    bool is_out_of_memory; /* what was written since is lost */
    /* Of the family that is being written. */
    const char *name;
    const char *type;
    const char *help;
    bool is_begun; /* HELP and TYPE are there: they come with the first sample */
};

/* A name and a value of any bytes. */
struct exposition_label {
    const char *name;
    const char *value;
};

void exposition_init(struct exposition *exposition);
void exposition_finish(struct exposition *exposition);

/* `name` without the prefix; all three live as long as the family. `type` is "gauge", "counter" or
 * "histogram". Without a sample nothing is written. */
void exposition_family(struct exposition *exposition, const char *name, const char *type,
                       const char *help);

/* `value` / 10^`decimals`. `suffix` is behind the family's name: "", or one of a histogram's. */
void exposition_sample(struct exposition *exposition, const char *suffix,
                       const struct exposition_label *labels, size_t count, int64_t value,
                       unsigned decimals);

/* The number alone, as it is in a sample. */
const char *exposition_number(int64_t value, unsigned decimals,
                              char buffer[EXPOSITION_NUMBER_SIZE]);

/* Whether metrics and labels may be called so. */
bool exposition_is_name(const char *name);

#endif
