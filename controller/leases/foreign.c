/* Balloons that others move. */
#include "controller/leases/foreign.h"

#include "controller/leases/table.h"

#define OUR_MOVES (10 * NSEC_PER_SEC) /* a guest follows for so long */

void foreign_watch_look(struct foreign_watch *watch, const struct vm *vm, nsec_t now)
{
    const struct driver_facts *facts = &vm->hypervisor.facts;
    bool was_taken = lease_news(vm) == BALLOON_NEWS_FOREIGN;
    bool has_moved = watch->actual != 0 && facts->balloon_actual != 0 &&
                     watch->maximum == facts->balloon_maximum &&
                     watch->actual != facts->balloon_actual;

    if (vm->leased || vm->action != NULL)
        watch->ours = now;
    if ((was_taken && !watch->was_taken) ||
        (has_moved && (watch->ours == 0 || now - watch->ours >= OUR_MOVES)))
        watch->moved = now;
    watch->was_taken = was_taken;
    watch->actual = facts->balloon_actual;
    watch->maximum = facts->balloon_maximum;
}

bool foreign_watch_holds(const struct foreign_watch *watch, const struct vm *vm, nsec_t now)
{
    return lease_foreign_owner(vm)[0] != '\0' ||
           (watch->moved != 0 && now - watch->moved < FOREIGN_TIME);
}
