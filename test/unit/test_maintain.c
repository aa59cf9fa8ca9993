/* Segments, tails, tombstones and merges under random changes: every search finds exactly what a
 * ledger outside of the library says is there, with the scores that a library without segments
 * gives. */
#include "../testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "engine/engine_parts.h"
#include "index/flush.h"
#include "index/maintain.h"
#include "index/merge.h"
#include "index/recall.h"
#include "library/library.h"
#include "search/lexical_leg.h"
#include "search/vector_leg.h"

#define DIM 16
#define N_DOCUMENTS 60
#define N_CHUNKS_MAX 6
#define N_WORDS 40

static struct error err;

struct chunk {
    char text[128];
    float vector[DIM];
    bool has_vector;
};

struct document {
    bool is_there;
    size_t n_chunks;
    struct chunk chunks[N_CHUNKS_MAX];
};

struct library {
    char *folder;
    struct maintainer maintainer; /* its store writes too */
};

struct fixture {
    struct library library;
    struct analyzer *analyzer;
    struct document ledger[N_DOCUMENTS];
};

static void library_open(struct library *library)
{
    assert_ok(folder_make_temporary(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", "maintain",
                                    &library->folder, &err));
    assert_ok(maintainer_init(&library->maintainer, library->folder, 1, NULL, NULL, &err));
}

static void library_close(struct library *library)
{
    maintainer_clear(&library->maintainer);
    assert_ok(folder_remove(library->folder, &err));
    mem_free(library->folder);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    library_open(&f->library);
    assert_ok(analyzer_new("none", &f->analyzer, &err));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    library_close(&f->library);
    analyzer_free(f->analyzer);
    free(f);
    return 0;
}

/* ---- changes ---- */

static void make_chunk(struct chunk *chunk, bool has_vector)
{
    double norm = 0;
    size_t n_words = 1 + (size_t)rand() % 12;
    memset(chunk, 0, sizeof *chunk);
    for (size_t i = 0; i < n_words; i++) {
        int word = rand() % N_WORDS * (rand() % N_WORDS) / N_WORDS; /* low ones more often */
        snprintf(chunk->text + strlen(chunk->text), sizeof chunk->text - strlen(chunk->text),
                 "%sw%c%c", i ? " " : "", 'a' + word % 26, 'a' + word / 26);
    }
    for (size_t i = 0; i < DIM; i++) {
        chunk->vector[i] = (float)(rand() % 2001 - 1000);
        norm += (double)chunk->vector[i] * (double)chunk->vector[i];
    }
    for (size_t i = 0; i < DIM; i++)
        chunk->vector[i] /= (float)sqrt(norm);
    chunk->has_vector = has_vector;
}

static void put(struct fixture *f, struct library *library, size_t i)
{
    const struct document *document = &f->ledger[i];
    struct store_chunk chunks[N_CHUNKS_MAX];
    struct buf terms[N_CHUNKS_MAX] = {{0}};
    uint16_t vectors[N_CHUNKS_MAX][DIM];
    char path[32];
    snprintf(path, sizeof path, "/doc/%zu", i);
    for (size_t k = 0; k < document->n_chunks; k++) {
        const struct chunk *c = &document->chunks[k];
        const char *const texts[] = {c->text};
        const size_t lens[] = {strlen(c->text)};
        chunks[k] = (struct store_chunk){.heading = "", .text = c->text};
        assert_ok(
            lexical_terms_encode(f->analyzer, texts, lens, 1, &terms[k], &chunks[k].n_terms, &err));
        chunks[k].terms = buf_text(&terms[k]);
        chunks[k].terms_len = terms[k].len;
        chunks[k].hash = hash128_of_pair("", 0, c->text, strlen(c->text));
        vector_to_fp16(c->vector, DIM, vectors[k]);
        chunks[k].vector = c->has_vector ? vectors[k] : NULL;
        chunks[k].vector_bytes = c->has_vector ? sizeof vectors[k] : 0;
    }
    const struct store_document d = {.path = path,
                                     .title = "",
                                     .kind = "text",
                                     .collection = "default",
                                     .hash = "",
                                     .error = "",
                                     .warning = ""};
    assert_ok(store_write_begin(library->maintainer.store, &err));
    assert_ok(
        store_put_document(library->maintainer.store, &d, chunks, document->n_chunks, NULL, &err));
    assert_ok(store_write_commit(library->maintainer.store, &err));
    for (size_t k = 0; k < document->n_chunks; k++)
        buf_clear(&terms[k]);
}

static void replace_document(struct fixture *f, size_t i)
{
    struct document *document = &f->ledger[i];
    document->is_there = true;
    document->n_chunks = 1 + (size_t)rand() % N_CHUNKS_MAX;
    for (size_t k = 0; k < document->n_chunks; k++) {
        make_chunk(&document->chunks[k], rand() % 4 != 0);
        /* Texts are made unique, so that a vector belongs to one chunk. */
        size_t len = strlen(document->chunks[k].text);
        snprintf(document->chunks[k].text + len, sizeof document->chunks[k].text - len, " u%lld",
                 (long long)clock_monotonic_us());
    }
    put(f, &f->library, i);
}

static void remove_document(struct fixture *f, size_t i)
{
    struct arena arena = {0};
    struct store *store = f->library.maintainer.store;
    struct store_document document;
    char path[32];
    snprintf(path, sizeof path, "/doc/%zu", i);
    assert_ok(store_find_document(store, path, &arena, &document, &err));
    assert_ok(store_write_begin(store, &err));
    assert_ok(store_remove_document(store, document.id, &err));
    assert_ok(store_write_commit(store, &err));
    arena_clear(&arena);
    f->ledger[i].is_there = false;
}

struct missing {
    struct hash128 hash;
    int64_t chunk_id; /* 0: it has its vector, or is not there */
};

static enum status find_missing(void *ctx, int64_t chunk_id, const struct store_chunk *chunk,
                                struct error *e)
{
    struct missing *missing = ctx;
    (void)e;
    if (memcmp(&chunk->hash, &missing->hash, sizeof missing->hash) == 0)
        missing->chunk_id = chunk_id;
    return STATUS_OK;
}

static void fill_vectors(struct fixture *f, size_t i)
{
    struct store *store = f->library.maintainer.store;
    for (size_t k = 0; k < f->ledger[i].n_chunks; k++) {
        struct chunk *c = &f->ledger[i].chunks[k];
        struct missing missing = {.hash = hash128_of_pair("", 0, c->text, strlen(c->text))};
        uint16_t vector[DIM];
        vector_to_fp16(c->vector, DIM, vector);
        assert_ok(store_write_begin(store, &err));
        assert_ok(store_each_missing_vector(store, 0, SIZE_MAX, find_missing, &missing, &err));
        assert_ok(store_put_vector(store, missing.hash, vector, sizeof vector, &err));
        if (missing.chunk_id)
            assert_ok(store_link_vector(store, missing.chunk_id, &err));
        assert_ok(store_write_commit(store, &err));
        c->has_vector = true;
    }
}

static void change(struct fixture *f)
{
    static const enum store_kind kinds[] = {STORE_KIND_LEXICAL, STORE_KIND_VECTOR};
    size_t i = (size_t)rand() % N_DOCUMENTS;
    bool has_done = false;
    int what = rand() % 20;
    if (what < 12 || !f->ledger[i].is_there)
        replace_document(f, i);
    else if (what < 14)
        remove_document(f, i);
    else if (what < 16)
        fill_vectors(f, i);
    else if (what < 19)
        assert_ok(flush_tail(&f->library.maintainer, kinds[what % 2], 1, &has_done, &err));
    else
        assert_ok(merge_segments(&f->library.maintainer, kinds[rand() % 2],
                                 rand() % 3 ? MAINTAIN_DUE : MAINTAIN_ALL, &has_done, &err));
}

/* ---- what a search finds ---- */

struct found {
    char text[128];
    double score;
};

static int compare_found(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return strcmp(x->text, y->text);
}

enum { N_ROWS_MAX = N_DOCUMENTS * N_CHUNKS_MAX };

static size_t name_hits(struct store *store, const struct leg_hit *hits, size_t n,
                        struct found *out)
{
    struct arena arena = {0};
    for (size_t i = 0; i < n; i++) {
        struct store_passage passage;
        assert_ok(store_get_passage(store, hits[i].chunk_id, &arena, &passage, &err));
        assert_int_equal(passage.document_id, hits[i].document_id);
        snprintf(out[i].text, sizeof out[i].text, "%s", passage.chunk.text);
        out[i].score = hits[i].score;
        if (i > 0)
            assert_true(
                hits[i - 1].score > hits[i].score ||
                (hits[i - 1].score == hits[i].score && hits[i - 1].chunk_id < hits[i].chunk_id));
    }
    arena_clear(&arena);
    qsort(out, n, sizeof *out, compare_found);
    return n;
}

static size_t find_words(struct fixture *f, struct library *library, const char *text,
                         struct found *out)
{
    static struct leg_hit hits[N_ROWS_MAX];
    struct snapshot snapshot = {0};
    struct lexical_query query;
    struct lexical_leg leg = {0};
    struct filter filter = {0};
    struct arena arena = {0};
    size_t n = 0;
    assert_ok(snapshot_begin(&library->maintainer.segments, library->maintainer.store,
                             library->folder, SNAPSHOT_LEXICAL, &snapshot, &err));
    assert_ok(lexical_query_parse(f->analyzer, text, strlen(text), &arena, &query, &err));
    const struct lexical_leg_options options = {
        .snapshot = &snapshot, .filter = &filter, .query = &query};
    assert_ok(lexical_leg_init(&leg, &options, &err));
    assert_ok(lexical_leg_search(&leg, N_ROWS_MAX, hits, &n, &err));
    n = name_hits(snapshot.store, hits, n, out);
    lexical_leg_clear(&leg);
    snapshot_end(&snapshot);
    arena_clear(&arena);
    return n;
}

static size_t find_vectors(struct library *library, const float *vector, struct found *out)
{
    static struct leg_hit hits[N_ROWS_MAX];
    struct snapshot snapshot = {0};
    struct vector_leg leg = {0};
    struct filter filter = {0};
    size_t n = 0;
    assert_ok(snapshot_begin(&library->maintainer.segments, library->maintainer.store,
                             library->folder, SNAPSHOT_VECTOR, &snapshot, &err));
    const struct vector_leg_options options = {
        .snapshot = &snapshot, .filter = &filter, .query = vector, .dim = DIM, .n_threads = 1};
    assert_ok(vector_leg_init(&leg, &options, &err));
    assert_ok(vector_leg_search(&leg, N_ROWS_MAX, hits, &n, &err));
    for (size_t i = 0; i < n; i++) {
        double cosine = -2;
        bool has = false;
        assert_ok(vector_leg_cosine(&leg, hits[i].chunk_id, &cosine, &has, &err));
        assert_true(has && cosine == hits[i].score);
    }
    n = name_hits(snapshot.store, hits, n, out);
    vector_leg_clear(&leg);
    snapshot_end(&snapshot);
    return n;
}

/* Every chunk that has a vector, with the cosine that the ledger says. */
static void expect_vectors(struct fixture *f)
{
    static struct found found[N_ROWS_MAX];
    struct chunk query;
    size_t n_expected = 0;
    make_chunk(&query, true);
    size_t n = find_vectors(&f->library, query.vector, found);
    for (size_t i = 0; i < N_DOCUMENTS; i++)
        for (size_t k = 0; f->ledger[i].is_there && k < f->ledger[i].n_chunks; k++) {
            const struct chunk *c = &f->ledger[i].chunks[k];
            double expected = 0;
            size_t at = 0;
            if (!c->has_vector)
                continue;
            n_expected++;
            for (size_t d = 0; d < DIM; d++)
                expected += (double)c->vector[d] * (double)query.vector[d];
            while (at < n && strcmp(found[at].text, c->text) != 0)
                at++;
            assert_true(at < n);
            assert_true(fabs(found[at].score - expected) < 2e-3);
        }
    assert_int_equal(n, n_expected);
}

static bool has_word(const char *text, const char *word)
{
    const char *at = strstr(text, word);
    return at && (at[strlen(word)] == ' ' || !at[strlen(word)]);
}

static void random_words(char *out, size_t size)
{
    out[0] = '\0';
    for (int i = 0; i < 3; i++) {
        int word = rand() % N_WORDS;
        snprintf(out + strlen(out), size - strlen(out), "%sw%c%c", i ? " " : "", 'a' + word % 26,
                 'a' + word / 26);
    }
}

/* Exactly the chunks with one of the words. */
static void expect_words(struct fixture *f)
{
    static struct found found[N_ROWS_MAX];
    char words[64];
    size_t n_expected = 0;
    random_words(words, sizeof words);
    size_t n = find_words(f, &f->library, words, found);
    for (size_t i = 0; i < N_DOCUMENTS; i++)
        for (size_t k = 0; f->ledger[i].is_there && k < f->ledger[i].n_chunks; k++) {
            const char *text = f->ledger[i].chunks[k].text;
            char one[3][4];
            memcpy(one[0], words, 3), memcpy(one[1], words + 4, 3), memcpy(one[2], words + 8, 3);
            one[0][3] = one[1][3] = one[2][3] = '\0';
            n_expected +=
                has_word(text, one[0]) || has_word(text, one[1]) || has_word(text, one[2]);
        }
    assert_int_equal(n, n_expected);
}

/* The same scores as in a library of the same documents that never had a segment. */
static void expect_same_as_fresh(struct fixture *f)
{
    static struct found ours[N_ROWS_MAX], fresh_found[N_ROWS_MAX];
    struct library fresh = {0};
    library_open(&fresh);
    for (size_t i = 0; i < N_DOCUMENTS; i++)
        if (f->ledger[i].is_there)
            put(f, &fresh, i);
    assert_ok(maintain(&f->library.maintainer, MAINTAIN_ALL, &err));
    for (int round = 0; round < 20; round++) {
        char words[64];
        random_words(words, sizeof words);
        size_t n = find_words(f, &f->library, words, ours);
        assert_int_equal(find_words(f, &fresh, words, fresh_found), n);
        for (size_t i = 0; i < n; i++) {
            assert_string_equal(ours[i].text, fresh_found[i].text);
            assert_true(ours[i].score == fresh_found[i].score);
        }
    }
    library_close(&fresh);
}

static void say(void *ctx, const char *line)
{
    (void)ctx;
    printf("check: %s\n", line);
}

static void expect_sound(const struct library *library)
{
    struct engine_options options = engine_options_default();
    struct engine *engine = NULL;
    size_t n_problems = 9;
    options.data_folder = library->folder;
    assert_ok(engine_open(&options, &engine, &err));
    assert_ok(engine_check(engine, ENGINE_CHECK_ALL, say, NULL, &n_problems, &err));
    assert_int_equal(n_problems, 0);
    engine_close(engine);
}

static void test_maintain__searches_find_what_is_there(void **state)
{
    struct fixture *f = *state;
    for (unsigned seed = 1; seed <= 3; seed++) {
        print_message("seed %u\n", seed);
        srand(seed);
        for (int round = 0; round < 400; round++) {
            change(f);
            if (round % 10 == 0) {
                expect_words(f);
                expect_vectors(f);
            }
            if (round % 100 == 99)
                expect_sound(&f->library);
        }
        expect_same_as_fresh(f);
        expect_words(f);
        expect_vectors(f);
        expect_sound(&f->library);
    }
}

/* Sixteen dimensions are too few for one bit each: a large segment says how much more to score. */
static void test_maintain__measures_how_much_to_score(void **state)
{
    struct fixture *f = *state;
    struct store *store = f->library.maintainer.store;
    size_t factor = 0;
    srand(5);
    assert_ok(recall_factor_read(store, &factor, (char[32]){0}, &err));
    assert_int_equal(factor, 1);
    for (size_t i = 0; i < 3000; i++) {
        char path[32];
        struct store_chunk chunks[N_CHUNKS_MAX] = {{0}};
        uint16_t vectors[N_CHUNKS_MAX][DIM];
        snprintf(path, sizeof path, "/many/%zu", i);
        for (size_t k = 0; k < N_CHUNKS_MAX; k++) {
            struct chunk chunk;
            make_chunk(&chunk, true);
            vector_to_fp16(chunk.vector, DIM, vectors[k]);
            chunks[k] = (struct store_chunk){.heading = path,
                                             .text = "",
                                             .hash = hash128_of_pair(path, strlen(path), &k, 1),
                                             .vector = vectors[k],
                                             .vector_bytes = sizeof vectors[k],
                                             .terms = ""};
        }
        const struct store_document d = {.path = path,
                                         .title = "",
                                         .kind = "text",
                                         .collection = "default",
                                         .hash = "",
                                         .error = "",
                                         .warning = ""};
        if (i % 100 == 0)
            assert_ok(store_write_begin(store, &err));
        assert_ok(store_put_document(store, &d, chunks, N_CHUNKS_MAX, NULL, &err));
        if (i % 100 == 99)
            assert_ok(store_write_commit(store, &err));
    }
    assert_ok(maintain(&f->library.maintainer, MAINTAIN_ALL, &err));
    assert_ok(recall_factor_read(store, &factor, (char[32]){0}, &err));
    assert_in_range(factor, 2, 16);
    expect_sound(&f->library);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_maintain__searches_find_what_is_there, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_maintain__measures_how_much_to_score, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
