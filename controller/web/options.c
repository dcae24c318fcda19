/* Options, and what does not go together. */
#include "controller/web/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

const char options_help[] =
    "Usage: vmreclaim-web [OPTION]...\n"
    "Shows what vmreclaimd, or a fleet's coordinator, knows to whoever asks by HTTP.\n"
    "It only reads, and needs no more than the daemon's read group.\n"
    "\n"
    "  --listen ADDRESS     127.0.0.1:PORT, [::1]:PORT, unix:PATH or fd:N\n"
    "                       (default " OPTIONS_LISTEN "). Other machines' addresses\n"
    "                       need a certificate.\n"
    "  --host NAME          a name under which browsers may reach it, beside\n"
    "                       localhost; several allowed\n"
    "  --tls-certificate FILE, --tls-key FILE\n"
    "                       serve HTTPS; PEM files\n"
    "  --basic-auth FILE    with HTTPS: only for who has a name and password, as\n"
    "                       `htpasswd -B` or `mkpasswd` write them into FILE\n"
    "  --metrics all|host   host: no figures of single VMs in /metrics\n"
    "  --textfile FILE      serve nothing: write the metrics to FILE, whole or not at\n"
    "                       all, for the textfile collector of node_exporter\n"
    "  --interval DURATION  with --textfile: again and again, as often as that\n"
    "  --api ADDRESS        the daemon's socket (default $VMRECLAIM_API, else\n"
    "                       " OPTIONS_API "); none: there is no\n"
    "                       daemon on this machine\n"
    "  --fleet ADDRESS      a coordinator's socket, to show a fleet as well\n"
    "  --debug              log everything\n"
    "  --help, --version\n"
    "\n"
    "/metrics is for Prometheus, /healthz for monitors, /api/ has JSON, /events what\n"
    "happens. See vmreclaim-web(8).\n"
    "\n"
    "SIGHUP reads certificate, key and passwords again, as every change of them does.\n"
    "\n"
    "Exit status: 0 fine, 1 failure, 2 wrong usage.\n";

enum {
    OPTION_LISTEN = 256,
    OPTION_HOST,
    OPTION_CERTIFICATE,
    OPTION_KEY,
    OPTION_BASIC_AUTH,
    OPTION_METRICS,
    OPTION_TEXTFILE,
    OPTION_INTERVAL,
    OPTION_API,
    OPTION_FLEET,
    OPTION_DEBUG,
    OPTION_HELP,
    OPTION_VERSION,
};

static const struct option names[] = {
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"host", required_argument, NULL, OPTION_HOST},
    {"tls-certificate", required_argument, NULL, OPTION_CERTIFICATE},
    {"tls-key", required_argument, NULL, OPTION_KEY},
    {"basic-auth", required_argument, NULL, OPTION_BASIC_AUTH},
    {"metrics", required_argument, NULL, OPTION_METRICS},
    {"textfile", required_argument, NULL, OPTION_TEXTFILE},
    {"interval", required_argument, NULL, OPTION_INTERVAL},
    {"api", required_argument, NULL, OPTION_API},
    {"fleet", required_argument, NULL, OPTION_FLEET},
    {"debug", no_argument, NULL, OPTION_DEBUG},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

/* Where a value goes as it is; NULL: it does not. */
static const char **text_of(struct options *options, int option)
{
    switch (option) {
    case OPTION_LISTEN:
        return &options->listen;
    case OPTION_CERTIFICATE:
        return &options->certificate;
    case OPTION_KEY:
        return &options->key;
    case OPTION_BASIC_AUTH:
        return &options->basic_auth;
    case OPTION_TEXTFILE:
        return &options->textfile;
    case OPTION_API:
        return &options->api;
    case OPTION_FLEET:
        return &options->fleet;
    default:
        return NULL;
    }
}

static int take_host(struct options *options, const char *value, struct error *error)
{
    if (guard_host_length(value) != strlen(value) || value[0] == '\0')
        return error_set(error, -EINVAL, "--host: \"%s\" is not a name without a port", value);
    if (options->host_count == GUARD_HOSTS_MAX)
        return error_set(error, -EINVAL, "--host: more than %d names", GUARD_HOSTS_MAX);
    options->hosts[options->host_count++] = value;
    return 0;
}

static int take_metrics(struct options *options, const char *value, struct error *error)
{
    if (strcmp(value, "all") == 0)
        options->scope = METRICS_ALL;
    else if (strcmp(value, "host") == 0)
        options->scope = METRICS_HOST;
    else
        return error_set(error, -EINVAL, "--metrics: \"%s\" is neither \"all\" nor \"host\"",
                         value);
    return 0;
}

static int take_interval(struct options *options, const char *value, struct error *error)
{
    if (time_parse_duration(value, &options->interval) < 0 || options->interval < NSEC_PER_SEC)
        return error_set(
            error, -EINVAL,
            "--interval: \"%s\" is not a duration of a second or more; write 15s or 1m", value);
    return 0;
}

static int take(struct options *options, int option, const char *value, struct error *error)
{
    const char **text = text_of(options, option);

    if (text != NULL) {
        *text = value;
        return 0;
    }
    switch (option) {
    case OPTION_HOST:
        return take_host(options, value, error);
    case OPTION_METRICS:
        return take_metrics(options, value, error);
    case OPTION_INTERVAL:
        return take_interval(options, value, error);
    case OPTION_DEBUG:
        options->debug = true;
        return 0;
    case OPTION_HELP:
        options->mode = OPTIONS_HELP;
        return 0;
    case OPTION_VERSION:
        options->mode = OPTIONS_VERSION;
        return 0;
    default:
        return error_set(error, -EINVAL, "see vmreclaim-web --help");
    }
}

static int check(const struct options *options, struct error *error)
{
    if ((options->certificate == NULL) != (options->key == NULL))
        return error_set(error, -EINVAL,
                         "--tls-certificate and --tls-key are given together or not at all");
    if (options->basic_auth != NULL && options->certificate == NULL)
        return error_set(error, -EINVAL,
                         "--basic-auth: without --tls-certificate and --tls-key everybody between "
                         "could read the passwords");
    if (options->interval != 0 && options->textfile == NULL)
        return error_set(error, -EINVAL, "--interval is of --textfile, which is not given");
    if (options->textfile != NULL && options->textfile[0] == '\0')
        return error_set(error, -EINVAL, "--textfile: no file is named");
    if (strcmp(options->api, "none") == 0 && strcmp(options->fleet, "none") == 0)
        return error_set(error, -EINVAL, "--api none: nothing is left to show; give --fleet");
    if (options->textfile != NULL && strcmp(options->fleet, "none") != 0)
        return error_set(error, -EINVAL,
                         "--textfile has the daemon's figures alone; a fleet's are in /metrics");
    return 0;
}

int options_parse(int count, char **arguments, struct options *ret_options, struct error *error)
{
    const char *api = getenv("VMRECLAIM_API");
    int option, r;

    *ret_options = (struct options){.listen = OPTIONS_LISTEN, .api = api, .fleet = "none"};
    if (api == NULL || api[0] == '\0')
        ret_options->api = OPTIONS_API;
    optind = 0;
    while ((option = getopt_long(count, arguments, "", names, NULL)) != -1) {
        r = take(ret_options, option, optarg, error);
        if (r < 0)
            return r;
    }
    if (optind < count)
        return error_set(error, -EINVAL, "\"%s\" is no option; see vmreclaim-web --help",
                         arguments[optind]);
    return check(ret_options, error);
}
