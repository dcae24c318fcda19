/* Texts in messages. */
#ifndef VMRECLAIM_CONTROLLER_MESSAGES_TEXT_H
#define VMRECLAIM_CONTROLLER_MESSAGES_TEXT_H

#include <stddef.h>

/* protobuf-c's strings are not const; packing does not write to them. */
static inline char *message_text(const char *text)
{
    return (char *)text;
}

/* How many texts a NULL-terminated list has; NULL has none. */
static inline size_t message_count(char *const *texts)
{
    size_t count = 0;

    while (texts != NULL && texts[count] != NULL)
        count++;
    return count;
}

#endif
