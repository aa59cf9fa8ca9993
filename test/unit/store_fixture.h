/* What the store tests share: a folder of their own and documents made from a number. */
#ifndef RAGGED_TEST_STORE_FIXTURE_H
#define RAGGED_TEST_STORE_FIXTURE_H

#include "../testing.h"

#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/process.h"
#include "store/store.h"

#define FIXTURE_DIM 8
#define FIXTURE_CHUNKS_MAX 8

static inline void fixture_folder_make(char out[64])
{
    bool has_memory_disk = access("/dev/shm", W_OK) == 0;
    snprintf(out, 64, "%s/ragged-store-XXXXXX", has_memory_disk ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(out));
}

static inline int fixture_remove_entry(const char *path, const struct stat *info, int kind,
                                       struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

/* Not folder_remove(): no failure that a test plans may meet it. */
static inline void fixture_folder_remove(const char *folder)
{
    nftw(folder, fixture_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void fixture_vectors_path(const char *folder, int number, char out[128])
{
    snprintf(out, 128, "%s/vectors-%d.f16", folder, number);
}

/* A document named /doc/<number> whose chunks have the texts "text <first_text + i>". */
struct fixture_document {
    char path[64], texts[FIXTURE_CHUNKS_MAX][48];
    unsigned char terms[FIXTURE_CHUNKS_MAX][32];
    uint16_t vectors[FIXTURE_CHUNKS_MAX][FIXTURE_DIM];
    struct store_chunk chunks[FIXTURE_CHUNKS_MAX];
    size_t n_chunks;
    struct store_document document;
};

enum fixture_vectors { FIXTURE_WITH_VECTORS, FIXTURE_WITHOUT_VECTORS };

static inline struct hash128 fixture_hash(const char *text)
{
    return hash128_of_pair("heading", 7, text, strlen(text));
}

static inline void fixture_document_init(struct fixture_document *f, int number, int first_text,
                                         size_t n_chunks, enum fixture_vectors vectors)
{
    static const unsigned char terms[] = {3, 'o', 'n', 'e', 1, 3, 't', 'w', 'o', 2};
    memset(f, 0, sizeof *f);
    snprintf(f->path, sizeof f->path, "/doc/%06d", number);
    f->n_chunks = n_chunks;
    for (size_t i = 0; i < n_chunks; i++) {
        snprintf(f->texts[i], sizeof f->texts[i], "text %d", first_text + (int)i);
        memcpy(f->terms[i], terms, sizeof terms);
        f->vectors[i][(size_t)(first_text + (int)i) % FIXTURE_DIM] = 0x3C00; /* 1.0 */
        f->chunks[i] = (struct store_chunk){
            .page = (uint32_t)i + 1,
            .page_end = (uint32_t)i + 2,
            .line = 3,
            .line_end = 4,
            .byte_start = 5,
            .byte_end = (uint64_t)1 << 40,
            .heading = "heading",
            .text = f->texts[i],
            .hash = fixture_hash(f->texts[i]),
            .vector = vectors == FIXTURE_WITH_VECTORS ? f->vectors[i] : NULL,
            .vector_bytes = vectors == FIXTURE_WITH_VECTORS ? sizeof f->vectors[i] : 0,
            .terms = f->terms[i],
            .terms_len = sizeof terms,
            .n_terms = 3,
        };
    }
    f->document = (struct store_document){
        .path = f->path,
        .title = "title",
        .kind = "text",
        .collection = "default",
        .size_bytes = 100,
        .inode = UINT64_MAX,
        .mtime_ns = -5,
        .added_ms = 7,
        .hash = "abc",
        .error = "",
        .warning = "careful",
        .n_pages = 9,
    };
}

static inline enum status fixture_put(struct store *store, const struct fixture_document *f,
                                      struct error *err)
{
    return store_put_document(store, &f->document, f->chunks, f->n_chunks, NULL, err);
}

/* Begin, put one document, commit. */
static inline enum status fixture_save(struct store *store, int number, int first_text,
                                       size_t n_chunks, enum fixture_vectors vectors,
                                       struct error *err)
{
    struct fixture_document f;
    fixture_document_init(&f, number, first_text, n_chunks, vectors);
    enum status status = store_write_begin(store, err);
    if (status)
        return status;
    status = fixture_put(store, &f, err);
    if (status) {
        store_write_rollback(store);
        return status;
    }
    return store_write_commit(store, err);
}

static inline void fixture_say(void *ctx, const char *line)
{
    (void)ctx;
    printf("check: %s\n", line);
}

static inline enum status fixture_say_leftover(void *ctx, const char *path, struct error *err)
{
    (void)err;
    printf("left behind: %s\n", path);
    ++*(size_t *)ctx;
    return STATUS_OK;
}

/* What is wrong in a library and beside it. */
static inline size_t fixture_n_problems(struct store *store)
{
    struct error err;
    size_t n = 0;
    struct audit_verdict verdict = {0};
    assert_ok(store_check(store, FIXTURE_DIM, fixture_say, NULL, &n, &err));
    if (n > 0)
        return n;
    assert_ok(store_read_begin(store, &err));
    assert_ok(store_each_leftover(store, fixture_say_leftover, &n, &err));
    store_read_end(store);
    if (n > 0)
        return n;
    assert_ok(store_audit_verify(store, AUDIT_EXTENT_WHOLE, NULL, &verdict, &err));
    if (verdict.is_broken)
        fixture_say(NULL, verdict.why);
    return verdict.is_broken;
}

/* An empty library in a folder of its own, for one test. */
struct fixture_library {
    char folder[64];
    struct store *store;
};

static inline int fixture_set_up(void **state)
{
    struct error err;
    struct fixture_library *f = calloc(1, sizeof *f);
    fixture_folder_make(f->folder);
    assert_ok(store_open(f->folder, STORE_OPEN_WRITE, &f->store, &err));
    *state = f;
    return 0;
}

static inline int fixture_tear_down(void **state)
{
    struct fixture_library *f = *state;
    store_close(f->store);
    fixture_folder_remove(f->folder);
    free(f);
    return 0;
}

static inline void fixture_must_save(struct fixture_library *f, int number, int first_text,
                                     size_t n_chunks, enum fixture_vectors vectors)
{
    struct error err;
    assert_ok(fixture_save(f->store, number, first_text, n_chunks, vectors, &err));
}

/* The vectors of "text 0" to "text <n - 1>", all the same; the library has none before. */
static inline void fixture_must_put_vectors(struct fixture_library *f, int n,
                                            const uint16_t *vector, size_t vector_bytes)
{
    struct error err;
    assert_ok(store_write_begin(f->store, &err));
    for (int i = 0; i < n; i++) {
        char text[32];
        snprintf(text, sizeof text, "text %d", i);
        assert_ok(store_put_vector(f->store, fixture_hash(text), vector, vector_bytes, &err));
    }
    assert_ok(store_write_commit(f->store, &err));
}

/* One change in a transaction of its own; `err` is the caller's. */
#define assert_write(f, call)                            \
    do {                                                 \
        assert_ok(store_write_begin((f)->store, &err));  \
        assert_ok(call);                                 \
        assert_ok(store_write_commit((f)->store, &err)); \
    } while (0)

#endif
