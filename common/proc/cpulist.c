/* Lists of CPUs and nodes. */
#include "common/proc/cpulist.h"

#include <errno.h>

#include "common/base/number.h"
#include "common/base/util.h"

int cpulist_next(const char *list, uint64_t from, uint64_t *ret_member)
{
    while (*list != '\0' && *list != '\n') {
        uint64_t first;
        uint64_t last;

        if (number_scan(&list, &first) < 0)
            return -EINVAL;
        last = first;
        if (*list == '-') {
            list++;
            if (number_scan(&list, &last) < 0 || last < first)
                return -EINVAL;
        }
        if (last >= from) {
            *ret_member = max_of(first, from);
            return 0;
        }
        if (*list == ',')
            list++;
        else if (*list != '\0' && *list != '\n')
            return -EINVAL;
    }
    return -ENOENT;
}
