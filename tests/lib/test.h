/* What every cmocka test includes; cmocka wants these headers first. */
#ifndef VMRECLAIM_TESTS_LIB_TEST_H
#define VMRECLAIM_TESTS_LIB_TEST_H

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "common/base/util.h"

#endif
