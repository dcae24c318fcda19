/* An intrusive hash table with chains. Entries embed a `struct hash_link`; keys stay theirs. */
#ifndef VMRECLAIM_COMMON_BASE_HASH_H
#define VMRECLAIM_COMMON_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hash_link {
    struct hash_link *next;
    uint64_t hash;
    bool linked;
};

struct hash_table {
    struct hash_link **buckets;
    size_t bucket_count; /* a power of two, or 0 */
    size_t count;
};

void hash_table_init(struct hash_table *table);
void hash_table_finish(struct hash_table *table);

/* Not for keys that an attacker chooses in number. */
uint64_t hash_text(const char *text);
uint64_t hash_number(uint64_t number);

/* -ENOMEM: nothing was added. */
int hash_table_add(struct hash_table *table, struct hash_link *link, uint64_t hash);

/* A link that is in no table is fine. */
void hash_table_remove(struct hash_table *table, struct hash_link *link);

/* The first link with `hash`; go on with hash_table_next while keys differ. */
struct hash_link *hash_table_first(const struct hash_table *table, uint64_t hash);
struct hash_link *hash_table_next(const struct hash_link *link);

#endif
