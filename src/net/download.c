#include <strings.h>

#include "base/draft.h"
#include "base/hash.h"
#include "base/limits.h"
#include "net/net.h"
#include "net/transfer.h"

#define DOWNLOAD_TOTAL_MS (6 * 3600 * 1000)

struct download {
    struct transfer_sink sink;
    struct draft *draft;
    uint64_t n_bytes;
    void (*progress)(void *ctx, uint64_t n_bytes, uint64_t n_total);
    void *ctx;
};

static enum status write_piece(void *ctx, const struct transfer_head *head, const char *bytes,
                               size_t len, struct error *err)
{
    struct download *download = ctx;
    if (head->code != 200)
        return STATUS_OK; /* a page about the error: of no use */
    download->n_bytes += len;
    download->sink.n_progress++;
    if (download->n_bytes > RAGGED_LIMIT_DOWNLOAD)
        return error_set(err, STATUS_LIMIT, "the file is larger than %zu bytes",
                         RAGGED_LIMIT_DOWNLOAD);
    enum status status = draft_append(download->draft, bytes, len, err);
    if (!status && download->progress)
        download->progress(download->ctx, download->n_bytes,
                           head->n_length > 0 ? (uint64_t)head->n_length : 0);
    return status;
}

static enum status receive(const char *url, struct download *download, const struct cancel *cancel,
                           struct error *err)
{
    const struct net_request request = {
        .method = "GET",
        .url = url,
        .timeouts = {.total_ms = DOWNLOAD_TOTAL_MS},
        .follow_redirects = 1,
        .cancel = cancel,
    };
    struct net_response response;
    struct transfer_facts facts;
    download->sink = (struct transfer_sink){.on_body = write_piece, .ctx = download};
    enum status status = transfer_run(&request, &download->sink, &response, &facts, err);
    if (!status && response.code != 200)
        status = error_set(err, response.code == 404 ? STATUS_NOT_FOUND : STATUS_REMOTE,
                           "the server answered HTTP %d", response.code);
    return status;
}

static enum status check_hash(const struct draft *draft, const char *sha256, struct error *err)
{
    char found[HASH_SHA256_HEX];
    enum status status = hash_sha256_file(draft->temp, found, err);
    if (!status && strcasecmp(found, sha256) != 0)
        status = error_set(err, STATUS_FORMAT, "SHA-256 is %s, expected %s", found, sha256);
    return status;
}

enum status net_download(const char *url, const char *path, const char *sha256,
                         void (*progress)(void *ctx, uint64_t n_bytes, uint64_t n_total), void *ctx,
                         const struct cancel *cancel, struct error *err)
{
    struct draft draft = {0};
    struct file_info info;
    enum status status = draft_open(&draft, path, 0600, err);
    if (status)
        return status;
    struct download download = {.draft = &draft, .progress = progress, .ctx = ctx};
    status = receive(url, &download, cancel, err);
    if (!status && sha256)
        status = check_hash(&draft, sha256, err);
    if (status)
        error_context(err, status, "could not download \"%s\"", path_name(path));
    else
        status = draft_publish(&draft, &info, err);
    draft_discard(&draft);
    return status;
}
