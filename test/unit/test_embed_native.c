#include "../random_model.h"

#include "base/fault.h"
#include "embed/embed.h"

static const struct shape plain = {"mean_tokens", "", 1, 24, 3, 40, SHAPE_PLAIN};
static const struct shape raw = {"mean_tokens", "", 1, 24, 3, 40, SHAPE_RAW};

#define DIM 24
#define PROMPTS "config_sentence_transformers.json"

static struct error err;

static struct embedder *open_model(const struct model *m, const char *name)
{
    struct embedder *embedder = NULL;
    const struct embedder_options options = {
        .backend = "native", .model = name, .model_folder = m->folder};
    assert_ok(embedder_open(&options, &embedder, &err));
    return embedder;
}

static void embed(const struct embedder *embedder, enum embed_kind kind, const char *text,
                  float out[DIM])
{
    struct embedder_work *work = NULL;
    const struct embed_text input = {text, strlen(text)};
    assert_ok(embedder_work_new(embedder, &work, &err));
    assert_ok(embedder_embed(work, kind, &input, 1, NULL, out, &err));
    embedder_work_free(work);
}

static void write_prompts(const struct model *m, const char *text)
{
    write_file(m, PROMPTS, text, strlen(text));
}

static void remove_model(struct model *m)
{
    char path[128];
    snprintf(path, sizeof path, "%s/" PROMPTS, m->folder);
    unlink(path);
    model_clear(m);
}

static void test_embed_native__prompts_stand_before_the_text(void **state)
{
    (void)state;
    struct model m;
    float query[DIM], passage[DIM], whole[DIM];
    model_init(&m, &plain, 3);
    write_prompts(&m, "{\"prompts\":{\"query\":\"q r \",\"document\":\"\"}}");
    struct embedder *embedder = open_model(&m, "e5-small-v2");
    embed(embedder, EMBED_QUERY, "b c", query);
    embed(embedder, EMBED_PASSAGE, "q r b c", whole);
    embed(embedder, EMBED_PASSAGE, "b c", passage);
    assert_memory_equal(query, whole, sizeof query);
    assert_memory_not_equal(query, passage, sizeof query);
    assert_int_equal(embedder_n_tokens_max(embedder), N_POSITIONS - 2 - 2);
    embedder_close(embedder);
    remove_model(&m);
}

/* Without prompts of its own a model has those of its name; a passage's is in the fingerprint. */
static void test_embed_native__else_the_name_decides(void **state)
{
    (void)state;
    static const struct {
        const char *name, *prompts;
        size_t n_prefix;
        bool is_in_fingerprint;
    } cases[] = {
        {"e5-small-v2", "{}", 2, true},
        {"e5-small-v2", "{\"prompts\":{},\"default_prompt_name\":null}", 2, true},
        {"e5-small-v2", "{\"prompts\":{\"query\":\"\"}}", 0, false},
        {"all-MiniLM-L6-v2", "{}", 0, false},
        {"bge-small-en-v1.5", "{}", 8, false},
        {"x", "{\"prompts\":{\"passage\":\"p \"}}", 1, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct model m;
        model_init(&m, &plain, 3);
        write_prompts(&m, cases[i].prompts);
        struct embedder *embedder = open_model(&m, cases[i].name);
        size_t n_colons = 0;
        for (const char *c = embedder_fingerprint(embedder); *c; c++)
            n_colons += *c == ':';
        assert_int_equal(embedder_n_tokens_max(embedder), N_POSITIONS - 2 - cases[i].n_prefix);
        assert_int_equal(n_colons, cases[i].is_in_fingerprint ? 3 : 2);
        embedder_close(embedder);
        remove_model(&m);
    }
}

static void test_embed_native__vectors_are_of_norm_1_always(void **state)
{
    (void)state;
    struct model m;
    float vector[DIM];
    double squares = 0;
    model_init(&m, &raw, 3);
    struct embedder *embedder = open_model(&m, "x");
    embed(embedder, EMBED_PASSAGE, "b c", vector);
    for (size_t i = 0; i < DIM; i++)
        squares += (double)vector[i] * (double)vector[i];
    assert_true(fabs(squares - 1) < 1e-5);
    embedder_close(embedder);
    remove_model(&m);
}

static void test_embed_native__bad_prompts_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *prompts;
        enum status status;
        const char *words;
    } cases[] = {
        {"{", STATUS_FORMAT, PROMPTS},
        {"{\"prompts\":{\"query\":1}}", STATUS_FORMAT, "\"prompts.query\" is not a text"},
        {"{\"prompts\":{\"query\":\"a b c d e f g h i j k l m n o p q r s t u v w x y z\"}}",
         STATUS_INVALID, "its prefix would take"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct model m;
        struct embedder *embedder = NULL;
        model_init(&m, &plain, 3);
        write_prompts(&m, cases[i].prompts);
        const struct embedder_options options = {
            .backend = "native", .model = "x", .model_folder = m.folder};
        assert_status(embedder_open(&options, &embedder, &err), cases[i].status);
        assert_non_null(strstr(err.message, cases[i].words));
        remove_model(&m);
    }
}

static void test_embed_native__a_reranker_is_no_embedder(void **state)
{
    (void)state;
    struct embedder *embedder = NULL;
    const struct embedder_options options = {.backend = "native", .model = "ms-marco-MiniLM-L6-v2"};
    assert_status(embedder_open(&options, &embedder, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "ranks passages"));
}

static void test_embed_native__every_failed_step_is_a_status(void **state)
{
    (void)state;
#ifdef RAGGED_FAULT
    struct model m;
    enum status status = STATUS_NOMEM;
    model_init(&m, &plain, 3);
    write_prompts(&m, "{\"prompts\":{\"query\":\"q r \",\"document\":\"d \"}}");
    const struct embedder_options options = {
        .backend = "native", .model = "x", .model_folder = m.folder};
    const struct embed_text input = {"b c", 3};
    for (int n = 1; status != STATUS_OK; n++) {
        char plan[32];
        struct embedder *embedder = NULL;
        struct embedder_work *work = NULL;
        float vector[DIM];
        snprintf(plan, sizeof plan, "mem:%d", n);
        fault_plan(plan);
        status = embedder_open(&options, &embedder, &err);
        if (!status)
            status = embedder_work_new(embedder, &work, &err);
        if (!status)
            status = embedder_embed(work, EMBED_QUERY, &input, 1, NULL, vector, &err);
        fault_plan(NULL);
        embedder_work_free(work);
        embedder_close(embedder);
    }
    remove_model(&m);
#else
    skip_because("built without FAULT=1");
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_embed_native__prompts_stand_before_the_text),
        cmocka_unit_test(test_embed_native__else_the_name_decides),
        cmocka_unit_test(test_embed_native__vectors_are_of_norm_1_always),
        cmocka_unit_test(test_embed_native__bad_prompts_are_refused),
        cmocka_unit_test(test_embed_native__a_reranker_is_no_embedder),
        cmocka_unit_test(test_embed_native__every_failed_step_is_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
