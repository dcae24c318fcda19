/* The bus in memory. */
#include "tests/lib/test.h"

#include "tests/unit/controller/fleet/memory-bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SUBJECTS_MAX 4096
#define ASKED_MAX    4096
#define STREAMS      (sizeof(streams) / sizeof(streams[0]))

static const char *const streams[] = {"$KV.VMR_LEAD.", "$KV.VMR_ROLLOUT.", "vmr.v1.policy.",
                                      "vmr.v1.audit."};

struct request {
    bool is_put;
    char *subject;
    uint8_t *data;
    size_t length;
    uint64_t expected;
    bus_done done;
    void *userdata;
};

static struct memory {
    struct bus_message kept[SUBJECTS_MAX];
    size_t count;
    uint64_t last[STREAMS];
    struct request asked[ASKED_MAX];
    size_t begin, end;
    unsigned puts;
    bool is_full;
} memory;

static void *copy(const void *data, size_t length)
{
    void *bytes = malloc(length + 1);

    assert_non_null(bytes);
    if (length > 0)
        memcpy(bytes, data, length);
    return bytes;
}

static void forget(size_t index)
{
    free((char *)memory.kept[index].subject);
    free((uint8_t *)memory.kept[index].data);
    memory.kept[index] = memory.kept[--memory.count];
}

void memory_bus_begin(void)
{
    while (memory.count > 0)
        forget(0);
    for (; memory.begin < memory.end; memory.begin++) {
        free(memory.asked[memory.begin].subject);
        free(memory.asked[memory.begin].data);
    }
    memory = (struct memory){.count = 0};
}

struct bus *memory_bus(void)
{
    return (struct bus *)&memory;
}

/* ---- streams ---- */

static struct bus_message *find(const char *subject)
{
    for (size_t i = 0; i < memory.count; i++)
        if (strcmp(memory.kept[i].subject, subject) == 0)
            return &memory.kept[i];
    return NULL;
}

const struct bus_message *memory_bus_newest(const char *subject)
{
    return find(subject);
}

static uint64_t *last_of(const char *subject)
{
    for (size_t i = 0; i < STREAMS; i++)
        if (strncmp(subject, streams[i], strlen(streams[i])) == 0)
            return &memory.last[i];
    fail_msg("no stream keeps %s", subject);
    return NULL;
}

void memory_bus_keep(const char *subject, const void *data, size_t length)
{
    struct bus_message *message = find(subject);

    if (message == NULL) {
        assert_true(memory.count < SUBJECTS_MAX);
        message = &memory.kept[memory.count++];
        *message = (struct bus_message){.subject = copy(subject, strlen(subject) + 1)};
    }
    free((uint8_t *)message->data);
    message->data = copy(data, length);
    message->length = length;
    message->sequence = ++*last_of(subject);
}

void memory_bus_forget(const char *subject)
{
    struct bus_message *message = find(subject);

    if (message != NULL)
        forget((size_t)(message - memory.kept));
}

void memory_bus_remake(const char *prefix)
{
    for (size_t i = memory.count; i > 0; i--)
        if (strncmp(memory.kept[i - 1].subject, prefix, strlen(prefix)) == 0)
            forget(i - 1);
    *last_of(prefix) = 0;
}

/* ---- what is asked ---- */

static struct bus_answer put(const struct request *request)
{
    const struct bus_message *newest = find(request->subject);
    uint64_t is_there = newest == NULL ? BUS_NOTHING : newest->sequence;

    if (request->expected != BUS_ANYTHING && request->expected != is_there)
        return (struct bus_answer){.status = -ESTALE, .problem = "another one is there"};
    if (memory.is_full)
        return (struct bus_answer){.status = -ENOSPC, .problem = "maximum bytes exceeded"};
    memory_bus_keep(request->subject, request->data, request->length);
    memory.puts++;
    return (struct bus_answer){.problem = "", .sequence = find(request->subject)->sequence};
}

static struct bus_answer get(const struct request *request)
{
    const struct bus_message *newest = find(request->subject);

    if (newest == NULL)
        return (struct bus_answer){.status = -ENOENT, .problem = "there is none"};
    return (struct bus_answer){.problem = "",
                               .sequence = newest->sequence,
                               .data = newest->data,
                               .length = newest->length};
}

static void do_first(bool is_heard)
{
    struct request request = memory.asked[memory.begin++];
    struct bus_answer answer = request.is_put ? put(&request) : get(&request);

    if (!is_heard)
        answer = (struct bus_answer){.status = -ETIMEDOUT, .problem = "no answer"};
    if (request.done != NULL)
        request.done(&answer, request.userdata);
    free(request.subject);
    free(request.data);
}

unsigned memory_bus_asked(void)
{
    return (unsigned)(memory.end - memory.begin);
}

void memory_bus_turn_of(unsigned index)
{
    struct request request = memory.asked[memory.begin + index];

    assert_true(index < memory_bus_asked());
    for (; index > 0; index--)
        memory.asked[memory.begin + index] = memory.asked[memory.begin + index - 1];
    memory.asked[memory.begin] = request;
    do_first(true);
}

bool memory_bus_turn(void)
{
    if (memory.begin == memory.end)
        return false;
    do_first(true);
    return true;
}

void memory_bus_turn_in_vain(void)
{
    assert_true(memory.begin < memory.end);
    do_first(false);
}

void memory_bus_fill(bool is_full)
{
    memory.is_full = is_full;
}

void memory_bus_run(void)
{
    while (memory_bus_turn())
        ;
}

unsigned memory_bus_puts(void)
{
    return memory.puts;
}

static int ask(struct request request)
{
    assert_true(memory.end < ASKED_MAX);
    memory.asked[memory.end++] = request;
    return 0;
}

int bus_put(struct bus *bus, const char *subject, const void *data, size_t length,
            uint64_t expected, bus_done done, void *userdata)
{
    assert_ptr_equal(bus, memory_bus());
    return ask((struct request){true, copy(subject, strlen(subject) + 1), copy(data, length),
                                length, expected, done, userdata});
}

int bus_get(struct bus *bus, const char *stream, const char *subject, bus_done done, void *userdata)
{
    (void)stream;
    assert_ptr_equal(bus, memory_bus());
    return ask((struct request){.subject = copy(subject, strlen(subject) + 1),
                                .data = NULL,
                                .done = done,
                                .userdata = userdata});
}
