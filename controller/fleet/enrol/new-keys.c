/* Secret parts never leave their file. */
#include "controller/fleet/enrol/new-keys.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "controller/signing/keys.h"

static int write_seed(const char *path, char seed[NKEY_SEED_SIZE], struct error *error)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ssize_t written;

    if (file < 0)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    seed[NKEY_SEED_SIZE - 1] = '\n';
    written = write(file, seed, NKEY_SEED_SIZE);
    seed[NKEY_SEED_SIZE - 1] = '\0';
    if (written != NKEY_SEED_SIZE || fsync(file) < 0) {
        int r = error_set(error, -EIO, "%s: the key cannot be written", path);

        (void)unlink(path);
        (void)close(file);
        return r;
    }
    (void)close(file);
    return 0;
}

int new_nkey_make(const char *path, char ret_public[NKEY_PUBLIC_SIZE], struct error *error)
{
    char seed[NKEY_SEED_SIZE];
    int r;

    if (sodium_init() < 0)
        return error_set(error, -EIO, "the system has no random numbers");
    nkey_make(seed);
    r = write_seed(path, seed, error);
    if (r == 0)
        r = nkey_public(seed, ret_public, error);
    sodium_memzero(seed, sizeof(seed));
    return r;
}

int new_nkey(const char *path, struct error *error)
{
    char public_key[NKEY_PUBLIC_SIZE];
    int r = new_nkey_make(path, public_key, error);

    if (r == 0)
        puts(public_key);
    return r;
}

int new_signing_key(const char *path, struct error *error)
{
    struct signing_public_key public_key;
    char text[SIGNING_PUBLIC_TEXT];
    struct signing_key key;
    int r = signing_key_make(&key);

    if (r < 0)
        return error_set(error, r, "the system has no random numbers");
    r = signing_key_write(path, &key, error);
    signing_key_public(&key, &public_key);
    signing_key_forget(&key);
    if (r < 0)
        return r;
    signing_public_key_format(&public_key, text);
    puts(text);
    return 0;
}
