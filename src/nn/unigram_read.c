/* What of a tokenizer.json a Unigram tokenizer is made of. Parts that we do not run are refused by
 * their type; everything else is checked and named by its path in the file. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/mem.h"
#include "nn/unigram.h"

#define N_PIECES_MAX ((size_t)0xFFFFFE)

static enum status wrong_type(const char *field, const char *type, struct error *err)
{
    return error_set(err, STATUS_FORMAT, "field \"%s\" is missing or not %s", field, type);
}

static enum status unsupported(const char *field, const json_t *part, const char *known,
                               struct error *err)
{
    return error_set(err, STATUS_INVALID, "field \"%s\" is of type \"%.60s\"; supported is %s",
                     field, json_get_text(part, "type", ""), known);
}

static bool has_type(const json_t *part, const char *type)
{
    return strcmp(json_get_text(part, "type", ""), type) == 0;
}

static bool is_space_mark(const char *text)
{
    return strcmp(text, "\xE2\x96\x81") == 0;
}

/* An id as far as a model may have word rows. */
static enum status read_id(const json_t *value, const char *field, int32_t *out, struct error *err)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) >= (json_int_t)N_PIECES_MAX)
        return wrong_type(field, "an id", err);
    *out = (int32_t)json_integer_value(value);
    return STATUS_OK;
}

static void count_id(struct unigram *u, int32_t id)
{
    u->n_ids = size_max(u->n_ids, (size_t)id + 1);
}

/* --- model --- */

static enum status read_piece(const json_t *piece, size_t i, struct unigram *u,
                              struct trie_key *out, struct error *err)
{
    const json_t *text = json_array_get(piece, 0), *score = json_array_get(piece, 1);
    if (!json_is_string(text) || !json_is_number(score) || json_array_size(piece) != 2)
        return error_set(err, STATUS_FORMAT,
                         "field \"model.vocab[%zu]\" is not a pair of a text and a number", i);
    u->scores[i] = json_number_value(score);
    if (!isfinite(u->scores[i]))
        return error_set(err, STATUS_FORMAT, "field \"model.vocab[%zu][1]\" is not finite", i);
    *out = (struct trie_key){
        .bytes = json_string_value(text), .len = json_string_length(text), .id = (int32_t)i};
    if (out->len > TRIE_KEY_BYTES_MAX)
        return error_set(err, STATUS_FORMAT,
                         "field \"model.vocab[%zu][0]\" has %zu bytes, more than %zu", i, out->len,
                         TRIE_KEY_BYTES_MAX);
    return STATUS_OK;
}

/* An empty piece has an id but can't be found. */
static enum status read_pieces(const json_t *vocabulary, struct unigram *u, struct error *err)
{
    size_t n_keys = 0;
    struct trie_key *keys = mem_array(u->n_pieces, sizeof *keys);
    u->scores = mem_array(u->n_pieces, sizeof *u->scores);
    enum status status = keys && u->scores ? STATUS_OK : error_nomem(err);
    double lowest = INFINITY;
    for (size_t i = 0; i < u->n_pieces && !status; i++) {
        status = read_piece(json_array_get(vocabulary, i), i, u, &keys[n_keys], err);
        if (status)
            break;
        lowest = fmin(lowest, u->scores[i]);
        u->n_bytes_max = size_max(u->n_bytes_max, keys[n_keys].len);
        n_keys += keys[n_keys].len > 0;
    }
    u->unknown_score = lowest - 10; /* what the reference subtracts */
    if (!status)
        status = trie_build(keys, n_keys, &u->pieces, err);
    mem_free(keys);
    return status;
}

static enum status read_model(const json_t *json, struct unigram *u, struct error *err)
{
    const json_t *model = json_object_get(json, "model");
    if (!has_type(model, "Unigram"))
        return unsupported("model", model, "\"Unigram\" (and WordPiece in vocab.txt)", err);
    if (json_is_true(json_object_get(model, "byte_fallback")))
        return error_set(err, STATUS_INVALID,
                         "field \"model.byte_fallback\" is true; only false is supported");
    const json_t *vocabulary = json_object_get(model, "vocab");
    u->n_pieces = json_array_size(vocabulary);
    if (u->n_pieces == 0 || u->n_pieces > N_PIECES_MAX)
        return error_set(err, STATUS_FORMAT, "field \"model.vocab\" has %zu pieces, not 1 to %zu",
                         u->n_pieces, N_PIECES_MAX);
    enum status status =
        read_id(json_object_get(model, "unk_id"), "model.unk_id", &u->unknown, err);
    if (!status && (size_t)u->unknown >= u->n_pieces)
        status = error_set(err, STATUS_FORMAT, "field \"model.unk_id\" is %d of %zu pieces",
                           (int)u->unknown, u->n_pieces);
    if (!status)
        status = read_pieces(vocabulary, u, err);
    count_id(u, (int32_t)(u->n_pieces - 1));
    return status;
}

/* --- normalizer --- */

static enum status read_charsmap(const json_t *part, struct unigram *u, struct error *err)
{
    const json_t *text = json_object_get(part, "precompiled_charsmap");
    if (json_is_null(text))
        return STATUS_OK;
    if (!json_is_string(text))
        return wrong_type("normalizer.precompiled_charsmap", "a text", err);
    if (u->charsmap.n_units)
        return error_set(err, STATUS_INVALID, "field \"normalizer\" has two \"Precompiled\"");
    enum status status =
        charsmap_open(json_string_value(text), json_string_length(text), &u->charsmap, err);
    return status ? error_context(err, status, "field \"normalizer.precompiled_charsmap\"")
                  : STATUS_OK;
}

/* Only what sentencepiece's remove_extra_whitespaces becomes: two spaces and more are one. */
static enum status read_replace(const json_t *part, struct unigram *u, struct error *err)
{
    const char *pattern = json_get_text(json_object_get(part, "pattern"), "Regex", "");
    const char *content = json_get_text(part, "content", "");
    bool is_space = strcmp(content, " ") == 0;
    if (strcmp(pattern, " {2,}") != 0 || (!is_space && !is_space_mark(content)))
        return error_set(err, STATUS_INVALID,
                         "field \"normalizer\" replaces \"%.40s\" by \"%.40s\"; only runs of "
                         "spaces by one is supported",
                         pattern, content);
    u->space_run = is_space ? ' ' : UNIGRAM_SPACE;
    return STATUS_OK;
}

static enum status read_normalizer_part(const json_t *part, struct unigram *u, struct error *err)
{
    if (has_type(part, "Replace"))
        return read_replace(part, u, err);
    if (!has_type(part, "Precompiled"))
        return unsupported("normalizer", part,
                           "\"Precompiled\", \"Replace\" or a \"Sequence\" of them", err);
    if (u->space_run)
        return error_set(err, STATUS_INVALID,
                         "field \"normalizer\" has \"Precompiled\" after \"Replace\"");
    return read_charsmap(part, u, err);
}

static enum status read_normalizer(const json_t *json, struct unigram *u, struct error *err)
{
    const json_t *normalizer = json_object_get(json, "normalizer");
    if (!normalizer || json_is_null(normalizer))
        return STATUS_OK;
    if (!has_type(normalizer, "Sequence"))
        return read_normalizer_part(normalizer, u, err);
    const json_t *parts = json_object_get(normalizer, "normalizers");
    if (!json_is_array(parts))
        return wrong_type("normalizer.normalizers", "an array", err);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < json_array_size(parts) && !status; i++)
        status = read_normalizer_part(json_array_get(parts, i), u, err);
    return status;
}

/* --- pre_tokenizer --- */

static enum status read_metaspace(const json_t *part, struct unigram *u, struct error *err)
{
    static const char field[] = "pre_tokenizer";
    if (!has_type(part, "Metaspace"))
        return unsupported(field, part, "\"Metaspace\", also after \"WhitespaceSplit\"", err);
    if (!is_space_mark(json_get_text(part, "replacement", "")))
        return error_set(err, STATUS_INVALID, "field \"pre_tokenizer.replacement\" is not U+2581");
    if (strcmp(json_get_text(part, "prepend_scheme", "always"), "always") != 0 ||
        json_is_false(json_object_get(part, "add_prefix_space")))
        return error_set(err, STATUS_INVALID,
                         "field \"pre_tokenizer.prepend_scheme\" is not \"always\", the only one "
                         "supported");
    u->splits_at_space = !json_is_false(json_object_get(part, "split"));
    return STATUS_OK;
}

static enum status read_pre_tokenizer(const json_t *json, struct unigram *u, struct error *err)
{
    const json_t *part = json_object_get(json, "pre_tokenizer");
    if (has_type(part, "Sequence")) {
        const json_t *parts = json_object_get(part, "pretokenizers");
        size_t n = json_array_size(parts);
        u->splits_at_white_space = n == 2 && has_type(json_array_get(parts, 0), "WhitespaceSplit");
        if (n != 1 && !u->splits_at_white_space)
            return unsupported("pre_tokenizer", json_array_get(parts, 0),
                               "\"WhitespaceSplit\" before \"Metaspace\"", err);
        part = json_array_get(parts, n - 1);
    }
    return read_metaspace(part, u, err);
}

/* --- added_tokens --- */

static enum status read_added(const json_t *token, size_t i, struct unigram *u, struct error *err)
{
    char field[48];
    const json_t *content = json_object_get(token, "content");
    snprintf(field, sizeof field, "added_tokens[%zu].content", i);
    if (!json_is_string(content) || json_string_length(content) == 0)
        return wrong_type(field, "a text", err);
    if (json_is_true(json_object_get(token, "single_word")))
        return error_set(err, STATUS_INVALID,
                         "field \"added_tokens[%zu].single_word\" is true; only false is supported",
                         i);
    struct unigram_added *added = &u->added[i];
    added->len = json_string_length(content);
    added->text = arena_text(&u->memory, json_string_value(content), added->len);
    if (!added->text)
        return error_nomem(err);
    added->strips_left = json_is_true(json_object_get(token, "lstrip"));
    added->strips_right = json_is_true(json_object_get(token, "rstrip"));
    u->begins_added[(unsigned char)added->text[0]] = true;
    snprintf(field, sizeof field, "added_tokens[%zu].id", i);
    enum status status = read_id(json_object_get(token, "id"), field, &added->id, err);
    if (!status)
        count_id(u, added->id);
    return status;
}

static int longer_first(const void *left, const void *right)
{
    const struct unigram_added *a = left, *b = right;
    return (a->len < b->len) - (a->len > b->len);
}

static enum status read_all_added(const json_t *json, struct unigram *u, struct error *err)
{
    const json_t *tokens = json_object_get(json, "added_tokens");
    u->n_added = json_array_size(tokens);
    if (u->n_added > UNIGRAM_ADDED_MAX)
        return error_set(err, STATUS_FORMAT, "field \"added_tokens\" has %zu, more than %zu",
                         u->n_added, UNIGRAM_ADDED_MAX);
    u->added = arena_zalloc(&u->memory, u->n_added + 1, sizeof *u->added);
    if (!u->added)
        return error_nomem(err);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < u->n_added && !status; i++)
        status = read_added(json_array_get(tokens, i), i, u, err);
    if (u->n_added > 1)
        qsort(u->added, u->n_added, sizeof *u->added, longer_first);
    return status;
}

/* --- post_processor --- */

/* The id of the special token that is part i of a template, or INVALID when it is none. */
static enum status read_template_part(const json_t *post, const char *name, size_t i, int32_t *out,
                                      struct error *err)
{
    char field[64];
    const json_t *part = json_array_get(json_object_get(post, name), i);
    const char *token = json_get_text(json_object_get(part, "SpecialToken"), "id", NULL);
    snprintf(field, sizeof field, "post_processor.%s[%zu]", name, i);
    if (!token)
        return error_set(err, STATUS_INVALID,
                         "field \"%s\" is not a special token; supported is \"<s> A </s>\"", field);
    const json_t *known = json_object_get(json_object_get(post, "special_tokens"), token);
    const json_t *ids = json_object_get(known, "ids");
    snprintf(field, sizeof field, "post_processor.special_tokens.%.20s.ids", token);
    if (json_array_size(ids) != 1)
        return wrong_type(field, "an array of one id", err);
    return read_id(json_array_get(ids, 0), field, out, err);
}

static enum status read_template(const json_t *post, struct unigram *u, struct error *err)
{
    size_t n = json_array_size(json_object_get(post, "single"));
    size_t n_pair = json_array_size(json_object_get(post, "pair"));
    if (n != 3)
        return error_set(err, STATUS_INVALID,
                         "field \"post_processor.single\" has %zu parts; supported is "
                         "\"<s> A </s>\"",
                         n);
    u->n_between = n_pair == 6 ? 2 : 1;
    enum status status = read_template_part(post, "single", 0, &u->begin, err);
    return status ? status : read_template_part(post, "single", 2, &u->end, err);
}

/* The older form: {"cls": ["<s>", 0], "sep": ["</s>", 2]}. */
static enum status read_ends(const json_t *post, struct unigram *u, struct error *err)
{
    u->n_between = has_type(post, "RobertaProcessing") ? 2 : 1;
    enum status status = read_id(json_array_get(json_object_get(post, "cls"), 1),
                                 "post_processor.cls[1]", &u->begin, err);
    return status ? status
                  : read_id(json_array_get(json_object_get(post, "sep"), 1),
                            "post_processor.sep[1]", &u->end, err);
}

static enum status read_post_processor(const json_t *json, struct unigram *u, struct error *err)
{
    const json_t *post = json_object_get(json, "post_processor");
    enum status status;
    if (has_type(post, "TemplateProcessing"))
        status = read_template(post, u, err);
    else if (has_type(post, "RobertaProcessing") || has_type(post, "BertProcessing"))
        status = read_ends(post, u, err);
    else
        return unsupported("post_processor", post,
                           "\"TemplateProcessing\", \"RobertaProcessing\" or \"BertProcessing\"",
                           err);
    if (!status) {
        count_id(u, u->begin);
        count_id(u, u->end);
    }
    return status;
}

enum status unigram_read(const json_t *json, struct unigram *out, struct error *err)
{
    static enum status (*const parts[])(const json_t *, struct unigram *, struct error *) = {
        read_model, read_normalizer, read_pre_tokenizer, read_all_added, read_post_processor,
    };
    struct unigram unigram = {0};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && !status; i++)
        status = parts[i](json, &unigram, err);
    if (status) {
        unigram_clear(&unigram);
        return status;
    }
    *out = unigram;
    return STATUS_OK;
}
