/* A made-up /proc of one hypervisor, process 42, in shared memory, where files behave like
 * memfds. One in a program; all of its tests share it. Every function ends the test on failure. */
#ifndef VMRECLAIM_TESTS_UNIT_CONTROLLER_FOOTPRINT_PROC_FIXTURE_H
#define VMRECLAIM_TESTS_UNIT_CONTROLLER_FOOTPRINT_PROC_FIXTURE_H

#include "tests/lib/test.h"

#include "controller/footprint/hypervisor-process.h"

/* Descriptor of the directory that has proc/. */
extern int root;

int proc_set_up(void **state);
int proc_tear_down(void **state);

/* A file under `root`, written anew. */
void put(const char *path, const char *text);

/* What the process' status says of its memory. */
void put_status(uint64_t anonymous_kib, uint64_t shared_kib, uint64_t swap_kib,
                uint64_t hugetlb_kib);

/* One mapping of `size` bytes of the file, beside the stack; NULL: no mapping at all. */
void put_maps(const char *shared_file, uint64_t size);

/* A file of `size` bytes, of which the first are allocated. */
void make_backend(const char *path, uint64_t size, uint64_t allocated);

/* Process 42. Whoever opens it finishes it. */
void open_process(struct hypervisor_process *process);

#endif
