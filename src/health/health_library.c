/* The library: its folder, its database, its index, and, looked at deeply, everything in them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "health/health.h"
#include "health/health_row.h"
#include "index/maintain.h"
#include "library/library.h"
#include "search/search.h"

#define LOG_BYTES_MAX ((uint64_t)256 * RAGGED_MIB)
#define LOCK_WAIT_MS 2000
#define SEGMENTS_MAX 64
#define FAILED_SHARE_MAX 0.1

struct findings {
    size_t n;
    char first[240];
};

static void note(void *ctx, const char *text)
{
    struct findings *findings = ctx;
    if (findings->n++ == 0)
        snprintf(findings->first, sizeof findings->first, "%s", text);
}

/* ---- the folder ---- */

static void look_at_folder(struct health *health, struct engine_health_check *out)
{
    struct stat info;
    if (stat(health->folder, &info) != 0) {
        bool is_new = errno == ENOENT;
        health_say(out, is_new ? ENGINE_HEALTHY : ENGINE_UNHEALTHY, "\"%s\" %s", health->folder,
                   is_new ? "is not there yet" : "can't be looked at");
        health_remedy(out, is_new ? "" : "look at the rights of the folders above it");
    } else if (!S_ISDIR(info.st_mode)) {
        health_say(out, ENGINE_UNHEALTHY, "\"%s\" is no folder", health->folder);
        health_remedy(out, "set data_dir to a folder");
    } else if (info.st_uid != geteuid()) {
        health_say(out, ENGINE_DEGRADED_HEALTH, "\"%s\" belongs to another user", health->folder);
        health_remedy(out, "`chown -R %u \"%s\"`, or another data_dir", (unsigned)geteuid(),
                      health->folder);
    } else if (info.st_mode & 077) {
        health_say(out, ENGINE_DEGRADED_HEALTH, "others may read \"%s\" (mode %04o)",
                   health->folder, (unsigned)info.st_mode & 07777);
        health_remedy(out, "`chmod 700 \"%s\"`", health->folder);
    } else if (access(health->folder, W_OK) != 0) {
        health_say(out, ENGINE_DEGRADED_HEALTH, "\"%s\" can't be written: it can only be searched",
                   health->folder);
        health_remedy(out, "`chmod u+w \"%s\"`, or mount its disk for writing", health->folder);
    } else {
        health_say(out, ENGINE_HEALTHY, "\"%s\", for its owner only", health->folder);
    }
}

static enum status fix_folder(struct health *health, struct error *err)
{
    struct stat info;
    if (stat(health->folder, &info) == 0 && !S_ISDIR(info.st_mode))
        return error_set(err, STATUS_INVALID, "\"%s\" is no folder", health->folder);
    if (chmod(health->folder, 0700) != 0)
        return error_errno(err, errno, "could not change the rights of \"%s\"", health->folder);
    return STATUS_OK;
}

/* ---- the database ---- */

static void look_at_database(struct health *health, struct engine_health_check *out)
{
    struct store *store;
    struct error why = {0};
    enum status status = engine_get_reader(health->engine, &store, &why);
    if (status == STATUS_NOT_FOUND) {
        health_say(out, ENGINE_HEALTHY, "there is no library yet");
        return;
    }
    if (status) {
        health_say_error(out, ENGINE_UNHEALTHY, &why);
        if (!*out->remedy)
            health_remedy(out, "move \"%s\" away and add the documents again, or restore a backup",
                          health->folder);
        return;
    }
    health_say(out, ENGINE_HEALTHY, "%zu documents, %zu passages, generation %lld",
               health->library.n_documents, health->library.n_chunks,
               (long long)health->library.generation);
}

static void look_at_failures(struct health *health, struct engine_health_check *out)
{
    size_t n = health->library.n_documents, n_failed = health->library.n_failed;
    bool is_many = n_failed > 0 && (double)n_failed > FAILED_SHARE_MAX * (double)n;
    health_say(out, is_many ? ENGINE_DEGRADED_HEALTH : ENGINE_HEALTHY,
               "%zu of %zu documents could not be read", n_failed, n);
    if (is_many)
        health_remedy(out, "`ragged status --failed` tells why");
}

static void look_at_log(struct health *health, struct engine_health_check *out)
{
    char *path = path_join(health->folder, "ragged.db-wal");
    struct file_info info = {0};
    if (path && file_stat(path, FILE_NO_FOLLOW, &info, NULL))
        info.size_bytes = 0;
    mem_free(path);
    bool is_long = info.size_bytes > LOG_BYTES_MAX;
    health_say(out, is_long ? ENGINE_DEGRADED_HEALTH : ENGINE_HEALTHY,
               "the database's log has %.1f MiB", (double)info.size_bytes / (double)RAGGED_MIB);
    if (is_long)
        health_remedy(out, "`ragged compact`; a search that never ends keeps it long");
}

static enum status fix_log(struct health *health, struct error *err)
{
    struct store *store = NULL;
    enum status status = store_open(health->folder, STORE_OPEN_WRITE, &store, err);
    if (!status)
        status = store_checkpoint(store, 0, err);
    store_close(store);
    return status;
}

/* ---- the audit trail ---- */

/* Following all of it costs more the older the library is: that is done when asked for. */
static void look_at_audit(struct health *health, struct engine_health_check *out)
{
    struct audit_verdict verdict = {0};
    struct error why = {0};
    enum audit_extent extent = health->options->is_deep ? AUDIT_EXTENT_WHOLE : AUDIT_EXTENT_END;
    enum status status = engine_audit_verify(health->engine, extent, NULL, &verdict, &why);
    if (status) {
        health_say_error(out, ENGINE_UNHEALTHY, &why);
    } else if (verdict.is_broken) {
        char row[32] = "";
        if (verdict.broken_sequence)
            snprintf(row, sizeof row, " at row %lld", (long long)verdict.broken_sequence);
        health_say(out, ENGINE_UNHEALTHY, "the audit trail is broken%s: %s", row, verdict.why);
        health_remedy(out,
                      "`ragged audit verify` tells how far it can be trusted, with --link from "
                      "when; the documents are not concerned: `ragged check`");
    } else {
        health_say(out, ENGINE_HEALTHY, "%s %lld rows of the audit trail follow each other",
                   health->options->is_deep ? "all" : "the newest", (long long)verdict.n_rows);
    }
}

/* ---- locks ---- */

/* Whoever the kernel says holds a lock on that file; 0: nobody that it tells of. */
static long find_holder(uint64_t inode)
{
    struct buf text = {0};
    char wanted[32];
    snprintf(wanted, sizeof wanted, ":%llu ", (unsigned long long)inode);
    long holder = 0;
    if (!file_read("/proc/locks", RAGGED_MIB, &text, NULL)) {
        const char *at = strstr(buf_text(&text), wanted);
        const char *line = at;
        while (line && line > buf_text(&text) && line[-1] != '\n')
            line--;
        char kind[16], type[16], mode[16];
        if (line && sscanf(line, "%*d: %15s %15s %15s %ld", kind, type, mode, &holder) != 4)
            holder = 0;
    }
    buf_clear(&text);
    return holder;
}

/* A lock of a process that is gone is gone with it: what is held is held by somebody living. The
 * one around a transaction is never held for long. */
static void look_at_locks(struct health *health, struct engine_health_check *out)
{
    char *path = path_join(health->folder, "write.lock");
    struct file_lock lock = FILE_LOCK_NONE;
    struct file_info info = {0};
    bool has_file = path && !file_stat(path, FILE_NO_FOLLOW, &info, NULL);
    enum status status = has_file ? file_lock_acquire(path, LOCK_WAIT_MS, &lock, NULL) : STATUS_OK;
    file_lock_release(&lock);
    mem_free(path);
    if (status == STATUS_BUSY) {
        long holder = find_holder(info.inode);
        health_say(out, ENGINE_DEGRADED_HEALTH, "\"write.lock\" is held by process %ld", holder);
        health_remedy(out, "wait for it, or end it when it hangs: `kill %ld`", holder);
    } else {
        health_say(out, ENGINE_HEALTHY, "nobody holds the library for long");
    }
}

/* ---- the index ---- */

static void look_at_index(struct health *health, struct engine_health_check *out)
{
    const struct engine_status *s = &health->library;
    bool is_behind = s->n_tail > HEALTH_TAIL_ROWS_MAX || s->n_segments > SEGMENTS_MAX;
    health_say(out, is_behind ? ENGINE_DEGRADED_HEALTH : ENGINE_HEALTHY,
               "%zu segments, and %zu passages in none", s->n_segments, s->n_tail);
    if (is_behind)
        health_remedy(out, "`ragged compact`");
}

static enum status fix_index(struct health *health, struct error *err)
{
    return engine_compact(health->engine, err);
}

static void look_at_segments(struct health *health, struct engine_health_check *out)
{
    struct snapshot snapshot = {0};
    struct error why = {0};
    struct store *store;
    enum status status = engine_get_reader(health->engine, &store, &why);
    if (!status)
        status = snapshot_begin(&health->engine->segments, store, health->folder,
                                SNAPSHOT_LEXICAL | SNAPSHOT_VECTOR, &snapshot, &why);
    if (status) {
        health_say_error(out, ENGINE_UNHEALTHY, &why);
        snapshot_end(&snapshot);
        return;
    }
    size_t n_words = snapshot.lexical->n_lost_rows, n_vectors = snapshot.vector->n_lost_rows;
    if (n_words || n_vectors) {
        health_say(out, ENGINE_UNHEALTHY,
                   "%zu passages are not found by words and %zu not by meaning: %s", n_words,
                   n_vectors, n_words ? snapshot.lexical->lost : snapshot.vector->lost);
        health_remedy(out, "`ragged reindex --damaged`");
    } else {
        health_say(out, ENGINE_HEALTHY, "%zu of words and %zu of vectors can be read",
                   snapshot.lexical->n, snapshot.vector->n);
    }
    snapshot_end(&snapshot);
}

static enum status fix_segments(struct health *health, struct error *err)
{
    return engine_reindex(health->engine, ENGINE_REINDEX_DAMAGED, health->options->cancel,
                          &(size_t){0}, err);
}

static void look_at_vectors(struct health *health, struct engine_health_check *out)
{
    size_t n = health->library.n_missing_vectors;
    health_say(out, n ? ENGINE_DEGRADED_HEALTH : ENGINE_HEALTHY,
               "%zu of %zu passages have no vector yet", n, health->library.n_chunks);
    if (n)
        health_remedy(out, "`ragged add PATH` without --defer-vectors makes them");
}

/* ---- what is beside it ---- */

static enum status note_leftover(void *ctx, const char *path, struct error *err)
{
    (void)err;
    note(ctx, path);
    return STATUS_OK;
}

static void look_at_leftovers(struct health *health, struct engine_health_check *out)
{
    struct findings left = {0};
    struct error why = {0};
    struct store *store;
    enum status status = engine_get_reader(health->engine, &store, &why);
    if (!status)
        status = store_read_begin(store, &why);
    if (!status) {
        status = store_each_leftover(store, note_leftover, &left, &why);
        if (!status)
            status = maintain_each_stray(health->folder, store, note_leftover, &left, &why);
        store_read_end(store);
    }
    if (status) {
        health_say_error(out, ENGINE_DEGRADED_HEALTH, &why);
    } else if (left.n > 0) {
        health_say(out, ENGINE_DEGRADED_HEALTH,
                   "%zu files of stopped processes are left, such as \"%s\"", left.n, left.first);
        health_remedy(out, "`ragged compact` removes them");
    } else {
        health_say(out, ENGINE_HEALTHY, "no stopped process left a file");
    }
}

static void look_at_cache(struct health *health, struct engine_health_check *out)
{
    struct engine_cache_status cache = {0};
    struct error why = {0};
    enum status status = engine_cache_status(health->engine, &cache, &why);
    if (status == STATUS_BUSY) {
        health_say(out, ENGINE_HEALTHY, "somebody writes into it just now");
    } else if (status) {
        health_say_error(out, ENGINE_DEGRADED_HEALTH, &why);
    } else if (cache.is_damaged) {
        health_say(out, ENGINE_DEGRADED_HEALTH, "\"%s\" is damaged: nothing is found in it",
                   cache.path);
        health_remedy(out, "`ragged cache clear`; the next search makes it anew");
    } else {
        health_say(out, ENGINE_HEALTHY, "%.1f MiB of what searches found",
                   (double)cache.file_bytes / (double)RAGGED_MIB);
    }
}

static enum status fix_cache(struct health *health, struct error *err)
{
    return engine_cache_clear(health->engine, err);
}

/* ---- deeply ---- */

static void look_at_content(struct health *health, struct engine_health_check *out)
{
    struct findings problems = {0};
    struct error why = {0};
    size_t n = 0;
    enum status status =
        engine_check(health->engine, ENGINE_CHECK_CONTENT, note, &problems, &n, &why);
    if (status) {
        health_say_error(out, ENGINE_UNHEALTHY, &why);
    } else if (n > 0) {
        health_say(out, ENGINE_UNHEALTHY, "%zu problems, the first: %s", n, problems.first);
        health_remedy(
            out, "`ragged check` lists them; `ragged reindex` makes the index anew; where that "
                 "does not help, `ragged clear` and add the documents again");
    } else {
        health_say(out, ENGINE_HEALTHY, "all counts and checksums agree");
    }
}

static enum status fix_content(struct health *health, struct error *err)
{
    enum status status = engine_reindex(health->engine, ENGINE_REINDEX_ALL, health->options->cancel,
                                        &(size_t){0}, err);
    return status ? status : engine_compact(health->engine, err);
}

static enum status take_first(void *ctx, int64_t document_id, int64_t first, int64_t end,
                              struct error *err)
{
    int64_t *chunk_id = ctx;
    (void)document_id, (void)err;
    if (*chunk_id == 0 && end > first)
        *chunk_id = first;
    return STATUS_OK;
}

/* Is the passage among the first results for its own text? */
static enum status find_itself(struct health *health, enum engine_mode mode,
                               const struct store_passage *passage, bool *out, struct error *err)
{
    struct engine_search_options options = engine_search_options_default();
    struct engine_hits hits = {0};
    options.mode = mode;
    options.is_uncached = true; /* the index is asked, not what it said before */
    options.cancel = health->options->cancel;
    char question[512];
    snprintf(question, sizeof question, "%s", passage->chunk.text);
    question[utf8_whole_prefix(question, strlen(question))] = '\0';
    enum status status = engine_search(health->engine, question, &options, &hits, err);
    if (status)
        return status;
    *out = false;
    for (size_t i = 0; i < hits.n; i++)
        *out |= hits.hit[i].chunk_id == passage->chunk_id ||
                strcmp(hits.hit[i].text, passage->chunk.text) == 0;
    engine_hits_clear(&hits);
    return STATUS_OK;
}

static enum status pick_passage(struct health *health, struct arena *arena,
                                struct store_passage *out, struct error *err)
{
    struct store *store;
    int64_t chunk_id = 0;
    enum status status = engine_get_reader(health->engine, &store, err);
    if (!status)
        status = store_each_chunk_run(store, take_first, &chunk_id, err);
    if (!status && chunk_id == 0)
        return error_set(err, STATUS_NOT_FOUND, "there is no passage yet");
    return status ? status : store_get_passage(store, chunk_id, arena, out, err);
}

/* A question whose answer is known: the beginning of a stored passage must find it. */
static void look_at_canary(struct health *health, struct engine_health_check *out)
{
    struct arena arena = {0};
    struct store_passage passage;
    struct error why = {0};
    bool has_words = false, has_meaning = false;
    enum status status = pick_passage(health, &arena, &passage, &why);
    if (status == STATUS_NOT_FOUND) {
        health_say(out, ENGINE_HEALTHY, "%s", why.message);
        arena_clear(&arena);
        return;
    }
    if (!status)
        status = find_itself(health, ENGINE_MODE_LEXICAL, &passage, &has_words, &why);
    if (!status)
        status = find_itself(health, ENGINE_MODE_HYBRID, &passage, &has_meaning, &why);
    if (status) {
        health_say_error(out, ENGINE_UNHEALTHY, &why);
    } else if (!has_words || !has_meaning) {
        health_say(out, ENGINE_UNHEALTHY, "a stored passage is not found by %s",
                   has_words ? "its meaning" : "its own words");
        health_remedy(out, "`ragged reindex`");
    } else {
        health_say(out, ENGINE_HEALTHY, "a stored passage is found by its own words");
    }
    arena_clear(&arena);
}

const struct health_row health_library_rows[] = {
    {.name = "folder", .look = look_at_folder, .fix = fix_folder},
    {.name = "database", .look = look_at_database},
    {.name = "audit", .needs_library = true, .look = look_at_audit},
    {.name = "locks", .needs_library = true, .look = look_at_locks},
    {.name = "log", .needs_library = true, .look = look_at_log, .fix = fix_log},
    {.name = "documents", .needs_library = true, .look = look_at_failures},
    {.name = "vectors", .needs_library = true, .look = look_at_vectors},
    {.name = "segments", .needs_library = true, .look = look_at_segments, .fix = fix_segments},
    {.name = "index", .needs_library = true, .look = look_at_index, .fix = fix_index},
    {.name = "leftovers", .needs_library = true, .look = look_at_leftovers, .fix = fix_index},
    {.name = "cache", .needs_library = true, .look = look_at_cache, .fix = fix_cache},
    {.name = "content",
     .is_deep_only = true,
     .needs_library = true,
     .look = look_at_content,
     .fix = fix_content},
    {.name = "known_answer", .is_deep_only = true, .needs_library = true, .look = look_at_canary},
    {.name = NULL},
};
