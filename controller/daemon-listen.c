/* Sockets that others connect to. */
#include "controller/daemon-listen.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/log.h"
#include "controller/vms/links.h"

static void on_agent(int descriptor, const struct peer *peer, void *userdata)
{
    struct daemon *daemon = userdata;

    supervisor_accept_agent(&daemon->supervisor, descriptor, peer);
}

static void on_operator(int descriptor, const struct peer *peer, void *userdata)
{
    struct daemon *daemon = userdata;

    api_accept(&daemon->api, descriptor, peer);
}

static int listen_for_agents(struct daemon *daemon, struct error *error)
{
    for (size_t i = 0; i < daemon->config.listen_count; i++) {
        struct address address;
        int r = address_parse(daemon->config.listen[i], &address, error);

        if (r == 0)
            r = listener_create(&daemon->loop, &address, 0600, on_agent, daemon,
                                &daemon->agent_listeners[i], error);
        if (r < 0)
            return error_prefix(error, r, "cannot listen for agents");
    }
    return 0;
}

/* Operators in a group must be able to connect; the API then checks them. */
static unsigned api_mode(const struct daemon_config *config)
{
    return config->read_group[0] != '\0' || config->control_group[0] != '\0' ||
                   config->fleet_group[0] != '\0'
               ? 0666
               : 0600;
}

int daemon_set_groups(struct daemon *daemon, const struct daemon_config *config,
                      const struct api_groups *groups, struct error *error)
{
    int r = listener_set_mode(daemon->api_listener, api_mode(config));

    if (r < 0)
        return error_set(error, r, "cannot open the API's socket to groups: %s", strerror(-r));
    api_set_groups(&daemon->api, groups);
    return 0;
}

/* Whoever may connect can fill the line in which everybody waits to be taken. Root has one of its
 * own. Without it, as when its path is too long, root waits with the others. */
static void listen_for_root(struct daemon *daemon, const struct address *api)
{
    struct address address;
    struct error error;
    int r = address_of_root(api, &address);

    if (r == -EINVAL)
        return;
    if (r < 0)
        error_set(&error, r, "%s.root: too long for a UNIX socket", api->path);
    else
        r = listener_create(&daemon->loop, &address, 0600, on_operator, daemon,
                            &daemon->root_listener, &error);
    if (r < 0)
        log_warning("root has no socket of its own: %s", error.text);
}

static int listen_for_operators(struct daemon *daemon, struct error *error)
{
    struct address address;
    int r = address_parse(daemon->config.api, &address, error);

    if (r == 0)
        r = listener_create(&daemon->loop, &address, api_mode(&daemon->config), on_operator, daemon,
                            &daemon->api_listener, error);
    if (r == -EADDRINUSE)
        error_append(error, r, "\nis another vmreclaimd at work? see: systemctl status vmreclaimd");
    if (r < 0)
        return error_prefix(error, r, "cannot serve the API");
    listen_for_root(daemon, &address);
    return 0;
}

/* The directory of the API's socket, when it is not there. */
static void make_parent(const char *address)
{
    char path[PATH_MAX];
    char *slash;

    if (strncmp(address, "unix:", 5) != 0)
        return;
    snprintf(path, sizeof(path), "%s", address + 5);
    slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return;
    *slash = '\0';
    /* A failure shows when the socket is bound. */
    (void)mkdir(path, 0755);
}

/* Operators first: who cannot serve them takes no agent. */
int daemon_listen_start(struct daemon *daemon, struct error *error)
{
    int r;

    make_parent(daemon->config.api);
    r = listen_for_operators(daemon, error);
    if (r == 0)
        r = listen_for_agents(daemon, error);
    if (r < 0)
        daemon_listen_stop(daemon);
    return r;
}

void daemon_listen_stop(struct daemon *daemon)
{
    listener_destroy(daemon->api_listener);
    listener_destroy(daemon->root_listener);
    for (size_t i = 0; i < DAEMON_LISTEN_MAX; i++)
        listener_destroy(daemon->agent_listeners[i]);
}
