/* Lists of what is wrong. */
#include "controller/config/problems.h"

#include <stdio.h>
#include <string.h>

#include "common/base/text.h"
#include "common/base/time.h"

void problems_add(struct problems *problems, const char *kind, const char *source,
                  const struct error *error)
{
    const char *slash = strrchr(source, '/');
    struct problem *problem;

    if (problems->count == PROBLEMS_MAX) {
        problems->omitted++;
        return;
    }
    problem = &problems->list[problems->count++];
    *problem = (struct problem){.since = time_realtime()};
    text_format(problem->part, sizeof(problem->part), "%s:%s", kind,
                slash == NULL ? source : slash + 1);
    text_make_safe(problem->part, TEXT_ONE_LINE);
    snprintf(problem->source, sizeof(problem->source), "%s", source);
    text_copy_line(problem->text, sizeof(problem->text), error->text);
}

const struct problem *problems_find(const struct problems *problems, const char *source)
{
    for (size_t i = 0; i < problems->count; i++)
        if (strcmp(problems->list[i].source, source) == 0)
            return &problems->list[i];
    return NULL;
}

/* The same in `others`, in the same words. */
static const struct problem *find_same(const struct problems *others, const struct problem *problem)
{
    for (size_t i = 0; i < others->count; i++)
        if (strcmp(others->list[i].source, problem->source) == 0 &&
            strcmp(others->list[i].text, problem->text) == 0)
            return &others->list[i];
    return NULL;
}

void problems_continue(struct problems *problems, const struct problems *before)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *same = find_same(before, &problems->list[i]);

        if (same != NULL)
            problems->list[i].since = same->since;
    }
}

void problems_visit_new(const struct problems *problems, const struct problems *before,
                        problem_visitor visit, void *userdata)
{
    for (size_t i = 0; i < problems->count; i++)
        if (find_same(before, &problems->list[i]) == NULL)
            visit(&problems->list[i], userdata);
}

size_t problems_total(const struct problems *problems)
{
    return problems->count + problems->omitted;
}
