/* Opened, not only looked at: that is what the program will do. */
#include "controller/fleet/check/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "controller/signing/keys.h"

/* A secret that others may read is none. False: said already. */
static bool check_secret(struct report *report, const char *name, const char *path)
{
    cleanup_close int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;

    if (file < 0 || fstat(file, &status) < 0) {
        report_add(report, FINDING_FAILURE, name, "%s: %s; %s", path, strerror(errno),
                   errno == EACCES ? "it must be its program's: chown it to the service's user"
                                   : "name the file that has it, or make one");
        return false;
    }
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) == 0)
        return true;
    report_add(report, FINDING_FAILURE, name,
               "others may read the secret in %s; make a new one, or: chmod 600 %s", path, path);
    return false;
}

static void check_nkey(struct report *report, const struct fleet_config *config)
{
    if (config->nkey[0] == '\0')
        report_add(report, FINDING_WARNING, "nkey",
                   "no nkey is configured: only servers that let in anybody take this program");
    else if (check_secret(report, "nkey", config->nkey))
        report_add(report, FINDING_OK, "nkey", "%s is its owner's alone", config->nkey);
}

static void check_signing_key(struct report *report, const struct fleet_config *config)
{
    struct signing_key key;
    struct error error;

    if (config->signing_key[0] == '\0') {
        report_add(report, FINDING_FAILURE, "signing-key",
                   "no signing_key is configured: a coordinator signs what hosts are to run");
        return;
    }
    if (!check_secret(report, "signing-key", config->signing_key))
        return;
    if (signing_key_read(config->signing_key, &key, &error) < 0) {
        report_add(report, FINDING_FAILURE, "signing-key", "%s", error.text);
        return;
    }
    signing_key_forget(&key);
    report_add(report, FINDING_OK, "signing-key", "%s is its owner's alone", config->signing_key);
}

static void check_authority(struct report *report, const struct fleet_config *config)
{
    if (config->authority[0] == '\0') {
        if (strstr(config->servers, "tls://") == NULL)
            report_add(report, FINDING_WARNING, "authority",
                       "what goes over the bus is not encrypted: write tls:// in servers, and "
                       "authority");
        return;
    }
    if (access(config->authority, R_OK) < 0)
        report_add(report, FINDING_FAILURE, "authority",
                   "%s: %s; it has the certificate of who "
                   "signed the servers'",
                   config->authority, strerror(errno));
}

void check_files(struct report *report, const struct fleet_config *config, bool is_coordinator)
{
    check_nkey(report, config);
    if (is_coordinator)
        check_signing_key(report, config);
    check_authority(report, config);
}

void check_clock(struct report *report)
{
    struct timex timex = {.modes = 0};

    if (adjtimex(&timex) == TIME_ERROR)
        report_add(report, FINDING_WARNING, "clock",
                   "nobody sets this system's clock: what the fleet has signed is refused where it "
                   "is wrong; run an NTP client");
    else
        report_add(report, FINDING_OK, "clock", "it is kept by an NTP client");
}
