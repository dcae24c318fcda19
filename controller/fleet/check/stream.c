/* Few figures of a text that is always of one form: read by their names, without a parser. */
#include "controller/fleet/check/stream.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FULL_PERCENT 80

/* -1: it is not there. */
static int64_t figure(const char *text, const char *name)
{
    const char *place = strstr(text, name);

    return place == NULL ? -1 : strtoll(place + strlen(name), NULL, 10);
}

static unsigned count(const char *text, const char *words)
{
    unsigned count = 0;

    for (; (text = strstr(text, words)) != NULL; text += strlen(words))
        count++;
    return count;
}

/* The leader is not in the list of the others. */
static unsigned copies(const char *text)
{
    return strstr(text, "\"leader\":") == NULL ? 0 : 1 + count(text, "\"current\":true");
}

static bool check_copies(struct report *report, const char *name, const char *text, int64_t wanted)
{
    unsigned present = copies(text);

    if (wanted <= 1)
        return true;
    if (present == 0) {
        report_add(report, FINDING_FAILURE, name,
                   "no server leads the stream: start those that do not run");
        return false;
    }
    if (present < wanted) {
        report_add(report, FINDING_WARNING, name,
                   "%u of %" PRId64 " copies are whole: look at the other servers", present,
                   wanted);
        return false;
    }
    return true;
}

void check_stream(struct report *report, const char *name, const char *text)
{
    int64_t wanted = figure(text, "\"num_replicas\":");
    int64_t room = figure(text, "\"max_bytes\":");
    int64_t used = figure(text, "\"bytes\":");

    if (strstr(text, "\"err_code\":10059") != NULL) {
        report_add(report, FINDING_WARNING, name,
                   "there is no such stream yet: a coordinator makes it when it connects");
        return;
    }
    if (wanted < 0 || used < 0) {
        report_add(report, FINDING_FAILURE, name,
                   "the servers do not say how the stream is: has every one of them jetstream and "
                   "accounts.conf?");
        return;
    }
    if (!check_copies(report, name, text, wanted))
        return;
    if (room > 0 && used / FULL_PERCENT >= room / 100)
        report_add(report, FINDING_WARNING, name,
                   "%" PRId64 " of %" PRId64 " bytes are used: the oldest go soon, or nothing is "
                   "taken any more",
                   used, room);
    else
        report_add(report, FINDING_OK, name, "%" PRId64 " %s, %" PRId64 " of %" PRId64 " bytes",
                   wanted, wanted == 1 ? "copy" : "copies", used, room);
}
