/* Lines of NAME:HASH, and crypt(3) with them: libxcrypt's crypt_rn(), which says when it cannot,
 * and which sanitizers do not take for their own. */
#include "controller/web/passwords.h"

#include <assert.h>
#include <crypt.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/gnutls.h>

#include "common/base/cleanup.h"
#include "common/base/number.h"
#include "common/base/text.h"

#define HASH_MAX        128 /* bytes */
#define ROUNDS_MAX      1000000u
#define BCRYPT_COST_MAX 14u

struct entry {
    char name[PASSWORDS_NAME_MAX + 1];
    char hash[HASH_MAX + 1];
};

struct passwords {
    unsigned references;
    size_t count;
    struct entry entries[];
};

/* ---- what a hash may cost ---- */

/* As mkpasswd writes it: "j", N as a power of two less one, r as 8 or 32. "B" and 32 are 64 MiB. */
static bool is_bearable_yescrypt(const char *parameters)
{
    static const char powers[] = "./0123456789AB";

    return parameters[0] == 'j' && parameters[1] != '\0' && strchr(powers, parameters[1]) != NULL &&
           (parameters[2] == '5' || parameters[2] == 'T') && parameters[3] == '$';
}

static bool is_bearable_bcrypt(const char *parameters)
{
    return isdigit((unsigned char)parameters[0]) && isdigit((unsigned char)parameters[1]) &&
           parameters[2] == '$' &&
           (unsigned)(parameters[0] - '0') * 10 + (unsigned)(parameters[1] - '0') <=
               BCRYPT_COST_MAX;
}

static bool is_bearable_sha(const char *parameters)
{
    static const char rounds[] = "rounds=";
    char digits[16];
    size_t length;
    uint64_t count;

    if (strncmp(parameters, rounds, strlen(rounds)) != 0)
        return true;
    parameters += strlen(rounds);
    length = strcspn(parameters, "$");
    if (length >= sizeof(digits))
        return false;
    memcpy(digits, parameters, length);
    digits[length] = '\0';
    return number_parse(digits, &count) == 0 && count <= ROUNDS_MAX;
}

static const struct scheme {
    const char *prefix;
    size_t end; /* bytes behind the last $ */
    bool (*is_bearable)(const char *parameters);
} schemes[] = {
    {"$y$", 43, is_bearable_yescrypt}, {"$2a$", 53, is_bearable_bcrypt},
    {"$2b$", 53, is_bearable_bcrypt},  {"$2y$", 53, is_bearable_bcrypt},
    {"$6$", 86, is_bearable_sha},      {"$5$", 43, is_bearable_sha},
};

static const struct scheme *scheme_of(const char *hash)
{
    for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
        if (strncmp(hash, schemes[i].prefix, strlen(schemes[i].prefix)) == 0)
            return &schemes[i];
    return NULL;
}

/* NULL: it is fine. Else what is wrong with it. */
static const char *check_hash(const char *hash)
{
    const struct scheme *scheme = scheme_of(hash);

    if (scheme == NULL)
        return "is none of yescrypt, bcrypt, SHA-512 and SHA-256; make one with htpasswd -B, or "
               "with mkpasswd -m yescrypt";
    if (strlen(hash) > HASH_MAX || strlen(strrchr(hash, '$') + 1) != scheme->end)
        return "is not whole";
    if (!scheme->is_bearable(hash + strlen(scheme->prefix)))
        return "costs more than a login may; make one with a lower cost";
    return NULL;
}

/* ---- the file ---- */

static const struct entry *find(const struct passwords *passwords, const char *name)
{
    for (size_t i = 0; i < passwords->count; i++)
        if (strcmp(passwords->entries[i].name, name) == 0)
            return &passwords->entries[i];
    return NULL;
}

static int take_entry(struct passwords *passwords, char *line, struct error *error)
{
    char *hash = strchr(line, ':');
    struct entry *entry = &passwords->entries[passwords->count];
    const char *problem;

    if (hash == NULL)
        return error_set(error, -EINVAL, "is not NAME:HASH");
    *hash++ = '\0';
    hash = text_trim(hash);
    if (line[0] == '\0' || strlen(line) > PASSWORDS_NAME_MAX || !text_is_utf8(line, strlen(line)))
        return error_set(error, -EINVAL, "has no name of 1 to %d bytes in UTF-8",
                         PASSWORDS_NAME_MAX);
    if (find(passwords, line) != NULL)
        return error_set(error, -EINVAL, "names \"%s\" a second time", line);
    problem = check_hash(hash);
    if (problem != NULL)
        return error_set(error, -EINVAL, "the hash of \"%s\" %s", line, problem);
    text_copy(entry->name, sizeof(entry->name), line);
    text_copy(entry->hash, sizeof(entry->hash), hash);
    passwords->count++;
    return 0;
}

static size_t count_lines(const char *text)
{
    size_t lines = 1;

    for (; *text != '\0'; text++)
        lines += *text == '\n' ? 1 : 0;
    return lines;
}

static int parse_lines(struct passwords *passwords, char *text, size_t room, struct error *error)
{
    char *rest = text;
    unsigned number = 0;
    char *line;

    while ((line = strsep(&rest, "\n")) != NULL) {
        int r;

        number++;
        line = text_trim(line);
        if (line[0] == '\0' || line[0] == '#')
            continue;
        if (passwords->count == room)
            return error_set(error, -EINVAL, "has more than %d names", PASSWORDS_MAX);
        r = take_entry(passwords, line, error);
        if (r < 0)
            return error_prefix(error, r, "line %u", number);
    }
    return passwords->count == 0 ? error_set(error, -EINVAL, "has no name, so nobody could log in")
                                 : 0;
}

int passwords_parse(const char *text, struct passwords **ret_passwords, struct error *error)
{
    size_t room = min_of(count_lines(text), (size_t)PASSWORDS_MAX);
    cleanup_free char *copy = strdup(text);
    struct passwords *passwords = calloc(1, sizeof(*passwords) + room * sizeof(struct entry));
    int r;

    if (copy == NULL || passwords == NULL) {
        free(passwords);
        return error_set(error, -ENOMEM, "no memory for %zu names", room);
    }
    passwords->references = 1;
    r = parse_lines(passwords, copy, room, error);
    explicit_bzero(copy, strlen(text));
    if (r < 0) {
        passwords_release(passwords);
        return r;
    }
    *ret_passwords = passwords;
    return 0;
}

struct passwords *passwords_hold(struct passwords *passwords)
{
    passwords->references++;
    return passwords;
}

void passwords_release(struct passwords *passwords)
{
    if (passwords != NULL && --passwords->references == 0)
        free(passwords);
}

size_t passwords_count(const struct passwords *passwords)
{
    return passwords->count;
}

/* ---- verifying ---- */

bool passwords_verify(const struct passwords *passwords, const char *name, const char *password)
{
    const struct entry *known = find(passwords, name);
    const struct entry *entry = known != NULL ? known : &passwords->entries[0];
    struct crypt_data *data = calloc(1, sizeof(*data));
    const char *hash =
        data == NULL ? NULL : crypt_rn(password, entry->hash, data, (int)sizeof(*data));
    bool same = hash != NULL && strlen(hash) == strlen(entry->hash) &&
                gnutls_memcmp(hash, entry->hash, strlen(hash)) == 0;

    assert(passwords->count > 0);
    if (data != NULL)
        explicit_bzero(data, sizeof(*data));
    free(data);
    return same && known != NULL;
}
