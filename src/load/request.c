#include "load/request.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

union control {
    struct cmsghdr head; /* for its alignment */
    char bytes[CMSG_SPACE(sizeof(int))];
};

bool request_send(int socket_fd, const struct request *request, int document_fd)
{
    struct request copy = *request;
    struct iovec data = {.iov_base = &copy, .iov_len = sizeof copy};
    union control control = {0};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &document_fd, sizeof document_fd);
    ssize_t n;
    do
        n = sendmsg(socket_fd, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof copy;
}

int request_receive(int socket_fd, struct request *out, int *out_fd)
{
    struct request request;
    struct iovec data = {.iov_base = &request, .iov_len = sizeof request};
    union control control = {0};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t n;
    do
        n = recvmsg(socket_fd, &message, 0);
    while (n < 0 && errno == EINTR);
    if (n == 0)
        return 0;
    const struct cmsghdr *head = n == (ssize_t)sizeof request ? CMSG_FIRSTHDR(&message) : NULL;
    if (!head || head->cmsg_type != SCM_RIGHTS || head->cmsg_len != CMSG_LEN(sizeof(int)))
        return -1;
    request.extension[EXTENSION_MAX] = '\0';
    memcpy(out_fd, CMSG_DATA(head), sizeof *out_fd);
    *out = request;
    return 1;
}
