/* A root directory for each test of a reader. */
#ifndef VMRECLAIM_TESTS_UNIT_PROC_ROOT_H
#define VMRECLAIM_TESTS_UNIT_PROC_ROOT_H

#include "tests/lib/fixture.h"

static struct fixture fixture;

static int setup(void **state)
{
    fixture_init(&fixture);
    return 0;
}

static int teardown(void **state)
{
    fixture_finish(&fixture);
    return 0;
}

#endif
