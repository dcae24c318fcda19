/* The coordinator, its rollouts, its hosts: a call after the other, each page taken as it comes. */
#include "controller/web/fleet-rounds.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/message/copy.h"
#include "fleet.pb-c.h"

#define CALL_TIMEOUT (3 * NSEC_PER_SEC) /* with the next one less than a scraper waits */
#define ROUND_MAX    (4 * NSEC_PER_SEC) /* no further page is asked for then */
#define SHARE        20                 /* a round takes no more than that part of the time */

enum { PAGE_HOSTS = 500 };

#define OF(name) Vmreclaim__Fleet__V1__##name

const char *fleet_state_name(unsigned state, char buffer[FLEET_STATE_SIZE])
{
    static const char prefix[] = "ROLLOUT_";
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(
        &vmreclaim__fleet__v1__rollout_state__descriptor, (int)state);
    size_t length = 0;

    if (value == NULL)
        return NULL;
    for (const char *c = value->name + strlen(prefix); *c != '\0' && length + 1 < FLEET_STATE_SIZE;
         c++)
        buffer[length++] = (char)tolower((unsigned char)*c);
    buffer[length] = '\0';
    return buffer;
}

/* ---- what comes ---- */

/* Each takes an answer. `*ret_token`: of the next page, "" or NULL: that was all. */

static int take_coordinator(struct fleet_facts *facts, const ProtobufCMessage *message,
                            const char **ret_token)
{
    facts->coordinator = (OF(GetCoordinatorResponse) *)(void *)message_copy(message);
    return facts->coordinator == NULL ? -ENOMEM : 0;
}

static int take_rollouts(struct fleet_facts *facts, const ProtobufCMessage *message,
                         const char **ret_token)
{
    const OF(ListRolloutsResponse) *page = (const void *)message;

    for (size_t i = 0; i < page->n_rollouts; i++)
        if ((unsigned)page->rollouts[i]->state < FLEET_STATES)
            facts->rollouts[page->rollouts[i]->state]++;
    *ret_token = page->next_page_token;
    return 0;
}

static int take_hosts(struct fleet_facts *facts, const ProtobufCMessage *message,
                      const char **ret_token)
{
    const OF(ListHostsResponse) *page = (const void *)message;
    int r = 0;

    for (size_t i = 0; i < page->n_hosts && r == 0; i++)
        r = host_table_take(&facts->hosts, page->hosts[i]);
    *ret_token = page->next_page_token;
    return r;
}

static const struct step {
    const char *method;
    int (*take)(struct fleet_facts *facts, const ProtobufCMessage *message, const char **ret_token);
} steps[] = {
    {"GetCoordinator", take_coordinator},
    {"ListRollouts", take_rollouts},
    {"ListHosts", take_hosts},
};

static void finish_facts(struct fleet_facts *facts)
{
    message_free((ProtobufCMessage *)facts->coordinator);
    host_table_finish(&facts->hosts);
    *facts = (struct fleet_facts){.coordinator = NULL};
}

/* ---- a round ---- */

/* The callback may wait again. */
static void end(struct fleet_rounds *rounds, enum ttrpc_code status, const char *words)
{
    struct list waiting;

    free(rounds->token);
    rounds->token = NULL;
    rounds->status = status;
    if (status == TTRPC_OK) {
        finish_facts(&rounds->facts);
        rounds->facts = rounds->coming;
        rounds->coming = (struct fleet_facts){.coordinator = NULL};
        rounds->made = time_monotonic();
        rounds->took = rounds->made - rounds->begun;
        rounds->number++;
    } else {
        finish_facts(&rounds->coming);
        (void)error_set(&rounds->problem, -EIO, "%s",
                        words[0] != '\0' ? words : ttrpc_code_name(status));
    }
    list_init(&waiting);
    while (!list_is_empty(&rounds->waiting)) {
        struct list *link = rounds->waiting.next;

        list_remove(link);
        list_append(&waiting, link);
    }
    while (!list_is_empty(&waiting)) {
        struct fleet_waiter *waiter = list_entry(waiting.next, struct fleet_waiter, link);

        list_remove(&waiter->link);
        waiter->on_round(waiter->userdata);
    }
}

static void fail(struct fleet_rounds *rounds, int r)
{
    end(rounds, ttrpc_code_of_errno(r),
        r == -EMSGSIZE ? "the fleet's hosts say more of themselves than is read here"
                       : strerror(-r));
}

static void on_result(const struct ttrpc_result *result, void *userdata);

static int ask(struct fleet_rounds *rounds)
{
    OF(GetCoordinatorRequest) coordinator = VMRECLAIM__FLEET__V1__GET_COORDINATOR_REQUEST__INIT;
    OF(ListRolloutsRequest) rollouts = VMRECLAIM__FLEET__V1__LIST_ROLLOUTS_REQUEST__INIT;
    OF(ListHostsRequest) hosts = VMRECLAIM__FLEET__V1__LIST_HOSTS_REQUEST__INIT;
    const ProtobufCMessage *const messages[] = {&coordinator.base, &rollouts.base, &hosts.base};
    const struct fetch_request fetch = {
        .method = steps[rounds->step].method,
        .form = FETCH_ONE,
        .message = messages[rounds->step],
        .timeout = CALL_TIMEOUT,
        .on_end = on_result,
        .userdata = rounds,
    };

    hosts.page_size = PAGE_HOSTS;
    if (rounds->token != NULL)
        hosts.page_token = rollouts.page_token = rounds->token;
    return fetch_start(rounds->fetcher, &fetch, &rounds->fetch);
}

/* -EPROTO: a page is to be followed by itself. */
static int go_on(struct fleet_rounds *rounds, const char *token)
{
    bool has_more = token != NULL && token[0] != '\0';

    if (has_more && rounds->token != NULL && strcmp(token, rounds->token) == 0)
        return -EPROTO;
    if (time_monotonic() - rounds->begun > ROUND_MAX)
        return -ETIMEDOUT;
    free(rounds->token);
    rounds->token = has_more ? strdup(token) : NULL;
    if (has_more && rounds->token == NULL)
        return -ENOMEM;
    rounds->step += !has_more;
    if (rounds->step < ARRAY_SIZE(steps))
        return ask(rounds);
    end(rounds, TTRPC_OK, "");
    return 0;
}

static void on_result(const struct ttrpc_result *result, void *userdata)
{
    struct fleet_rounds *rounds = userdata;
    const char *token = NULL;
    int r;

    rounds->fetch = NULL;
    if (result->code != TTRPC_OK) {
        end(rounds, result->code, result->message);
        return;
    }
    r = steps[rounds->step].take(&rounds->coming, result->response, &token);
    if (r == 0)
        r = go_on(rounds, token);
    if (r < 0)
        fail(rounds, r);
}

/* ---- for those who ask ---- */

bool fleet_rounds_are_fresh(const struct fleet_rounds *rounds)
{
    nsec_t fresh = max_of(FLEET_FRESH, SHARE * rounds->took);

    return rounds->made != 0 && rounds->status == TTRPC_OK &&
           time_monotonic() - rounds->made < fresh;
}

int fleet_rounds_wait(struct fleet_rounds *rounds, struct fleet_waiter *waiter)
{
    int r = 0;

    if (rounds->fetch == NULL) {
        rounds->step = 0;
        rounds->begun = time_monotonic();
        r = ask(rounds);
    }
    if (r == 0)
        list_append(&rounds->waiting, &waiter->link);
    return r;
}

void fleet_rounds_leave(struct fleet_waiter *waiter)
{
    list_remove(&waiter->link);
}

void fleet_rounds_init(struct fleet_rounds *rounds, struct fetcher *fetcher)
{
    *rounds = (struct fleet_rounds){.fetcher = fetcher};
    list_init(&rounds->waiting);
}

void fleet_rounds_finish(struct fleet_rounds *rounds)
{
    assert(list_is_empty(&rounds->waiting));
    if (rounds->fetch != NULL)
        fetch_cancel(rounds->fetch);
    free(rounds->token);
    finish_facts(&rounds->facts);
    finish_facts(&rounds->coming);
}
