#include "tests/lab/vsock-device/frontend.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/base/util.h"

void frontend_init(struct frontend *frontend, int descriptor)
{
    *frontend = (struct frontend){.descriptor = descriptor};
}

static void close_descriptors(struct frontend *frontend)
{
    for (unsigned i = 0; i < frontend->message.descriptor_count; i++)
        if (frontend->message.descriptors[i] >= 0)
            close(frontend->message.descriptors[i]);
    frontend->message.descriptor_count = 0;
}

void frontend_finish(struct frontend *frontend)
{
    close_descriptors(frontend);
    close(frontend->descriptor);
}

/* Descriptors that are more than a message may have are closed by the kernel. */
static void take_descriptors(struct frontend *frontend, struct msghdr *header)
{
    struct vhost_message *message = &frontend->message;

    for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control != NULL;
         control = CMSG_NXTHDR(header, control)) {
        size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        const unsigned char *data = CMSG_DATA(control);

        if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < count; i++) {
            int descriptor;

            memcpy(&descriptor, data + i * sizeof(descriptor), sizeof(descriptor));
            if (message->descriptor_count < VHOST_DESCRIPTORS_MAX)
                message->descriptors[message->descriptor_count++] = descriptor;
            else
                close(descriptor);
        }
    }
}

/* Descriptors come with the first byte, so a message is never read past its end. */
static ssize_t receive(struct frontend *frontend, void *bytes, size_t size)
{
    union {
        char bytes[CMSG_SPACE(VHOST_DESCRIPTORS_MAX * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec segment = {.iov_base = bytes, .iov_len = size};
    struct msghdr header = {.msg_iov = &segment,
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof(control)};
    ssize_t length = recvmsg(frontend->descriptor, &header, MSG_CMSG_CLOEXEC);

    if (length < 0)
        return -errno;
    take_descriptors(frontend, &header);
    if ((header.msg_flags & MSG_CTRUNC) != 0)
        return -EPROTO;
    return length;
}

int frontend_receive(struct frontend *frontend, struct error *error)
{
    struct vhost_message *message = &frontend->message;

    if (frontend->received >= VHOST_HEADER_SIZE &&
        frontend->received == VHOST_HEADER_SIZE + message->header.size) {
        close_descriptors(frontend);
        frontend->received = 0;
    }
    for (;;) {
        bool in_header = frontend->received < VHOST_HEADER_SIZE;
        size_t offset = in_header ? frontend->received : frontend->received - VHOST_HEADER_SIZE;
        uint8_t *bytes = in_header ? (uint8_t *)&message->header : message->payload;
        size_t size = in_header ? VHOST_HEADER_SIZE : message->header.size;
        ssize_t length;

        if (offset == size)
            return 1;
        length = receive(frontend, bytes + offset, size - offset);
        if (length == -EAGAIN || length == -EINTR)
            return -EAGAIN;
        if (length == 0 || length == -ECONNRESET)
            return 0;
        if (length < 0)
            return error_set(error, (int)length, "QEMU's message: %s", strerror((int)-length));
        frontend->received += (size_t)length;
        if (in_header && frontend->received == VHOST_HEADER_SIZE) {
            int r = vhost_check(&message->header, error);

            if (r < 0)
                return r;
        }
    }
}

int frontend_send(struct frontend *frontend, const struct vhost_message *reply, struct error *error)
{
    struct iovec segments[] = {
        {.iov_base = (void *)&reply->header, .iov_len = VHOST_HEADER_SIZE},
        {.iov_base = (void *)reply->payload, .iov_len = reply->header.size},
    };
    struct msghdr header = {.msg_iov = segments, .msg_iovlen = ARRAY_SIZE(segments)};
    ssize_t length = sendmsg(frontend->descriptor, &header, MSG_NOSIGNAL);

    /* A front end waits for each reply, so there is room for one. */
    if (length != (ssize_t)(VHOST_HEADER_SIZE + reply->header.size))
        return error_set(error, -EPIPE, "QEMU does not take a reply");
    return 0;
}
