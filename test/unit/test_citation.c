#include "../testing.h"

#include <stdlib.h>
#include <string.h>

#include "answer/answer.h"
#include "answer/citation.h"
#include "engine/engine.h"
#include "search/search.h"

static struct error err;

static const char *const passages[] = {
    "Bees live in colonies. A colony has one queen and up to 60,000 workers. The queen lays eggs.",
    "Vitamin D lowers the risk of acute respiratory infection in people who were deficient.",
};

/* Words only: no model folder, so similarity never helps. */
static struct engine *open_engine(void)
{
    setenv("RAGGED_MODEL_DIR", "/nonexistent", 1);
    struct engine_options options = engine_options_default();
    options.data_folder = "/nonexistent";
    struct engine *engine;
    assert_ok(engine_open(&options, &engine, &err));
    return engine;
}

static void check(struct engine *engine, const char *answer, struct arena *arena,
                  struct citation_result *out)
{
    struct engine_hit hits[2] = {{.text = passages[0]}, {.text = passages[1]}};
    struct citation_input input = {.engine = engine, .answer = answer, .hits = hits, .n_hits = 2};
    assert_ok(citation_check(&input, arena, out, &err));
    for (size_t i = 0; i < out->n_citations; i++) {
        const struct engine_citation *c = &out->citations[i];
        assert_int_equal(c->number, i + 1);
        assert_true(c->quote_len > 0);
        assert_true(c->quote_start + c->quote_len <= strlen(hits[c->i_hit].text));
    }
}

static void test_citation__checks_what_the_model_wrote(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *text;
        size_t n_citations, n_unsupported, n_removed;
    } cases[] = {
        {"A colony has up to 60,000 workers [1].", "A colony has up to 60,000 workers. [1]", 1, 0,
         0},
        {"A colony has up to 60,000 workers. [1] The queen lays eggs [1].",
         "A colony has up to 60,000 workers. [1] The queen lays eggs. [1]", 1, 0, 0},
        /* a wrong number is replaced by the passage that says it */
        {"The queen lays eggs [2].", "The queen lays eggs. [1]", 1, 0, 0},
        /* a number that names no passage is removed */
        {"Vitamin D lowers the risk of respiratory infection [7].",
         "Vitamin D lowers the risk of respiratory infection. [1]", 1, 0, 1},
        /* nothing says this */
        {"Bees invented the wheel in Rome [1].",
         "Bees invented the wheel in Rome. " CITATION_UNSUPPORTED_MARK, 0, 1, 0},
        /* right words, invented figure */
        {"A colony has one queen and up to 90,000 workers [1].",
         "A colony has one queen and up to 90,000 workers. " CITATION_UNSUPPORTED_MARK, 0, 1, 0},
        /* no mark: attached by the program */
        {"A colony has one queen.\nVitamin D lowers the risk of infection.",
         "A colony has one queen. [1]\nVitamin D lowers the risk of infection. [2]", 2, 0, 0},
        /* a quoted title has no full stop */
        {"Bees live in colonies [1] Vitamin D lowers the risk of infection. [2]",
         "Bees live in colonies [1] Vitamin D lowers the risk of infection. [2]", 2, 0, 0},
        /* the numbers run on from 1 in the order of the answer */
        {"Vitamin D lowers the risk of infection [2]. The queen lays eggs [1]. A deficient "
         "person's risk of infection falls with vitamin D [2].",
         "Vitamin D lowers the risk of infection. [1] The queen lays eggs. [2] A deficient "
         "person's risk of infection falls with vitamin D. [1]",
         2, 0, 0},
        {"", "", 0, 0, 0},
        {"[1]", "", 0, 0, 0},
    };
    struct engine *engine = open_engine();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arena arena = {0};
        struct citation_result got;
        check(engine, cases[i].answer, &arena, &got);
        assert_string_equal(got.text, cases[i].text);
        assert_int_equal(got.n_citations, cases[i].n_citations);
        assert_int_equal(got.n_unsupported, cases[i].n_unsupported);
        assert_int_equal(got.n_removed, cases[i].n_removed);
        arena_clear(&arena);
    }
    engine_close(engine);
}

/* Whatever a model writes, marks in the checked text name passages that were cited. */
static void test_citation__survives_any_text(void **state)
{
    (void)state;
    static const char *const pieces[] = {"[1]",    "[",        "]",     "[99999999]", ". ",
                                         "queen ", "60,000",   "\n",    "[1,2]",      "[1;",
                                         "\xC3",   "\xE2\x82", " [2] ", "Bees"};
    struct engine *engine = open_engine();
    srand(5);
    for (int round = 0; round < 3000; round++) {
        char answer[256] = "";
        for (int k = rand() % 12; k > 0; k--)
            strcat(answer, pieces[(size_t)rand() % (sizeof pieces / sizeof pieces[0])]);
        struct arena arena = {0};
        struct citation_result got;
        check(engine, answer, &arena, &got);
        arena_clear(&arena);
    }
    engine_close(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_citation__checks_what_the_model_wrote),
        cmocka_unit_test(test_citation__survives_any_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
