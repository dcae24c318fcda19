/* Ids from the kernel's random numbers. */
#include "controller/actions/id.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/base/random.h"

void action_id_make(char id[ACTION_ID_SIZE])
{
    snprintf(id, ACTION_ID_SIZE, "%016" PRIx64, random_bits());
}
