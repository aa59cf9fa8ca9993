#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "embed/model_internal.h"
#include "net/net.h"

#define DEFAULT_HUB "https://huggingface.co"
#define SAY_EVERY_BYTES (16u * 1024 * 1024)

struct progress {
    const struct model_pull *pull;
    const char *name;
    uint64_t n_said; /* bytes at the last line */
};

static void say_progress(void *ctx, uint64_t n_bytes, uint64_t n_total)
{
    struct progress *progress = ctx;
    if (n_bytes - progress->n_said < SAY_EVERY_BYTES)
        return;
    progress->n_said = n_bytes;
    model_pull_say(progress->pull, "%s: %" PRIu64 " of %" PRIu64 " MB", progress->name,
                   n_bytes / 1000000, n_total / 1000000);
}

/* *out: what the file must hash to, in `found` when it was recorded; NULL when the hub is trusted.
 */
static enum status expected_hash(const struct model_pull *pull, const struct embed_model_file *file,
                                 char found[HASH_SHA256_HEX], const char **out, struct error *err)
{
    *out = file->sha256;
    if (file->sha256)
        return STATUS_OK;
    enum status status = model_trust_find(pull->folder, file->name, found, err);
    if (!status)
        *out = found;
    return status == STATUS_NOT_FOUND && pull->trust == MODEL_TRUST_HUB ? STATUS_OK : status;
}

static enum status pull_file(const struct model_pull *pull, const char *hub,
                             const struct embed_model_file *file, struct error *err)
{
    struct progress progress = {.pull = pull, .name = file->name};
    struct buf url = {0};
    char recorded[HASH_SHA256_HEX];
    const char *sha256 = NULL;
    char *path = path_join(pull->folder, file->name);
    buf_printf(&url, "%s/%s/resolve/main/%s", hub, pull->model->hub, file->name);
    enum status status = path ? buf_status(&url, err) : error_nomem(err);
    if (!status)
        status = expected_hash(pull, file, recorded, &sha256, err);
    if (!status) {
        model_pull_say(pull, "fetching %s", buf_text(&url));
        status =
            net_download(buf_text(&url), path, sha256, say_progress, &progress, pull->cancel, err);
    }
    if (!status && !sha256)
        status = model_trust_record(pull, file->name, err);
    mem_free(path);
    buf_clear(&url);
    return status;
}

/* The first file that fails decides: a hub that can't be reached costs one connect time-out. */
enum status model_pull_from_hub(const struct model_pull *pull, struct error *err)
{
    const char *offline = getenv("HF_HUB_OFFLINE"), *hub = getenv("HF_ENDPOINT");
    if (offline && *offline && strcmp(offline, "0") != 0)
        return error_set(err, STATUS_REMOTE, "HF_HUB_OFFLINE is set");
    char *base = NULL;
    enum status status = net_base_url(hub && *hub ? hub : DEFAULT_HUB, &base, err);
    for (size_t i = 0; i < pull->model->n_files && !status; i++) {
        const struct embed_model_file *file = &pull->model->files[i];
        if (model_file_verify(file, pull->folder, NULL) != STATUS_OK)
            status = pull_file(pull, base, file, err);
    }
    mem_free(base);
    return status;
}
