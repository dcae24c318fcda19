/* id -> key -> configuration -> what is to be done next. */
#include "controller/fleet/enrol/join.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "controller/fleet/config/config.h"
#include "controller/fleet/enrol/enrol.h"
#include "controller/fleet/enrol/new-keys.h"

#define MACHINE_ID     "/etc/machine-id"
#define MACHINE_ID_MAX 64
#define ID_BYTES       8
#define ID_SIZE        (2 * ID_BYTES + 1)
#define PURPOSE        "vmreclaim fleet host"
#define PATH_SIZE      4096

/* What there is in the end. */
struct place {
    char nkey[PATH_SIZE];
    char key[NKEY_PUBLIC_SIZE];
    struct fleet_config config;
};

/* The system's id itself is not to be told to others, see machine-id(5). */
static int make_id(char ret_id[ID_SIZE], struct error *error)
{
    unsigned char hash[crypto_generichash_BYTES];
    char machine[MACHINE_ID_MAX];
    int length = file_read_into(AT_FDCWD, MACHINE_ID, machine, sizeof(machine));

    if (length <= 1)
        return error_set(error, length < 0 ? length : -ENODATA,
                         MACHINE_ID ": %s\ngive this host an id with --host",
                         length < 0 ? strerror(-length) : "it is empty");
    (void)crypto_generichash(hash, sizeof(hash), (const unsigned char *)PURPOSE, strlen(PURPOSE),
                             (const unsigned char *)machine, strcspn(machine, "\n"));
    (void)sodium_bin2hex(ret_id, ID_SIZE, hash, ID_BYTES);
    return 0;
}

static void name_key(const char *config, char *ret_path)
{
    const char *slash = strrchr(config, '/');

    snprintf(ret_path, PATH_SIZE, "%.*sfleet.nkey", slash == NULL ? 0 : (int)(slash - config) + 1,
             config);
}

/* Its own program reads it, nobody else. */
static void give_away(const char *path)
{
    const struct passwd *user = getpwnam(JOIN_USER);

    if (user != NULL && geteuid() == 0 && chown(path, user->pw_uid, user->pw_gid) == 0)
        return;
    printf("%s is yours, and " JOIN_USER " runs as a user of its own:\n"
           "  chown " JOIN_USER ": %s\n",
           path, path);
}

static int read_key(const char *path, char ret_key[NKEY_PUBLIC_SIZE], struct error *error)
{
    char seed[2 * NKEY_SEED_SIZE];
    int r = file_read_into(AT_FDCWD, path, seed, sizeof(seed));

    if (r < 0)
        return error_set(error, r, "%s: %s", path, strerror(-r));
    r = nkey_public(seed, ret_key, error);
    sodium_memzero(seed, sizeof(seed));
    return r < 0 ? error_prefix(error, r, "%s", path) : 0;
}

static int make_key(struct place *place, struct error *error)
{
    int r;

    if (access(place->nkey, F_OK) == 0)
        return read_key(place->nkey, place->key, error);
    r = new_nkey_make(place->nkey, place->key, error);
    if (r == 0)
        give_away(place->nkey);
    return r;
}

/* ---- the configuration ---- */

static void print_config(FILE *output, const struct join *join, const char *host, const char *nkey)
{
    fprintf(output, "# This host's place in a fleet: see vmreclaim-fleet(8).\nhost: %s\n", host);
    fputs("# labels: [rack=7, role=database]\n", output);
    for (size_t i = 0; i < join->server_count; i++)
        fprintf(output, "%s%s", i == 0 ? "servers: [" : ", ", join->servers[i]);
    fprintf(output, "]\nnkey: %s\n", nkey);
    if (join->authority != NULL)
        fprintf(output, "authority: %s\n", join->authority);
}

/* To be freed. */
static char *format_config(const struct join *join, const char *host, const char *nkey)
{
    char *text = NULL;
    size_t length;
    FILE *output = open_memstream(&text, &length);

    if (output == NULL)
        return NULL;
    print_config(output, join, host, nkey);
    if (fclose(output) == 0)
        return text;
    free(text);
    return NULL;
}

/* What was given is read as the file will be, before anything is made. */
static int plan_config(const struct join *join, struct place *place, char **ret_text,
                       struct error *error)
{
    char id[ID_SIZE];
    const char *host = join->host;
    int r = host == NULL ? make_id(id, error) : 0;

    if (r < 0)
        return r;
    if (join->server_count == 0)
        return error_set(error, -EINVAL,
                         "say which servers the fleet's bus has: --join tls://HOST:PORT ...");
    *ret_text = format_config(join, host == NULL ? id : host, place->nkey);
    if (*ret_text == NULL)
        return error_set(error, -ENOMEM, "out of memory");
    place->config = (struct fleet_config){.host = ""};
    return keys_read_text(&fleet_keys, &place->config, *ret_text, strlen(*ret_text), "--join",
                          error);
}

static int make_config(const struct join *join, struct place *place, struct error *error)
{
    cleanup_free char *text = NULL;
    int r = plan_config(join, place, &text, error);

    if (r == 0)
        r = make_key(place, error);
    if (r < 0)
        return r;
    assert(text != NULL);
    r = file_publish(AT_FDCWD, join->config, text, strlen(text));
    return r < 0 ? error_set(error, r, "%s: %s", join->config, strerror(-r)) : 0;
}

static int look_at_config(const struct join *join, struct place *place, struct error *error)
{
    int r = fleet_config_read(&place->config, join->config, error);

    if (r < 0)
        return r;
    if (place->config.host[0] == '\0' || place->config.nkey[0] == '\0')
        return error_set(error, -EINVAL, "%s has no host, or no nkey\nmove it away, and join again",
                         join->config);
    printf("%s is there already, and stays as it is.\n", join->config);
    return read_key(place->config.nkey, place->key, error);
}

static void print_next(const struct place *place)
{
    printf("1. Where the fleet's users are kept, an operator types:\n"
           "     vmreclaim-fleet --enrol %s %s\n"
           "2. In this host's /etc/vmreclaim/vmreclaimd.yaml, with the operators' key:\n"
           "     fleet_group: " JOIN_USER "\n"
           "     fleet_host: %s\n"
           "     fleet_keys: [KEY]\n"
           "3. On this host:\n"
           "     systemctl restart vmreclaimd\n"
           "     systemctl enable --now vmreclaim-fleet\n",
           place->config.host, place->key, place->config.host);
}

int join_fleet(const struct join *join, struct error *error)
{
    struct place place;
    int r;

    if (sodium_init() < 0)
        return error_set(error, -EIO, "the system has no random numbers");
    name_key(join->config, place.nkey);
    r = access(join->config, F_OK) == 0 ? look_at_config(join, &place, error)
                                        : make_config(join, &place, error);
    if (r == 0)
        print_next(&place);
    return r;
}
