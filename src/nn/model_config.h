/* nn/model_config.h - what the JSON files of a model folder say about it, checked. */
#ifndef RAGGED_NN_MODEL_CONFIG_H
#define RAGGED_NN_MODEL_CONFIG_H

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
    float norm_epsilon;
    enum pooling pooling;
    enum casing casing;
};

/* Reads config.json and, where they are, modules.json, 1_Pooling/config.json,
 * sentence_bert_config.json and tokenizer_config.json. FORMAT names the file and field; INVALID an
 * architecture that we do not run. */
enum status model_config_read(const char *folder, struct model_config *out,
                              struct error *err) MUST_USE;

#endif
