/* libcurl's multi interface on a libuv loop: what all clients of a loop share. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_HTTP_LOOP_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_HTTP_LOOP_H

#include <curl/curl.h>
#include <uv.h>

struct http_loop;

/* A transfer ended; it is not the loop's any more. `transfer` is its CURLOPT_PRIVATE. */
typedef void (*http_loop_done)(void *transfer, CURLcode result);

/* The one of this loop, made at its first use. Each call takes a release. NULL: out of memory, or
 * another loop has it. */
struct http_loop *http_loop_take(uv_loop_t *loop);

/* The last one closes its handles on the loop's next turns. */
void http_loop_release(struct http_loop *loop);

/* `done` comes from a later turn of the loop. 0 or -ENOMEM. */
int http_loop_start(struct http_loop *loop, CURL *easy, http_loop_done done);

/* Ends a transfer that was started; `done` does not come. */
void http_loop_stop(struct http_loop *loop, CURL *easy);

#endif
