#include "net/transfer_failure.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum detail { DETAIL_NONE, DETAIL_ERRNO, DETAIL_CURL };

/* before + origin + after, then the detail. Codes without a row get the last one. */
static const struct {
    CURLcode rc;
    const char *before, *after;
    enum detail detail;
    enum status status;
} sentences[] = {
    {CURLE_COULDNT_RESOLVE_HOST, "could not find the host of ", "", DETAIL_NONE, STATUS_REMOTE},
    {CURLE_COULDNT_RESOLVE_PROXY, "could not find the proxy for ", "", DETAIL_CURL, STATUS_REMOTE},
    {CURLE_COULDNT_CONNECT, "could not connect to ", "", DETAIL_ERRNO, STATUS_REMOTE},
    {CURLE_OPERATION_TIMEDOUT, "could not connect to ", ": timed out", DETAIL_NONE, STATUS_REMOTE},
    {CURLE_SSL_CONNECT_ERROR, "could not agree on TLS with ", "", DETAIL_CURL, STATUS_REFUSED},
    {CURLE_PEER_FAILED_VERIFICATION, "could not trust the certificate of ", "", DETAIL_CURL,
     STATUS_REFUSED},
    {CURLE_SSL_CACERT_BADFILE, "could not read the certificates for ", "", DETAIL_CURL,
     STATUS_REFUSED},
    {CURLE_SEND_ERROR, "lost the connection to ", " while sending", DETAIL_ERRNO, STATUS_REMOTE},
    {CURLE_GOT_NOTHING, "", " closed the connection without an answer", DETAIL_NONE, STATUS_REMOTE},
    {CURLE_RECV_ERROR, "lost the connection to ", " while receiving", DETAIL_ERRNO, STATUS_REMOTE},
    {CURLE_PARTIAL_FILE, "", " ended its answer early", DETAIL_NONE, STATUS_REMOTE},
    {CURLE_TOO_MANY_REDIRECTS, "", " redirected too often", DETAIL_NONE, STATUS_REFUSED},
    {CURLE_OUT_OF_MEMORY, "", " sent a header that is too long", DETAIL_NONE, STATUS_MALFORMED},
    {CURLE_OK, "", " answered wrongly", DETAIL_CURL, STATUS_MALFORMED},
};

enum status transfer_failure_say(const struct transfer_failure *failure, struct error *err)
{
    size_t i = 0;
    while (sentences[i].rc != failure->rc && sentences[i].rc != CURLE_OK)
        i++;
    char why[CURL_ERROR_SIZE + 2] = "", text[128];
    if (sentences[i].detail == DETAIL_ERRNO && failure->errnum)
        snprintf(why, sizeof why, ": %s", strerror_r(failure->errnum, text, sizeof text));
    else if (sentences[i].detail != DETAIL_NONE)
        snprintf(why, sizeof why, ": %s", failure->detail);
    return error_set(err, sentences[i].status, "%s%s%s%s", sentences[i].before, failure->origin,
                     sentences[i].after, why);
}
