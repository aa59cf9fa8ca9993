/* nn/model_config.h - what the JSON files of a model folder say about it, checked. */
#ifndef RAGGED_NN_MODEL_CONFIG_H
#define RAGGED_NN_MODEL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

enum pooling { POOLING_MEAN, POOLING_CLS };

/* What a WordPiece tokenizer does to letters before it looks for pieces. */
enum casing {
    CASING_UNCASED, /* lower case, without accents */
    CASING_CASED,
    CASING_LOWER,   /* lower case, accents stay */
    CASING_STRIPPED /* case stays, without accents */
};

struct model_config {
    char name[48]; /* for the fingerprint: lower case letters, digits, "-", "." and "_" */
    size_t n_layers, dim, n_heads, n_inner;
    size_t n_vocabulary, n_positions, n_types; /* rows of the three embedding tables */
    size_t n_tokens_max;                       /* of one text, with [CLS] and [SEP]; >= 3 */
    size_t
        position_offset; /* row of the first token's position: 0, or what RoBERTa pads with + 1 */
    size_t n_labels;     /* of a classifier on top; 0: there is none */
    float norm_epsilon;
    enum pooling pooling;
    enum casing casing;
    bool lowers_text;   /* before the tokenizer sees it */
    bool is_normalised; /* vectors are scaled to unit length */
};

/* Reads config.json and, where they are, modules.json, 1_Pooling/config.json,
 * sentence_bert_config.json and tokenizer_config.json; without them: mean pooling, unit length, as
 * many tokens as there are positions, lower case without accents; with a classifier on top the
 * first token, unscaled. FORMAT names the file and field;
 * INVALID an architecture that we do not run. */
enum status model_config_read(const char *folder, struct model_config *out,
                              struct error *err) MUST_USE;

#endif
