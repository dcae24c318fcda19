/* Cleanup attributes for synchronous code. Never put one on something a callback will own. */
#ifndef VMRECLAIM_COMMON_BASE_CLEANUP_H
#define VMRECLAIM_COMMON_BASE_CLEANUP_H

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free_pointer(void *pointer)
{
    free(*(void **)pointer);
}

static inline void cleanup_close_descriptor(const int *descriptor)
{
    if (*descriptor >= 0)
        close(*descriptor);
}

static inline void cleanup_closedir_directory(DIR **directory)
{
    if (*directory != NULL)
        (void)closedir(*directory);
}

#define cleanup_free     __attribute__((unused, cleanup(cleanup_free_pointer)))
#define cleanup_close    __attribute__((cleanup(cleanup_close_descriptor)))
#define cleanup_closedir __attribute__((cleanup(cleanup_closedir_directory)))

/* Moves a value out of a variable that has a cleanup attribute. */
#define take_pointer(pointer)                                                                      \
    __extension__({                                                                                \
        __typeof__(pointer) taken_ = (pointer);                                                    \
        (pointer) = NULL;                                                                          \
        taken_;                                                                                    \
    })

#define take_descriptor(descriptor)                                                                \
    __extension__({                                                                                \
        int taken_ = (descriptor);                                                                 \
        (descriptor) = -1;                                                                         \
        taken_;                                                                                    \
    })

#endif
