/* What makes each reason hold, by itself. */
#ifndef VMRECLAIM_TESTS_UNIT_CONTROLLER_EXPLAIN_PROVOCATIONS_H
#define VMRECLAIM_TESTS_UNIT_CONTROLLER_EXPLAIN_PROVOCATIONS_H

#include "tests/unit/controller/explain/made.h"

struct provocation {
    const char *code; /* NULL ends a table */
    void (*change)(struct made *made);
    bool of_vm; /* explain_vm tells it too */
};

/* Of an action, and those that only a VM has. */
extern const struct provocation provocations[];
extern const struct provocation vm_provocations[];

/* Some of them by name. */
void busy(struct made *made);
void declined(struct made *made);
void encrypted(struct made *made);
void huge_pages(struct made *made);
void khugepaged(struct made *made);
void locked(struct made *made);
void partly_unmovable(struct made *made);
void per_cpu(struct made *made);
void throttled(struct made *made);
void unmovable(struct made *made);
void vfio(struct made *made);

#endif
