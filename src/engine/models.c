#include "base/file.h"
#include "base/mem.h"
#include "engine/engine_parts.h"

static bool has_all_files(const struct embed_model *model, const char *folder)
{
    bool has_all = true;
    for (size_t i = 0; i < model->n_files && has_all; i++) {
        char *path = path_join(folder, model->files[i].name);
        struct file_info info;
        has_all = path && file_stat(path, FILE_FOLLOW, &info, NULL) == STATUS_OK &&
                  (!model->files[i].size_bytes || info.size_bytes == model->files[i].size_bytes);
        mem_free(path);
    }
    return has_all;
}

/* 0 when the size of one is not known. */
static uint64_t size_of(const struct embed_model *model)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < model->n_files; i++) {
        if (!model->files[i].size_bytes)
            return 0;
        sum += model->files[i].size_bytes;
    }
    return sum;
}

static bool has_all_hashes(const struct embed_model *model)
{
    for (size_t i = 0; i < model->n_files; i++)
        if (!model->files[i].sha256)
            return false;
    return true;
}

enum status engine_model_list(void (*each)(void *ctx, const struct engine_model *model), void *ctx,
                              struct error *err)
{
    size_t n;
    const struct embed_model *models = embed_models(&n);
    for (size_t i = 0; i < n; i++) {
        char *folder = embed_model_folder(models[i].name);
        if (!folder)
            return error_nomem(err);
        struct engine_model model = {
            .name = models[i].name,
            .hub = models[i].hub,
            .licence = models[i].licence,
            .folder = folder,
            .is_present = has_all_files(&models[i], folder),
            .is_pinned = has_all_hashes(&models[i]),
            .is_reranker = models[i].kind == EMBED_MODEL_RERANKER,
            .dim = models[i].dim,
            .n_tokens_max = models[i].n_tokens_max,
            .size_bytes = size_of(&models[i]),
        };
        each(ctx, &model);
        mem_free(folder);
    }
    return STATUS_OK;
}

/* NULL or "" is the default model. */
static enum status find_model(const char *name, const struct embed_model **out_model,
                              char **out_folder, struct error *err)
{
    size_t n;
    const struct embed_model *models = embed_models(&n);
    const struct embed_model *model = name && *name ? embed_model_find(name) : &models[0];
    if (!model) {
        enum status status = error_set(err, STATUS_NOT_FOUND, "there is no model \"%s\"", name);
        error_hint(err, "`ragged model list` shows the known ones");
        return status;
    }
    char *folder = embed_model_folder(model->name);
    if (!folder)
        return error_nomem(err);
    *out_model = model;
    *out_folder = folder;
    return STATUS_OK;
}

enum status engine_model_verify(const char *name, struct error *err)
{
    const struct embed_model *model;
    char *folder;
    enum status status = find_model(name, &model, &folder, err);
    if (status)
        return status;
    status = embed_model_verify(model, folder, err);
    mem_free(folder);
    return status;
}

enum status engine_model_pull(const char *name, enum engine_trust trust,
                              void (*say)(void *ctx, const char *line), void *ctx,
                              const struct cancel *cancel, struct error *err)
{
    const struct embed_model *model;
    char *folder;
    enum status status = find_model(name, &model, &folder, err);
    if (status)
        return status;
    status = embed_model_pull(model, folder,
                              trust == ENGINE_TRUST_HUB ? MODEL_TRUST_HUB : MODEL_TRUST_PINNED, say,
                              ctx, cancel, err);
    mem_free(folder);
    return status;
}
