/* The pairing heap: a tree where each node is due no later than its children. Melding two trees is
 * one comparison; taking the root out melds its children in pairs. */
#include "common/ttrpc/deadline.h"

#include <assert.h>
#include <stddef.h>

static void link_to(struct deadline **incoming, struct deadline *deadline)
{
    *incoming = deadline;
    if (deadline != NULL)
        deadline->incoming = incoming;
}

/* Both without siblings, neither NULL. */
static struct deadline *meld(struct deadline *a, struct deadline *b)
{
    struct deadline *parent = a->due <= b->due ? a : b;
    struct deadline *child = parent == a ? b : a;

    link_to(&child->sibling, parent->child);
    link_to(&parent->child, child);
    return parent;
}

/* Melds a list of siblings into one tree: pairs from the left, then all from the right. */
static struct deadline *meld_siblings(struct deadline *first)
{
    struct deadline *pairs = NULL;
    struct deadline *tree = NULL;

    while (first != NULL) {
        struct deadline *a = first;
        struct deadline *b = a->sibling;

        first = b == NULL ? NULL : b->sibling;
        a->sibling = NULL;
        if (b != NULL) {
            b->sibling = NULL;
            a = meld(a, b);
        }
        a->sibling = pairs;
        pairs = a;
    }
    while (pairs != NULL) {
        struct deadline *following = pairs->sibling;

        pairs->sibling = NULL;
        tree = tree == NULL ? pairs : meld(tree, pairs);
        pairs = following;
    }
    return tree;
}

void deadline_clear(struct deadline_queue *queue, struct deadline *deadline)
{
    struct deadline *rest;

    if (!deadline_is_set(deadline))
        return;
    assert(*deadline->incoming == deadline);
    assert(deadline->child == NULL || deadline->child->due >= deadline->due);
    link_to(deadline->incoming, deadline->sibling);
    deadline->incoming = NULL;
    deadline->sibling = NULL;
    rest = meld_siblings(deadline->child);
    deadline->child = NULL;
    if (rest != NULL)
        link_to(&queue->first, queue->first == NULL ? rest : meld(queue->first, rest));
}

void deadline_set(struct deadline_queue *queue, struct deadline *deadline, nsec_t due)
{
    deadline_clear(queue, deadline);
    deadline->due = due;
    link_to(&queue->first, queue->first == NULL ? deadline : meld(queue->first, deadline));
    assert(deadline_is_set(deadline) && queue->first->due <= due);
}

nsec_t deadline_next(const struct deadline_queue *queue)
{
    return queue->first == NULL ? NSEC_INFINITY : queue->first->due;
}

void deadline_expire(struct deadline_queue *queue, nsec_t now)
{
    while (queue->first != NULL && queue->first->due <= now) {
        struct deadline *deadline = queue->first;

        deadline_clear(queue, deadline);
        assert(!deadline_is_set(deadline));
        deadline->on_expire(deadline);
    }
}
