/* Threads beside the loop's: signals stay the loop's. */
#include "tests/lib/test.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>

#include "common/base/thread.h"

struct seen {
    sem_t done;
    bool blocks;
    bool is_detached;
};

static bool blocks_sigterm(void)
{
    sigset_t mask;

    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &mask), 0);
    return sigismember(&mask, SIGTERM) == 1;
}

static void *look(void *userdata)
{
    struct seen *seen = userdata;
    pthread_attr_t attributes;
    int state = PTHREAD_CREATE_JOINABLE;

    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        (void)pthread_attr_getdetachstate(&attributes, &state);
        (void)pthread_attr_destroy(&attributes);
    }
    seen->blocks = blocks_sigterm();
    seen->is_detached = state == PTHREAD_CREATE_DETACHED;
    (void)sem_post(&seen->done);
    return NULL;
}

static void test_it_gets_no_signals(void **state)
{
    struct seen seen = {.blocks = false};

    assert_int_equal(sem_init(&seen.done, 0, 0), 0);
    assert_int_equal(thread_start(look, &seen), 0);
    assert_int_equal(sem_wait(&seen.done), 0);
    assert_true(seen.blocks);
    assert_true(seen.is_detached);
    assert_false(blocks_sigterm());
    (void)sem_destroy(&seen.done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_gets_no_signals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
