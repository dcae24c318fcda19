/* Where requests are run. */
#include "controller/store/request.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/base/util.h"

const struct store_answer store_no_memory = {-ENOMEM, {"out of memory"}};

void store_submit(struct store_request *request)
{
    struct store_answer *answer = request->answer;
    int r;

    assert(answer->status == 0);
    r = request->run(request, &answer->error);
    if (r == -ENOMEM)
        (void)error_set(&answer->error, r, "out of memory");
    answer->status = min_of(r, 0);
    assert(answer->status == 0 || answer->error.text[0] != '\0');
    request->complete(request);
}

int store_list_add(struct store_list *list, void *item)
{
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
