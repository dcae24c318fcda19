/* Rows from what a coordinator says of hosts, which is what the hosts say of themselves. */
#include "controller/web/host-table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/base/util.h"

enum { LABELS_MAX = 64, ROOM_MIN = 256 };

typedef Vmreclaim__Fleet__V1__FleetHost FleetHost;
typedef Vmreclaim__Fleet__V1__HostStatus HostStatus;
typedef Vmreclaim__Fleet__V1__Applied Applied;

/* Texts of a row, being put one behind the other. */
struct texts {
    char *next;
    size_t left;
};

void host_table_finish(struct host_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free((void *)table->rows[i].labels);
    free(table->rows);
    *table = (struct host_table){.rows = NULL};
}

static enum host_presence presence_of(const char *word)
{
    if (strcmp(word, "present") == 0)
        return HOST_PRESENT;
    return strcmp(word, "lost") == 0 ? HOST_LOST : HOST_UNKNOWN;
}

/* As the command line has it. */
static const char *note_of(const HostStatus *status)
{
    if (status == NULL)
        return "never heard";
    if (status->problem[0] != '\0')
        return status->problem;
    if (status->applied != NULL && status->applied->refused[0] != '\0')
        return status->applied->refused;
    return status->n_degraded > 0 ? status->degraded[0] : "";
}

/* ---- texts ---- */

/* Cut where there is no more room; the end is always kept for an empty one. */
static const char *put(struct texts *texts, const char *text)
{
    char *begin = texts->next;

    text_copy(begin, texts->left, text);
    texts->next += strlen(begin);
    texts->left -= strlen(begin);
    if (texts->left > 1) {
        texts->next++;
        texts->left--;
    }
    return begin;
}

static size_t room_for(const FleetHost *host, size_t labels)
{
    const HostStatus *status = host->status;
    size_t room = strlen(host->host) + strlen(note_of(status)) + 4;

    if (status != NULL)
        room += strlen(status->name);
    for (size_t i = 0; i < labels; i++)
        room += strlen(status->labels[i]) + 1;
    return min_of(room, (size_t)HOST_ROW_BYTES);
}

/* The id, the name and what is wrong come before what a host may have many of. */
static int put_texts(struct host_table *table, struct host_row *row, const FleetHost *host)
{
    const HostStatus *status = host->status;
    size_t labels = status == NULL ? 0 : min_of(status->n_labels, (size_t)LABELS_MAX);
    size_t room = room_for(host, labels);
    size_t size = (labels + 1) * sizeof(char *) + room;
    struct texts texts;

    if (table->bytes + size > HOST_TABLE_BYTES)
        return -EMSGSIZE;
    row->labels = malloc(size);
    if (row->labels == NULL)
        return -ENOMEM;
    table->bytes += size;
    texts = (struct texts){.next = (char *)(row->labels + labels + 1), .left = room};
    row->id = put(&texts, host->host);
    row->name = put(&texts, status == NULL ? "" : status->name);
    row->note = put(&texts, note_of(status));
    for (size_t i = 0; i < labels && texts.left > 1; i++)
        row->labels[row->label_count++] = (char *)put(&texts, status->labels[i]);
    return 0;
}

/* ---- figures ---- */

static void fill_applied(struct host_row *row, const Applied *applied)
{
    row->in_force = applied->generation;
    row->is_refused = applied->refused[0] != '\0';
    for (size_t i = 0; i < applied->n_policies; i++)
        row->pinned +=
            applied->policies[i]->outcome == VMRECLAIM__FLEET__V1__APPLIED_OUTCOME__APPLIED_PINNED;
}

static void fill_status(struct host_row *row, const HostStatus *status)
{
    row->has_figures = status->problem[0] == '\0';
    row->vms = status->vm_count;
    row->footprint = status->footprint;
    row->could_return = status->could_return;
    row->returned = status->returned;
    row->degraded = (uint32_t)min_of(status->n_degraded, (size_t)UINT32_MAX);
    if (status->host != NULL) {
        row->available = status->host->available;
        row->total = status->host->total;
    }
    if (status->applied != NULL)
        fill_applied(row, status->applied);
}

static int make_room(struct host_table *table)
{
    size_t room = table->room == 0 ? ROOM_MIN : 2 * table->room;
    struct host_row *rows;

    if (table->count < table->room)
        return 0;
    rows = realloc(table->rows, room * sizeof(*rows));
    if (rows == NULL)
        return -ENOMEM;
    table->rows = rows;
    table->room = room;
    return 0;
}

int host_table_take(struct host_table *table, const FleetHost *host)
{
    struct host_row row = {
        .presence = presence_of(host->presence),
        .age_is_known = host->age_is_known,
        .age = host->age_ns,
        .wanted_is_known = host->wanted_is_known,
        .wanted = host->wanted_generation,
    };
    int r = make_room(table);

    if (r == 0)
        r = put_texts(table, &row, host);
    if (r < 0)
        return r;
    if (host->status != NULL)
        fill_status(&row, host->status);
    table->rows[table->count++] = row;
    return 0;
}

/* ---- sums ---- */

bool host_row_is_behind(const struct host_row *row)
{
    return row->wanted_is_known && row->wanted > row->in_force;
}

/* A sum that does not fit stays at its end: one host alone could say so much. */
static void add(uint64_t *sum, uint64_t value)
{
    *sum = value > UINT64_MAX - *sum ? UINT64_MAX : *sum + value;
}

void host_sums_add(struct host_sums *sums, const struct host_row *row)
{
    sums->hosts++;
    sums->by_presence[row->presence]++;
    sums->behind += host_row_is_behind(row);
    sums->refused += row->is_refused;
    sums->pinned += row->pinned > 0;
    sums->degraded += row->degraded > 0;
    if (!row->has_figures) {
        sums->without_figures++;
        return;
    }
    sums->vms += row->vms;
    add(&sums->footprint, row->footprint);
    add(&sums->could_return, row->could_return);
    add(&sums->returned, row->returned);
}
