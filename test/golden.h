/* The golden texts, ids and vectors (test/golden/README.md) as C values. */
#ifndef RAGGED_TEST_GOLDEN_H
#define RAGGED_TEST_GOLDEN_H

#include "testing.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

#define GOLDEN_DIM 384
#define GOLDEN_IDS_MAX 256
#define GOLDEN_ROWS_MAX 400

struct golden_row {
    const char *id, *text; /* borrowed from json */
    size_t len;
    int32_t ids[GOLDEN_IDS_MAX];
    size_t n_ids;
    json_t *json;
};

struct golden {
    struct golden_row rows[GOLDEN_ROWS_MAX];
    size_t n_rows;
    struct span vectors; /* float [n_rows][GOLDEN_DIM] */
};

/* The folder of the model, mem_free() it; NULL when it is not there. */
static inline char *golden_model_folder(void)
{
    const char *models = getenv("RAGGED_MODEL_DIR"), *home = getenv("HOME");
    char *folder = models ? path_join(models, "all-MiniLM-L6-v2")
                          : path_join(home ? home : "/", ".cache/ragged/models/all-MiniLM-L6-v2");
    struct file_info info;
    if (folder && file_stat(folder, FILE_FOLLOW, &info, NULL) == STATUS_OK && info.is_folder)
        return folder;
    mem_free(folder);
    return NULL;
}

static inline void golden_read_ids(struct golden_row *row, const json_t *line)
{
    const json_t *ids = json_object_get(line, "ids");
    row->n_ids = json_array_size(ids);
    assert_true(row->n_ids <= GOLDEN_IDS_MAX);
    for (size_t i = 0; i < row->n_ids; i++)
        row->ids[i] = (int32_t)json_integer_value(json_array_get(ids, i));
}

static inline void golden_read_row(struct golden_row *row, json_t *line)
{
    json_t *text = json_object_get(line, "text");
    row->json = line;
    row->id = json_string_value(json_object_get(line, "id"));
    row->text = json_string_value(text);
    row->len = json_string_length(text);
    golden_read_ids(row, line);
}

/* Calls one of the two above for each line; texts hold U+0000, which only this flag lets through.
 */
static inline void golden_read_lines(struct golden *golden, const char *path, bool is_tokens)
{
    struct error err;
    struct buf lines = {0};
    assert_ok(file_read(path, 16 * 1024 * 1024, &lines, &err));
    size_t i = 0;
    for (const char *at = lines.data, *end; (end = strchr(at, '\n')) != NULL; at = end + 1, i++) {
        assert_true(i < GOLDEN_ROWS_MAX);
        json_t *line = json_loadb(at, (size_t)(end - at), JSON_ALLOW_NUL, NULL);
        assert_non_null(line);
        if (is_tokens) {
            golden_read_ids(&golden->rows[i], line);
            json_decref(line);
        } else {
            golden_read_row(&golden->rows[i], line);
        }
    }
    golden->n_rows = i;
    buf_clear(&lines);
}

/* The rows of this repository. */
static inline struct golden *golden_read_edge(void)
{
    struct error err;
    struct golden *golden = mem_zalloc(1, sizeof *golden);
    assert_non_null(golden);
    golden_read_lines(golden, "test/golden/minilm_edge.jsonl", false);
    assert_ok(file_map("test/golden/minilm_edge.f32", &golden->vectors, &err));
    assert_int_equal(golden->vectors.len, golden->n_rows * GOLDEN_DIM * sizeof(float));
    return golden;
}

/* All rows, from $RAGGED_SHARED/golden; NULL when it is not there. */
static inline struct golden *golden_read_shared(void)
{
    struct error err;
    const char *shared = getenv("RAGGED_SHARED");
    char texts[1024], tokens[1024], vectors[1024];
    snprintf(texts, sizeof texts, "%s/golden/minilm_texts.jsonl", shared ? shared : "../shared");
    snprintf(tokens, sizeof tokens, "%s/golden/minilm_tokens.jsonl", shared ? shared : "../shared");
    snprintf(vectors, sizeof vectors, "%s/golden/minilm_vectors.f32",
             shared ? shared : "../shared");
    struct file_info info;
    if (file_stat(texts, FILE_FOLLOW, &info, NULL) != STATUS_OK)
        return NULL;
    struct golden *golden = mem_zalloc(1, sizeof *golden);
    assert_non_null(golden);
    golden_read_lines(golden, texts, false);
    golden_read_lines(golden, tokens, true);
    assert_ok(file_map(vectors, &golden->vectors, &err));
    assert_int_equal(golden->vectors.len, golden->n_rows * GOLDEN_DIM * sizeof(float));
    return golden;
}

static inline void golden_free(struct golden *golden)
{
    if (!golden)
        return;
    for (size_t i = 0; i < golden->n_rows; i++)
        json_decref(golden->rows[i].json);
    file_unmap(&golden->vectors);
    mem_free(golden);
}

#endif
