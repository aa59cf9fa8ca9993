/* The traits that question answering by extraction has used since the TREC QA track: the expected
 * answer type from the question's first words (Li & Roth 2002), and dropping what is no sentence.
 */
#include "generate/extractive.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

struct word {
    const char *text;
    size_t len;
};

static bool is_word_byte(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* The next word at or after *at; false at the end. */
static bool word_next(const char *text, size_t len, size_t *at, struct word *out)
{
    size_t i = *at;
    while (i < len && !is_word_byte(text[i]))
        i++;
    size_t start = i;
    while (i < len && (is_word_byte(text[i]) || ((text[i] == '\'' || text[i] == '-') &&
                                                 i + 1 < len && is_word_byte(text[i + 1]))))
        i++;
    *at = i;
    *out = (struct word){text + start, i - start};
    return i > start;
}

static bool word_is(struct word word, const char *text)
{
    return strlen(text) == word.len && strncasecmp(word.text, text, word.len) == 0;
}

static bool word_is_one_of(struct word word, const char *const *list)
{
    for (; *list; list++)
        if (word_is(word, *list))
            return true;
    return false;
}

size_t sentence_n_words(const struct generate_sentence *sentence)
{
    size_t n = 0, at = 0;
    struct word word;
    while (word_next(sentence->text, sentence->len, &at, &word))
        n++;
    return n;
}

static size_t trimmed_len(const struct generate_sentence *sentence)
{
    size_t len = sentence->len;
    while (len > 0 && strchr(" \t\r\n\"')]", sentence->text[len - 1]))
        len--;
    return len;
}

bool sentence_is_question(const struct generate_sentence *sentence)
{
    size_t len = trimmed_len(sentence);
    return len > 0 && sentence->text[len - 1] == '?';
}

bool sentence_is_fragment(const struct generate_sentence *sentence)
{
    size_t len = trimmed_len(sentence);
    /* A byte of another script may be the last of its own full stop. */
    return len > 0 && !strchr(".!?:;", sentence->text[len - 1]) &&
           (unsigned char)sentence->text[len - 1] < 0x80;
}

bool sentence_is_lead_in(const struct generate_sentence *sentence)
{
    size_t len = trimmed_len(sentence);
    return len > 0 && sentence->text[len - 1] == ':';
}

/* A passage may begin in the middle of a sentence that was too long for one. */
bool sentence_is_cut(const struct generate_sentence *sentence)
{
    return sentence->is_first_in_passage && sentence->len > 0 &&
           (islower((unsigned char)sentence->text[0]) || strchr(",;)", sentence->text[0]));
}

/* What a study wanted to know reads like the question and says nothing about the answer. */
bool sentence_is_purpose(const struct generate_sentence *sentence)
{
    static const char *const labels[] = {"aim",       "aims",       "goal",    "goals",
                                         "objective", "objectives", "purpose", NULL};
    static const char *const verbs[] = {"assess",   "compare",     "describe", "determine",
                                        "estimate", "evaluate",    "examine",  "explore",
                                        "identify", "investigate", "study",    NULL};
    size_t at = 0;
    struct word word;
    bool is_found = word_next(sentence->text, sentence->len, &at, &word);
    if (is_found && word_is_one_of(word, labels))
        return true;
    return is_found && word_is(word, "to") &&
           word_next(sentence->text, sentence->len, &at, &word) && word_is_one_of(word, verbs);
}

static bool has_lower_case(const struct generate_sentence *sentence)
{
    for (size_t i = 0; i < sentence->len; i++)
        if (islower((unsigned char)sentence->text[i]) || (unsigned char)sentence->text[i] >= 0x80)
            return true;
    return false;
}

bool sentence_is_heading(const struct generate_sentence *sentence)
{
    static const char *const labels[] = {
        "abstract",  "aim",        "aims",       "background",   "conclusion", "conclusions",
        "context",   "design",     "discussion", "introduction", "methods",    "method",
        "objective", "objectives", "purpose",    "references",   "results",    "setting",
        "summary",   "contents",   NULL};
    size_t n_words = sentence_n_words(sentence), at = 0;
    struct word word;
    if (n_words == 0)
        return true;
    if (n_words > 6)
        return false;
    if (!has_lower_case(sentence) && n_words > 1)
        return true;
    return n_words == 1 && word_next(sentence->text, sentence->len, &at, &word) &&
           word_is_one_of(word, labels);
}

bool sentence_is_table_or_code(const struct generate_sentence *sentence)
{
    size_t n_bars = 0, n_marks = 0;
    for (size_t i = 0; i < sentence->len; i++) {
        char c = sentence->text[i];
        n_bars += c == '|';
        n_marks += strchr("{}[]();=<>\\_$#*/", c) != NULL && c != '\0';
    }
    return n_bars >= 2 || n_marks * 10 > sentence->len;
}

bool sentence_leans_back(const struct generate_sentence *sentence)
{
    static const char *const words[] = {"it",    "its",  "this",    "these",   "they",      "their",
                                        "those", "that", "he",      "she",     "his",       "her",
                                        "such",  "both", "but",     "hence",   "therefore", "thus",
                                        "also",  "then", "however", "instead", "otherwise", NULL};
    size_t at = 0;
    struct word word;
    return (sentence->len > 0 && sentence->text[0] == '(') ||
           (word_next(sentence->text, sentence->len, &at, &word) && word_is_one_of(word, words));
}

static bool has_word(const char *text, size_t len, struct word wanted)
{
    size_t at = 0;
    struct word word;
    while (word_next(text, len, &at, &word))
        if (word.len == wanted.len && strncasecmp(word.text, wanted.text, word.len) == 0)
            return true;
    return false;
}

static bool has_digit(struct word word)
{
    for (size_t i = 0; i < word.len; i++)
        if (isdigit((unsigned char)word.text[i]))
            return true;
    return false;
}

static bool is_number(struct word word)
{
    static const char *const names[] = {
        "two",   "three",  "four",    "five",     "six",     "seven",    "eight",     "nine",
        "ten",   "eleven", "twelve",  "twenty",   "thirty",  "forty",    "fifty",     "hundred",
        "half",  "third",  "quarter", "thousand", "million", "billion",  "twice",     "dozen",
        "none",  "one",    "single",  "several",  "both",    "no",       "few",       "always",
        "never", "daily",  "weekly",  "monthly",  "yearly",  "annually", "unlimited", NULL};
    return has_digit(word) || word_is_one_of(word, names);
}

static bool is_date(struct word word)
{
    static const char *const names[] = {
        "january",  "february", "march",     "april",     "june",     "july",    "august",
        "october",  "november", "december",  "september", "monday",   "tuesday", "wednesday",
        "thursday", "friday",   "saturday",  "sunday",    "century",  "daily",   "weekly",
        "monthly",  "annually", "yesterday", "today",     "tomorrow", NULL};
    if (word_is_one_of(word, names))
        return true;
    bool is_year = word.len >= 4 && (word.text[0] == '1' || word.text[0] == '2');
    for (size_t i = 0; is_year && i < 4; i++)
        is_year = isdigit((unsigned char)word.text[i]);
    return is_year && (word.len == 4 || strchr("-s", word.text[4])); /* 2026-11-24, 1990s */
}

static bool is_name(struct word word)
{
    return word.len > 1 && isupper((unsigned char)word.text[0]);
}

static bool is_cause(struct word word)
{
    static const char *const names[] = {"because", "due",   "caused",    "causes",
                                        "cause",   "since", "therefore", "reason",
                                        "results", "leads", NULL};
    return word_is_one_of(word, names);
}

struct answer_hint {
    const char *phrase; /* in the question */
    bool (*is_answer)(struct word word);
    bool skips_first; /* every sentence begins with a capital letter */
    bool is_needed;   /* what has none can't be the answer */
    double bonus;
};

const struct answer_hint *answer_hint_find(const char *question)
{
    static const struct answer_hint rows[] = {
        {"how many", is_number, false, true, 0.12},
        {"how much", is_number, false, false, 0.12},
        {"how long", is_number, false, false, 0.12},
        {"how old", is_number, false, true, 0.12},
        {"how often", is_number, false, false, 0.08},
        {"how far", is_number, false, false, 0.12},
        {"how fast", is_number, false, false, 0.12},
        {"how high", is_number, false, false, 0.12},
        {"how large", is_number, false, false, 0.12},
        {"percent", is_number, false, false, 0.12},
        {"what proportion", is_number, false, false, 0.12},
        {"what fraction", is_number, false, false, 0.12},
        {"number of", is_number, false, false, 0.08},
        {"when was ", is_date, false, true, 0.12},
        {"when were ", is_date, false, true, 0.12},
        {"when did ", is_date, false, true, 0.12},
        {"when ", is_date, false, false, 0.12},
        {"what year", is_date, false, true, 0.12},
        {"which year", is_date, false, true, 0.12},
        {"what date", is_date, false, true, 0.12},
        {"who ", is_name, true, false, 0.08},
        {"whom ", is_name, true, false, 0.08},
        {"whose ", is_name, true, false, 0.08},
        {"which person", is_name, true, false, 0.08},
        {"where ", is_name, true, false, 0.04},
        {"why ", is_cause, false, false, 0.08},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcasestr(question, rows[i].phrase))
            return &rows[i];
    return NULL;
}

static bool has_answer(const struct answer_hint *hint, const char *question,
                       const struct generate_sentence *sentence)
{
    size_t at = 0, len = strlen(question);
    struct word word;
    bool is_first = true;
    while (word_next(sentence->text, sentence->len, &at, &word)) {
        if (hint->is_answer(word) && !(is_first && hint->skips_first) &&
            !has_word(question, len, word))
            return true;
        is_first = false;
    }
    return false;
}

double answer_hint_bonus(const struct answer_hint *hint, const char *question,
                         const struct generate_sentence *sentence)
{
    return hint && has_answer(hint, question, sentence) ? hint->bonus : 0;
}

bool answer_hint_excludes(const struct answer_hint *hint, const char *question,
                          const struct generate_sentence *sentence)
{
    return hint && hint->is_needed && !has_answer(hint, question, sentence);
}

static bool find_field_name(const struct generate_sentence *sentence, struct word *out)
{
    size_t at = 0;
    return word_next(sentence->text, sentence->len, &at, out) && out->len > 2 &&
           out->text == sentence->text && at + 2 < sentence->len && sentence->text[at] == ':' &&
           sentence->text[at + 1] == ' ';
}

bool sentence_is_field(const struct generate_sentence *sentence)
{
    struct word name;
    return find_field_name(sentence, &name);
}

bool sentence_is_field_of(const struct generate_sentence *sentence, const char *question)
{
    struct word name;
    return find_field_name(sentence, &name) && has_word(question, strlen(question), name);
}

bool question_wants_table_or_code(const char *question)
{
    static const char *const words[] = {"table",  "code",      "command", "function", "option",
                                        "flag",   "syntax",    "run",     "install",  "column",
                                        "config", "configure", "example", "value",    "setting",
                                        "api",    "parameter", NULL};
    size_t at = 0, len = strlen(question);
    struct word word;
    while (word_next(question, len, &at, &word))
        if (word_is_one_of(word, words))
            return true;
    return false;
}
