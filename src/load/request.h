/* load/request.h - one document for the worker: a packet on descriptor 3 that carries the open
 * file, its extension and the limit of bytes; of a part where it lies. */
#ifndef RAGGED_LOAD_REQUEST_H
#define RAGGED_LOAD_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "load/kinds.h"

#define REQUEST_FD 3 /* of the worker: one end of a SOCK_SEQPACKET pair */

struct request {
    uint64_t limit_bytes; /* larger is refused; of a part its size */
    uint64_t offset;      /* where it begins */
    uint32_t is_part;
    char extension[EXTENSION_MAX + 1]; /* terminated */
};

bool request_send(int socket_fd, const struct request *request, int document_fd);

/* 1: *out_fd is the document (close it). 0: the other side is gone. -1: not a request. */
int request_receive(int socket_fd, struct request *out, int *out_fd);

#endif
