/* The wrapped allocator. */
#include "tests/lib/fault.h"

#include <uv.h>

static bool armed;
static bool fired;
static unsigned left;
static size_t outstanding;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *pointer, size_t size);
void __real_free(void *pointer);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *pointer, size_t size);
void __wrap_free(void *pointer);

static bool fails(void)
{
    if (!armed || left-- > 0)
        return false;
    armed = false;
    fired = true;
    return true;
}

static void *counted(void *pointer)
{
    if (pointer != NULL)
        outstanding++;
    return pointer;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *pointer, size_t size)
{
    if (pointer == NULL)
        return __wrap_malloc(size);
    return fails() ? NULL : __real_realloc(pointer, size);
}

void __wrap_free(void *pointer)
{
    if (pointer != NULL)
        outstanding--;
    __real_free(pointer);
}

void fault_install(void)
{
    (void)uv_replace_allocator(__wrap_malloc, __wrap_realloc, __wrap_calloc, __wrap_free);
}

void fault_arm(unsigned countdown)
{
    armed = true;
    fired = false;
    left = countdown;
}

bool fault_disarm(void)
{
    armed = false;
    return fired;
}

size_t fault_outstanding(void)
{
    return outstanding;
}
