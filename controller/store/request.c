/* What requests share. */
#include "controller/store/request.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/base/text.h"
#include "common/base/util.h"

const struct store_answer store_no_memory = {-ENOMEM, {"out of memory"}, 0};

void store_request_run(struct store_request *request)
{
    struct store_answer *answer = request->answer;
    nsec_t begun = time_of_thread();
    int r;

    assert(answer->status == 0);
    r = request->run(request, &answer->error);
    if (r == -ENOMEM)
        error_set(&answer->error, r, "out of memory");
    answer->status = min_of(r, 0);
    answer->processor += time_of_thread() - begun;
    assert(answer->status == 0 || answer->error.text[0] != '\0');
}

int store_list_add(struct store_list *list, void *item)
{
    assert(list->count <= list->size);
    if (list->count == list->size) {
        size_t size = max_of(list->size * 2, (size_t)16);
        void **items = realloc((void *)list->items, size * sizeof(*items));

        if (items == NULL)
            return -ENOMEM;
        list->items = items;
        list->size = size;
    }
    list->items[list->count++] = item;
    return 0;
}

void record_place_set(struct record_place *place, int64_t time, const char *id)
{
    place->time = time;
    text_copy(place->id, sizeof(place->id), id);
}
