#include "cache/query_cache.h"

#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/metric.h"
#include "cache/lru.h"
#include "store/store.h"

#define FRAME_VERSION 1
#define PENDING_MAX 64
#define PENDING_BYTES_MAX RAGGED_MIB
#define PENDING_MS_MAX 5000
#define USE_IS_NOTED_AFTER_S 300
#define ENTRY_SHARE 8 /* none is larger than this part of the cache */

struct pending {
    struct hash128 key;
    unsigned kind;
    char *bytes; /* framed, owned; NULL: only its use is to be noted */
    size_t len;
};

struct query_cache {
    struct governor *governor;
    uint64_t bytes_max;
    struct store_cache *file; /* NULL: none */
    struct lru lru;
    struct buf read; /* the last one that came out of the file */
    struct pending pending[PENDING_MAX];
    size_t n_pending, pending_bytes;
    int64_t pending_since_ms;
};

static const struct {
    const char *name;
    enum metric hits, misses; /* METRIC_COUNT: not counted */
} kinds[QUERY_CACHE_KIND_COUNT] = {
    [QUERY_CACHE_VECTOR] = {"vectors", METRIC_CACHE_VECTOR_HITS, METRIC_CACHE_VECTOR_MISSES},
    [QUERY_CACHE_RESULT] = {"results", METRIC_CACHE_RESULT_HITS, METRIC_CACHE_RESULT_MISSES},
    [QUERY_CACHE_ANSWER] = {"answers", METRIC_CACHE_ANSWER_HITS, METRIC_CACHE_ANSWER_MISSES},
};
_Static_assert((int)QUERY_CACHE_KIND_COUNT <= STORE_CACHE_KINDS, "the file counts so many");

const char *query_cache_kind_name(enum query_cache_kind kind)
{
    return kinds[kind].name;
}

enum status query_cache_new(const struct query_cache_options *options, struct query_cache **out,
                            struct error *err)
{
    struct query_cache *cache = mem_zalloc(1, sizeof *cache);
    if (!cache)
        return error_nomem(err);
    cache->governor = options->governor;
    cache->bytes_max = options->bytes_max;
    enum status status =
        options->data_folder ? store_cache_new(options->data_folder, &cache->file, err) : STATUS_OK;
    if (status)
        query_cache_free(cache);
    else
        *out = cache;
    return status;
}

/* ---- memory ---- */

static bool drop_oldest(struct query_cache *cache)
{
    size_t before = cache->lru.n_bytes;
    if (!lru_drop_oldest(&cache->lru))
        return false;
    governor_give(cache->governor, GOVERNOR_CACHE, before - cache->lru.n_bytes);
    return true;
}

static void empty_memory(struct query_cache *cache)
{
    while (drop_oldest(cache))
        ;
}

static bool take_bytes(struct query_cache *cache, size_t n_bytes)
{
    while (cache->lru.n_bytes + n_bytes > cache->bytes_max && drop_oldest(cache))
        ;
    while (!governor_try(cache->governor, GOVERNOR_CACHE, n_bytes))
        if (!drop_oldest(cache))
            return false;
    return true;
}

static void keep(struct query_cache *cache, const struct hash128 *key, const void *bytes,
                 size_t len)
{
    size_t n_bytes = lru_entry_bytes(len), before;
    if (governor_state(cache->governor) >= GOVERNOR_RED)
        empty_memory(cache);
    else if (take_bytes(cache, n_bytes)) {
        before = cache->lru.n_bytes;
        enum status status = lru_put(&cache->lru, key, bytes, len, NULL);
        /* Taken for the new one; what it replaced, or did not become, is given back. */
        size_t grown = status ? 0 : cache->lru.n_bytes - before;
        governor_give(cache->governor, GOVERNOR_CACHE, n_bytes - grown);
    }
}

/* ---- the file ---- */

static void drop_pending(struct query_cache *cache)
{
    for (size_t i = 0; i < cache->n_pending; i++)
        mem_free(cache->pending[i].bytes);
    cache->n_pending = cache->pending_bytes = 0;
}

static void flush(struct query_cache *cache)
{
    struct store_cache_row rows[PENDING_MAX];
    for (size_t i = 0; i < cache->n_pending; i++)
        rows[i] = (struct store_cache_row){.key = cache->pending[i].key,
                                           .kind = cache->pending[i].kind,
                                           .bytes = cache->pending[i].bytes,
                                           .len = cache->pending[i].len};
    enum status status = STATUS_OK;
    /* What the disk has left is for what can't be made anew. */
    if (cache->n_pending)
        status = governor_check_disk(cache->governor, cache->pending_bytes, 0, NULL);
    if (cache->n_pending && !status)
        status = store_cache_put(cache->file, rows, cache->n_pending, clock_wall_ms() / 1000,
                                 cache->bytes_max, NULL);
    (void)status;
    drop_pending(cache);
}

/* Moves `bytes` in. */
static void add_pending(struct query_cache *cache, unsigned kind, const struct hash128 *key,
                        char *bytes, size_t len)
{
    int64_t now_ms = clock_monotonic_ms();
    if (cache->n_pending == 0)
        cache->pending_since_ms = now_ms;
    cache->pending[cache->n_pending++] =
        (struct pending){.key = *key, .kind = kind, .bytes = bytes, .len = len};
    cache->pending_bytes += len;
    if (cache->n_pending == PENDING_MAX || cache->pending_bytes > PENDING_BYTES_MAX ||
        now_ms - cache->pending_since_ms > PENDING_MS_MAX)
        flush(cache);
}

static bool read_file(struct query_cache *cache, const struct query_cache_key *key,
                      struct span *out)
{
    int64_t used_s = 0, now_s = clock_wall_ms() / 1000;
    buf_reset(&cache->read);
    if (!cache->file || store_cache_get(cache->file, key->hash, &cache->read, &used_s, NULL))
        return false;
    if (now_s - used_s > USE_IS_NOTED_AFTER_S || used_s > now_s)
        add_pending(cache, key->kind, &key->hash, NULL, 0);
    *out = (struct span){buf_text(&cache->read), cache->read.len};
    return true;
}

void query_cache_forget(struct query_cache *cache)
{
    if (!cache)
        return;
    empty_memory(cache);
    drop_pending(cache);
    store_cache_disconnect(cache->file);
}

void query_cache_free(struct query_cache *cache)
{
    if (!cache)
        return;
    flush(cache);
    empty_memory(cache);
    lru_clear(&cache->lru);
    store_cache_free(cache->file);
    buf_clear(&cache->read);
    mem_free(cache);
}

/* ---- both ---- */

/* An entry is {u8 version, u8 kind, u64 when it was made (wall clock, ms), state of the library,
 * blob}. Its blob, when it is of this key. A clock that went back makes an entry old. */
static bool open_frame(const struct query_cache_key *key, struct span framed, struct span *out)
{
    struct span_reader r = span_reader_init(framed.bytes, framed.len);
    uint8_t version = span_take_u8(&r), kind = span_take_u8(&r);
    int64_t made_ms = (int64_t)span_take_u64(&r), age_ms;
    const void *state = span_take(&r, sizeof key->state);
    if (!state || version != FRAME_VERSION || kind != key->kind ||
        memcmp(state, &key->state, sizeof key->state) != 0 ||
        __builtin_sub_overflow(clock_wall_ms(), made_ms, &age_ms) || age_ms < 0 ||
        age_ms >= key->ttl_ms)
        return false;
    *out = (struct span){r.at, r.n_left};
    return true;
}

static bool find(struct query_cache *cache, const struct query_cache_key *key, struct span *out)
{
    struct span framed;
    if (lru_find(&cache->lru, &key->hash, &framed) && open_frame(key, framed, out))
        return true;
    if (!read_file(cache, key, &framed) || !open_frame(key, framed, out))
        return false;
    keep(cache, &key->hash, framed.bytes, framed.len);
    return true;
}

bool query_cache_find(struct query_cache *cache, const struct query_cache_key *key,
                      struct span *out)
{
    bool is_found = find(cache, key, out);
    metric_add(is_found ? kinds[key->kind].hits : kinds[key->kind].misses, 1);
    return is_found;
}

void query_cache_put(struct query_cache *cache, const struct query_cache_key *key,
                     const void *bytes, size_t len)
{
    struct buf framed = {0};
    if (len > cache->bytes_max / ENTRY_SHARE)
        return;
    buf_append_uint(&framed, FRAME_VERSION, 1);
    buf_append_uint(&framed, key->kind, 1);
    buf_append_uint(&framed, (uint64_t)clock_wall_ms(), 8);
    buf_append(&framed, &key->state, sizeof key->state);
    buf_append(&framed, bytes, len);
    size_t framed_len = framed.len;
    if (!buf_status(&framed, NULL)) {
        keep(cache, &key->hash, framed.data, framed_len);
        char *owned = cache->file ? buf_take(&framed, &framed_len) : NULL;
        if (owned)
            add_pending(cache, key->kind, &key->hash, owned, framed_len);
    }
    buf_clear(&framed);
}
