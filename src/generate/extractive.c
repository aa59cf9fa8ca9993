/* One to three verbatim sentences. Coverage of the question's words carries most of the score, as
 * in sentence retrieval since TREC; the embedding adds paraphrases; the passage's rank is a weak
 * prior. Diversity by maximal marginal relevance (Carbonell & Goldstein 1998) over word overlap.
 * Weights are fixed round numbers, not tuned on any collection. */
#include "generate/extractive.h"

#include <string.h>

#include "base/hash.h"
#include "base/utf8.h"

#define WEIGHT_COVERAGE 0.6
#define WEIGHT_SIMILARITY 0.4
#define WEIGHT_CONTEXT 0.3   /* of coverage: the word stands in the title, not in the sentence */
#define RANK_DISCOUNT 0.04   /* for each passage further down, up to 10 */
#define LENGTH_PENALTY 0.10  /* too short to say something, too long to read */
#define SHAPE_PENALTY 0.15   /* a table row or code that nobody asked for */
#define EMPTY_PENALTY 0.30   /* a title or an aim: the words of the question without an answer */
#define LIST_BYTES 500       /* of what belongs to a sentence and follows it, and the item begun */
#define ANSWER_AFTER 0.9     /* of a question's support goes to the sentence after it */
#define SUPPORT_MIN 0.35     /* the best below it: abstain */
#define SCORE_SHARE_MIN 0.75 /* of the best score, to be added to it */
#define YES_WORDS 2          /* "Yes." is not yet an answer: what follows says it */
#define MMR_RELEVANCE 0.7
#define OVERLAP_MAX 0.6 /* a repetition, whatever its score */

enum { CHOSEN_MAX = 3, WORDS_MAX = 128 };

static bool has_similarity(const struct generate_sentence *sentences, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (sentences[i].similarity != 0)
            return true;
    return false;
}

static double own_support(const struct generate_sentence *s, bool with_similarity)
{
    double coverage = s->coverage + WEIGHT_CONTEXT * s->context_coverage;
    if (coverage > 1)
        coverage = 1;
    if (!with_similarity)
        return coverage;
    return WEIGHT_COVERAGE * coverage + WEIGHT_SIMILARITY * (s->similarity > 0 ? s->similarity : 0);
}

static bool follows(const struct generate_sentence *sentences, size_t i)
{
    return i > 0 && !sentences[i].is_first_in_passage &&
           sentences[i - 1].i_passage == sentences[i].i_passage;
}

static double support_of(const struct generate_sentence *sentences, size_t i, bool with_similarity)
{
    double support = own_support(&sentences[i], with_similarity);
    if (follows(sentences, i) && sentence_is_question(&sentences[i - 1])) {
        double before = ANSWER_AFTER * own_support(&sentences[i - 1], with_similarity);
        if (before > support)
            support = before;
    }
    return support;
}

double extractive_support(const struct generate_sentence *sentences, size_t n, size_t i)
{
    return support_of(sentences, i, has_similarity(sentences, n));
}

struct candidate {
    size_t i;
    double support, score;
};

struct question {
    const char *text;
    const struct generate_sentence *sentences; /* [n], to choose from */
    size_t n;
    const struct answer_hint *hint;
    bool wants_table_or_code, with_similarity;
};

/* Headings and questions say nothing by themselves. */
static bool is_candidate(const struct generate_sentence *sentence)
{
    return !sentence_is_heading(sentence) && !sentence_is_question(sentence);
}

static bool has_sequel(const struct question *question, size_t i)
{
    return i + 1 < question->n && follows(question->sentences, i + 1) &&
           is_candidate(&question->sentences[i + 1]);
}

/* A title, an aim, or what has its point in a text that is not there. */
static bool is_empty(const struct question *question, size_t i)
{
    const struct generate_sentence *s = &question->sentences[i];
    if (sentence_is_field_of(s, question->text))
        return false;
    if (sentence_is_lead_in(s))
        return !has_sequel(question, i);
    return sentence_is_fragment(s) || sentence_is_purpose(s) || sentence_is_cut(s);
}

static double score_of(const struct question *question, size_t i, double support)
{
    const struct generate_sentence *s = &question->sentences[i];
    size_t n_words = sentence_n_words(s);
    size_t rank = s->i_passage < 10 ? s->i_passage : 10;
    double score = support * (1 - RANK_DISCOUNT * (double)rank);
    score += answer_hint_bonus(question->hint, question->text, s);
    if (sentence_is_field_of(s, question->text))
        return score;
    if (n_words < 6 || n_words > 60)
        score -= LENGTH_PENALTY;
    if (!question->wants_table_or_code && sentence_is_table_or_code(s))
        score -= SHAPE_PENALTY;
    if (is_empty(question, i))
        score -= EMPTY_PENALTY;
    return score;
}

/* The hashes of a sentence's first words, lower case, without those of one or two letters. */
struct word_set {
    uint64_t hash[WORDS_MAX];
    size_t n;
};

static void word_set_add(struct word_set *set, const char *word, size_t len)
{
    struct hash128 hash = hash128_of(word, len);
    uint64_t key;
    memcpy(&key, hash.bytes, sizeof key);
    for (size_t i = 0; i < set->n; i++)
        if (set->hash[i] == key)
            return;
    if (set->n < WORDS_MAX)
        set->hash[set->n++] = key;
}

static void word_set_init(struct word_set *set, const struct generate_sentence *sentence)
{
    char word[64];
    size_t len = 0;
    set->n = 0;
    for (size_t i = 0; i <= sentence->len; i++) {
        unsigned char c = i < sentence->len ? (unsigned char)sentence->text[i] : ' ';
        bool is_upper = c >= 'A' && c <= 'Z';
        if (is_upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80) {
            if (len < sizeof word)
                word[len++] = (char)(is_upper ? c + ('a' - 'A') : c);
            continue;
        }
        if (len > 2)
            word_set_add(set, word, len);
        len = 0;
    }
}

/* Shared words over the words of the shorter one: a sentence inside a longer one says nothing new.
 */
static double overlap(const struct word_set *a, const struct word_set *b)
{
    size_t n_shared = 0, n = a->n < b->n ? a->n : b->n;
    for (size_t i = 0; i < a->n; i++)
        for (size_t j = 0; j < b->n; j++)
            n_shared += a->hash[i] == b->hash[j];
    return n ? (double)n_shared / (double)n : 0;
}

struct choice {
    struct candidate candidate[CHOSEN_MAX];
    struct word_set words[CHOSEN_MAX];
    size_t n;
};

/* Is the candidate worth standing beside the best? */
static bool adds(const struct question *question, const struct candidate *best,
                 const struct candidate *candidate)
{
    return candidate->score >= SCORE_SHARE_MIN * best->score && !is_empty(question, candidate->i);
}

/* The best of what is left by score minus likeness to what was chosen; false: nothing fits. */
static bool choose_next(const struct question *question, struct choice *choice)
{
    const struct generate_sentence *sentences = question->sentences;
    struct candidate best = {.score = 0};
    double best_value = 0;
    bool is_found = false;
    struct word_set words, best_words = {.n = 0};
    for (size_t i = 0; i < question->n; i++) {
        if (!is_candidate(&sentences[i]) ||
            answer_hint_excludes(question->hint, question->text, &sentences[i]))
            continue;
        struct candidate candidate = {
            .i = i, .support = support_of(sentences, i, question->with_similarity)};
        candidate.score = score_of(question, i, candidate.support);
        if (candidate.support < SUPPORT_MIN ||
            (choice->n > 0 && !adds(question, &choice->candidate[0], &candidate)))
            continue;
        double likeness = 0;
        word_set_init(&words, &sentences[i]);
        for (size_t k = 0; k < choice->n; k++) {
            double o = overlap(&words, &choice->words[k]);
            if (o > likeness)
                likeness = o;
        }
        double value = MMR_RELEVANCE * candidate.score - (1 - MMR_RELEVANCE) * likeness;
        if (likeness > OVERLAP_MAX || (is_found && value <= best_value))
            continue;
        best = candidate;
        best_value = value;
        best_words = words;
        is_found = true;
    }
    if (is_found) {
        choice->candidate[choice->n] = best;
        choice->words[choice->n++] = best_words;
    }
    return is_found;
}

/* What is quoted, in the order of choice. */
struct quotes {
    size_t i[GENERATE_QUOTES_MAX];
    size_t n;
};

static void add_quote(struct quotes *quotes, size_t i)
{
    for (size_t k = 0; k < quotes->n; k++)
        if (quotes->i[k] == i)
            return;
    if (quotes->n < GENERATE_QUOTES_MAX)
        quotes->i[quotes->n++] = i;
}

/* What follows sentence i: a list behind its colon, or the other fields of a record; a single field
 * stands over the text that it names. */
static void add_sequel(const struct question *question, size_t i, struct quotes *quotes)
{
    const struct generate_sentence *sentences = question->sentences;
    bool is_record = sentence_is_field(&sentences[i]);
    for (size_t n_bytes = 0; n_bytes < LIST_BYTES && has_sequel(question, i); i++) {
        bool is_past_record = is_record && !sentence_is_field(&sentences[i + 1]);
        if (!is_past_record || n_bytes == 0)
            add_quote(quotes, i + 1);
        if (is_past_record)
            break;
        n_bytes += sentences[i + 1].len;
    }
}

/* The sentence and those without which it can't be understood. */
static void add_choice(const struct question *question, size_t i, struct quotes *quotes)
{
    const struct generate_sentence *sentences = question->sentences;
    if (sentence_leans_back(&sentences[i]) && follows(sentences, i) &&
        is_candidate(&sentences[i - 1]))
        add_quote(quotes, i - 1);
    add_quote(quotes, i);
    if (sentence_is_field_of(&sentences[i], question->text))
        return;
    if (sentence_is_lead_in(&sentences[i]) || sentence_is_field(&sentences[i]))
        add_sequel(question, i, quotes);
    else if (sentence_n_words(&sentences[i]) <= YES_WORDS && has_sequel(question, i))
        add_quote(quotes, i + 1);
}

/* Where a new quote goes: among those of its passage by their order in the text, else at the end.
 */
static size_t place_of(const struct generate_sentence *sentences, const size_t *out, size_t n,
                       size_t i)
{
    size_t at = n;
    for (size_t k = 0; k < n; k++) {
        if (sentences[out[k]].i_passage != sentences[i].i_passage)
            continue;
        if (out[k] > i)
            return k;
        at = k + 1;
    }
    return at;
}

static void write_in_order(const struct question *question, const struct quotes *quotes,
                           size_t out[GENERATE_QUOTES_MAX])
{
    for (size_t n = 0; n < quotes->n; n++) {
        size_t at = place_of(question->sentences, out, n, quotes->i[n]);
        memmove(out + at + 1, out + at, (n - at) * sizeof *out);
        out[at] = quotes->i[n];
    }
}

size_t extractive_choose(const char *question, const struct generate_sentence *sentences, size_t n,
                         size_t out[GENERATE_QUOTES_MAX])
{
    struct question q = {
        .text = question,
        .sentences = sentences,
        .n = n,
        .hint = answer_hint_find(question),
        .wants_table_or_code = question_wants_table_or_code(question),
        .with_similarity = has_similarity(sentences, n),
    };
    struct choice choice = {.n = 0};
    while (choice.n < CHOSEN_MAX && choose_next(&q, &choice))
        ;
    struct quotes quotes = {.n = 0};
    for (size_t k = 0; k < choice.n; k++)
        add_choice(&q, choice.candidate[k].i, &quotes);
    write_in_order(&q, &quotes, out);
    return quotes.n;
}
