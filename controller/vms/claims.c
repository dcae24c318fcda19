/* Claims of VM files. */
#include "controller/vms/claims.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hash.h"
#include "common/base/util.h"

/* One claim of one definition on a name, UUID, CID, hypervisor or agent. */
struct claim {
    struct hash_link link;
    const char *what;
    char value[160];
    const struct vm_definition *owner;
};

static int add_claim(struct hash_table *table, struct claim *claim, const char *what,
                     const char *value, const struct vm_definition *owner, struct error *error)
{
    uint64_t hash;

    claim->what = what;
    claim->owner = owner;
    snprintf(claim->value, sizeof(claim->value), "%s", value);
    hash = hash_text(claim->value) ^ hash_text(what);
    for (struct hash_link *link = hash_table_first(table, hash); link != NULL;
         link = hash_table_next(link)) {
        const struct claim *other = container_of(link, struct claim, link);

        if (strcmp(other->what, what) == 0 && strcmp(other->value, claim->value) == 0)
            return error_set(error, -EEXIST, "%s: %s %s is already given in %s", owner->source,
                             what, claim->value, other->owner->source);
    }
    return hash_table_add(table, &claim->link, hash) < 0
               ? error_set(error, -ENOMEM, "out of memory")
               : 0;
}

#define CLAIMS_PER_DEFINITION 5

static int add_claims(struct hash_table *table, struct claim *claims,
                      const struct vm_definition *definition, struct error *error)
{
    char cid[16];
    int r = add_claim(table, &claims[0], "name", definition->name, definition, error);

    snprintf(cid, sizeof(cid), "%" PRIu32, definition->cid);
    if (r == 0 && definition->uuid[0] != '\0')
        r = add_claim(table, &claims[1], "uuid", definition->uuid, definition, error);
    if (r == 0 && definition->cid != 0)
        r = add_claim(table, &claims[2], "cid", cid, definition, error);
    if (r == 0 && definition->hypervisor.driver != NULL)
        r = add_claim(table, &claims[3], "hypervisor", definition->hypervisor.text, definition,
                      error);
    if (r == 0 && definition->agent != NULL)
        r = add_claim(table, &claims[4], "agent", definition->agent, definition, error);
    return r;
}

const struct vm_definition *claimant_stands(const struct claimant *claimant)
{
    return claimant->refused || claimant->next == NULL ? claimant->now : claimant->next;
}

/* A round of claims. */
struct round {
    struct hash_table table;
    struct claim *claims; /* CLAIMS_PER_DEFINITION for each */
};

/* Only those that change anything, or only the others. -EEXIST: one had to be refused, which calls
 * for another round: what stands of it instead may be in the way of those before. */
static int claim_all(struct round *round, struct claimant *claimants, size_t count, bool changes)
{
    for (size_t i = 0; i < count; i++) {
        struct claimant *claimant = &claimants[i];
        const struct vm_definition *definition = claimant_stands(claimant);
        struct error error;
        int r;

        if (definition == NULL || (definition == claimant->next) != changes)
            continue;
        r = add_claims(&round->table, &round->claims[i * CLAIMS_PER_DEFINITION], definition,
                       &error);
        if (r == -EEXIST && changes) {
            assert(!claimant->refused); /* so there are no more rounds than changes */
            claimant->refused = true;
            claimant->error = error;
        }
        if (r < 0)
            return r;
    }
    return 0;
}

int claims_settle(struct claimant *claimants, size_t count, struct error *error)
{
    struct round round = {0};
    int r;

    do {
        round.claims = calloc(count * CLAIMS_PER_DEFINITION + 1, sizeof(*round.claims));
        if (round.claims == NULL)
            return error_set(error, -ENOMEM, "out of memory");
        hash_table_init(&round.table);
        r = claim_all(&round, claimants, count, false);
        assert(r != -EEXIST); /* they are in force together */
        if (r == 0)
            r = claim_all(&round, claimants, count, true);
        hash_table_finish(&round.table);
        free(round.claims);
    } while (r == -EEXIST);
    return r < 0 ? error_set(error, r, "out of memory") : 0;
}
