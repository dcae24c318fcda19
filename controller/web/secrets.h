/* The files that decide who may come in: certificate, key, and passwords. They are read at the
 * start, then on a thread when one of them changes or when that is asked for. What cannot be used
 * is said, and what was there stays in use. */
#ifndef VMRECLAIM_CONTROLLER_WEB_SECRETS_H
#define VMRECLAIM_CONTROLLER_WEB_SECRETS_H

#include <stdbool.h>
#include <uv.h>

#include "common/base/error.h"
#include "controller/web/passwords.h"

#define SECRETS_FILES 3

/* Names of files; NULL: there is none. */
struct secrets_paths {
    const char *certificate; /* with `key`, or neither */
    const char *key;
    const char *passwords;
};

/* What the files have. */
struct secrets_texts {
    char *certificate;
    char *key;
    char *passwords;
    struct passwords *parsed; /* NULL: they are not asked for */
    struct error error;       /* what could not be used */
    bool is_certificate_new;
    bool are_passwords_new;
};

struct secrets {
    uv_loop_t *loop;
    struct secrets_paths paths;
    struct secrets_texts in_use;
    struct secrets_texts read; /* on the thread, while `is_reading` */
    uv_fs_poll_t polls[SECRETS_FILES];
    uv_work_t work;
    bool is_reading;
    bool is_asked; /* for once more, while it was being read */
    bool is_stopping;
    void (*on_passwords)(struct passwords *passwords, void *userdata);
    void *userdata;
};

/* Reads all, and calls `on_passwords` now and whenever they changed; the reference is its own. The
 * caller's memory, until the loop is dry. -errno, of what is wrong with a file. */
int secrets_init(struct secrets *secrets, uv_loop_t *loop, const struct secrets_paths *paths,
                 void (*on_passwords)(struct passwords *passwords, void *userdata), void *userdata,
                 struct error *error);

/* Reads again, soon. */
void secrets_reload(struct secrets *secrets);

void secrets_stop(struct secrets *secrets);

/* After the loop is dry. */
void secrets_finish(struct secrets *secrets);

#endif
