#include "engine/identity.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "cache/blob.h"

/* Read too when it is there, whatever the table of a model says. */
#define PROMPTS_FILE "config_sentence_transformers.json"

static enum status add_file(struct blob *blob, const char *path, struct error *err)
{
    struct file_info info = {0};
    enum status status = file_stat(path, FILE_FOLLOW, &info, err);
    blob_uint(blob, &info.size_bytes, 8);
    blob_uint(blob, &info.inode, 8);
    blob_uint(blob, &info.device, 8);
    blob_int(blob, &info.mtime_ns);
    return status;
}

/* A file that is not there is a part of it like any other. */
static enum status add_file_of(struct blob *blob, const char *folder, const char *name,
                               struct error *err)
{
    char *path = path_join(folder, name);
    if (!path)
        return error_nomem(err);
    enum status status = add_file(blob, path, NULL);
    (void)status;
    mem_free(path);
    return STATUS_OK;
}

static enum status add_model(struct blob *blob, const struct embed_model *model, struct error *err)
{
    const char *name = model ? model->name : NULL;
    blob_text(blob, &name);
    if (!model)
        return STATUS_OK;
    char *folder = embed_model_folder(name);
    const char *where = folder;
    if (!folder)
        return error_nomem(err);
    blob_text(blob, &where);
    enum status status = add_file_of(blob, folder, PROMPTS_FILE, err);
    for (size_t i = 0; i < model->n_files && !status; i++)
        status = add_file_of(blob, folder, model->files[i].name, err);
    mem_free(folder);
    return status;
}

static enum status add_embedder(const struct engine_options *o, struct blob *blob,
                                struct error *err)
{
    struct embedder_options e = engine_embedder_options(o);
    const char *texts[] = {e.backend, e.model, e.url, e.precision};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        blob_text(blob, &texts[i]);
    if (!engine_is_native(o))
        return STATUS_OK;
    return add_model(blob, e.model ? embed_model_find(e.model) : embed_models(&(size_t){0}), err);
}

static enum status add_reranker(const struct engine_options *o, struct blob *blob,
                                struct error *err)
{
    const struct embed_model *model = NULL;
    enum status status = embed_reranker_find(o->rerank_model, &model, NULL);
    (void)status; /* an unknown one is told of when it is wanted */
    return add_model(blob, model, err);
}

static enum status hash_parts(struct engine *engine, struct identity *out, struct error *err)
{
    struct buf bytes = {0};
    struct blob blob = blob_writer(&bytes);
    const struct engine_options *o = &engine->options;
    const char *language = o->language;
    struct features features = o->features;
    enum status status = add_file(&blob, "/proc/self/exe", err);
    blob_text(&blob, &language);
    for (size_t i = 0; i < FEATURE_COUNT; i++)
        blob_bool(&blob, &features.is_off[i]);
    if (!status)
        status = buf_status(&bytes, err);
    if (!status)
        out->program = hash128_of(bytes.data, bytes.len);
    if (!status)
        status = add_embedder(o, &blob, err);
    if (!status)
        status = buf_status(&bytes, err);
    if (!status)
        out->embedder = hash128_of(bytes.data, bytes.len);
    if (!status)
        status = add_reranker(o, &blob, err);
    if (!status)
        status = buf_status(&bytes, err);
    if (!status)
        out->all = hash128_of(bytes.data, bytes.len);
    buf_clear(&bytes);
    return status;
}

enum status identity_get(struct engine *engine, const struct identity **out, struct error *err)
{
    if (!engine->identity.is_known) {
        struct identity identity = {.is_known = true};
        enum status status = hash_parts(engine, &identity, err);
        if (status)
            return status;
        engine->identity = identity;
    }
    *out = &engine->identity;
    return STATUS_OK;
}
