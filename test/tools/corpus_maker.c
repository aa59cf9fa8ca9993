/* corpus_maker - text and vector collections of any size for test/bench, the same for the same
 * seed.
 *
 * corpus_maker text FOLDER N_ROWS N_QUERIES SEED
 *     corpus.txt       a document a line, words between single blanks
 *     queries.txt      6 to 10 words, four of ten of them stop words
 *     queries_content.txt   the same without their stop words
 *     stop_words.txt   the N_STOP_WORDS most frequent words
 * corpus_maker vectors FOLDER N_ROWS N_QUERIES SEED clustered|weak DIM
 *     base.f16, queries.f32   unit vectors, row-major, little-endian, no header
 *
 * Memory does not grow with N_ROWS. Text: words by the law of Zipf and Mandelbrot below a head with
 * the frequencies of English function words, topics of 400 words, and words that come again within
 * a document. Vectors: a mean, topics, subtopics and documents of about twelve rows, each normally
 * distributed under a power-law spectrum, turned by a random rotation. "clustered" has most of its
 * length in the shared parts and flatters graphs and lists; "weak" has it in what is the row's own,
 * as real text embeddings do. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/status.h"

#define N_WORDS 1500000u
#define N_STOP_WORDS 150u
#define WORD_BYTES 12
#define N_TOPICS 2000u
#define TOPIC_WORDS 400u
#define ROW_WORDS_MIN 15
#define ROW_WORDS_MAX 600
#define QUERY_WORDS_MIN 6
#define QUERY_WORDS_MAX 10

static void *checked(void *p)
{
    if (!p) {
        fputs("corpus_maker: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

static FILE *open_in(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (!file) {
        perror(path);
        exit(1);
    }
    return file;
}

/* A full disk must not leave a short file that looks whole. */
static void close_whole(FILE *file)
{
    bool is_bad = ferror(file) != 0;
    if (fclose(file) || is_bad) {
        fputs("corpus_maker: could not write everything\n", stderr);
        exit(1);
    }
}

/* --- chance: splitmix64 (Steele, Lea, Flood 2014) --- */

struct dice {
    uint64_t state;
};

static uint64_t dice_bits(struct dice *dice)
{
    uint64_t z = dice->state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static double dice_share(struct dice *dice) /* [0, 1) */
{
    return (double)(dice_bits(dice) >> 11) * 0x1p-53;
}

static uint32_t dice_below(struct dice *dice, uint32_t n)
{
    return (uint32_t)((dice_bits(dice) >> 32) * n >> 32);
}

/* Nearly normal: four uniform numbers of 16 bits out of one draw, mean 0, variance 1. The same on
 * every machine, which a logarithm is not. */
static float dice_normal(struct dice *dice)
{
    uint64_t bits = dice_bits(dice);
    int32_t sum = (int32_t)(bits & 0xFFFF) + (int32_t)(bits >> 16 & 0xFFFF) +
                  (int32_t)(bits >> 32 & 0xFFFF) + (int32_t)(bits >> 48);
    return (float)(sum - 131070) * (1.0f / 37837.2f);
}

/* --- words --- */

/* Walker's alias method: one draw, one comparison. */
struct words {
    double *keep;    /* [N_WORDS] */
    uint32_t *alias; /* [N_WORDS] */
    char (*text)[WORD_BYTES];
};

/* Per thousand words of English, the most frequent first. */
static const double function_word_rates[] = {62,  31,  28,  26,  23,  19,  11,  10.6, 9,
                                             9,   8.5, 7,   6.9, 6.8, 6.5, 5.7, 5.2,  5,
                                             4.7, 4.6, 4.3, 4.2, 4,   4,   3.7, 3.4,  3.3};
#define N_RATES (sizeof function_word_rates / sizeof function_word_rates[0])
/* A quarter of the draws is for topics, which have content words only. */
#define HEAD_SCALE (1 / 0.72)

static void fill_shares(double *shares)
{
    double head = 0, tail = 0;
    for (uint32_t i = 0; i < N_STOP_WORDS; i++) {
        double rate = i < N_RATES ? function_word_rates[i]
                                  : 3.3 * pow((double)N_RATES / (double)(i + 1), 0.9);
        shares[i] = rate * 1e-3 * HEAD_SCALE;
        head += shares[i];
    }
    for (uint32_t i = N_STOP_WORDS; i < N_WORDS; i++)
        tail += shares[i] = 1 / pow((double)i + 3.7, 1.05);
    for (uint32_t i = N_STOP_WORDS; i < N_WORDS; i++)
        shares[i] *= (1 - head) / tail;
}

static void fill_alias(struct words *words, double *shares)
{
    uint32_t *small = checked(mem_array(N_WORDS, sizeof *small));
    uint32_t *large = checked(mem_array(N_WORDS, sizeof *large));
    size_t n_small = 0, n_large = 0;
    for (uint32_t i = 0; i < N_WORDS; i++) {
        shares[i] *= N_WORDS;
        words->keep[i] = 1;
        words->alias[i] = i;
        if (shares[i] < 1)
            small[n_small++] = i;
        else
            large[n_large++] = i;
    }
    while (n_small && n_large) {
        uint32_t s = small[--n_small], l = large[n_large - 1];
        words->keep[s] = shares[s];
        words->alias[s] = l;
        shares[l] -= 1 - shares[s];
        if (shares[l] < 1) {
            n_large--;
            small[n_small++] = l;
        }
    }
    mem_free(small);
    mem_free(large);
}

/* Syllables of two letters: a hundred words of one, then of two, three, four, so frequent words are
 * short. Within a length the order is stirred, so that neighbours in rank are not in the alphabet.
 */
static void spell(uint32_t rank, char out[WORD_BYTES])
{
    static const char consonants[] = "bcdfghjklmnprstvwxyz", vowels[] = "aeiou";
    uint32_t n_of_length = 100, number = rank, n_syllables = 1;
    while (number >= n_of_length) {
        number -= n_of_length;
        n_of_length *= 100;
        n_syllables++;
    }
    number = (uint32_t)((uint64_t)number * 617373u % n_of_length); /* 617373 and 10: no factor */
    for (uint32_t i = 0; i < n_syllables; i++, number /= 100) {
        *out++ = consonants[number % 100 / 5];
        *out++ = vowels[number % 5];
    }
    *out = '\0';
}

static void words_init(struct words *words)
{
    double *shares = checked(mem_array(N_WORDS, sizeof *shares));
    words->keep = checked(mem_array(N_WORDS, sizeof *words->keep));
    words->alias = checked(mem_array(N_WORDS, sizeof *words->alias));
    words->text = checked(mem_array(N_WORDS, sizeof *words->text));
    fill_shares(shares);
    fill_alias(words, shares);
    for (uint32_t i = 0; i < N_WORDS; i++)
        spell(i, words->text[i]);
    mem_free(shares);
}

static void words_clear(struct words *words)
{
    mem_free(words->keep);
    mem_free(words->alias);
    mem_free(words->text);
}

static uint32_t draw_word(const struct words *words, struct dice *dice)
{
    uint32_t i = dice_below(dice, N_WORDS);
    return dice_share(dice) < words->keep[i] ? i : words->alias[i];
}

static uint32_t draw_content_word(const struct words *words, struct dice *dice)
{
    uint32_t word;
    do
        word = draw_word(words, dice);
    while (word < N_STOP_WORDS);
    return word;
}

/* --- documents and queries --- */

struct row {
    uint32_t words[ROW_WORDS_MAX];
    uint32_t n;
};

static void draw_row(const struct words *words, uint32_t (*topics)[TOPIC_WORDS], struct dice *dice,
                     struct row *row)
{
    double n = exp(log(110) + 0.45 * (double)dice_normal(dice));
    row->n = (uint32_t)fmin(fmax(n, ROW_WORDS_MIN), ROW_WORDS_MAX);
    double popular = dice_share(dice);
    const uint32_t *topic = topics[(uint32_t)(popular * dice_share(dice) * N_TOPICS)];
    for (uint32_t i = 0; i < row->n; i++) {
        double kind = dice_share(dice);
        uint32_t word = N_WORDS;
        if (i > 8 && kind < 0.12)
            word = row->words[dice_below(dice, i)];
        else if (kind < 0.37)
            word = topic[(uint32_t)(pow(dice_share(dice), 2) * TOPIC_WORDS)];
        bool is_own = word != N_WORDS && word >= N_STOP_WORDS;
        row->words[i] = is_own ? word : draw_word(words, dice);
    }
}

static bool has_word(const struct row *row, uint32_t word)
{
    for (uint32_t i = 0; i < row->n; i++)
        if (row->words[i] == word)
            return true;
    return false;
}

/* Stop words as they come, then content words of `about`; no word twice. */
static void draw_query(const struct words *words, const struct row *about, struct dice *dice,
                       struct row *query)
{
    uint32_t n = QUERY_WORDS_MIN + dice_below(dice, QUERY_WORDS_MAX - QUERY_WORDS_MIN + 1);
    uint32_t n_stop_words = (uint32_t)((double)n * 0.4 + 0.5);
    query->n = 0;
    while (query->n < n_stop_words) {
        uint32_t word = draw_word(words, dice);
        if (word < N_STOP_WORDS && !has_word(query, word))
            query->words[query->n++] = word;
    }
    for (uint32_t tries = 0; query->n < n && tries < 400; tries++) {
        uint32_t word = about->words[dice_below(dice, about->n)];
        if (word >= N_STOP_WORDS && !has_word(query, word))
            query->words[query->n++] = word;
    }
    while (query->n < n)
        query->words[query->n++] = draw_content_word(words, dice);
}

static void write_row(const struct words *words, const struct row *row, uint32_t first_word,
                      FILE *file)
{
    const char *between = "";
    for (uint32_t i = 0; i < row->n; i++) {
        if (row->words[i] < first_word)
            continue;
        fputs(between, file);
        fputs(words->text[row->words[i]], file);
        between = " ";
    }
    fputc('\n', file);
}

/* Is a query made of row i? They are spread evenly. */
static bool is_asked(uint64_t i, uint64_t n_rows, uint64_t n_asked, uint64_t n_queries)
{
    return n_asked < n_queries && i >= n_asked * n_rows / n_queries;
}

static void make_text(const char *folder, uint64_t n_rows, uint64_t n_queries, uint64_t seed)
{
    struct words words;
    struct dice dice = {seed}, query_dice = {seed ^ 0x5157454552594553u};
    struct row row, query;
    uint32_t(*topics)[TOPIC_WORDS] = checked(mem_array(N_TOPICS, sizeof *topics));
    FILE *corpus = open_in(folder, "corpus.txt"), *queries = open_in(folder, "queries.txt");
    FILE *content = open_in(folder, "queries_content.txt");
    FILE *stop_words = open_in(folder, "stop_words.txt");
    uint64_t n_asked = 0;
    words_init(&words);
    for (uint32_t i = 0; i < N_TOPICS * TOPIC_WORDS; i++)
        topics[i / TOPIC_WORDS][i % TOPIC_WORDS] = draw_content_word(&words, &dice);
    for (uint32_t i = 0; i < N_STOP_WORDS; i++)
        fprintf(stop_words, "%s\n", words.text[i]);
    for (uint64_t i = 0; i < n_rows; i++) {
        draw_row(&words, topics, &dice, &row);
        write_row(&words, &row, 0, corpus);
        for (; is_asked(i, n_rows, n_asked, n_queries); n_asked++) {
            draw_query(&words, &row, &query_dice, &query);
            write_row(&words, &query, 0, queries);
            write_row(&words, &query, N_STOP_WORDS, content);
        }
    }
    close_whole(corpus);
    close_whole(queries);
    close_whole(content);
    close_whole(stop_words);
    words_clear(&words);
    mem_free(topics);
}

/* --- vectors --- */

/* Lengths of the parts of a row; a query is a row with most of what is its own drawn anew. */
struct mixture {
    const char *name;
    float mean, topic, subtopic, document, own;
};
static const struct mixture mixtures[] = {
    {"clustered", 0.25f, 0.50f, 0.50f, 0.30f, 0.60f},
    {"weak", 0.25f, 0.25f, 0.25f, 0.25f, 0.85f},
};
#define QUERY_KEEPS 0.25f /* of `own` */
#define SUBTOPICS 10u
#define DOCUMENT_ROWS 12.0

struct space {
    size_t dim;
    float *spectrum;                  /* [dim], sum of squares 1 */
    float *rotation;                  /* [dim][dim], orthonormal rows */
    float *mean, *topics, *subtopics; /* [dim], [n_topics][dim], [n_topics * SUBTOPICS][dim] */
    uint32_t n_topics;
};

static void draw_vector(const struct space *space, struct dice *dice, float *out)
{
    for (size_t i = 0; i < space->dim; i++)
        out[i] = space->spectrum[i] * dice_normal(dice);
}

static float *draw_vectors(const struct space *space, struct dice *dice, size_t n)
{
    float *rows = checked(mem_array(n * space->dim, sizeof *rows));
    for (size_t i = 0; i < n; i++)
        draw_vector(space, dice, rows + i * space->dim);
    return rows;
}

static void normalise(float *v, size_t dim)
{
    double sum = 0;
    for (size_t i = 0; i < dim; i++)
        sum += (double)v[i] * (double)v[i];
    float scale = (float)(1 / sqrt(sum));
    for (size_t i = 0; i < dim; i++)
        v[i] *= scale;
}

/* Gram and Schmidt over normal rows. */
static float *draw_rotation(size_t dim, struct dice *dice)
{
    float *rows = checked(mem_array(dim * dim, sizeof *rows));
    for (size_t i = 0; i < dim; i++) {
        float *row = rows + i * dim;
        for (size_t j = 0; j < dim; j++)
            row[j] = dice_normal(dice);
        for (size_t other = 0; other < i; other++) {
            const float *before = rows + other * dim;
            double dot = 0;
            for (size_t j = 0; j < dim; j++)
                dot += (double)row[j] * (double)before[j];
            for (size_t j = 0; j < dim; j++)
                row[j] -= (float)dot * before[j];
        }
        normalise(row, dim);
    }
    return rows;
}

static void space_init(struct space *space, size_t dim, uint64_t n_rows, struct dice *dice)
{
    double sum = 0;
    space->dim = dim;
    space->n_topics = n_rows > 2000000 ? 1500 : n_rows > 300000 ? 400 : 60;
    space->spectrum = checked(mem_array(dim, sizeof *space->spectrum));
    for (size_t i = 0; i < dim; i++)
        sum += 1 / ((double)i + 6);
    for (size_t i = 0; i < dim; i++)
        space->spectrum[i] = (float)sqrt(1 / ((double)i + 6) / sum);
    space->rotation = draw_rotation(dim, dice);
    space->mean = draw_vectors(space, dice, 1);
    space->topics = draw_vectors(space, dice, space->n_topics);
    space->subtopics = draw_vectors(space, dice, (size_t)space->n_topics * SUBTOPICS);
}

static void space_clear(struct space *space)
{
    mem_free(space->spectrum);
    mem_free(space->rotation);
    mem_free(space->mean);
    mem_free(space->topics);
    mem_free(space->subtopics);
}

static void rotate(const struct space *space, const float *in, float *out)
{
    memset(out, 0, space->dim * sizeof *out);
    for (size_t i = 0; i < space->dim; i++) {
        const float *row = space->rotation + i * space->dim;
        for (size_t j = 0; j < space->dim; j++)
            out[j] += in[i] * row[j];
    }
    normalise(out, space->dim);
}

/* The nearest half of a number of magnitude 1 or less, ties to even. */
static uint16_t half_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t sign = bits >> 16 & 0x8000;
    float magnitude = fabsf(value);
    if (magnitude < 0x1p-14f)
        return (uint16_t)(sign | (uint32_t)lrintf(magnitude * 0x1p24f));
    bits &= 0x7FFFFFFF;
    bits += 0xFFF + (bits >> 13 & 1);
    return (uint16_t)(sign | ((bits >> 13) - (112u << 10)));
}

struct document {
    const float *topic, *subtopic;
    float *own; /* [dim] */
    uint32_t n_left;
};

static void draw_document(const struct space *space, struct dice *dice, struct document *document)
{
    double popular = dice_share(dice);
    uint32_t i_topic = (uint32_t)(popular * popular * space->n_topics);
    uint32_t i_subtopic = i_topic * SUBTOPICS + dice_below(dice, SUBTOPICS);
    document->topic = space->topics + i_topic * space->dim;
    document->subtopic = space->subtopics + i_subtopic * space->dim;
    draw_vector(space, dice, document->own);
    document->n_left = 1 + (uint32_t)(-log(1 - dice_share(dice)) * DOCUMENT_ROWS);
}

static void mix(const struct space *space, const struct mixture *mixture,
                const struct document *document, const float *own, float *out)
{
    for (size_t i = 0; i < space->dim; i++)
        out[i] = mixture->mean * space->mean[i] + mixture->topic * document->topic[i] +
                 mixture->subtopic * document->subtopic[i] + mixture->document * document->own[i] +
                 mixture->own * own[i];
}

static void write_vector(const float *v, size_t dim, uint16_t *halves, FILE *file)
{
    for (size_t i = 0; i < dim; i++)
        halves[i] = half_of(v[i]);
    fwrite(halves, sizeof *halves, dim, file);
}

static void write_query(const struct space *space, const struct mixture *mixture,
                        const struct document *document, const float *own, struct dice *dice,
                        float *scratch, FILE *file)
{
    float *other = scratch, *mixed = scratch + space->dim, *turned = scratch + 2 * space->dim;
    draw_vector(space, dice, other);
    for (size_t i = 0; i < space->dim; i++)
        other[i] = QUERY_KEEPS * own[i] + (1 - QUERY_KEEPS) * other[i];
    mix(space, mixture, document, other, mixed);
    rotate(space, mixed, turned);
    fwrite(turned, sizeof *turned, space->dim, file);
}

static void make_vectors(const char *folder, uint64_t n_rows, uint64_t n_queries, uint64_t seed,
                         const struct mixture *mixture, size_t dim)
{
    struct dice dice = {seed}, query_dice = {seed ^ 0x5157454552594553u};
    struct space space;
    space_init(&space, dim, n_rows, &dice);
    float *scratch = checked(mem_array(7 * dim, sizeof *scratch));
    float *own = scratch + 3 * dim, *mixed = scratch + 4 * dim, *turned = scratch + 5 * dim;
    uint16_t *halves = checked(mem_array(dim, sizeof *halves));
    struct document document = {.own = scratch + 6 * dim};
    FILE *base = open_in(folder, "base.f16"), *queries = open_in(folder, "queries.f32");
    uint64_t n_asked = 0;
    for (uint64_t i = 0; i < n_rows; i++) {
        if (document.n_left == 0)
            draw_document(&space, &dice, &document);
        document.n_left--;
        draw_vector(&space, &dice, own);
        mix(&space, mixture, &document, own, mixed);
        rotate(&space, mixed, turned);
        write_vector(turned, dim, halves, base);
        for (; is_asked(i, n_rows, n_asked, n_queries); n_asked++)
            write_query(&space, mixture, &document, own, &query_dice, scratch, queries);
    }
    close_whole(base);
    close_whole(queries);
    mem_free(halves);
    mem_free(scratch);
    space_clear(&space);
}

static uint64_t number_of(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end) {
        fprintf(stderr, "corpus_maker: not a number: %s\n", text);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "text") == 0) {
        make_text(argv[2], number_of(argv[3]), number_of(argv[4]), number_of(argv[5]));
        return 0;
    }
    for (size_t i = 0; argc == 8 && i < sizeof mixtures / sizeof mixtures[0]; i++) {
        if (strcmp(argv[1], "vectors") == 0 && strcmp(argv[6], mixtures[i].name) == 0) {
            make_vectors(argv[2], number_of(argv[3]), number_of(argv[4]), number_of(argv[5]),
                         &mixtures[i], number_of(argv[7]));
            return 0;
        }
    }
    fputs("usage: corpus_maker text FOLDER N_ROWS N_QUERIES SEED\n"
          "       corpus_maker vectors FOLDER N_ROWS N_QUERIES SEED clustered|weak DIM\n",
          stderr);
    return 2;
}
