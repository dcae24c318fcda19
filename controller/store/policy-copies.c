/* Copies in one allocation each. */
#include "controller/store/policy-copies.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/util.h"

/* Moves the text that `field` points to behind the structure. */
static char *move_text(const char **field, char *room)
{
    size_t size = strlen(*field) + 1;

    memcpy(room, *field, size);
    *field = room;
    assert(strlen(room) + 1 == size);
    return room + size;
}

size_t policy_revision_size(const struct policy_revision *revision)
{
    return sizeof(*revision) + strlen(revision->name) + strlen(revision->author) +
           strlen(revision->hash) + strlen(revision->source_name) + strlen(revision->text) + 5;
}

static size_t size_of_assignment(const struct policy_assignment *assignment)
{
    return sizeof(*assignment) + strlen(assignment->selector) + strlen(assignment->policy) +
           strlen(assignment->author) + 3;
}

struct policy_revision *policy_revision_copy(const struct policy_revision *revision)
{
    struct policy_revision *copy = malloc(policy_revision_size(revision));
    char *room;

    if (copy == NULL)
        return NULL;
    *copy = *revision;
    room = move_text(&copy->name, (char *)(copy + 1));
    room = move_text(&copy->author, room);
    room = move_text(&copy->hash, room);
    room = move_text(&copy->source_name, room);
    (void)move_text(&copy->text, room);
    return copy;
}

struct policy_assignment *policy_assignment_copy(const struct policy_assignment *assignment)
{
    struct policy_assignment *copy = malloc(size_of_assignment(assignment));
    char *room;

    if (copy == NULL)
        return NULL;
    *copy = *assignment;
    room = move_text(&copy->selector, (char *)(copy + 1));
    room = move_text(&copy->policy, room);
    (void)move_text(&copy->author, room);
    return copy;
}

static int add(struct store_list *list, void *copy)
{
    if (copy != NULL && store_list_add(list, copy) == 0)
        return 0;
    free(copy);
    return -ENOMEM;
}

/* Room for one more of so many bytes. */
static bool take_room(struct policy_copies *copies, size_t size)
{
    size_t count = copies->revisions.count + copies->assignments.count;

    assert(copies->limit == 0 || count <= copies->limit);
    copies->is_full = (copies->limit != 0 && count >= copies->limit) ||
                      (copies->bytes_max != 0 && count > 0 &&
                       size > copies->bytes_max - min_of(copies->bytes, copies->bytes_max));
    if (!copies->is_full)
        copies->bytes += size;
    return !copies->is_full;
}

int policy_copies_add_revision(const struct policy_revision *revision, void *userdata)
{
    struct policy_copies *copies = userdata;

    return take_room(copies, policy_revision_size(revision))
               ? add(&copies->revisions, policy_revision_copy(revision))
               : -ENOBUFS;
}

int policy_copies_add_assignment(const struct policy_assignment *assignment, void *userdata)
{
    struct policy_copies *copies = userdata;

    return take_room(copies, size_of_assignment(assignment))
               ? add(&copies->assignments, policy_assignment_copy(assignment))
               : -ENOBUFS;
}

void policy_copies_show(const struct policy_copies *copies, struct store_policies *policies)
{
    policies->revisions = (struct policy_revision **)copies->revisions.items;
    policies->revision_count = copies->revisions.count;
    policies->assignments = (struct policy_assignment **)copies->assignments.items;
    policies->assignment_count = copies->assignments.count;
}

static void finish(struct store_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free((void *)list->items);
    *list = (struct store_list){0};
}

void policy_copies_finish(struct policy_copies *copies)
{
    finish(&copies->revisions);
    finish(&copies->assignments);
}
