#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "embed/model_internal.h"

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
    char *path = path_join(folder, file->name), found[HASH_SHA256_HEX], recorded[HASH_SHA256_HEX];
    const char *expected = file->sha256 ? file->sha256 : recorded;
    if (!path)
        return error_nomem(err);
    struct file_info info;
    enum status status = file_stat(path, FILE_FOLLOW, &info, err);
    if (!status && !file->sha256)
        status = model_trust_find(folder, file->name, recorded, err);
    if (!status && file->size_bytes && info.size_bytes != file->size_bytes)
        status = error_set(err, STATUS_FORMAT, "\"%s\" has %" PRIu64 " bytes, expected %zu", path,
                           info.size_bytes, file->size_bytes);
    if (!status)
        status = hash_sha256_file(path, found, err);
    if (!status && strcmp(found, expected) != 0)
        status = error_set(err, STATUS_FORMAT, "\"%s\" has SHA-256 %s, expected %s", path, found,
                           expected);
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
