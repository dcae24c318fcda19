/* Random numbers that need not be secret. */
#include "common/base/random.h"

#include <sys/random.h>

#include "common/base/time.h"

uint64_t random_bits(void)
{
    uint64_t bits;

    if (getrandom(&bits, sizeof(bits), GRND_INSECURE) == (ssize_t)sizeof(bits))
        return bits;
    /* Linux before 5.6 knows no such flag. */
    if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) == (ssize_t)sizeof(bits))
        return bits;
    return (uint64_t)time_realtime() ^ time_boottime() << 32;
}
