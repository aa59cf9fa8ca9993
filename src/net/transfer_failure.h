/* net/transfer_failure.h - a code of libcurl as a sentence that names the server and the step. */
#ifndef RAGGED_NET_TRANSFER_FAILURE_H
#define RAGGED_NET_TRANSFER_FAILURE_H

#include <curl/curl.h>

#include "base/status.h"

struct transfer_failure {
    CURLcode rc; /* not CURLE_OK */
    int errnum;  /* of the last system call; 0: unknown */
    const char *origin, *detail;
};

/* REMOTE: it may pass; REFUSED: no trust, or TLS is not agreed on; MALFORMED: not HTTP. */
enum status transfer_failure_say(const struct transfer_failure *failure, struct error *err);

#endif
