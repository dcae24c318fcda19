/* Keys as text and in files, and the signatures of RFC 8032, 7.1. */
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "controller/signing/keys.h"

/* Tests 1 to 3 there: seed and public key in base64 as a secret key is, and what it signs. */
static const struct {
    const char *secret;
    const char *public;
    const char *message;
    size_t length;
    const char *signature; /* hexadecimal */
} vectors[] = {
    {"nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg==",
     "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "", 0,
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
     "b46bd25bf5f0595bbe24655141438e7a100b"},
    {"TM0Imyj/ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U+4pvs9QBfD6EOJWpK3CqdNG368nJgszy7ElozAzVXxKvRmDA==",
     "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=", "\x72", 1,
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1"
     "1d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"xaqN9D+fg3vtt0QvMdy3sWbThTUHbwlLhc46LgtEWPf8Uc2OYhiho42kftACMPBYCBbtE7ozA6xd65EVSJCAJQ==",
     "/FHNjmIYoaONpH7QAjDwWAgW7RO6MwOsXeuRFUiQgCU=", "\xaf\x82", 2,
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984d"
     "c6594a7c15e9716ed28dc027beceea1ec40a"},
};

static char directory[] = "/tmp/vmreclaim-test-keys-XXXXXX";
static char path[64];

static int set_up(void **state)
{
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/key", directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)unlink(path);
    return rmdir(directory);
}

/* Writes the file as it stands, for its owner only unless `mode` says otherwise. */
static void write_file(const char *text, mode_t mode)
{
    cleanup_close int descriptor = -1;

    (void)unlink(path);
    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, text, strlen(text)), strlen(text));
}

static void read_key(const char *secret, struct signing_key *ret_key)
{
    struct error error = {""};

    write_file(secret, 0600);
    if (signing_key_read(path, ret_key, &error) < 0)
        fail_msg("%s", error.text);
}

static void to_hexadecimal(const uint8_t *bytes, size_t size, char *text)
{
    for (size_t i = 0; i < size; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

static void test_what_the_standard_signs(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
        const uint8_t *message = (const uint8_t *)vectors[i].message;
        uint8_t signature[SIGNING_SIGNATURE_SIZE];
        char text[2 * SIGNING_SIGNATURE_SIZE + 1];
        char public_text[SIGNING_PUBLIC_TEXT];
        struct signing_public_key public, parsed;
        struct signing_key key;

        read_key(vectors[i].secret, &key);
        signing_key_public(&key, &public);
        signing_public_key_format(&public, public_text);
        assert_string_equal(public_text, vectors[i].public);
        assert_int_equal(signing_public_key_parse(public_text, &parsed, NULL), 0);
        assert_memory_equal(&parsed, &public, sizeof(public));

        assert_int_equal(signing_sign(&key, message, vectors[i].length, signature), 0);
        to_hexadecimal(signature, sizeof(signature), text);
        assert_string_equal(text, vectors[i].signature);
        assert_int_equal(signing_verify(&public, message, vectors[i].length, signature), 0);
    }
}

/* Every bit of a signature counts, and so does the key. */
static void test_no_other_signature_holds(void **state)
{
    const uint8_t *message = (const uint8_t *)vectors[2].message;
    uint8_t signature[SIGNING_SIGNATURE_SIZE];
    struct signing_public_key public, other;
    struct signing_key key;

    read_key(vectors[2].secret, &key);
    signing_key_public(&key, &public);
    assert_int_equal(signing_sign(&key, message, 2, signature), 0);
    for (unsigned bit = 0; bit < 8 * sizeof(signature); bit++) {
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(signing_verify(&public, message, 2, signature), -EBADMSG);
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(signing_verify(&public, message, 1, signature), -EBADMSG);
    assert_int_equal(signing_public_key_parse(vectors[1].public, &other, NULL), 0);
    assert_int_equal(signing_verify(&other, message, 2, signature), -EBADMSG);
    assert_int_equal(signing_verify(&public, message, 2, signature), 0);
}

static void test_what_is_no_public_key(void **state)
{
    static const char *const bad[] = {
        "",
        "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo",     /* not whole */
        "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHUQ==",    /* a byte less */
        "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURoA",    /* a byte more */
        "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo= ",   /* something behind it */
        "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\nx", /* another line */
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",    /* points of small order sign */
        "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",    /* anything */
        "7P///////////////////////////////////////38=",
    };
    struct signing_public_key key;
    struct error error = {""};

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(signing_public_key_parse(bad[i], &key, &error), -EINVAL);
    assert_int_equal(
        signing_public_key_parse("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n", &key, &error),
        0);
}

/* It would stand where everybody may read it. */
static void test_a_secret_key_is_no_public_one(void **state)
{
    struct signing_public_key key;
    struct error error = {""};

    assert_int_equal(signing_public_key_parse(vectors[0].secret, &key, &error), -EINVAL);
    assert_non_null(strstr(error.text, "secret"));
    assert_null(strstr(error.text, "nWGx"));
}

static void test_a_new_key_is_its_owners(void **state)
{
    struct signing_key first, second, read;
    struct error error = {""};
    struct stat status;

    (void)unlink(path);
    assert_int_equal(signing_key_make(&first), 0);
    assert_int_equal(signing_key_make(&second), 0);
    assert_memory_not_equal(&first, &second, sizeof(first));
    assert_int_equal(signing_key_write(path, &first, &error), 0);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(signing_key_write(path, &second, &error), -EEXIST);
    assert_int_equal(signing_key_read(path, &read, &error), 0);
    assert_memory_equal(&read, &first, sizeof(first));
    signing_key_forget(&read);
    for (size_t i = 0; i < sizeof(read); i++)
        assert_int_equal(read.bytes[i], 0);
}

static void expect_unreadable(int expected)
{
    struct signing_key key;
    struct error error = {""};

    assert_int_equal(signing_key_read(path, &key, &error), expected);
    assert_non_null(strstr(error.text, path));
}

static void test_what_is_no_key_file(void **state)
{
    char mixed[96];

    /* The public half is another key's. */
    snprintf(mixed, sizeof(mixed), "%.44s%s", vectors[0].secret, vectors[1].secret + 44);
    write_file(mixed, 0600);
    expect_unreadable(-EINVAL);
    write_file(vectors[0].public, 0600);
    expect_unreadable(-EINVAL);
    write_file("", 0600);
    expect_unreadable(-EINVAL);
    snprintf(mixed, sizeof(mixed), "%s\n\n", vectors[0].secret);
    write_file(mixed, 0600);
    expect_unreadable(-EINVAL);
    write_file(vectors[0].secret, 0640);
    expect_unreadable(-EPERM);
    assert_int_equal(unlink(path), 0);
    expect_unreadable(-ENOENT);
    assert_int_equal(symlink("/dev/null", path), 0);
    expect_unreadable(-ELOOP);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_unreadable(-EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_standard_signs),
        cmocka_unit_test(test_no_other_signature_holds),
        cmocka_unit_test(test_what_is_no_public_key),
        cmocka_unit_test(test_a_secret_key_is_no_public_one),
        cmocka_unit_test(test_a_new_key_is_its_owners),
        cmocka_unit_test(test_what_is_no_key_file),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
