/* Ids from the kernel's random numbers. */
#include "controller/actions/id.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

#include "common/base/time.h"

void action_id_make(char id[ACTION_ID_SIZE])
{
    uint64_t number;

    if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
        number = (uint64_t)time_realtime();
    snprintf(id, ACTION_ID_SIZE, "%016" PRIx64, number);
}
