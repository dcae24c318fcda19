/* Standing by CID. */
#include "controller/guests/strangers.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/util.h"

struct stranger {
    struct hash_link by_cid;
    struct list link;
    uint32_t cid;
    struct agent_standing standing;
};

void strangers_init(struct strangers *strangers)
{
    *strangers = (struct strangers){0};
    hash_table_init(&strangers->by_cid);
    list_init(&strangers->by_age);
}

/* Each is found by its CID and by its age. */
static void check(const struct strangers *strangers)
{
    assert(strangers->count == strangers->by_cid.count && strangers->count <= STRANGERS_MAX);
    assert((strangers->count == 0) == list_is_empty(&strangers->by_age));
}

static struct stranger *oldest(struct strangers *strangers)
{
    assert(strangers->count > 0);
    return list_entry(strangers->by_age.next, struct stranger, link);
}

static void forget(struct strangers *strangers, struct stranger *stranger)
{
    hash_table_remove(&strangers->by_cid, &stranger->by_cid);
    list_remove(&stranger->link);
    strangers->count--;
    free(stranger);
}

void strangers_finish(struct strangers *strangers)
{
    while (!list_is_empty(&strangers->by_age))
        forget(strangers, oldest(strangers));
    check(strangers);
    hash_table_finish(&strangers->by_cid);
}

static struct stranger *find(const struct strangers *strangers, uint32_t cid)
{
    struct hash_link *link = hash_table_first(&strangers->by_cid, hash_number(cid));

    for (; link != NULL; link = hash_table_next(link)) {
        struct stranger *stranger = container_of(link, struct stranger, by_cid);

        if (stranger->cid == cid)
            return stranger;
    }
    return NULL;
}

static struct stranger *add(struct strangers *strangers, uint32_t cid)
{
    struct stranger *stranger = calloc(1, sizeof(*stranger));

    if (stranger == NULL)
        return NULL;
    stranger->cid = cid;
    list_init(&stranger->link);
    if (hash_table_add(&strangers->by_cid, &stranger->by_cid, hash_number(cid)) < 0) {
        free(stranger);
        return NULL;
    }
    strangers->count++;
    return stranger;
}

void strangers_remember(struct strangers *strangers, uint32_t cid,
                        const struct agent_standing *standing)
{
    struct stranger *stranger = find(strangers, cid);

    if (stranger == NULL && strangers->count >= STRANGERS_MAX)
        forget(strangers, oldest(strangers));
    if (stranger == NULL)
        stranger = add(strangers, cid);
    if (stranger == NULL)
        return;
    stranger->standing = *standing;
    list_remove(&stranger->link);
    list_append(&strangers->by_age, &stranger->link);
    check(strangers);
}

const struct agent_standing *strangers_find(const struct strangers *strangers, uint32_t cid)
{
    const struct stranger *stranger = find(strangers, cid);

    return stranger == NULL ? NULL : &stranger->standing;
}
