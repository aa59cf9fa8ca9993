/* What the library works with: settings, SQLite, the encoder, the parser in its jail, who writes
 * answers. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "engine/degraded.h"
#include "generate/generate.h"
#include "health/health.h"
#include "health/health_row.h"
#include "load/load.h"
#include "search/search.h"

#define EMBEDDER_OPEN_MS_MAX 500
#define GENERATOR_OPEN_MS_MAX 2000

/* ---- the settings: a wrong one ends every command before it comes here ---- */

static void look_at_config(struct health *health, struct engine_health_check *out)
{
    const struct engine_health_options *options = health->options;
    const char *path = options->config_path;
    struct stat info;
    if (!path || stat(path, &info) != 0) {
        health_say(out, ENGINE_HEALTHY, "no file of settings: what is not set is as it comes");
    } else if (info.st_uid != geteuid() && info.st_uid != 0) {
        health_say(out, ENGINE_DEGRADED_HEALTH, "\"%s\" belongs to another user", path);
        health_remedy(out, "`chown %u \"%s\"`", (unsigned)geteuid(), path);
    } else if (info.st_mode & 02) {
        health_say(out, ENGINE_DEGRADED_HEALTH, "anybody may change \"%s\" (mode %04o)", path,
                   (unsigned)info.st_mode & 07777);
        health_remedy(out, "`chmod 600 \"%s\"`", path);
    } else if (options->has_secret && (info.st_mode & 077)) {
        health_say(out, ENGINE_DEGRADED_HEALTH, "others may read the key in \"%s\" (mode %04o)",
                   path, (unsigned)info.st_mode & 07777);
        health_remedy(out, "`chmod 600 \"%s\"`", path);
    } else {
        health_say(out, ENGINE_HEALTHY, "%zu settings in \"%s\"", options->n_settings, path);
    }
}

static enum status fix_config(struct health *health, struct error *err)
{
    const char *path = health->options->config_path;
    return chmod(path, 0600) == 0
               ? STATUS_OK
               : error_errno(err, errno, "could not change the rights of \"%s\"", path);
}

/* ---- SQLite ---- */

static void look_at_sqlite(struct health *health, struct engine_health_check *out)
{
    (void)health;
    const char *version = NULL;
    struct error why = {0};
    if (store_check_sqlite(&version, &why))
        health_say_error(out, ENGINE_UNHEALTHY, &why);
    else
        health_say(out, ENGINE_HEALTHY, "SQLite %s", version);
}

/* ---- the encoder ---- */

static void look_at_embedder(struct health *health, struct engine_health_check *out)
{
    struct embedder *embedder;
    struct error why = {0};
    int64_t start_ms = clock_monotonic_ms();
    enum status status = engine_get_embedder(health->engine, &embedder, &why);
    int64_t took_ms = clock_monotonic_ms() - start_ms;
    if (status) {
        health_say_error(out, ENGINE_DEGRADED_HEALTH, &why);
        if (!*out->remedy)
            health_remedy(out, "until then documents are found by words only");
        return;
    }
    const char *ours = embedder_fingerprint(embedder), *stored = health->library.fingerprint;
    if (degraded_is_other(stored, ours)) {
        health_say(out, ENGINE_DEGRADED_HEALTH,
                   "the library's vectors were made with \"%s\", not \"%s\"", stored, ours);
        health_remedy(out, "set embedding_model back, or `ragged clear` and add again");
        return;
    }
    bool is_slow = took_ms > EMBEDDER_OPEN_MS_MAX;
    health_say(out, is_slow ? ENGINE_DEGRADED_HEALTH : ENGINE_HEALTHY,
               "\"%s\", %zu dimensions, opened in %lld ms", ours, embedder_dim(embedder),
               (long long)took_ms);
    if (is_slow)
        health_remedy(out, "is the model on a slow disk, or its server far away?");
}

static void look_at_model(struct health *health, struct engine_health_check *out)
{
    const struct engine_options *o = &health->engine->options;
    const char *name = o->embedding_model ? o->embedding_model : embed_models(&(size_t){0})->name;
    if (!engine_is_native(o)) {
        health_say(out, ENGINE_HEALTHY, "a server has the model");
        return;
    }
    struct error why = {0};
    enum status status = engine_model_verify(name, &why);
    if (status) {
        health_say_error(out, ENGINE_UNHEALTHY, &why);
        if (!*out->remedy)
            health_remedy(out, "`ragged model pull %s`", name);
    } else {
        health_say(out, ENGINE_HEALTHY, "every file of \"%s\" has its hash", name);
    }
}

/* ---- the parser ---- */

static void look_at_parser(struct health *health, struct engine_health_check *out)
{
    static const char text[] = "A line of text, to see that the parser reads it.\n";
    struct load_worker *worker = NULL;
    struct load_document document = {0};
    struct arena arena = {0};
    struct error why = {0};
    int fd = memfd_create("ragged-health", MFD_CLOEXEC);
    enum status status = fd < 0
                             ? error_errno(&why, errno, "could not make a file in memory")
                             : file_write_fd(fd, "a file in memory", text, sizeof text - 1, &why);
    if (!status)
        status = load_worker_new(&(struct load_options){0}, &worker, &why);
    if (!status)
        status =
            load_parse(worker, fd, "health.txt", health->options->cancel, &arena, &document, &why);
    if (status) {
        health_say_error(out, ENGINE_UNHEALTHY, &why);
        if (!*out->remedy)
            health_remedy(out, "no document can be added: is ragged-parse installed beside ragged, "
                               "and does this kernel have seccomp?");
    } else {
        health_say(out, ENGINE_HEALTHY, "it reads, in its jail");
    }
    load_worker_free(worker);
    arena_clear(&arena);
    if (fd >= 0)
        close(fd);
}

static void look_at_pdf(struct health *health, struct engine_health_check *out)
{
    (void)health;
    char *path = NULL;
    struct error why = {0};
    if (load_pdfium_path(&path, &why)) {
        health_say(out, ENGINE_DEGRADED_HEALTH, "%s", why.message);
        health_remedy(out, "PDF is read by pdftotext where that is installed; `./quickstart` "
                           "fetches pdfium");
    } else {
        health_say(out, ENGINE_HEALTHY, "\"%s\"", path);
    }
    mem_free(path);
}

/* ---- who writes answers ---- */

static void look_at_generator(struct health *health, struct engine_health_check *out)
{
    struct generator *generator = NULL;
    struct error why = {0};
    int64_t start_ms = clock_monotonic_ms();
    struct generator_options options = engine_generator_options(health->engine);
    enum status status = generator_open(&options, &generator, &why);
    int64_t took_ms = clock_monotonic_ms() - start_ms;
    if (status) {
        health_say_error(out, ENGINE_UNHEALTHY, &why);
        if (!*out->remedy)
            health_remedy(out, "start its server, or set generator to auto");
        return;
    }
    bool is_slow = took_ms > GENERATOR_OPEN_MS_MAX;
    if (generator_is_extractive(generator))
        health_say(out, ENGINE_HEALTHY, "no language model: answers are quotations");
    else
        health_say(out, is_slow ? ENGINE_DEGRADED_HEALTH : ENGINE_HEALTHY,
                   "%s with \"%s\", there in %lld ms", generator_name(generator),
                   generator_model(generator), (long long)took_ms);
    if (is_slow)
        health_remedy(out, "its server is slow to answer: is it busy, or far away?");
    generator_close(generator);
}

const struct health_row health_part_rows[] = {
    {.name = "config", .look = look_at_config, .fix = fix_config},
    {.name = "sqlite", .look = look_at_sqlite},
    {.name = "embedder", .look = look_at_embedder},
    {.name = "model", .is_deep_only = true, .look = look_at_model},
    {.name = "parser", .look = look_at_parser},
    {.name = "pdf", .look = look_at_pdf},
    {.name = "generator", .look = look_at_generator},
    {.name = NULL},
};
