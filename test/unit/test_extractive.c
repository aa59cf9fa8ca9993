/* Which sentences the extractive row quotes. */
#include "../testing.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fault.h"
#include "generate/extractive.h"
#include "generate/generate.h"

static struct generate_sentence sentence(const char *text, size_t i_passage, double coverage)
{
    return (struct generate_sentence){
        .text = text, .len = strlen(text), .i_passage = i_passage, .coverage = coverage};
}

static void collect(void *ctx, const char *text, size_t len)
{
    buf_append(ctx, text, len);
}

/* Runs the row as callers do; marks the first sentence of each passage. */
static void answer(const char *question, struct generate_sentence *sentences, size_t n,
                   struct buf *text, struct generate_result *out)
{
    struct error err = {0};
    struct generator *generator = NULL;
    for (size_t i = 0; i < n; i++)
        sentences[i].is_first_in_passage =
            i == 0 || sentences[i].i_passage != sentences[i - 1].i_passage;
    assert_ok(generator_open(&(struct generator_options){.name = "extractive"}, &generator, &err));
    struct generate_request request = {
        .question = question, .sentences = sentences, .n_sentences = n, .n_passages = 3};
    assert_ok(generator_run(generator, &request, collect, text, out, &err));
    generator_close(generator);
}

#define BEES "A bee colony has one queen and up to 60,000 workers."
#define BEES_OTHER "The workers of a bee colony gather nectar and pollen all summer long."
#define WEATHER "It rained for most of the week in the northern valleys of the country."

struct answer_case {
    const char *name, *question, *expected;
    struct generate_sentence sentences[4];
};

#define SENTENCE(text_, i_passage_, coverage_, similarity_)                                      \
    {                                                                                            \
        .text = text_, .len = sizeof(text_) - 1, .i_passage = i_passage_, .coverage = coverage_, \
        .similarity = similarity_                                                                \
    }

static const struct answer_case cases[] = {
    {"the sentence that covers the question",
     "what does a bee colony consist of",
     BEES " [1]",
     {SENTENCE(WEATHER, 0, 0.1, 0), SENTENCE(BEES, 1, 0.9, 0)}},
    {"nothing is good enough",
     "who won the world cup",
     "",
     {SENTENCE(WEATHER, 0, 0.16, 0.1), SENTENCE(BEES, 1, 0.1, 0.2)}},
    {"no sentences at all", "anything", "", {{.text = NULL}}},
    {"how many wants a number that the question does not name",
     "how many workers does a bee colony have",
     BEES " [1]",
     {SENTENCE(BEES_OTHER, 0, 0.8, 0), SENTENCE(BEES, 1, 0.75, 0)}},
    {"when wants a date",
     "when was the bridge opened",
     "The old bridge across the river was opened in 1932 by the mayor. [1]",
     {SENTENCE("The bridge was opened with a long and cheerful parade of boats.", 0, 0.6, 0),
      SENTENCE("The old bridge across the river was opened in 1932 by the mayor.", 1, 0.95, 0)}},
    {"a date is not made up for by words",
     "when was the hive plan published",
     "",
     {SENTENCE("The hive plan was published by the society of bee keepers.", 0, 1.0, 0.8),
      SENTENCE("Two hive plans were published together.", 1, 0.9, 0.7)}},
    {"yes is followed by what is so",
     "may I keep bees in the city",
     "Yes. Every citizen may keep up to three hives on a roof or in a garden. [1]",
     {SENTENCE("May I keep bees in the city?", 0, 1.0, 0), SENTENCE("Yes.", 0, 0.0, 0),
      SENTENCE("Every citizen may keep up to three hives on a roof or in a garden.", 0, 0.2, 0)}},
    {"a repetition is quoted once",
     "what does a bee colony have",
     BEES " [1]",
     {SENTENCE(BEES, 0, 0.9, 0),
      SENTENCE("One queen and up to 60,000 workers has a bee colony.", 1, 0.9, 0)}},
    {"a pronoun takes the sentence before it along",
     "why do bees dance",
     "Bees return to the hive after a flight. They dance to tell the others where the food is. [1]",
     {SENTENCE("Bees return to the hive after a flight.", 0, 0.2, 0),
      SENTENCE("They dance to tell the others where the food is.", 0, 0.9, 0)}},
    {"but not the end of another passage",
     "why do bees dance",
     "They dance to tell the others where the food is. [1]",
     {SENTENCE("Bees return to the hive after a flight.", 0, 0.2, 0),
      SENTENCE("They dance to tell the others where the food is.", 1, 0.9, 0)}},
    {"headings are no answers",
     "what were the methods and results of the study",
     "We measured the weight of all hives twice a day. [1]",
     {SENTENCE("METHODS AND RESULTS", 0, 1.0, 0), SENTENCE("Methods:", 0, 1.0, 0),
      SENTENCE("We measured the weight of all hives twice a day.", 0, 0.5, 0)}},
    {"the answer stands after its question",
     "how do I reset the device",
     "Hold both buttons for ten seconds until the light blinks. [1]",
     {SENTENCE("How do I reset the device?", 0, 1.0, 0),
      SENTENCE("Hold both buttons for ten seconds until the light blinks.", 0, 0.0, 0)}},
    {"prose before a table row",
     "what is the price of the small hive",
     "The small hive has a price of forty euros at the market. [1]",
     {SENTENCE("small hive | price | 40 | 50 | 60 | 70 | 80", 0, 0.7, 0),
      SENTENCE("The small hive has a price of forty euros at the market.", 1, 0.95, 0)}},
    {"the finding before the title and the aim",
     "does ultrasound reduce failed punctures",
     "Ultrasound can reduce the risk of failed punctures in adults. [1]",
     {SENTENCE("Ultrasound for failed punctures: a review", 0, 1.0, 0),
      SENTENCE("OBJECTIVE To assess whether ultrasound can reduce failed punctures.", 0, 1.0, 0),
      SENTENCE("Ultrasound can reduce the risk of failed punctures in adults.", 1, 1.0, 0)}},
    {"what ends in a colon takes along what follows",
     "what does the keeper of bees need",
     "The keeper of bees needs a few things:\nA veil and gloves.\nA smoker. [1]",
     {SENTENCE("The keeper of bees needs a few things:", 0, 0.9, 0),
      {.text = "A veil and gloves.", .len = 18, .is_first_in_line = 1},
      {.text = "A smoker.", .len = 9, .is_first_in_line = 1}}},
    {"and says nothing without it",
     "what does the keeper of bees need",
     "Whoever keeps bees needs a veil, gloves and a smoker. [1]",
     {SENTENCE("The keeper of bees needs a few things:", 0, 1.0, 0),
      SENTENCE("Whoever keeps bees needs a veil, gloves and a smoker.", 1, 0.8, 0)}},
    {"a field that is asked for",
     "what licence has the hive plan",
     "Licence: CC-BY-4.0 [1]",
     {SENTENCE("Licence: CC-BY-4.0", 0, 0.7, 0),
      SENTENCE("Author: The hive plan group", 0, 0.6, 0)}},
    {"a field alone takes the text that it stands over",
     "what does the round hive ask of keepers",
     "Charter: round-hive-2\nKeepers feed the bees in every winter of a year [1]",
     {SENTENCE("Charter: round-hive-2", 0, 0.9, 0),
      {.text = "Keepers feed the bees in every winter of a year",
       .len = 47,
       .is_first_in_line = 1}}},
    {"a record is quoted from the field that fits",
     "who owns the plan of the round hive",
     "Part: round hive\nOwner: The society of bee keepers [1]",
     {SENTENCE("Part: round hive", 0, 0.8, 0),
      {.text = "Owner: The society of bee keepers", .len = 33, .is_first_in_line = 1},
      SENTENCE("The plans come without any warranty.", 0, 0.1, 0)}},
    {"a sentence whose begin is missing",
     "what does the queen do",
     "Every day of the summer the queen lays two thousand eggs. [1]",
     {SENTENCE("because of which the queen lays no eggs in the winter.", 0, 0.9, 0),
      SENTENCE("Every day of the summer the queen lays two thousand eggs.", 1, 0.9, 0)}},
    {"quotes of one passage stand together, in its order",
     "what do bees do in spring",
     "In early spring a colony of bees cleans out its hive. Later the bees of spring look for "
     "pollen "
     "in willows. [1]\nSpring bees also raise drones before summer comes along. [2]",
     {SENTENCE("In early spring a colony of bees cleans out its hive.", 0, 0.85, 0),
      SENTENCE("Later the bees of spring look for pollen in willows.", 0, 0.95, 0),
      SENTENCE("Spring bees also raise drones before summer comes along.", 1, 0.95, 0)}},
    {"a meaning without shared words",
     "feline nutrition",
     "Cats need meat because they can't make taurine themselves. [1]",
     {SENTENCE("Cats need meat because they can't make taurine themselves.", 0, 0.3, 0.7),
      SENTENCE(WEATHER, 1, 0.0, 0.05)}},
};

static void test_extractive__table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct generate_sentence sentences[4];
        memcpy(sentences, cases[i].sentences, sizeof sentences);
        size_t n = 0;
        while (n < 4 && sentences[n].text)
            n++;
        struct buf text = {0};
        struct generate_result result = {0};
        answer(cases[i].question, sentences, n, &text, &result);
        if (strcmp(buf_text(&text), cases[i].expected) != 0)
            fail_msg("%s: \"%s\"", cases[i].name, buf_text(&text));
        assert_string_equal(result.finish, "stop");
        assert_int_equal(result.n_quotes == 0, *cases[i].expected == '\0');
        buf_clear(&text);
    }
}

/* From different places, best first, never more than three (and what their pronouns need). */
static void test_extractive__at_most_three_quotes(void **state)
{
    (void)state;
    struct generate_sentence sentences[] = {
        sentence("Apples grow on trees in the sunny orchard behind our house.", 0, 0.9),
        sentence("Gardeners harvest ripe fruit with ladders and deep baskets.", 1, 0.9),
        sentence("Cold cellars keep winter stores fresh until early spring.", 2, 0.9),
        sentence("Children like sweet cider more than anything else here.", 2, 0.9),
        sentence("Bakers fill pastry with slices, sugar and cinnamon daily.", 2, 0.9),
    };
    size_t chosen[GENERATE_QUOTES_MAX];
    assert_int_equal(extractive_choose("apples", sentences, 5, chosen), 3);
    assert_int_equal(chosen[0], 0);
}

static void test_extractive__same_input_same_answer(void **state)
{
    (void)state;
    struct generate_sentence sentences[] = {sentence(BEES, 0, 0.8), sentence(BEES_OTHER, 1, 0.8),
                                            sentence(WEATHER, 2, 0.8)};
    size_t first[GENERATE_QUOTES_MAX], again[GENERATE_QUOTES_MAX];
    size_t n = extractive_choose("bees", sentences, 3, first);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(extractive_choose("bees", sentences, 3, again), n);
        assert_memory_equal(first, again, n * sizeof *first);
    }
}

/* Hostile text: no terminator, no letters, only high bytes, very long. */
static void test_extractive__odd_sentences(void **state)
{
    (void)state;
    static char long_text[20000];
    memset(long_text, 'a', sizeof long_text);
    for (size_t i = 7; i < sizeof long_text; i += 8)
        long_text[i] = ' ';
    static const char raw[] = {'\xFF', '\xFE', '\x80', '?', '!', '\x01'};
    struct generate_sentence sentences[] = {
        {.text = "", .len = 0, .coverage = 1},
        {.text = raw, .len = sizeof raw, .coverage = 1},
        {.text = long_text, .len = sizeof long_text, .coverage = 1},
        {.text = "?", .len = 1, .coverage = 1},
    };
    size_t chosen[GENERATE_QUOTES_MAX];
    size_t n = extractive_choose("", sentences, 4, chosen);
    for (size_t k = 0; k < n; k++)
        assert_true(chosen[k] == 1 || chosen[k] == 2);
}

#ifdef RAGGED_FAULT
static void test_extractive__out_of_memory(void **state)
{
    (void)state;
    struct generate_sentence sentences[] = {sentence(BEES, 0, 0.9)};
    for (int n = 1;; n++) {
        char plan[32];
        snprintf(plan, sizeof plan, "mem:%d", n);
        struct error err = {0};
        struct generator *generator = NULL;
        struct generate_result result = {.finish = "untouched"};
        struct generate_request request = {
            .question = "bees", .sentences = sentences, .n_sentences = 1};
        struct buf text = {0};
        fault_plan(plan);
        enum status status = generator_open(
            &(struct generator_options){.name = "auto", .is_configured_only = 1}, &generator, &err);
        assert_true((status == STATUS_OK) == (generator != NULL));
        if (!status)
            status = generator_run(generator, &request, collect, &text, &result, &err);
        long n_reached = fault_count("mem");
        fault_plan(NULL);
        generator_close(generator);
        buf_clear(&text);
        if (n_reached < n) {
            assert_status(status, STATUS_OK);
            break;
        }
        if (status) {
            assert_status(status, STATUS_NOMEM);
            assert_string_equal(result.finish, "untouched");
        }
    }
}
#endif

int main(void)
{
    setenv("XDG_CACHE_HOME", "/nonexistent", 1); /* no model of this computer's user */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extractive__table),
        cmocka_unit_test(test_extractive__at_most_three_quotes),
        cmocka_unit_test(test_extractive__same_input_same_answer),
        cmocka_unit_test(test_extractive__odd_sentences),
#ifdef RAGGED_FAULT
        cmocka_unit_test(test_extractive__out_of_memory),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
