/* Keys, as text and in files, and what they sign. */
#include "controller/signing/keys.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/cleanup.h"

#define SECRET_TEXT 89 /* with its end */
#define FORM        sodium_base64_VARIANT_ORIGINAL

static_assert(SIGNING_PUBLIC_SIZE == crypto_sign_PUBLICKEYBYTES, "");
static_assert(SIGNING_SECRET_SIZE == crypto_sign_SECRETKEYBYTES, "");
static_assert(SIGNING_SIGNATURE_SIZE == crypto_sign_BYTES, "");
static_assert(SIGNING_PUBLIC_TEXT == sodium_base64_ENCODED_LEN(SIGNING_PUBLIC_SIZE, FORM), "");
static_assert(SECRET_TEXT == sodium_base64_ENCODED_LEN(SIGNING_SECRET_SIZE, FORM), "");

/* ---- text ---- */

/* Bytes of one line of base64, which may end with a newline. -EINVAL: it is none, or too long. */
static int read_line(const char *text, uint8_t *bytes, size_t room, size_t *ret_size)
{
    size_t length = strcspn(text, "\n");

    if (text[length] == '\n' && text[length + 1] != '\0')
        return -EINVAL;
    return sodium_base642bin(bytes, room, text, length, NULL, ret_size, NULL, FORM) < 0 ? -EINVAL
                                                                                        : 0;
}

/* -EINVAL also where its two halves are not of one key. */
int signing_key_parse(const char *text, struct signing_key *ret_key)
{
    struct signing_key key, made;
    struct signing_public_key public;
    size_t size;
    int r = read_line(text, key.bytes, sizeof(key.bytes), &size);

    if (r == 0 && size == sizeof(key.bytes)) {
        (void)crypto_sign_seed_keypair(public.bytes, made.bytes, key.bytes);
        r = sodium_memcmp(key.bytes, made.bytes, sizeof(key.bytes)) == 0 ? 0 : -EINVAL;
        signing_key_forget(&made);
    } else
        r = -EINVAL;
    if (r == 0)
        *ret_key = key;
    signing_key_forget(&key);
    return r;
}

int signing_public_key_parse(const char *text, struct signing_public_key *ret_key,
                             struct error *error)
{
    static const char form[] = "a public key is one line of base64 with 44 characters";
    struct signing_public_key key;
    struct signing_key secret;
    size_t size;

    if (sodium_init() < 0)
        return error_set(error, -EIO, "libsodium cannot begin: the system has no random numbers");
    if (signing_key_parse(text, &secret) == 0) {
        signing_key_forget(&secret);
        return error_set(error, -EINVAL,
                         "this is a secret key, and who reads it here can sign; make a new one and "
                         "give its public key");
    }
    if (read_line(text, key.bytes, sizeof(key.bytes), &size) < 0 || size != sizeof(key.bytes))
        return error_set(error, -EINVAL, "%s", form);
    if (crypto_core_ed25519_is_valid_point(key.bytes) == 0)
        return error_set(error, -EINVAL, "these are 32 bytes, but no public key; copy it anew");
    *ret_key = key;
    return 0;
}

void signing_public_key_format(const struct signing_public_key *key, char text[SIGNING_PUBLIC_TEXT])
{
    (void)sodium_bin2base64(text, SIGNING_PUBLIC_TEXT, key->bytes, sizeof(key->bytes), FORM);
}

/* ---- secret keys ---- */

int signing_key_make(struct signing_key *ret_key)
{
    struct signing_public_key public;

    if (sodium_init() < 0)
        return -EIO;
    (void)crypto_sign_keypair(public.bytes, ret_key->bytes);
    return 0;
}

void signing_key_forget(struct signing_key *key)
{
    sodium_memzero(key, sizeof(*key));
}

void signing_key_public(const struct signing_key *key, struct signing_public_key *ret_public)
{
    (void)crypto_sign_ed25519_sk_to_pk(ret_public->bytes, key->bytes);
}

/* The file's text; -EINVAL: it is longer than a key's. */
static int read_text(int descriptor, char text[SECRET_TEXT + 2])
{
    size_t used = 0;
    ssize_t length;

    do {
        length = read(descriptor, text + used, SECRET_TEXT + 1 - used);
        if (length < 0 && errno != EINTR)
            return -errno;
        used += length < 0 ? 0 : (size_t)length;
    } while (length != 0 && used < SECRET_TEXT + 1);
    text[used] = '\0';
    return used > SECRET_TEXT || strlen(text) != used ? -EINVAL : 0;
}

/* A link or a named pipe in its place is none. */
static int open_owners(const char *path, struct error *error)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat status;
    int r = descriptor < 0 || fstat(descriptor, &status) < 0 ? -errno : descriptor;

    if (r < 0)
        error_set(error, r, "cannot read the key %s: %s", path, strerror(-r));
    else if (!S_ISREG(status.st_mode))
        r = error_set(error, -EINVAL, "%s is no file; give the file of a secret key", path);
    else if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        r = error_set(error, -EPERM, "others may read the key %s; make a new one, or: chmod 600 %s",
                      path, path);
    if (r < 0 && descriptor >= 0)
        close(descriptor);
    return r;
}

int signing_key_read(const char *path, struct signing_key *ret_key, struct error *error)
{
    char text[SECRET_TEXT + 2];
    cleanup_close int descriptor = open_owners(path, error);
    int r;

    if (descriptor < 0)
        return descriptor;
    r = read_text(descriptor, text);
    if (r == 0)
        r = signing_key_parse(text, ret_key);
    sodium_memzero(text, sizeof(text));
    if (r == -EINVAL)
        return error_set(error, r, "%s has no secret key: one line of base64, 88 characters", path);
    return r < 0 ? error_set(error, r, "cannot read the key %s: %s", path, strerror(-r)) : 0;
}

static int write_whole(int descriptor, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t written = write(descriptor, text, length);

        if (written < 0 && errno != EINTR)
            return -errno;
        text += written < 0 ? 0 : written;
        length -= written < 0 ? 0 : (size_t)written;
    }
    return fsync(descriptor) < 0 ? -errno : 0;
}

int signing_key_write(const char *path, const struct signing_key *key, struct error *error)
{
    cleanup_close int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    char text[SECRET_TEXT];
    int r = descriptor < 0 ? -errno : 0;

    if (r == -EEXIST)
        return error_set(error, r, "%s is there already; a key is never replaced", path);
    if (r == 0) {
        (void)sodium_bin2base64(text, sizeof(text), key->bytes, sizeof(key->bytes), FORM);
        text[SECRET_TEXT - 1] = '\n';
        r = write_whole(descriptor, text, sizeof(text));
        sodium_memzero(text, sizeof(text));
        if (r < 0)
            (void)unlink(path);
    }
    return r < 0 ? error_set(error, r, "cannot write the key %s: %s", path, strerror(-r)) : 0;
}

/* ---- signatures ---- */

int signing_sign(const struct signing_key *key, const uint8_t *bytes, size_t size,
                 uint8_t ret_signature[SIGNING_SIGNATURE_SIZE])
{
    return sodium_init() < 0 ||
                   crypto_sign_detached(ret_signature, NULL, bytes, size, key->bytes) != 0
               ? -EIO
               : 0;
}

int signing_verify(const struct signing_public_key *key, const uint8_t *bytes, size_t size,
                   const uint8_t signature[SIGNING_SIGNATURE_SIZE])
{
    return sodium_init() >= 0 &&
                   crypto_sign_verify_detached(signature, bytes, size, key->bytes) == 0
               ? 0
               : -EBADMSG;
}
