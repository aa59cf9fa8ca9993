#include "net/transfer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/limits.h"
#include "net/curl_library.h"
#include "net/transfer_failure.h"

/* How long we sleep at most before looking at the cancel flag. */
#define TICK_MS 50

struct transfer {
    const struct curl_library *curl; /* borrowed */
    CURL *easy;
    CURLM *multi;
    struct curl_slist *headers;
    const struct net_request *request;
    struct transfer_sink *sink;
    struct net_timeouts timeouts;
    struct transfer_facts *facts;
    int64_t start_ms, last_progress_ms;
    size_t n_header_bytes;
    enum status status; /* of a callback; it wins over what curl says then */
    struct error *err;
    char origin[NET_ORIGIN_MAX];
    char detail[CURL_ERROR_SIZE];
};

static size_t on_header(char *bytes, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;
    (void)bytes;
    t->n_header_bytes += size * n;
    if (t->n_header_bytes <= RAGGED_LIMIT_HTTP_HEADERS)
        return size * n;
    t->status = error_set(t->err, STATUS_MALFORMED, "%s sent more than %zu bytes of headers",
                          t->origin, RAGGED_LIMIT_HTTP_HEADERS);
    return 0;
}

static struct transfer_head read_head(const struct transfer *t)
{
    long code = 0;
    curl_off_t n_length = -1;
    t->curl->easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &code);
    t->curl->easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &n_length);
    return (struct transfer_head){.code = (int)code, .n_length = n_length};
}

static size_t on_body(char *bytes, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;
    if (fault_hit("net.read")) {
        t->status = error_set(t->err, STATUS_REMOTE, "lost the connection to %s: injected failure",
                              t->origin);
        return 0;
    }
    struct transfer_head head = read_head(t);
    size_t n_before = t->sink->n_progress;
    t->status = t->sink->on_body(t->sink->ctx, &head, bytes, size * n, t->err);
    if (t->sink->n_progress != n_before) {
        t->last_progress_ms = clock_monotonic_ms();
        if (t->facts->first_ms < 0)
            t->facts->first_ms = t->last_progress_ms - t->start_ms;
    }
    return t->status || t->sink->is_enough ? 0 : size * n;
}

static enum status add_header(struct transfer *t, const char *line)
{
    struct curl_slist *longer = t->curl->slist_append(t->headers, line);
    if (!longer)
        return error_nomem(t->err);
    t->headers = longer;
    return STATUS_OK;
}

static enum status add_headers(struct transfer *t)
{
    const struct net_request *request = t->request;
    char line[1024];
    enum status status = add_header(t, "Expect:"); /* no wait for "100 Continue" */
    if (!status && request->body) {
        snprintf(line, sizeof line, "Content-Type: %s",
                 request->content_type ? request->content_type : "application/json");
        status = add_header(t, line);
    }
    if (!status && request->bearer) {
        int len = snprintf(line, sizeof line, "Authorization: Bearer %s", request->bearer);
        if (len >= (int)sizeof line || strpbrk(request->bearer, "\r\n"))
            return error_set(t->err, STATUS_INVALID, "the API key for %s is not one short line",
                             t->origin);
        status = add_header(t, line);
    }
    if (!status && request->traceparent) {
        snprintf(line, sizeof line, "traceparent: %s", request->traceparent);
        status = add_header(t, line);
    }
    return status;
}

static int set_method(struct transfer *t)
{
    const struct net_request *request = t->request;
    bool is_post = strcmp(request->method, "POST") == 0;
    int rc = 0;
    if (request->body || is_post) {
        rc |= (int)t->curl->easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                                        (curl_off_t)request->body_len);
        rc |= (int)t->curl->easy_setopt(t->easy, CURLOPT_POSTFIELDS,
                                        request->body ? request->body : "");
    }
    if (strcmp(request->method, "HEAD") == 0)
        rc |= (int)t->curl->easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
    else if (!is_post && (request->body || strcmp(request->method, "GET") != 0))
        rc |= (int)t->curl->easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, request->method);
    return rc;
}

static int set_reach(struct transfer *t)
{
    const struct curl_library *curl = t->curl;
    int rc = 0;
    rc |= (int)curl->easy_setopt(t->easy, CURLOPT_URL, t->request->url);
    rc |= (int)curl->easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    rc |= (int)curl->easy_setopt(t->easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    rc |= (int)curl->easy_setopt(t->easy, CURLOPT_FOLLOWLOCATION,
                                 t->request->follow_redirects ? 1L : 0L);
    rc |= (int)curl->easy_setopt(t->easy, CURLOPT_MAXREDIRS, 5L);
    rc |= (int)curl->easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)t->timeouts.connect_ms);
    if (net_is_loopback(t->request->url))
        rc |= (int)curl->easy_setopt(t->easy, CURLOPT_NOPROXY, "*");
    const char *certificates = getenv("SSL_CERT_FILE");
    if (certificates && *certificates)
        rc |= (int)curl->easy_setopt(t->easy, CURLOPT_CAINFO, certificates);
    return rc;
}

static int set_callbacks(struct transfer *t)
{
    const struct curl_library *curl = t->curl;
    int rc = 0;
    rc |= (int)curl->easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
    rc |= (int)curl->easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->detail);
    rc |= (int)curl->easy_setopt(t->easy, CURLOPT_USERAGENT, "ragged/" RAGGED_VERSION);
    rc |= (int)curl->easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
    rc |= (int)curl->easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
    rc |= (int)curl->easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
    rc |= (int)curl->easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
    rc |= (int)curl->easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
    return rc;
}

static enum status prepare(struct transfer *t)
{
    enum status status = net_origin(t->request->url, t->origin, t->err);
    if (!status)
        status = curl_library_get(&t->curl, t->err);
    if (status)
        return status;
    t->easy = t->curl->easy_init();
    t->multi = t->curl->multi_init();
    if (!t->easy || !t->multi)
        return error_nomem(t->err);
    status = add_headers(t);
    if (!status && (set_reach(t) | set_method(t) | set_callbacks(t)))
        status =
            error_set(t->err, STATUS_REMOTE, "this libcurl is older than 7.85 or out of memory");
    if (!status && t->curl->multi_add_handle(t->multi, t->easy))
        status = error_nomem(t->err);
    return status;
}

static enum status timed_out(const struct transfer *t, const char *what, int limit_ms)
{
    t->facts->is_timeout = true;
    return error_set(t->err, STATUS_REMOTE, "%s %s within %d ms", t->origin, what, limit_ms);
}

static enum status check_time(const struct transfer *t)
{
    if (is_cancelled(t->request->cancel))
        return error_set(t->err, STATUS_CANCELLED, "the request to %s was cancelled", t->origin);
    int64_t now_ms = clock_monotonic_ms();
    bool has_begun = t->facts->first_ms >= 0;
    if (!has_begun && now_ms - t->start_ms >= t->timeouts.first_byte_ms)
        return timed_out(t, "did not begin to answer", t->timeouts.first_byte_ms);
    if (has_begun && now_ms - t->last_progress_ms >= t->timeouts.idle_ms)
        return timed_out(t, "sent nothing more", t->timeouts.idle_ms);
    if (now_ms - t->start_ms >= t->timeouts.total_ms)
        return timed_out(t, "did not finish its answer", t->timeouts.total_ms);
    return STATUS_OK;
}

static enum status finish(struct transfer *t, CURLcode rc)
{
    if (t->status)
        return t->status;
    if (rc == CURLE_OK || t->sink->is_enough)
        return STATUS_OK;
    long errnum = 0;
    t->curl->easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &errnum);
    t->facts->is_refused = rc == CURLE_COULDNT_CONNECT && errnum == ECONNREFUSED;
    t->facts->is_timeout = rc == CURLE_OPERATION_TIMEDOUT;
    const struct transfer_failure failure = {
        .rc = rc,
        .errnum = (int)errnum,
        .origin = t->origin,
        .detail = *t->detail ? t->detail : t->curl->easy_strerror(rc),
    };
    return transfer_failure_say(&failure, t->err);
}

static enum status wait_for_end(struct transfer *t)
{
    for (;;) {
        int n_running = 0, n_left = 0;
        if (t->curl->multi_perform(t->multi, &n_running))
            return error_nomem(t->err);
        const CURLMsg *message = t->curl->multi_info_read(t->multi, &n_left);
        if (message && message->msg == CURLMSG_DONE)
            return finish(t, message->data.result);
        enum status status = check_time(t);
        if (status)
            return status;
        if (t->curl->multi_poll(t->multi, NULL, 0, TICK_MS, NULL))
            return error_nomem(t->err);
    }
}

static void transfer_clear(struct transfer *t)
{
    if (t->multi && t->easy)
        t->curl->multi_remove_handle(t->multi, t->easy);
    if (t->easy)
        t->curl->easy_cleanup(t->easy);
    if (t->multi)
        t->curl->multi_cleanup(t->multi);
    if (t->headers)
        t->curl->slist_free_all(t->headers);
}

static int first_of(int wanted_ms, int usual_ms)
{
    return wanted_ms > 0 ? wanted_ms : usual_ms;
}

static struct net_timeouts choose_timeouts(const struct net_request *request)
{
    const struct net_timeouts *wanted = &request->timeouts;
    return (struct net_timeouts){
        .connect_ms = first_of(wanted->connect_ms, net_is_loopback(request->url) ? 1000 : 5000),
        .first_byte_ms = first_of(wanted->first_byte_ms, 60000),
        .idle_ms = first_of(wanted->idle_ms, 30000),
        .total_ms = first_of(wanted->total_ms, NET_TOTAL_MS),
    };
}

/* Seconds or a date: curl knows both. 0 is what it gives for nonsense. */
static int64_t read_retry_after_ms(const struct transfer *t)
{
    curl_off_t after_s = 0;
    t->curl->easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &after_s);
    return after_s > 0 && after_s < INT64_MAX / 1000 ? after_s * 1000 : 0;
}

enum status transfer_run(const struct net_request *request, struct transfer_sink *sink,
                         struct net_response *out, struct transfer_facts *facts, struct error *err)
{
    *facts = (struct transfer_facts){.first_ms = -1};
    struct transfer t = {
        .request = request,
        .sink = sink,
        .timeouts = choose_timeouts(request),
        .facts = facts,
        .start_ms = clock_monotonic_ms(),
        .err = err,
    };
    enum status status = prepare(&t);
    if (!status && fault_hit("net.connect"))
        status =
            error_set(err, STATUS_REMOTE, "could not connect to %s: injected failure", t.origin);
    if (!status)
        status = wait_for_end(&t);
    if (!status) {
        const char *type = NULL;
        t.curl->easy_getinfo(t.easy, CURLINFO_CONTENT_TYPE, &type);
        facts->retry_after_ms = read_retry_after_ms(&t);
        *out = (struct net_response){.code = read_head(&t).code};
        snprintf(out->content_type, sizeof out->content_type, "%s", type ? type : "");
    }
    transfer_clear(&t);
    return status;
}
