/* Keeping the library small and whole: compact, reindex. */
#include <string.h>

#include "engine/engine_parts.h"
#include "governor/disk_reserve.h"
#include "index/maintain.h"
#include "library/library.h"

static enum status open_maintainer(struct engine *engine, const struct cancel *cancel,
                                   struct maintainer *out, struct error *err)
{
    enum status status = maintainer_init(out, engine->options.data_folder, engine_n_threads(engine),
                                         engine->governor, cancel, err);
    if (!status)
        engine_sign(engine, out->store);
    return status;
}

static enum status repair(struct engine *engine, struct maintainer *maintainer, struct error *err)
{
    bool has_lost = false;
    struct analyzer *analyzer;
    enum status status = maintain_has_lost(maintainer, &has_lost, err);
    if (status || !has_lost)
        return status;
    status = engine_get_analyzer(engine, &analyzer, err);
    return status
               ? status
               : maintain_rebuild(maintainer, MAINTAIN_REBUILD_LOST, analyzer, &(size_t){0}, err);
}

enum status engine_keep_up(struct engine *engine, const struct cancel *cancel, struct error *err)
{
    struct maintainer maintainer = {0};
    enum status status = open_maintainer(engine, cancel, &maintainer, err);
    if (!status)
        status = maintain(&maintainer, MAINTAIN_DUE, err);
    if (!status)
        status = repair(engine, &maintainer, err);
    /* What is damaged in the log ends it, and nobody can tell: at rest there is none. */
    if (!status)
        status = store_checkpoint(maintainer.store, 0, err);
    maintainer_clear(&maintainer);
    return status;
}

/* An analyzer's id is its language and a version behind the last minus. */
static bool is_older(const char *stored, const char *ours)
{
    const char *version = strrchr(ours, '-');
    size_t len = version ? (size_t)(version - ours) + 1 : 0;
    return strcmp(stored, ours) != 0 && strncmp(stored, ours, len) == 0 &&
           !strchr(stored + len, '-');
}

enum status engine_renew_words(struct engine *engine, struct store *store,
                               const struct cancel *cancel, struct error *err)
{
    struct arena arena = {0};
    struct analyzer *analyzer;
    struct maintainer maintainer = {0};
    const char *stored = NULL;
    enum status status = engine_get_analyzer(engine, &analyzer, err);
    if (!status)
        status = store_get_meta(store, STORE_META_ANALYZER, &arena, &stored, err);
    bool is_due = !status && stored && *stored && is_older(stored, analyzer_id(analyzer));
    arena_clear(&arena);
    if (!is_due)
        return status;
    status = open_maintainer(engine, cancel, &maintainer, err);
    if (!status)
        status = maintain_rebuild(&maintainer, MAINTAIN_REBUILD_ALL, analyzer, &(size_t){0}, err);
    maintainer_clear(&maintainer);
    return status;
}

static enum status has_library(struct engine *engine, bool *out, struct error *err)
{
    struct store *store;
    struct error why;
    enum status status = engine_get_reader(engine, &store, &why);
    *out = status == STATUS_OK;
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    if (status && err)
        *err = why;
    return status;
}

enum status engine_compact(struct engine *engine, struct error *err)
{
    bool has = false;
    struct maintainer maintainer = {0};
    (void)disk_ballast_lend(engine->options.data_folder);
    enum status status = has_library(engine, &has, err);
    if (status || !has)
        return status;
    status = open_maintainer(engine, NULL, &maintainer, err);
    if (!status)
        status = maintain(&maintainer, MAINTAIN_ALL, err);
    if (!status)
        status = store_compact(maintainer.store, err);
    maintainer_clear(&maintainer);
    return status;
}

enum status engine_reindex(struct engine *engine, enum engine_reindex what,
                           const struct cancel *cancel, size_t *out_n, struct error *err)
{
    bool has = false;
    struct maintainer maintainer = {0};
    struct analyzer *analyzer;
    enum status status = has_library(engine, &has, err);
    if (!status && !has)
        *out_n = 0;
    if (status || !has)
        return status;
    status = engine_get_analyzer(engine, &analyzer, err);
    if (!status)
        status = open_maintainer(engine, cancel, &maintainer, err);
    if (!status)
        status = maintain_rebuild(
            &maintainer, what == ENGINE_REINDEX_ALL ? MAINTAIN_REBUILD_ALL : MAINTAIN_REBUILD_LOST,
            analyzer, out_n, err);
    if (!status)
        status = store_checkpoint(maintainer.store, 0, err);
    maintainer_clear(&maintainer);
    return status;
}
