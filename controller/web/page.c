/* Files from memory, packed once. They change with the program alone, so a browser that has them
 * asks by their tag. */
#include "controller/web/page.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/web/reply.h"
#include "controller/web/server.h"

static const char *type_of(const char *path)
{
    static const char *const types[][2] = {
        {".html", "text/html; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".svg", "image/svg+xml"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (text_ends_with(path, types[i][0]))
            return types[i][1];
    return REPLY_TEXT;
}

/* FNV-1a over all files: it tells one build from another. */
static void make_tag(struct page *page)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = 0; i < page_file_count; i++)
        for (size_t j = 0; j < page_files[i].length; j++)
            hash = (hash ^ page_files[i].bytes[j]) * 0x100000001b3u;
    snprintf(page->tag, sizeof(page->tag), "\"%016" PRIx64 "\"", hash);
}

static void add_headers(const struct page *page, struct reply *reply)
{
    reply_header(reply, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
    reply_header(reply, MHD_HTTP_HEADER_ETAG, page->tag);
    reply_header(reply, MHD_HTTP_HEADER_VARY, "Accept-Encoding");
}

static int make_replies(struct page *page, size_t index)
{
    const struct page_file *file = &page_files[index];
    const char *type = type_of(file->path);
    const char *bytes = (const char *)file->bytes;

    page->plain[index] = reply_constant(type, bytes, file->length);
    page->packed[index] = reply_create_gzip(type, bytes, file->length);
    if (page->plain[index] == NULL || page->packed[index] == NULL)
        return -ENOMEM;
    add_headers(page, page->plain[index]);
    add_headers(page, page->packed[index]);
    return 0;
}

int page_init(struct page *page)
{
    int r = 0;

    assert(page_file_count <= PAGE_FILES_MAX);
    *page = (struct page){.tag = ""};
    make_tag(page);
    page->unchanged = reply_constant(REPLY_TEXT, "", 0);
    if (page->unchanged == NULL)
        return -ENOMEM;
    add_headers(page, page->unchanged);
    for (size_t i = 0; r == 0 && i < page_file_count; i++)
        r = make_replies(page, i);
    return r;
}

void page_finish(struct page *page)
{
    for (size_t i = 0; i < PAGE_FILES_MAX; i++) {
        reply_release(page->plain[i]);
        reply_release(page->packed[i]);
    }
    reply_release(page->unchanged);
}

static void send_file(struct page *page, size_t index, struct request *request)
{
    const char *known = request_header(request, MHD_HTTP_HEADER_IF_NONE_MATCH);
    bool gzip = reply_accepts_gzip(request_header(request, MHD_HTTP_HEADER_ACCEPT_ENCODING));

    if (known != NULL && strstr(known, page->tag) != NULL)
        request_answer(request, MHD_HTTP_NOT_MODIFIED, reply_hold(page->unchanged));
    else
        request_answer(request, MHD_HTTP_OK,
                       reply_hold(gzip ? page->packed[index] : page->plain[index]));
}

bool page_answer(struct page *page, struct request *request)
{
    const char *path = request_path(request);

    if (strcmp(path, "/") == 0)
        path = "/index.html";
    for (size_t i = 0; i < page_file_count; i++)
        if (strcmp(page_files[i].path, path) == 0) {
            send_file(page, i, request);
            return true;
        }
    return false;
}
