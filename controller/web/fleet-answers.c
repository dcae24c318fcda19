/* Questions, and who waits for a round to have them answered. */
#include "controller/web/fleet-answers.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "controller/json/json.h"
#include "controller/web/api.h"
#include "controller/web/host-view.h"
#include "controller/web/reply.h"
#include "controller/web/shared.h"

/* Different questions at once; each costs an order of all hosts. */
enum { ANSWERS_MAX = 16 };

struct answer {
    struct list link;
    struct host_query query;
    uint64_t round; /* that it was made of; 0: none */
    struct shared shared;
};

/* ---- JSON ---- */

static json_t *rollouts_json(const struct fleet_facts *facts)
{
    json_t *object = json_object();
    char name[FLEET_STATE_SIZE];

    for (unsigned i = 0; i < FLEET_STATES && object != NULL; i++) {
        if (facts->rollouts[i] == 0 || fleet_state_name(i, name) == NULL)
            continue;
        if (json_object_set_new(object, name, json_integer((json_int_t)facts->rollouts[i])) < 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

/* NULL: no memory. */
static char *render(const struct fleet_facts *facts, const struct host_query *query)
{
    json_t *answer = host_view(&facts->hosts, query);
    json_t *coordinator = NULL;
    char *text = NULL;

    if (answer != NULL && json_from_message(&facts->coordinator->base, &coordinator) == 0 &&
        json_object_set_new(answer, "coordinator", coordinator) == 0 &&
        json_object_set_new(answer, "rollouts", rollouts_json(facts)) == 0)
        text = json_dumps(answer, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(answer);
    return text;
}

static char *render_error(const char *words)
{
    json_t *answer = json_object();
    char *text = NULL;

    if (answer != NULL &&
        json_object_set_new(answer, "error", json_text(words, strlen(words))) == 0)
        text = json_dumps(answer, JSON_COMPACT);
    json_decref(answer);
    return text;
}

static void refuse(struct request *request, unsigned status, const char *words)
{
    char *text = render_error(words);

    request_answer(request, status,
                   text == NULL ? NULL : reply_create(REPLY_JSON, text, strlen(text)));
}

/* ---- answers ---- */

static void make(struct fleet_answers *answers, struct answer *answer)
{
    const struct fleet_rounds *rounds = answers->rounds;
    bool is_good = rounds->status == TTRPC_OK && rounds->number > 0;
    char *text =
        is_good ? render(&rounds->facts, &answer->query) : render_error(rounds->problem.text);

    answer->round = is_good ? rounds->number : 0;
    shared_put(&answer->shared, is_good ? MHD_HTTP_OK : api_status(rounds->status), text,
               text == NULL ? 0 : strlen(text), true);
}

static void on_round(void *userdata)
{
    struct fleet_answers *answers = userdata;

    answers->waits = false;
    list_for_each (link, &answers->answers) {
        struct answer *answer = list_entry(link, struct answer, link);

        if (shared_has_waiters(&answer->shared))
            make(answers, answer);
    }
}

static void destroy(struct fleet_answers *answers, struct answer *answer)
{
    shared_finish(&answer->shared);
    list_remove(&answer->link);
    answers->count--;
    free(answer);
}

/* The oldest that nobody waits for goes. */
static void make_room(struct fleet_answers *answers)
{
    list_for_each_safe (link, following, &answers->answers) {
        struct answer *answer = list_entry(link, struct answer, link);

        if (answers->count < ANSWERS_MAX)
            return;
        if (!shared_has_waiters(&answer->shared))
            destroy(answers, answer);
    }
}

/* NULL: no memory, or too many questions at once. */
static struct answer *get_answer(struct fleet_answers *answers, const struct host_query *query)
{
    struct answer *answer;

    list_for_each (link, &answers->answers) {
        answer = list_entry(link, struct answer, link);
        if (memcmp(&answer->query, query, sizeof(*query)) != 0)
            continue;
        list_remove(&answer->link);
        list_append(&answers->answers, &answer->link);
        return answer;
    }
    make_room(answers);
    answer = answers->count >= ANSWERS_MAX ? NULL : calloc(1, sizeof(*answer));
    if (answer == NULL)
        return NULL;
    memcpy(&answer->query, query, sizeof(*query));
    shared_init(&answer->shared, REPLY_JSON);
    list_append(&answers->answers, &answer->link);
    answers->count++;
    return answer;
}

/* ---- requests ---- */

struct arguments {
    struct host_query query;
    struct error error;
    int r;
};

static bool on_argument(const char *name, const char *value, void *userdata)
{
    struct arguments *arguments = userdata;

    arguments->r = host_query_set(&arguments->query, name, value, &arguments->error);
    return arguments->r == 0;
}

static void wait_for_round(struct fleet_answers *answers, struct answer *answer,
                           struct request *request)
{
    int r = answers->waits ? 0 : fleet_rounds_wait(answers->rounds, &answers->waiter);

    if (r < 0) {
        refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE,
               r == -EPIPE ? answers->rounds->fetcher->upstream->problem.text
                           : "too much is asked at once; try again");
        return;
    }
    answers->waits = true;
    shared_wait(&answer->shared, request);
}

void fleet_answers_give(struct fleet_answers *answers, struct request *request)
{
    struct fleet_rounds *rounds = answers->rounds;
    struct arguments arguments;
    struct answer *answer;

    if (rounds->fetcher->upstream->is_none) {
        refuse(request, MHD_HTTP_NOT_FOUND, rounds->fetcher->upstream->problem.text);
        return;
    }
    memset(&arguments, 0, sizeof(arguments));
    arguments.query.limit = HOST_VIEW_LIMIT;
    request_each_argument(request, on_argument, &arguments);
    if (arguments.r < 0) {
        refuse(request, MHD_HTTP_BAD_REQUEST, arguments.error.text);
        return;
    }
    answer = get_answer(answers, &arguments.query);
    if (answer == NULL) {
        refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, "too much is asked at once; try again");
        return;
    }
    if (!fleet_rounds_are_fresh(rounds)) {
        wait_for_round(answers, answer, request);
        return;
    }
    if (answer->round != rounds->number)
        make(answers, answer);
    shared_answer(&answer->shared, request);
}

void fleet_answers_init(struct fleet_answers *answers, struct fleet_rounds *rounds)
{
    *answers = (struct fleet_answers){.rounds = rounds};
    answers->waiter = (struct fleet_waiter){.on_round = on_round, .userdata = answers};
    list_init(&answers->waiter.link);
    list_init(&answers->answers);
}

void fleet_answers_finish(struct fleet_answers *answers)
{
    fleet_rounds_leave(&answers->waiter);
    while (!list_is_empty(&answers->answers))
        destroy(answers, list_entry(answers->answers.next, struct answer, link));
}
