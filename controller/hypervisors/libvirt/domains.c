/* The domains of a libvirt daemon: which run, and what is new of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/hypervisors/libvirt/host.h"
#include "controller/hypervisors/libvirt/look.h"

struct domain *domain_find(const struct host *host, const char *uuid)
{
    for (struct hash_link *link = hash_table_first(&host->by_uuid, hash_text(uuid)); link != NULL;
         link = hash_table_next(link)) {
        struct domain *domain = container_of(link, struct domain, by_uuid);

        if (strcmp(domain->uuid, uuid) == 0)
            return domain;
    }
    return NULL;
}

/* ---- what is to be reported ---- */

static void add_news(struct domain *domain)
{
    if (list_is_empty(&domain->news_link))
        list_append(&domain->host->news, &domain->news_link);
}

void domain_went(struct domain *domain)
{
    if (domain->is_gone)
        return;
    domain->is_gone = true;
    hash_table_remove(&domain->host->by_uuid, &domain->by_uuid);
    add_news(domain);
}

static void tell(struct domain *domain)
{
    struct host *host = domain->host;
    bool is_restarted = domain->is_restarted;
    bool is_news = domain->is_news;
    bool job_is_news = domain->job_is_news;

    domain->is_restarted = false;
    domain->is_news = false;
    domain->job_is_news = false;
    if (domain->is_gone || is_restarted)
        sessions_fail(domain, -ESRCH, domain->is_gone ? "it is shut off" : "it was started anew");
    else if (job_is_news)
        sessions_tell(domain, DRIVER_EVENT_MIGRATION);
    if (domain->is_gone)
        discoveries_tell_gone(host, domain);
    else if (is_news)
        discoveries_tell(host, domain);
}

/* Whoever is notified may open and close whatever there is. */
void domains_tell(struct host *host)
{
    while (!list_is_empty(&host->news)) {
        struct domain *domain = list_entry(host->news.next, struct domain, news_link);

        tell(domain);
        list_remove(&domain->news_link);
        if (domain->is_gone)
            domain_release(domain);
    }
}

static bool replace_text(char *text, const char *by, size_t size)
{
    if (strcmp(text, by) == 0)
        return false;
    text_copy(text, size, by);
    return true;
}

void domain_take_facts(struct domain *domain, const struct driver_facts *facts)
{
    bool is_news = domain->guest_cid != facts->guest_cid || domain->backing != facts->backing;

    is_news = replace_text(domain->title, facts->title, sizeof(domain->title)) || is_news;
    is_news = replace_text(domain->labels, facts->labels, sizeof(domain->labels)) || is_news;
    domain->guest_cid = facts->guest_cid;
    domain->backing = facts->backing;
    domain->capabilities = facts->capabilities;
    if (is_news && !domain->is_gone) {
        domain->is_news = true;
        add_news(domain);
    }
}

/* ---- looks ---- */

static struct domain *add(struct host *host, const struct look_domain *seen)
{
    struct domain *domain = calloc(1, sizeof(*domain));

    if (domain == NULL)
        return NULL;
    domain->host = host;
    memcpy(domain->uuid, seen->uuid, sizeof(domain->uuid));
    domain->id = seen->id;
    if (hash_table_add(&host->by_uuid, &domain->by_uuid, hash_text(domain->uuid)) < 0) {
        free(domain);
        return NULL;
    }
    list_append(&host->domains, &domain->link);
    list_init(&domain->news_link);
    list_init(&domain->sessions);
    call_line_init(&domain->line);
    domain->is_news = true;
    return domain;
}

void domain_is_troubled(struct domain *domain, nsec_t now)
{
    struct host *host = domain->host;

    if (!host->has_troubled)
        host->troubled_next = now + TROUBLED_INTERVAL;
    domain->is_troubled = true;
    host->has_troubled = true;
}

static void take_control(struct domain *domain, const struct look_domain *seen, nsec_t now)
{
    if (domain->is_troubled && seen->is_askable)
        domain->heard = now;
    domain->is_troubled = !seen->is_askable;
    domain->job_is_news = domain->job_is_news || domain->has_job != seen->has_job;
    domain->has_job = seen->has_job;
}

static void take_one(struct host *host, const struct look_domain *seen, nsec_t now)
{
    struct domain *domain = domain_find(host, seen->uuid);

    if (domain == NULL)
        domain = add(host, seen);
    if (domain == NULL)
        return; /* the next look tries again */
    domain->is_seen = true;
    domain->is_restarted = domain->is_restarted || domain->id != seen->id;
    domain->is_news = domain->is_news || domain->is_restarted || domain->pid != seen->pid ||
                      strcmp(domain->name, seen->name) != 0;
    domain->id = seen->id;
    domain->pid = seen->pid;
    memcpy(domain->name, seen->name, sizeof(domain->name));
    if (seen->is_askable && !host->is_up)
        domain->heard = now; /* the daemon is here again */
    take_control(domain, seen, now);
    if (domain->is_news || domain->job_is_news)
        add_news(domain);
}

static void note_troubled(struct host *host)
{
    host->has_troubled = false;
    list_for_each (link, &host->domains) {
        const struct domain *domain = list_entry(link, struct domain, link);

        if (domain->is_troubled && !domain->is_gone)
            host->has_troubled = true;
    }
}

static void drop_unseen(struct host *host)
{
    list_for_each (link, &host->domains) {
        struct domain *domain = list_entry(link, struct domain, link);

        if (!domain->is_seen)
            domain_went(domain);
    }
}

void domains_take(struct host *host, const struct look *look, nsec_t now)
{
    list_for_each (link, &host->domains)
        list_entry(link, struct domain, link)->is_seen = false;
    for (size_t i = 0; i < look->count; i++)
        if (look->kind != LOOK_TROUBLED || domain_find(host, look->domains[i].uuid) != NULL)
            take_one(host, &look->domains[i], now);
    if (look->kind != LOOK_TROUBLED)
        drop_unseen(host);
    note_troubled(host);
}

/* ---- life ---- */

static void destroy(struct domain *domain)
{
    hash_table_remove(&domain->host->by_uuid, &domain->by_uuid);
    list_remove(&domain->link);
    list_remove(&domain->news_link);
    free(domain);
}

void domain_release(struct domain *domain)
{
    if (domain->is_gone && call_line_is_idle(&domain->line) && list_is_empty(&domain->sessions) &&
        list_is_empty(&domain->news_link))
        destroy(domain);
}

void domains_finish(struct host *host)
{
    list_for_each_safe (link, following, &host->domains)
        destroy(list_entry(link, struct domain, link));
    hash_table_finish(&host->by_uuid);
}
