/* Made-up rows for the tests of the index: words by Zipf's law, as numbers to count by hand and as
 * blobs. */
#ifndef RAGGED_TEST_UNIT_LEXICAL_FIXTURE_H
#define RAGGED_TEST_UNIT_LEXICAL_FIXTURE_H

#include "../testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bitmap.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "lexical/lexical.h"

#define ROW_WORDS_MAX 64

static struct error err;

static inline uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* 0 is the most frequent word. */
static inline uint32_t next_word(uint32_t *seed, uint32_t n_words)
{
    double u = (next_random(seed) >> 8) / 16777216.0;
    return (uint32_t)(pow((double)n_words + 1, u) - 1);
}

/* Letters only, many with a long common beginning. */
static inline void append_word(struct buf *out, uint32_t word)
{
    if (out->len > 0)
        buf_append_char(out, ' ');
    if (word % 3 == 1)
        buf_append_text(out, "longbeginning");
    do
        buf_append_char(out, (char)('a' + word % 26));
    while ((word /= 26) > 0);
}

struct made_row {
    uint32_t words[ROW_WORDS_MAX];
    size_t n_heading, n; /* the first n_heading words are another text */
    struct buf blob;
    uint32_t n_terms;
};

struct made_rows {
    struct analyzer *analyzer;
    struct made_row *rows;
    size_t n;
    uint32_t n_words;
};

static inline void made_row_fill(struct made_rows *made, struct made_row *row, size_t n_max,
                                 uint32_t *seed)
{
    struct buf heading = {0}, text = {0};
    row->n = next_random(seed) % (n_max + 1);
    row->n_heading = row->n ? next_random(seed) % row->n : 0;
    for (size_t i = 0; i < row->n; i++) {
        row->words[i] = next_word(seed, made->n_words);
        append_word(i < row->n_heading ? &heading : &text, row->words[i]);
    }
    const char *texts[] = {buf_text(&heading), buf_text(&text)};
    const size_t lens[] = {heading.len, text.len};
    assert_ok(
        lexical_terms_encode(made->analyzer, texts, lens, 2, &row->blob, &row->n_terms, &err));
    assert_int_equal(row->n_terms, row->n);
    buf_clear(&heading);
    buf_clear(&text);
}

static inline struct made_rows made_rows_new(size_t n, size_t n_row_words, uint32_t n_words,
                                             uint32_t seed)
{
    struct made_rows made = {.n = n, .n_words = n_words};
    made.rows = calloc(n + 1, sizeof *made.rows);
    assert_non_null(made.rows);
    assert_ok(analyzer_new("none", &made.analyzer, &err));
    for (size_t i = 0; i < n; i++)
        made_row_fill(&made, &made.rows[i], n_row_words, &seed);
    return made;
}

static inline void made_rows_clear(struct made_rows *made)
{
    for (size_t i = 0; i < made->n; i++)
        buf_clear(&made->rows[i].blob);
    free(made->rows);
    analyzer_free(made->analyzer);
}

/* A segment in a folder that is removed with it. */
struct made_segment {
    char folder[64];
    struct segment *segment;
    struct lexical_index *index;
};

static inline struct segment_writer *made_segment_begin(struct made_segment *out,
                                                        const int64_t *ids, size_t n)
{
    char path[96];
    struct segment_writer *writer = NULL;
    strcpy(out->folder, "/tmp/ragged-lexical-XXXXXX");
    assert_non_null(mkdtemp(out->folder));
    snprintf(path, sizeof path, "%s/a.seg", out->folder);
    assert_ok(segment_writer_new(path, SEGMENT_LEXICAL, "none-2", &writer, &err));
    assert_ok(segment_writer_put_rows(writer, ids, ids, n, &err));
    return writer;
}

static inline void made_segment_open(struct made_segment *out, struct segment_writer *writer)
{
    char path[96];
    struct segment_stamp stamp;
    snprintf(path, sizeof path, "%s/a.seg", out->folder);
    assert_ok(segment_writer_finish(writer, &stamp, &err));
    segment_writer_free(writer);
    assert_ok(segment_open(path, SEGMENT_LEXICAL, &stamp, &out->segment, &err));
    assert_ok(lexical_index_open(out->segment, &out->index, &err));
}

/* The rows whose numbers are ids[0..n-1] become a segment with these chunk ids. */
static inline struct made_segment made_segment_new(const struct made_rows *made, const int64_t *ids,
                                                   size_t n)
{
    struct made_segment out = {0};
    struct segment_writer *writer = made_segment_begin(&out, ids, n);
    struct lexical_builder *builder;
    assert_ok(lexical_builder_new(LEXICAL_PARAMS_DEFAULT, &builder, &err));
    for (size_t i = 0; i < n; i++) {
        const struct made_row *row = &made->rows[ids[i]];
        assert_ok(lexical_builder_add(builder, row->blob.data, row->blob.len, row->n_terms, &err));
    }
    assert_ok(lexical_builder_write(builder, writer, &err));
    lexical_builder_free(builder);
    made_segment_open(&out, writer);
    return out;
}

/* Rows first .. first + n - 1. */
static inline struct made_segment made_segment_of(const struct made_rows *made, size_t first,
                                                  size_t n)
{
    int64_t *ids = calloc(n + 1, sizeof *ids);
    assert_non_null(ids);
    for (size_t i = 0; i < n; i++)
        ids[i] = (int64_t)(first + i);
    struct made_segment out = made_segment_new(made, ids, n);
    free(ids);
    return out;
}

static inline void made_segment_clear(struct made_segment *made)
{
    lexical_index_close(made->index);
    segment_close(made->segment);
    assert_ok(folder_remove(made->folder, &err));
}

static inline void tail_add_rows(struct lexical_tail *tail, const struct made_rows *made,
                                 size_t first, size_t n)
{
    for (size_t i = first; i < first + n; i++)
        assert_ok(lexical_tail_add(tail, made->rows[i].blob.data, made->rows[i].blob.len,
                                   made->rows[i].n_terms, &err));
}

#endif
