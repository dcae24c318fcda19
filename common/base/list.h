/* An intrusive circular doubly linked list. A link is in at most one list; a link that is in none
 * points to itself, so removing it twice is harmless. */
#ifndef VMRECLAIM_COMMON_BASE_LIST_H
#define VMRECLAIM_COMMON_BASE_LIST_H

#include <stdbool.h>

#include "common/base/util.h"

struct list {
    struct list *next;
    struct list *previous;
};

static inline void list_init(struct list *link)
{
    link->next = link;
    link->previous = link;
}

static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}

/* Adds a link before `head`: at the end when `head` is the list's head. */
static inline void list_append(struct list *head, struct list *link)
{
    link->previous = head->previous;
    link->next = head;
    head->previous->next = link;
    head->previous = link;
}

static inline void list_prepend(struct list *head, struct list *link)
{
    list_append(head->next, link);
}

static inline void list_remove(struct list *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    list_init(link);
}

/* Leaves the head and each link empty. */
static inline void list_remove_all(struct list *head)
{
    while (!list_is_empty(head))
        list_remove(head->next);
}

#define list_entry(link, type, member) container_of(link, type, member)

#define list_for_each(link, head)                                                                  \
    for (struct list *link = (head)->next; link != (head); link = link->next)

/* The current link may be removed and freed in the body. */
#define list_for_each_safe(link, following, head)                                                  \
    for (struct list *link = (head)->next, *following = link->next; link != (head);                \
         link = following, following = link->next)

#endif
