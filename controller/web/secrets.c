/* Reading, checking, and putting into use. */
#include "controller/web/secrets.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "controller/web/certificate.h"

#define FILE_BYTES ((size_t)256 << 10)
#define POLL_MS    5000u

/* ---- reading ---- */

/* A secret is nobody's but its owner's and a group's, and only root or we ourselves may change it.
 */
static int check_owner(const char *option, const char *path, struct error *error)
{
    struct stat status;

    if (stat(path, &status) < 0)
        return error_set(error, -errno, "%s %s: %s", option, path, strerror(errno));
    if (status.st_uid != 0 && status.st_uid != geteuid())
        return error_set(error, -EPERM, "%s %s: it belongs to another user than root and this one",
                         option, path);
    if ((status.st_mode & (S_IRWXO | S_IWGRP)) != 0)
        return error_set(error, -EPERM,
                         "%s %s: others may read or change it; forbid that with: chmod 640 %s",
                         option, path, path);
    return 0;
}

static int read_file(const char *option, const char *path, char **ret_text, struct error *error)
{
    size_t length;
    int r = file_read_configured(AT_FDCWD, path, FILE_BYTES, ret_text, &length);

    return r < 0 ? error_set(error, r, "%s %s: %s", option, path, strerror(-r)) : 0;
}

static int read_certificate(const struct secrets_paths *paths, struct secrets_texts *ret_texts,
                            struct error *error)
{
    int r = read_file("--tls-certificate", paths->certificate, &ret_texts->certificate, error);

    if (r == 0)
        r = check_owner("--tls-key", paths->key, error);
    if (r == 0)
        r = read_file("--tls-key", paths->key, &ret_texts->key, error);
    if (r < 0)
        return r;
    r = certificate_check(ret_texts->certificate, ret_texts->key, error);
    return r < 0 ? error_prefix(error, r, "--tls-certificate %s, --tls-key %s", paths->certificate,
                                paths->key)
                 : 0;
}

static int read_passwords(const struct secrets_paths *paths, struct secrets_texts *ret_texts,
                          struct error *error)
{
    int r = check_owner("--basic-auth", paths->passwords, error);

    if (r == 0)
        r = read_file("--basic-auth", paths->passwords, &ret_texts->passwords, error);
    if (r < 0)
        return r;
    r = passwords_parse(ret_texts->passwords, &ret_texts->parsed, error);
    return r < 0 ? error_prefix(error, r, "--basic-auth %s", paths->passwords) : 0;
}

static void forget(struct secrets_texts *texts)
{
    char *const all[] = {texts->certificate, texts->key, texts->passwords};

    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        if (all[i] != NULL)
            explicit_bzero(all[i], strlen(all[i]));
        free(all[i]);
    }
    passwords_release(texts->parsed);
    *texts = (struct secrets_texts){0};
}

/* Both parts, each by itself. The error is the first's. */
static int read_all(const struct secrets_paths *paths, const struct secrets_texts *in_use,
                    struct secrets_texts *ret_texts, struct error *error)
{
    int certificate = 0, passwords = 0;

    *ret_texts = (struct secrets_texts){0};
    if (paths->certificate != NULL)
        certificate = read_certificate(paths, ret_texts, error);
    if (paths->passwords != NULL)
        passwords = read_passwords(paths, ret_texts, certificate < 0 ? NULL : error);
    ret_texts->is_certificate_new = paths->certificate != NULL && certificate == 0 &&
                                    (!text_equal(in_use->certificate, ret_texts->certificate) ||
                                     !text_equal(in_use->key, ret_texts->key));
    ret_texts->are_passwords_new = paths->passwords != NULL && passwords == 0 &&
                                   !text_equal(in_use->passwords, ret_texts->passwords);
    return certificate < 0 ? certificate : passwords;
}

/* ---- using ---- */

static void swap_texts(char **a, char **b)
{
    char *kept = *a;

    *a = *b;
    *b = kept;
}

static void use_certificate(struct secrets *secrets, struct secrets_texts *read)
{
    const char *warning = certificate_warning(read->certificate);

    certificate_use(read->certificate, read->key);
    swap_texts(&secrets->in_use.certificate, &read->certificate);
    swap_texts(&secrets->in_use.key, &read->key);
    if (warning != NULL)
        log_warning("--tls-certificate %s %s", secrets->paths.certificate, warning);
}

/* What it replaces stays in `read`, to be forgotten. */
static void use(struct secrets *secrets, struct secrets_texts *read)
{
    if (read->is_certificate_new)
        use_certificate(secrets, read);
    if (read->are_passwords_new) {
        swap_texts(&secrets->in_use.passwords, &read->passwords);
        secrets->on_passwords(read->parsed, secrets->userdata);
        read->parsed = NULL;
    }
}

/* ---- again ---- */

static void read_on_thread(uv_work_t *work)
{
    struct secrets *secrets = work->data;
    struct error error = {""};

    (void)read_all(&secrets->paths, &secrets->in_use, &secrets->read, &error);
    secrets->read.error = error;
}

static void on_read(uv_work_t *work, int status)
{
    struct secrets *secrets = work->data;
    struct secrets_texts *read = &secrets->read;

    secrets->is_reading = false;
    if (!secrets->is_stopping) {
        if (read->error.text[0] != '\0')
            log_error("%s; what was read before stays in use", read->error.text);
        if (read->is_certificate_new)
            log_notice("read again: %s, %s", secrets->paths.certificate, secrets->paths.key);
        if (read->are_passwords_new)
            log_notice("read again: %s, %zu names", secrets->paths.passwords,
                       passwords_count(read->parsed));
        use(secrets, read);
    }
    forget(read);
    if (secrets->is_asked && !secrets->is_stopping)
        secrets_reload(secrets);
}

void secrets_reload(struct secrets *secrets)
{
    secrets->is_asked = secrets->is_reading;
    if (secrets->is_reading)
        return;
    secrets->is_reading = true;
    secrets->work.data = secrets;
    (void)uv_queue_work(secrets->loop, &secrets->work, read_on_thread, on_read);
}

static void on_poll(uv_fs_poll_t *poll, int status, const uv_stat_t *previous,
                    const uv_stat_t *current)
{
    secrets_reload(poll->data);
}

/* ---- beginning and end ---- */

int secrets_init(struct secrets *secrets, uv_loop_t *loop, const struct secrets_paths *paths,
                 void (*on_passwords)(struct passwords *passwords, void *userdata), void *userdata,
                 struct error *error)
{
    const char *const files[SECRETS_FILES] = {paths->certificate, paths->key, paths->passwords};
    struct secrets_texts read;
    int r;

    assert((paths->certificate == NULL) == (paths->key == NULL));
    *secrets = (struct secrets){
        .loop = loop, .paths = *paths, .on_passwords = on_passwords, .userdata = userdata};
    r = read_all(paths, &secrets->in_use, &read, error);
    if (r == 0)
        use(secrets, &read);
    forget(&read);
    for (size_t i = 0; r == 0 && i < SECRETS_FILES; i++) {
        (void)uv_fs_poll_init(loop, &secrets->polls[i]);
        secrets->polls[i].data = secrets;
        if (files[i] != NULL)
            (void)uv_fs_poll_start(&secrets->polls[i], on_poll, files[i], POLL_MS);
    }
    return r;
}

void secrets_stop(struct secrets *secrets)
{
    secrets->is_stopping = true;
    for (size_t i = 0; i < SECRETS_FILES; i++)
        uv_close((uv_handle_t *)&secrets->polls[i], NULL);
}

void secrets_finish(struct secrets *secrets)
{
    forget(&secrets->in_use);
}
