/* vsock-device: a virtio-vsock device for QEMU in a process of its own. See README.md. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "common/base/number.h"
#include "tests/lab/vsock-device/connections.h"
#include "tests/lab/vsock-device/device.h"

#define DESCRIPTORS_BESIDE 64u /* the loop's, the front end's, rings, listeners */

static int usage(int status)
{
    fputs("Usage: vsock-device --cid CID --vhost PATH --hybrid PATH\n"
          "\n"
          "A virtio-vsock device. It is ready once both sockets are there, and ends, with\n"
          "its sockets removed, when QEMU does.\n"
          "\n"
          "  --cid CID      of the guest, from 3 up\n"
          "  --vhost PATH   a socket for QEMU: -chardev socket,id=vsock,path=PATH\n"
          "                 -device vhost-user-vsock-pci,chardev=vsock\n"
          "  --hybrid PATH  a socket for programs on the host, who write CONNECT PORT\n"
          "                 and a newline; the guest reaches host port N at PATH_N\n",
          status == 0 ? stdout : stderr);
    return status;
}

static int parse_options(int argc, char **argv, struct device_options *options)
{
    static const struct option names[] = {
        {"cid", required_argument, NULL, 'c'},
        {"vhost", required_argument, NULL, 'v'},
        {"hybrid", required_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (option == 'c' && (number_parse(optarg, &options->guest_cid) < 0 ||
                              options->guest_cid < 3 || options->guest_cid >= UINT32_MAX))
            return -EINVAL;
        if (option == 'v')
            options->vhost_path = optarg;
        if (option == 'h')
            options->hybrid_path = optarg;
        if (option == '?')
            return -EINVAL;
    }
    if (optind != argc || options->guest_cid == 0 || options->vhost_path == NULL ||
        options->hybrid_path == NULL)
        return -EINVAL;
    return 0;
}

/* One for each connection, so that there is always one to accept with. */
static int allow_descriptors(void)
{
    struct rlimit limit;
    rlim_t needed = CONNECTIONS_MAX + 1 + DESCRIPTORS_BESIDE;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -errno;
    if (limit.rlim_cur >= needed)
        return 0;
    if (limit.rlim_max < needed)
        return -EMFILE;
    limit.rlim_cur = needed;
    return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -errno : 0;
}

static void on_signal(uv_signal_t *handle, int number)
{
    if (handle->data != NULL)
        device_end(handle->data);
}

/* A caller may end the device as soon as its paths are there, so the signals come first. */
static int serve(const struct device_options *options, struct error *error)
{
    struct device *device = NULL;
    uv_signal_t signals[2];
    uv_loop_t loop;
    int r = uv_loop_init(&loop);

    if (r < 0)
        return error_set(error, r, "no event loop: %s", strerror(-r));
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
        (void)uv_signal_init(&loop, &signals[i]);
        (void)uv_signal_start(&signals[i], on_signal, i == 0 ? SIGTERM : SIGINT);
        uv_unref((uv_handle_t *)&signals[i]);
    }
    r = device_create(&loop, options, &device, error);
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
        signals[i].data = device;
    uv_run(&loop, UV_RUN_DEFAULT);
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
        uv_close((uv_handle_t *)&signals[i], NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop);
    return r < 0 ? r : device_destroy(device, error);
}

int main(int argc, char **argv)
{
    struct device_options options = {0};
    struct error error;
    int r;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(0);
    if (parse_options(argc, argv, &options) < 0)
        return usage(2);
    r = allow_descriptors();
    if (r < 0)
        r = error_set(&error, r, "%u descriptors are needed; raise the limit (ulimit -Hn)",
                      CONNECTIONS_MAX + 1 + DESCRIPTORS_BESIDE);
    else
        r = serve(&options, &error);
    if (r < 0) {
        fprintf(stderr, "vsock-device: %s\n", error.text);
        return 1;
    }
    return 0;
}
