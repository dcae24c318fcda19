/* Letters from threads. */
#include "controller/hypervisors/libvirt/mailbox.h"

#include <errno.h>
#include <stdlib.h>

struct mailbox {
    uv_async_t async;
    void *userdata;
    uv_mutex_t lock;
    /* ---- under the lock ---- */
    unsigned references;
    struct list letters;
    unsigned waiting;
    bool is_closed;
};

static struct letter *take(struct mailbox *mailbox)
{
    struct letter *letter = NULL;

    uv_mutex_lock(&mailbox->lock);
    if (!list_is_empty(&mailbox->letters) && !mailbox->is_closed) {
        letter = list_entry(mailbox->letters.next, struct letter, link);
        list_remove(&letter->link);
        mailbox->waiting--;
    }
    uv_mutex_unlock(&mailbox->lock);
    return letter;
}

static void on_letters(uv_async_t *async)
{
    struct mailbox *mailbox = async->data;
    struct letter *letter;

    /* One that is opened may close the mailbox, which is freed on a later turn only. */
    while ((letter = take(mailbox)) != NULL)
        letter->open(letter, mailbox->userdata);
}

int mailbox_create(uv_loop_t *loop, void *userdata, struct mailbox **ret_mailbox)
{
    struct mailbox *mailbox = calloc(1, sizeof(*mailbox));
    int r;

    if (mailbox == NULL)
        return -ENOMEM;
    r = uv_async_init(loop, &mailbox->async, on_letters);
    if (r < 0) {
        free(mailbox);
        return r;
    }
    (void)uv_mutex_init(&mailbox->lock);
    list_init(&mailbox->letters);
    mailbox->async.data = mailbox;
    mailbox->userdata = userdata;
    mailbox->references = 1;
    *ret_mailbox = mailbox;
    return 0;
}

struct mailbox *mailbox_ref(struct mailbox *mailbox)
{
    uv_mutex_lock(&mailbox->lock);
    mailbox->references++;
    uv_mutex_unlock(&mailbox->lock);
    return mailbox;
}

void mailbox_unref(struct mailbox *mailbox)
{
    bool is_last;

    uv_mutex_lock(&mailbox->lock);
    is_last = --mailbox->references == 0;
    uv_mutex_unlock(&mailbox->lock);
    if (!is_last)
        return;
    uv_mutex_destroy(&mailbox->lock);
    free(mailbox);
}

void mailbox_send(struct mailbox *mailbox, struct letter *letter)
{
    bool is_closed;

    list_init(&letter->link);
    uv_mutex_lock(&mailbox->lock);
    is_closed = mailbox->is_closed;
    if (!is_closed) {
        list_append(&mailbox->letters, &letter->link);
        mailbox->waiting++;
        (void)uv_async_send(&mailbox->async);
    }
    uv_mutex_unlock(&mailbox->lock);
    if (is_closed)
        letter->discard(letter);
}

unsigned mailbox_waiting(struct mailbox *mailbox)
{
    unsigned waiting;

    uv_mutex_lock(&mailbox->lock);
    waiting = mailbox->waiting;
    uv_mutex_unlock(&mailbox->lock);
    return waiting;
}

static void on_closed(uv_handle_t *handle)
{
    struct mailbox *mailbox = handle->data;

    mailbox_unref(mailbox);
}

void mailbox_close(struct mailbox *mailbox)
{
    struct list left;

    if (mailbox == NULL)
        return;
    list_init(&left);
    uv_mutex_lock(&mailbox->lock);
    mailbox->is_closed = true;
    list_for_each_safe (link, following, &mailbox->letters) {
        list_remove(link);
        list_append(&left, link);
    }
    uv_mutex_unlock(&mailbox->lock);
    list_for_each_safe (link, following, &left) {
        struct letter *letter = list_entry(link, struct letter, link);

        list_remove(link);
        letter->discard(letter);
    }
    uv_close((uv_handle_t *)&mailbox->async, on_closed);
}
