/* What all requests of the store share. For the store's own files. */
#ifndef VMRECLAIM_CONTROLLER_STORE_REQUEST_H
#define VMRECLAIM_CONTROLLER_STORE_REQUEST_H

#include "common/base/list.h"
#include "controller/store/queries.h"
#include "controller/store/requests.h"

/* Part of each kind of request. */
struct store_request {
    struct list link; /* of the line, and of those that are done */
    struct store *store;
    struct store_answer *answer; /* part of what the completion gets */
    size_t size;                 /* bytes, about, that it takes while it waits */
    bool writes;                 /* for the writer, and in its order */
    /* On the database's side: fills the answer. A negative errno with words. */
    int (*run)(struct store_request *request, struct error *error);
    /* On the loop: calls back, and frees the request with its answer. */
    void (*complete)(struct store_request *request);
};

/* Runs it and fills the answer. */
void store_request_run(struct store_request *request);

/* Has it run, and completed. */
void store_submit(struct store_request *request);

extern const struct store_answer store_no_memory;

/* A growing list of pointers. */
struct store_list {
    void **items;
    size_t count;
    size_t size;
};

/* -ENOMEM. */
int store_list_add(struct store_list *list, void *item);

#endif
