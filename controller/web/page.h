/* The page's files, which are in the program. */
#ifndef VMRECLAIM_CONTROLLER_WEB_PAGE_H
#define VMRECLAIM_CONTROLLER_WEB_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#define PAGE_FILES_MAX 24

struct page_file {
    const char *path; /* "/page.css" */
    const unsigned char *bytes;
    size_t length;
};

/* Made at build time. */
extern const struct page_file page_files[];
extern const size_t page_file_count;

struct reply;
struct request;

struct page {
    struct reply *plain[PAGE_FILES_MAX]; /* by page_files */
    struct reply *packed[PAGE_FILES_MAX];
    struct reply *unchanged; /* 304 */
    char tag[40];            /* ETag: what is in all files */
};

/* -ENOMEM. */
int page_init(struct page *page);
void page_finish(struct page *page);

/* False: it is none of the page's files. */
bool page_answer(struct page *page, struct request *request);

#endif
