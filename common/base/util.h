/* Small macros that have no better home. */
#ifndef VMRECLAIM_COMMON_BASE_UTIL_H
#define VMRECLAIM_COMMON_BASE_UTIL_H

#include <stddef.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* The structure that holds `member` at `pointer`. */
#define container_of(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#define min_of(a, b)                                                                               \
    __extension__({                                                                                \
        __typeof__(a) a_ = (a);                                                                    \
        __typeof__(b) b_ = (b);                                                                    \
        a_ < b_ ? a_ : b_;                                                                         \
    })

#define max_of(a, b)                                                                               \
    __extension__({                                                                                \
        __typeof__(a) a_ = (a);                                                                    \
        __typeof__(b) b_ = (b);                                                                    \
        a_ > b_ ? a_ : b_;                                                                         \
    })

#define printf_like(text, first) __attribute__((format(printf, text, first)))

#endif
