/* Random numbers on kernels of several ages, which getrandom() here stands for. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

#include "common/base/random.h"

static unsigned known; /* flags that the kernel knows */
static bool is_seeded; /* or: good numbers are not there yet */
static unsigned waits; /* calls that would have waited */

ssize_t getrandom(void *buffer, size_t length, unsigned flags)
{
    static unsigned char number;

    if ((flags & ~known) != 0) {
        errno = EINVAL;
        return -1;
    }
    if (!is_seeded && (flags & GRND_INSECURE) == 0) {
        waits += (flags & GRND_NONBLOCK) == 0;
        errno = EAGAIN;
        return -1;
    }
    memset(buffer, ++number, length);
    return (ssize_t)length;
}

static void expect_numbers(unsigned flags, bool seeded)
{
    uint64_t first;

    known = flags;
    is_seeded = seeded;
    first = random_bits();
    assert_int_not_equal(first, random_bits());
    assert_int_equal(waits, 0);
}

static void test_never_waits(void **state)
{
    expect_numbers(GRND_INSECURE | GRND_NONBLOCK, true);
    expect_numbers(GRND_INSECURE | GRND_NONBLOCK, false);
    expect_numbers(GRND_NONBLOCK, true);
    expect_numbers(GRND_NONBLOCK, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_never_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
