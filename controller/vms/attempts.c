/* Attempts at a session. */
#include "controller/vms/attempts.h"

#include <errno.h>

#include "common/base/text.h"
#include "common/base/util.h"

#define DELAY_MIN (500 * NSEC_PER_MSEC)
#define DELAY_MAX (4 * NSEC_PER_SEC)

/* Who was connected to and said nothing, or what is no hypervisor's: in somebody else's hand. Each
 * attempt there keeps others waiting. */
#define SHUT_DELAY_MIN (30 * NSEC_PER_SEC)
#define SHUT_DELAY_MAX (600 * NSEC_PER_SEC)
#define SHUT_DELAY_OWE (60 * NSEC_PER_SEC) /* where its guest may be owed memory */

void vm_attempts_reset(struct vm *vm)
{
    vm->attempts = (struct vm_attempts){.delay = DELAY_MIN};
}

void vm_attempt_later(struct vm *vm)
{
    vm->attempts.shut = 0;
    vm->attempts.delay = min_of(vm->attempts.delay, DELAY_MAX);
    vm->attempts.next = time_boottime() + vm->attempts.delay;
    vm->attempts.delay *= 2;
}

/* It took the connection and did not greet, or said what no hypervisor says, or has clients that
 * wait already. */
static bool is_shut(int status)
{
    return status == -ETIMEDOUT || status == -EAGAIN || status == -EPROTO || status == -EMSGSIZE;
}

/* What is no hypervisor stays none, until something else is in its place. */
static void try_rarely(struct vm *vm, bool is_none)
{
    const struct driver *driver = vm->address.driver;
    struct vm_attempts *attempts = &vm->attempts;

    attempts->delay = max_of(attempts->delay, SHUT_DELAY_MIN);
    attempts->next = time_boottime() + attempts->delay;
    attempts->delay =
        min_of(attempts->delay * 2, vm->leases != NULL ? SHUT_DELAY_OWE : SHUT_DELAY_MAX);
    attempts->shut =
        driver->identify == NULL ? 0 : driver->identify(hypervisor_address_where(&vm->address));
    if (is_none && attempts->shut != 0 && vm->leases == NULL)
        attempts->next = UINT64_MAX;
}

void vm_attempt_refused(struct vm *vm, int status)
{
    if (is_shut(status))
        try_rarely(vm, status == -EPROTO || status == -EMSGSIZE);
    else
        vm_attempt_later(vm);
}

/* Who sat there before and took no session is left alone until another sits there. */
bool vm_attempt_may_begin(const struct vm *vm, nsec_t now)
{
    const struct driver *driver = vm->address.driver;

    if (now >= vm->attempts.next)
        return true;
    return vm->attempts.shut != 0 &&
           driver->identify(hypervisor_address_where(&vm->address)) != vm->attempts.shut;
}

bool vm_attempt_is_left(const struct vm *vm, char text[VM_ATTEMPT_TEXT_SIZE])
{
    const struct driver *driver = vm->address.driver;
    const char *owner =
        driver->owner == NULL ? NULL : driver->owner(hypervisor_address_where(&vm->address));

    if (owner == NULL)
        return false;
    text_format(text, VM_ATTEMPT_TEXT_SIZE,
                "%s is left to %s: it serves one client at a time; give the hypervisor a "
                "socket for vmreclaimd and name it in the VM's file",
                vm->address.text, owner);
    return true;
}
