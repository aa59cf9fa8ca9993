#include "../reference_model.h"
#include "base/fault.h"
#include "base/file.h"
#include "engine/engine.h"
#include "nn/tokenizer.h"
#include "search/rerank.h"
#include "search/search.h"

static const struct shape shape = {"mean_tokens", "bert.", 2, 24, 3, 40, SHAPE_CLASSIFIER};
static const char query[] = "a b c";
static const char *const texts[] = {"d e", "f",     "g h i j", "a b c",   "k l m n o p",
                                    "q r", "s t u", "a",       "v w x y", "z"};
enum { N_HITS = sizeof texts / sizeof texts[0] };

static struct error err;

/* A model of random weights where ragged looks for the reranker. */
struct fixture {
    struct model model;
    struct cross_encoder *encoder;
    char models_folder[64], link[128];
};

static int make_fixture(void **state)
{
    static struct fixture f;
    f = (struct fixture){0};
    model_init(&f.model, &shape, 7);
    assert_ok(
        cross_encoder_open(&(struct encoder_options){.folder = f.model.folder, .precision = "fp32"},
                           &f.encoder, &err));
    snprintf(f.models_folder, sizeof f.models_folder, "/tmp/ragged-models-%ld", (long)getpid());
    snprintf(f.link, sizeof f.link, "%s/ms-marco-MiniLM-L6-v2", f.models_folder);
    assert_ok(folder_make(f.models_folder, &err));
    assert_int_equal(symlink(f.model.folder, f.link), 0);
    assert_int_equal(setenv("RAGGED_MODEL_DIR", f.models_folder, 1), 0);
    *state = &f;
    return 0;
}

static int clear_fixture(void **state)
{
    struct fixture *f = *state;
    cross_encoder_close(f->encoder);
    assert_ok(folder_remove(f->models_folder, &err));
    assert_ok(folder_remove(f->model.folder, &err));
    model_clear(&f->model);
    return 0;
}

/* Every third hit has a heading. */
static void make_hits(struct engine_hit *hits)
{
    for (size_t i = 0; i < N_HITS; i++) {
        double score = 1 - (double)i / N_HITS;
        hits[i] = (struct engine_hit){.chunk_id = (int64_t)i,
                                      .score = score,
                                      .fused_score = score,
                                      .heading = i % 3 == 0   ? "x y"
                                                 : i % 3 == 1 ? ""
                                                              : NULL,
                                      .text = texts[i]};
    }
}

/* By the definition: the logistic function of the score of (query, heading and text). */
static double expected_score(const struct model *m, size_t i)
{
    struct model_config config;
    struct tokenizer tokenizer = {0};
    int32_t ids[N_POSITIONS];
    uint8_t types[N_POSITIONS];
    char passage[64];
    snprintf(passage, sizeof passage, "%s%s", i % 3 == 0 ? "x y\n" : "", texts[i]);
    assert_ok(model_config_read(m->folder, &config, &err));
    assert_ok(tokenizer_open(m->folder, &config, &tokenizer, &err));
    const struct tokenizer_pair pair = {
        .a = query, .a_len = strlen(query), .b = passage, .b_len = strlen(passage)};
    size_t n = tokenizer_encode_pair(&tokenizer, &pair, ids, types, N_POSITIONS);
    tokenizer_close(&tokenizer);
    return 1 / (1 + exp(-reference_score(m, ids, types, n)));
}

static struct rerank_request request_of(const struct fixture *f, size_t n_candidates, size_t n_top)
{
    return (struct rerank_request){.encoder = f->encoder,
                                   .query = query,
                                   .n_candidates = n_candidates,
                                   .n_top = n_top,
                                   .n_threads = 1};
}

static void assert_nothing_lost(const struct engine_hit *hits)
{
    unsigned seen = 0;
    for (size_t i = 0; i < N_HITS; i++) {
        seen |= 1u << hits[i].chunk_id;
        assert_true(hits[i].score >= 0 && hits[i].score <= 1);
        if (i > 0)
            assert_true(hits[i - 1].score >= hits[i].score);
    }
    assert_int_equal(seen, (1u << N_HITS) - 1);
}

static void assert_fused_order(const struct engine_hit *hits)
{
    struct engine_hit before[N_HITS];
    make_hits(before);
    assert_memory_equal(hits, before, sizeof before);
}

static void test_rerank__the_order_is_the_models(void **state)
{
    const struct fixture *f = *state;
    struct engine_hit hits[N_HITS];
    struct rerank_outcome outcome;
    make_hits(hits);
    struct rerank_request request = request_of(f, 50, 5);
    assert_ok(rerank_hits(&request, hits, N_HITS, &outcome, &err));
    assert_true(outcome.is_reordered);
    assert_int_equal(outcome.n_read, N_HITS);
    assert_int_equal(outcome.n_wanted, N_HITS);
    assert_nothing_lost(hits);
    bool is_as_before = true;
    for (size_t i = 0; i < N_HITS; i++) {
        size_t was = (size_t)hits[i].chunk_id;
        double expected = expected_score(&f->model, was);
        if (!(fabs(hits[i].score - expected) < 2e-5))
            fail_msg("hit %zu: %.9g, expected %.9g", was, hits[i].score, expected);
        assert_true(hits[i].is_reranked && hits[i].rerank_score == hits[i].score);
        assert_true(hits[i].fused_score == 1 - (double)was / N_HITS);
        is_as_before = is_as_before && was == i;
    }
    assert_false(is_as_before);
}

static void test_rerank__no_result_depends_on_the_threads(void **state)
{
    const struct fixture *f = *state;
    struct engine_hit one[N_HITS], many[N_HITS];
    struct rerank_outcome outcome;
    struct rerank_request request = request_of(f, N_HITS, 3);
    make_hits(one);
    assert_ok(rerank_hits(&request, one, N_HITS, &outcome, &err));
    for (unsigned n_threads = 0; n_threads <= 16; n_threads += 4) {
        request.n_threads = n_threads;
        make_hits(many);
        assert_ok(rerank_hits(&request, many, N_HITS, &outcome, &err));
        assert_memory_equal(many, one, sizeof one);
    }
}

static void test_rerank__those_behind_the_candidates_keep_their_order(void **state)
{
    const struct fixture *f = *state;
    struct engine_hit hits[N_HITS];
    struct rerank_outcome outcome;
    struct rerank_request request = request_of(f, 4, 8);
    make_hits(hits);
    assert_ok(rerank_hits(&request, hits, N_HITS, &outcome, &err));
    assert_true(outcome.is_reordered);
    assert_int_equal(outcome.n_wanted, 4);
    assert_nothing_lost(hits);
    for (size_t i = 0; i < N_HITS; i++) {
        assert_int_equal(hits[i].is_reranked, i < 4);
        if (i >= 4) {
            assert_int_equal(hits[i].chunk_id, i);
            assert_float_equal((float)hits[i].score, (float)(hits[i].fused_score * hits[3].score),
                               1e-6f);
        }
    }
}

/* Every look at it takes 10. */
static int64_t tick(void *ctx)
{
    return *(int64_t *)ctx += 10;
}

/* Passage k ends at 10 * (k + 2); it is begun when 10 more than its start is before the deadline,
 * the first one at once. */
static void test_rerank__a_deadline_keeps_the_order_or_ranks_all_that_is_shown(void **state)
{
    const struct fixture *f = *state;
    for (size_t n_read = 0; n_read <= N_HITS; n_read++) {
        struct engine_hit hits[N_HITS];
        struct rerank_outcome outcome;
        int64_t clock = 0;
        struct rerank_request request = request_of(f, N_HITS, 4);
        request.now_us = tick;
        request.ctx = &clock;
        request.deadline_us = n_read == 0 ? 10 : n_read == 1 ? 30 : 10 * (int64_t)n_read + 11;
        make_hits(hits);
        assert_ok(rerank_hits(&request, hits, N_HITS, &outcome, &err));
        assert_int_equal(outcome.n_read, n_read);
        assert_int_equal(outcome.n_wanted, N_HITS);
        assert_int_equal(outcome.is_reordered, n_read >= 4);
        assert_true(n_read < 2 || clock < request.deadline_us);
        assert_nothing_lost(hits);
        if (n_read < 4)
            assert_fused_order(hits);
        for (size_t i = 0; i < N_HITS && n_read >= 4; i++) {
            assert_int_equal(hits[i].is_reranked, i < n_read);
            assert_int_equal((size_t)hits[i].chunk_id < n_read, i < n_read);
        }
    }
}

static void test_rerank__a_real_deadline_is_kept(void **state)
{
    const struct fixture *f = *state;
    struct engine_hit hits[N_HITS];
    struct rerank_outcome outcome;
    struct rerank_request request = request_of(f, N_HITS, 1);
    request.deadline_us = 1;
    request.n_threads = 3;
    make_hits(hits);
    assert_ok(rerank_hits(&request, hits, N_HITS, &outcome, &err));
    assert_int_equal(outcome.n_read, 0);
    assert_fused_order(hits);
}

static void test_rerank__it_can_be_cancelled(void **state)
{
    const struct fixture *f = *state;
    struct engine_hit hits[N_HITS];
    struct rerank_outcome outcome;
    struct cancel cancel = {0};
    struct rerank_request request = request_of(f, N_HITS, 3);
    atomic_store(&cancel.requested, 2);
    request.cancel = &cancel;
    make_hits(hits);
    assert_status(rerank_hits(&request, hits, N_HITS, &outcome, &err), STATUS_CANCELLED);
    assert_fused_order(hits);
}

static void test_rerank__nothing_to_read(void **state)
{
    const struct fixture *f = *state;
    struct rerank_outcome outcome;
    struct rerank_request request = request_of(f, 50, 3);
    assert_ok(rerank_hits(&request, NULL, 0, &outcome, &err));
    assert_int_equal(outcome.n_wanted, 0);
    assert_false(outcome.is_reordered);
}

/* ---- the step of a search ---- */

struct step {
    struct engine *engine;
    struct engine_hit hit[N_HITS];
    struct engine_hits hits;
    struct engine_search_options options;
};

static void step_init(struct step *step, const char *model, enum engine_rerank rerank)
{
    struct engine_options options = engine_options_default();
    options.data_folder = "/nonexistent";
    options.embedding_precision = "fp32";
    options.rerank_model = model;
    *step = (struct step){.options = engine_search_options_default()};
    assert_ok(engine_open(&options, &step->engine, &err));
    make_hits(step->hit);
    step->hits = (struct engine_hits){.hit = step->hit, .n = N_HITS, .warning = ""};
    step->options.rerank = rerank;
    step->options.deadline_ms = 0;
}

static enum status run_step(struct step *step)
{
    return rerank_step(step->engine, query, &step->options, 0, &step->hits, &err);
}

static void step_clear(struct step *step)
{
    engine_hits_clear(&step->hits);
    engine_close(step->engine);
}

static void test_rerank_step__is_off_when_not_asked_for(void **state)
{
    (void)state;
    struct step step;
    step_init(&step, NULL, ENGINE_RERANK_OFF);
    step.options.n = 3;
    assert_int_equal(rerank_depth(&step.options), 3);
    assert_ok(run_step(&step));
    assert_fused_order(step.hit);
    assert_int_equal(step.hits.n, N_HITS);
    step_clear(&step);
}

static void test_rerank_step__cuts_what_is_ranked(void **state)
{
    (void)state;
    struct step step;
    step_init(&step, NULL, ENGINE_RERANK_REQUIRED);
    assert_int_equal(rerank_depth(&step.options), 50);
    step.options.min_score = 0.9;
    assert_true(rerank_min_score(&step.options) <= 0);
    step.options.min_score = 0;
    step.options.n = 4;
    assert_ok(run_step(&step));
    assert_int_equal(step.hits.n, 4);
    assert_int_equal(step.hits.n_reranked, N_HITS);
    assert_string_equal(step.hits.warning, "");
    double third = step.hits.hit[2].score;
    step_clear(&step);
    step_init(&step, "ms-marco-MiniLM-L6-v2", ENGINE_RERANK_ON);
    step.options.min_score = third;
    assert_ok(run_step(&step));
    assert_int_equal(step.hits.n, 3);
    step_clear(&step);
}

static void test_rerank_step__a_deadline_is_told(void **state)
{
    (void)state;
    struct step step;
    step_init(&step, NULL, ENGINE_RERANK_REQUIRED);
    step.hits.warning = "before";
    step.options.deadline_ms = 1; /* of a search that began when the clock did */
    assert_ok(run_step(&step));
    assert_fused_order(step.hit);
    assert_int_equal(step.hits.n_reranked, 0);
    assert_string_equal(step.hits.warning, "before; 0 of 10 passages were reranked within 1 ms: "
                                           "the order is the one without reranking");
    step_clear(&step);
}

static void test_rerank_step__a_missing_model_is_a_warning_unless_required(void **state)
{
    const struct fixture *f = *state;
    struct step step;
    assert_int_equal(unlink(f->link), 0);
    step_init(&step, NULL, ENGINE_RERANK_ON);
    step.options.n = 4;
    step.options.min_score = 0.75;
    assert_ok(run_step(&step));
    assert_fused_order(step.hit);
    assert_int_equal(step.hits.n, 3);
    assert_non_null(strstr(step.hits.warning, "ms-marco-MiniLM-L6-v2"));
    assert_non_null(strstr(step.hits.warning, ": not reranked"));
    step.options.rerank = ENGINE_RERANK_REQUIRED;
    assert_status(run_step(&step), STATUS_NOT_FOUND);
    assert_string_equal(err.hint, "ragged model pull ms-marco-MiniLM-L6-v2");
    step_clear(&step);
    assert_int_equal(symlink(f->model.folder, f->link), 0);
}

static void test_rerank_step__a_model_that_ranks_nothing_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"all-MiniLM-L6-v2", "../x"};
    for (size_t i = 0; i < 2; i++) {
        struct step step;
        step_init(&step, names[i], ENGINE_RERANK_ON);
        assert_status(run_step(&step), STATUS_INVALID);
        assert_non_null(strstr(err.message, names[i]));
        step_clear(&step);
    }
}

static void test_rerank__every_failed_step_is_a_status(void **state)
{
    (void)state;
#ifdef RAGGED_FAULT
    enum status status = STATUS_NOMEM;
    for (int n = 1; status != STATUS_OK; n++) {
        char plan[32];
        struct step step;
        step_init(&step, NULL, ENGINE_RERANK_REQUIRED);
        snprintf(plan, sizeof plan, "mem:%d", n);
        fault_plan(plan);
        status = run_step(&step);
        fault_plan(NULL);
        if (status)
            assert_fused_order(step.hit);
        assert_true(status == STATUS_OK || status == STATUS_NOMEM);
        step_clear(&step);
    }
#else
    skip_because("built without FAULT=1");
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rerank__the_order_is_the_models),
        cmocka_unit_test(test_rerank__no_result_depends_on_the_threads),
        cmocka_unit_test(test_rerank__those_behind_the_candidates_keep_their_order),
        cmocka_unit_test(test_rerank__a_deadline_keeps_the_order_or_ranks_all_that_is_shown),
        cmocka_unit_test(test_rerank__a_real_deadline_is_kept),
        cmocka_unit_test(test_rerank__it_can_be_cancelled),
        cmocka_unit_test(test_rerank__nothing_to_read),
        cmocka_unit_test(test_rerank_step__is_off_when_not_asked_for),
        cmocka_unit_test(test_rerank_step__cuts_what_is_ranked),
        cmocka_unit_test(test_rerank_step__a_deadline_is_told),
        cmocka_unit_test(test_rerank_step__a_missing_model_is_a_warning_unless_required),
        cmocka_unit_test(test_rerank_step__a_model_that_ranks_nothing_is_refused),
        cmocka_unit_test(test_rerank__every_failed_step_is_a_status),
    };
    return cmocka_run_group_tests(tests, make_fixture, clear_fixture);
}
