/* Engines with caches beside twins without: whatever happens to the library, to the file of the
 * cache and to the processes, they find the same, field by field.
 *
 * RAGGED_TWIN_STEPS: how many steps (a campaign wants a million); RAGGED_TWIN_SEED. */
#include "../dice.h"
#include "../random_model.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "answer/answer.h"
#include "base/process.h"
#include "engine/engine_parts.h"
#include "index/flush.h"
#include "index/maintain.h"
#include "index/merge.h"
#include "library/library.h"
#include "search/search.h"
#include "vector/vector.h"

#define N_DOCUMENTS 24
#define N_CHUNKS_MAX 4
#define N_STEPS 6000
#define DIM 24

/* Of each: two engines that share the file of the cache, as two processes do, and their twin. */
enum { N_CACHED = 2, N_VARIANTS = 2 };

static const struct shape shape = {"mean_tokens", "", 1, DIM, 3, 24, SHAPE_PLAIN};
static struct error err;

struct variant {
    const char *language;
    struct engine *cached[N_CACHED], *twin;
};

struct fixture {
    struct model model;
    char models_folder[64], link[128];
    char *folder, *backup; /* of the library */
    struct variant variants[N_VARIANTS];
    struct analyzer *analyzer;
    char fingerprint[128];
    struct dice dice;
    size_t n_searches, n_cached, n_answers, n_cached_answers, n_failed;
};

static size_t pick(struct fixture *f, size_t n)
{
    return (size_t)(dice_roll(&f->dice) % n);
}

/* ---- engines ---- */

static struct engine *open_engine(struct fixture *f, const struct variant *variant, bool is_twin)
{
    struct engine_options options = engine_options_default();
    struct engine *engine = NULL;
    options.data_folder = f->folder;
    options.language = variant->language;
    options.embedding_precision = "fp32";
    options.generator = "extractive";
    options.n_threads = 1;
    options.cache_bytes_max = (uint64_t)512 * 1024;
    options.features.is_off[FEATURE_QUERY_CACHING] = is_twin;
    assert_ok(engine_open(&options, &engine, &err));
    return engine;
}

static void open_engines(struct fixture *f)
{
    for (size_t i = 0; i < N_VARIANTS; i++) {
        struct variant *variant = &f->variants[i];
        variant->twin = open_engine(f, variant, true);
        for (size_t k = 0; k < N_CACHED; k++)
            variant->cached[k] = open_engine(f, variant, false);
    }
}

static void close_engines(struct fixture *f)
{
    for (size_t i = 0; i < N_VARIANTS; i++) {
        engine_close(f->variants[i].twin);
        for (size_t k = 0; k < N_CACHED; k++)
            engine_close(f->variants[i].cached[k]);
    }
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const char *seed = getenv("RAGGED_TWIN_SEED"), *shm = "/dev/shm";
    f->dice.state = seed ? strtoull(seed, NULL, 10) : 42;
    f->variants[0].language = "none";
    f->variants[1].language = "english";
    model_init(&f->model, &shape, 3);
    snprintf(f->models_folder, sizeof f->models_folder, "/tmp/ragged-models-%ld", (long)getpid());
    snprintf(f->link, sizeof f->link, "%s/all-MiniLM-L6-v2", f->models_folder);
    assert_ok(folder_make(f->models_folder, &err));
    assert_int_equal(symlink(f->model.folder, f->link), 0);
    assert_int_equal(setenv("RAGGED_MODEL_DIR", f->models_folder, 1), 0);
    assert_ok(
        folder_make_temporary(access(shm, W_OK) == 0 ? shm : "/tmp", "twin", &f->folder, &err));
    assert_ok(
        folder_make_temporary(access(shm, W_OK) == 0 ? shm : "/tmp", "twin", &f->backup, &err));
    assert_ok(analyzer_new("none", &f->analyzer, &err));
    struct embedder *embedder = NULL;
    assert_ok(embedder_open(&(struct embedder_options){.backend = "native", .precision = "fp32"},
                            &embedder, &err));
    snprintf(f->fingerprint, sizeof f->fingerprint, "%s", embedder_fingerprint(embedder));
    embedder_close(embedder);
    open_engines(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    close_engines(f);
    analyzer_free(f->analyzer);
    assert_ok(folder_remove(f->folder, &err));
    assert_ok(folder_remove(f->backup, &err));
    assert_ok(folder_remove(f->models_folder, &err));
    assert_ok(folder_remove(f->model.folder, &err));
    model_clear(&f->model);
    mem_free(f->folder);
    mem_free(f->backup);
    free(f);
    return 0;
}

/* ---- changes to the library ---- */

static void make_text(struct fixture *f, char *out, size_t size)
{
    size_t n = 3 + pick(f, 20), len = 0;
    for (size_t i = 0; i < n && len + 4 < size; i++)
        len += (size_t)snprintf(out + len, size - len, "%s%c%s", i ? " " : "",
                                (char)('a' + pick(f, 1 + pick(f, 26))), i % 7 == 6 ? "." : "");
}

static void make_vector(struct fixture *f, uint16_t out[DIM])
{
    float vector[DIM];
    double norm = 0;
    for (size_t i = 0; i < DIM; i++) {
        vector[i] = (float)pick(f, 2001) - 1000;
        norm += (double)vector[i] * (double)vector[i];
    }
    for (size_t i = 0; i < DIM; i++)
        vector[i] /= (float)sqrt(norm);
    vector_to_fp16(vector, DIM, out);
}

static void put_document(struct fixture *f, struct store *store, size_t number)
{
    struct store_chunk chunks[N_CHUNKS_MAX];
    struct buf terms[N_CHUNKS_MAX] = {{0}};
    uint16_t vectors[N_CHUNKS_MAX][DIM];
    char path[40], texts[N_CHUNKS_MAX][96];
    size_t n_chunks = 1 + pick(f, N_CHUNKS_MAX);
    snprintf(path, sizeof path, "/doc/%zu/%zu.txt", number % 3, number);
    for (size_t i = 0; i < n_chunks; i++) {
        make_text(f, texts[i], sizeof texts[i]);
        const char *const all[] = {texts[i]};
        const size_t lens[] = {strlen(texts[i])};
        chunks[i] = (struct store_chunk){.heading = pick(f, 3) ? "" : "b c", .text = texts[i]};
        assert_ok(
            lexical_terms_encode(f->analyzer, all, lens, 1, &terms[i], &chunks[i].n_terms, &err));
        chunks[i].terms = buf_text(&terms[i]);
        chunks[i].terms_len = terms[i].len;
        chunks[i].line = chunks[i].line_end = (uint32_t)i;
        chunks[i].hash = hash128_of_pair("", 0, texts[i], lens[0]);
        make_vector(f, vectors[i]);
        bool has_vector = pick(f, 8) > 0;
        chunks[i].vector = has_vector ? vectors[i] : NULL;
        chunks[i].vector_bytes = has_vector ? sizeof vectors[i] : 0;
    }
    const struct store_document document = {
        .path = path,
        .title = number % 2 ? "odd" : "even",
        .kind = number % 5 ? "text" : "pdf",
        .collection = number % 4 ? "one" : "two",
        .mtime_ns = (int64_t)number * 86400 * 1000000000,
        .hash = "",
        .error = "",
        .warning = "",
        .meta = number % 3 ? "" : "{\"year\":1900}",
    };
    assert_ok(store_put_document(store, &document, chunks, n_chunks, NULL, &err));
    for (size_t i = 0; i < n_chunks; i++)
        buf_clear(&terms[i]);
}

static void write_documents(struct fixture *f)
{
    struct store *store = NULL;
    char dim[16];
    snprintf(dim, sizeof dim, "%d", DIM);
    assert_ok(store_open(f->folder, STORE_OPEN_WRITE, &store, &err));
    assert_ok(store_write_begin(store, &err));
    assert_ok(store_set_meta(store, STORE_META_FINGERPRINT, f->fingerprint, &err));
    assert_ok(store_set_meta(store, STORE_META_DIM, dim, &err));
    assert_ok(store_set_meta(store, STORE_META_ANALYZER, analyzer_id(f->analyzer), &err));
    for (size_t n = 1 + pick(f, 3); n > 0; n--)
        put_document(f, store, pick(f, N_DOCUMENTS));
    if (pick(f, 10))
        assert_ok(store_write_commit(store, &err));
    else
        store_write_rollback(store);
    store_close(store);
}

static void remove_document(struct fixture *f)
{
    char path[40];
    size_t n = 0, number = pick(f, N_DOCUMENTS);
    snprintf(path, sizeof path, "/doc/%zu/%zu.txt", number % 3, number);
    enum status status = engine_remove(f->variants[0].cached[0], path, false, NULL, NULL, &n, &err);
    assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
}

static void clear(struct fixture *f)
{
    assert_ok(engine_clear(f->variants[0].cached[pick(f, N_CACHED)], &(size_t){0}, &err));
}

static void compact(struct fixture *f)
{
    assert_ok(engine_compact(f->variants[0].cached[pick(f, N_CACHED)], &err));
}

static void reindex(struct fixture *f)
{
    assert_ok(engine_reindex(f->variants[0].twin,
                             pick(f, 2) ? ENGINE_REINDEX_ALL : ENGINE_REINDEX_DAMAGED, NULL,
                             &(size_t){0}, &err));
}

static void maintain_some(struct fixture *f)
{
    struct maintainer maintainer = {0};
    bool has_done;
    assert_ok(maintainer_init(&maintainer, f->folder, 1, NULL, NULL, &err));
    enum store_kind kind = pick(f, 2) ? STORE_KIND_LEXICAL : STORE_KIND_VECTOR;
    if (pick(f, 2))
        assert_ok(flush_tail(&maintainer, kind, 1, &has_done, &err));
    else
        assert_ok(merge_segments(&maintainer, kind, MAINTAIN_ALL, &has_done, &err));
    maintainer_clear(&maintainer);
}

/* ---- changes to files and processes ---- */

static void reopen(struct fixture *f)
{
    struct variant *variant = &f->variants[pick(f, N_VARIANTS)];
    struct engine **engine = &variant->cached[pick(f, N_CACHED)];
    engine_close(*engine);
    *engine = open_engine(f, variant, false);
}

static void reopen_all(struct fixture *f)
{
    close_engines(f);
    open_engines(f);
}

static void run(const char *const argv[])
{
    struct buf out = {0};
    assert_ok(process_run(argv, PROCESS_ERRORS_QUIET, 20000, NULL, &out, &err));
    buf_clear(&out);
}

/* The library as it was; what the cache has learned since stays. */
static void restore(struct fixture *f)
{
    char command[400];
    close_engines(f);
    snprintf(command, sizeof command,
             "cd '%s' && find . -mindepth 1 -maxdepth 1 ! -name cache -exec rm -rf {} + && "
             "cp -a '%s/.' .",
             f->folder, f->backup);
    run((const char *const[]){"/bin/sh", "-c", command, NULL});
    open_engines(f);
}

static void back_up(struct fixture *f)
{
    char command[400];
    close_engines(f);
    snprintf(command, sizeof command,
             "cd '%s' && find . -mindepth 1 -delete && cp -a '%s/.' . && rm -rf cache", f->backup,
             f->folder);
    run((const char *const[]){"/bin/sh", "-c", command, NULL});
    open_engines(f);
}

static void damage(struct fixture *f)
{
    char path[200];
    unsigned char bytes[64];
    struct stat info;
    snprintf(path, sizeof path, "%s/cache/queries.db", f->folder);
    if (stat(path, &info) != 0 || info.st_size < 512)
        return;
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)pick(f, 256);
    switch (pick(f, 5)) {
    case 0:
        unlink(path);
        break;
    case 1:
        assert_int_equal(ftruncate(fd, (off_t)pick(f, (size_t)info.st_size)), 0);
        break;
    case 2:
        assert_true(pwrite(fd, bytes, sizeof bytes, 0) > 0);
        break;
    default:
        for (int i = 0; i < 10; i++)
            assert_true(pwrite(fd, bytes, 1 + pick(f, 60), (off_t)pick(f, (size_t)info.st_size)) >
                        0);
    }
    close(fd);
}

/* ---- searches ---- */

static const char *const questions[] = {
    "a b c", "d",  "a -b",     "\"a b\"", "e f kind:text",      "g h i j k l m n o p",
    "z",     "qq", "path:1 a", "b*",      "a after:1970-01-05", "\"unclosed",
    "A B C"};
#define N_QUESTIONS (sizeof questions / sizeof questions[0])

static struct engine_search_options make_options(struct fixture *f)
{
    static const char *const wheres[] = {"year = 1900", "title ~ odd", "year >"};
    static const char *const kinds[] = {"text", "pdf"};
    static const char *const documents[] = {"/doc/0/3.txt", "/doc/1/4.txt"};
    static const char *const collections[] = {"one", "two", "nowhere"};
    static const size_t ns[] = {10, 10, 10, 3};
    struct engine_search_options o = engine_search_options_default();
    o.mode = (enum engine_mode)pick(f, ENGINE_MODE_COUNT);
    o.n = ns[pick(f, 4)];
    if (pick(f, 3) > 0)
        return o; /* most are asked again */
    o.min_score = pick(f, 4) ? 0 : 0.4;
    o.collection = pick(f, 4) ? NULL : collections[pick(f, 3)];
    o.path_glob = pick(f, 4) ? NULL : pick(f, 2) ? "*/1/*" : "/doc/2*";
    o.has_query_syntax = pick(f, 2);
    o.n_per_document = pick(f, 4) ? 0 : 1;
    o.n_context = pick(f, 4) ? 0 : 1;
    o.fusion = pick(f, 3) ? ENGINE_FUSION_CONVEX : ENGINE_FUSION_RRF;
    o.filter.since = pick(f, 6) ? NULL : "1970-01-04";
    o.filter.until = pick(f, 6) ? NULL : "1970-01-15";
    o.filter.n_wheres = pick(f, 6) == 0;
    o.filter.wheres = wheres + pick(f, 3);
    o.filter.n_kinds = pick(f, 6) == 0;
    o.filter.kinds = kinds + pick(f, 2);
    o.filter.n_documents = pick(f, 6) == 0;
    o.filter.documents = documents + pick(f, 2);
    return o;
}

static void assert_text(const char *a, const char *b)
{
    assert_true((a == NULL) == (b == NULL));
    if (a)
        assert_string_equal(a, b);
}

static void assert_same_hit(const struct engine_hit *a, const struct engine_hit *b)
{
#define SAME(field) assert_true(a->field == b->field)
    SAME(chunk_id), SAME(document_id), SAME(score), SAME(lexical_rank), SAME(vector_rank);
    SAME(lexical_score), SAME(vector_score), SAME(lexical_part), SAME(vector_part);
    SAME(has_vector), SAME(fused_score), SAME(rerank_score), SAME(is_reranked);
    SAME(ord), SAME(page), SAME(page_end), SAME(line), SAME(line_end);
    SAME(byte_start), SAME(byte_end), SAME(mtime_ms);
    assert_text(a->path, b->path);
    assert_text(a->title, b->title);
    assert_text(a->heading, b->heading);
    assert_text(a->kind, b->kind);
    assert_text(a->collection, b->collection);
    assert_text(a->text, b->text);
    assert_text(a->short_path, b->short_path);
    assert_text(a->meta, b->meta);
}

static void assert_same_hits(const struct engine_hits *a, const struct engine_hits *b)
{
    SAME(n), SAME(n_candidates), SAME(n_reranked), SAME(relevance), SAME(is_relevant);
    SAME(mode), SAME(degraded), SAME(generation);
    assert_text(a->warning, b->warning);
    for (size_t i = 0; i < a->n; i++)
        assert_same_hit(&a->hit[i], &b->hit[i]);
}

static void search(struct fixture *f)
{
    struct variant *variant = &f->variants[pick(f, 5) == 0];
    struct engine *engine = variant->cached[pick(f, N_CACHED)];
    const char *question = questions[pick(f, 1 + pick(f, N_QUESTIONS))];
    struct engine_search_options options = make_options(f);
    struct engine_hits ours = {0}, theirs = {0};
    struct error their_err = {0};
    err = (struct error){0};
    enum status status = engine_search(engine, question, &options, &ours, &err);
    enum status wanted = engine_search(variant->twin, question, &options, &theirs, &their_err);
    assert_status(status, wanted);
    f->n_searches++;
    if (status) {
        f->n_failed++;
        assert_string_equal(err.message, their_err.message);
        return;
    }
    f->n_cached += ours.is_cached;
    assert_false(theirs.is_cached);
    assert_same_hits(&ours, &theirs);
    engine_hits_clear(&ours);
    engine_hits_clear(&theirs);
}

static void assert_same_answer(const struct engine_answer *a, const struct engine_answer *b)
{
    SAME(is_found), SAME(n_citations), SAME(n_unsupported), SAME(n_removed), SAME(degraded);
    SAME(n_passages_given), SAME(n_passages_dropped), SAME(n_tokens_prompt), SAME(n_tokens_answer);
    assert_text(a->text, b->text);
    assert_text(a->generator, b->generator);
    assert_text(a->model, b->model);
    assert_text(a->reasons, b->reasons);
    assert_text(a->label, b->label);
    assert_text(a->finish, b->finish);
    assert_same_hits(&a->hits, &b->hits);
    for (size_t i = 0; i < a->n_citations; i++) {
        SAME(citations[i].number), SAME(citations[i].i_hit), SAME(citations[i].quote_start);
        SAME(citations[i].quote_len), SAME(citations[i].support);
    }
}

static void answer(struct fixture *f)
{
    struct variant *variant = &f->variants[pick(f, 5) == 0];
    struct engine *engine = variant->cached[pick(f, N_CACHED)];
    const char *question = questions[pick(f, 1 + pick(f, N_QUESTIONS))];
    struct engine_answer_options options = engine_answer_options_default();
    struct engine_answer ours = {0}, theirs = {0};
    options.search.mode = (enum engine_mode)pick(f, ENGINE_MODE_COUNT);
    options.search.n = 4 + pick(f, 2);
    enum status status = engine_answer(engine, question, &options, &ours, &err);
    assert_status(engine_answer(variant->twin, question, &options, &theirs, &err), status);
    if (status)
        return;
    f->n_answers++;
    f->n_cached_answers += ours.is_cached;
    assert_same_answer(&ours, &theirs);
    engine_answer_clear(&ours);
    engine_answer_clear(&theirs);
}

/* The same generations come again, with other documents. */
static void restore_and_search(struct fixture *f)
{
    restore(f);
    for (int i = 0; i < 20; i++)
        search(f);
}

static void start_anew(struct fixture *f)
{
    run((const char *const[]){"/bin/sh", "-c", "find \"$0\" -mindepth 1 -delete", f->backup, NULL});
    restore(f);
    write_documents(f);
    for (int i = 0; i < 20; i++)
        search(f);
}

/* ---- the property ---- */

static const struct {
    void (*run)(struct fixture *f);
    size_t weight;
} steps[] = {
    {search, 3000},
    {answer, 400},
    {write_documents, 40},
    {remove_document, 10},
    {maintain_some, 15},
    {compact, 4},
    {reindex, 3},
    {clear, 2},
    {reopen, 30},
    {damage, 20},
    {reopen_all, 4},
    {back_up, 2},
    {restore_and_search, 4},
    {start_anew, 4},
};
#define N_KINDS (sizeof steps / sizeof steps[0])

static void step(struct fixture *f)
{
    size_t total = 0, at = 0;
    for (size_t i = 0; i < N_KINDS; i++)
        total += steps[i].weight;
    size_t chosen = pick(f, total);
    while (chosen >= steps[at].weight)
        chosen -= steps[at++].weight;
    steps[at].run(f);
}

static void test_query_cache__is_never_wrong(void **state)
{
    struct fixture *f = *state;
    const char *wanted = getenv("RAGGED_TWIN_STEPS");
    size_t n_steps = wanted ? strtoull(wanted, NULL, 10) : N_STEPS;
    printf("seed %llu\n", (unsigned long long)f->dice.state);
    write_documents(f);
    for (size_t i = 0; i < n_steps; i++)
        step(f);
    printf("%zu searches, %zu from the cache, %zu failed; %zu answers, %zu from the cache\n",
           f->n_searches, f->n_cached, f->n_failed, f->n_answers, f->n_cached_answers);
    assert_true(f->n_cached > f->n_searches / 10);
    assert_true(f->n_cached_answers > 0);
}

int main(void)
{
    engine_process_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_query_cache__is_never_wrong, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
