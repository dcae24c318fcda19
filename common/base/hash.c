/* Chained hash table. */
#include "common/base/hash.h"

#include <errno.h>
#include <stdlib.h>

#define BUCKETS_MIN 16

void hash_table_init(struct hash_table *table)
{
    *table = (struct hash_table){0};
}

void hash_table_finish(struct hash_table *table)
{
    free(table->buckets);
    hash_table_init(table);
}

uint64_t hash_number(uint64_t number)
{
    /* The finalizer of SplitMix64. */
    number ^= number >> 30;
    number *= 0xbf58476d1ce4e5b9u;
    number ^= number >> 27;
    number *= 0x94d049bb133111ebu;
    return number ^ (number >> 31);
}

uint64_t hash_text(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */

    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash_number(hash);
}

static void push(struct hash_table *table, struct hash_link *link)
{
    struct hash_link **bucket = &table->buckets[link->hash & (table->bucket_count - 1)];

    link->next = *bucket;
    *bucket = link;
}

static int grow(struct hash_table *table)
{
    struct hash_table larger = {
        .bucket_count = table->bucket_count == 0 ? BUCKETS_MIN : table->bucket_count * 2,
        .count = table->count,
    };

    larger.buckets = calloc(larger.bucket_count, sizeof(*larger.buckets));
    if (larger.buckets == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < table->bucket_count; i++) {
        struct hash_link *link = table->buckets[i];

        while (link != NULL) {
            struct hash_link *next = link->next;

            push(&larger, link);
            link = next;
        }
    }
    free(table->buckets);
    *table = larger;
    return 0;
}

int hash_table_add(struct hash_table *table, struct hash_link *link, uint64_t hash)
{
    if (table->count >= table->bucket_count) {
        int r = grow(table);

        /* A full table still works, only slower; an empty one does not. */
        if (r < 0 && table->bucket_count == 0)
            return r;
    }
    link->hash = hash;
    link->linked = true;
    push(table, link);
    table->count++;
    return 0;
}

void hash_table_remove(struct hash_table *table, struct hash_link *link)
{
    struct hash_link **position;

    if (!link->linked)
        return;
    position = &table->buckets[link->hash & (table->bucket_count - 1)];
    while (*position != link)
        position = &(*position)->next;
    *position = link->next;
    link->linked = false;
    table->count--;
}

struct hash_link *hash_table_first(const struct hash_table *table, uint64_t hash)
{
    struct hash_link *link;

    if (table->bucket_count == 0)
        return NULL;
    link = table->buckets[hash & (table->bucket_count - 1)];
    while (link != NULL && link->hash != hash)
        link = link->next;
    return link;
}

struct hash_link *hash_table_next(const struct hash_link *link)
{
    struct hash_link *next = link->next;

    while (next != NULL && next->hash != link->hash)
        next = next->next;
    return next;
}
