#include <string.h>

#include "app/config.h"

static const char *const embedding_backends[] = {"native", "ollama", "openai", NULL};
static const char *const precisions[] = {"auto", "fp32", "int16", "bf16", NULL};
static const char *const generators[] = {"auto", "ollama", "openai", "llama", "extractive", NULL};
static const char *const methods[] = {"hybrid", "lexical", "vector", NULL};
static const char *const languages[] = {
    "arabic",   "armenian", "basque",     "catalan", "danish",    "dutch",     "english",
    "finnish",  "french",   "german",     "greek",   "hindi",     "hungarian", "indonesian",
    "irish",    "italian",  "lithuanian", "nepali",  "norwegian", "porter",    "portuguese",
    "romanian", "russian",  "serbian",    "spanish", "swedish",   "tamil",     "turkish",
    "yiddish",  "none",     NULL};

const struct config_key config_keys[] = {
    {.name = "data_dir",
     .rule = {.type = VALUE_PATH},
     .fallback = "",
     .environment = "RAGGED_DATA_DIR RAGGED_STORE",
     .help = "folder of the library; empty: $XDG_DATA_HOME/ragged, else ~/.local/share/ragged"},
    {.name = "embedding_backend",
     .rule = {.type = VALUE_CHOICE, .choices = embedding_backends},
     .fallback = "native",
     .environment = "RAGGED_EMBEDDING_BACKEND",
     .help = "who turns text into vectors: this program, or a server"},
    {.name = "embedding_model",
     .rule = {.type = VALUE_TEXT},
     .fallback = "",
     .environment = "RAGGED_EMBEDDING_MODEL RAGGED_EMBEDDING_MODEL_NAME",
     .help = "model of the embedding backend; empty: its usual one"},
    {.name = "embedding_precision",
     .rule = {.type = VALUE_CHOICE, .choices = precisions},
     .fallback = "auto",
     .environment = "RAGGED_EMBEDDING_PRECISION",
     .help = "arithmetic of the native encoder; auto: the library's, else the fastest"},
    {.name = "embedding_url",
     .rule = {.type = VALUE_URL},
     .fallback = "",
     .environment = "RAGGED_EMBEDDING_URL",
     .help = "server of the embedding backend; empty: ollama_url or openai_url"},
    {.name = "embedding_key",
     .rule = {.type = VALUE_TEXT},
     .fallback = "",
     .environment = "RAGGED_EMBEDDING_KEY",
     .help = "key for embedding_url",
     .is_secret = true},
    {.name = "generator",
     .rule = {.type = VALUE_CHOICE, .choices = generators},
     .fallback = "auto",
     .environment = "RAGGED_GENERATOR",
     .help = "who writes answers; auto: the first that is there, else quotes"},
    {.name = "llm_model",
     .rule = {.type = VALUE_TEXT},
     .fallback = "",
     .environment = "RAGGED_LLM_MODEL",
     .help = "model that writes answers; empty: chosen from what the server has"},
    {.name = "ollama_url",
     .rule = {.type = VALUE_URL},
     .fallback = "http://localhost:11434",
     .environment = "RAGGED_OLLAMA_URL RAGGED_OLLAMA_BASE_URL OLLAMA_HOST",
     .help = "the Ollama server"},
    {.name = "openai_url",
     .rule = {.type = VALUE_URL},
     .fallback = "",
     .environment = "RAGGED_OPENAI_URL OPENAI_BASE_URL OPENAI_API_BASE",
     .help = "a server that speaks the OpenAI protocol; empty: none"},
    {.name = "openai_key",
     .rule = {.type = VALUE_TEXT},
     .fallback = "",
     .environment = "RAGGED_OPENAI_KEY OPENAI_API_KEY",
     .help = "key for openai_url",
     .is_secret = true},
    {.name = "gguf_path",
     .rule = {.type = VALUE_TEXT},
     .fallback = "",
     .environment = "RAGGED_GGUF_PATH",
     .help = "GGUF file for the generator llama; empty: none"},
    {.name = "language",
     .rule = {.type = VALUE_CHOICE, .choices = languages},
     .fallback = "english",
     .environment = "RAGGED_LANGUAGE",
     .help = "language whose word endings are folded in searches"},
    {.name = "chunk_tokens",
     .rule = {.type = VALUE_COUNT, .min = 0, .max = 8192},
     .fallback = "0",
     .environment = "RAGGED_CHUNK_TOKENS RAGGED_CHUNK_SIZE",
     .help = "tokens in a passage; 0: as many as the model reads"},
    {.name = "chunk_overlap",
     .rule = {.type = VALUE_COUNT, .min = 0, .max = 4096},
     .fallback = "0",
     .environment = "RAGGED_CHUNK_OVERLAP",
     .help = "tokens that neighbouring passages share"},
    {.name = "max_file_size_mb",
     .rule = {.type = VALUE_COUNT, .min = 1, .max = 500},
     .fallback = "100",
     .environment = "RAGGED_MAX_FILE_SIZE_MB",
     .help = "larger files are refused (MiB)"},
    {.name = "retrieval_k",
     .rule = {.type = VALUE_COUNT, .min = 1, .max = 1000},
     .fallback = "5",
     .environment = "RAGGED_RETRIEVAL_K",
     .help = "passages that an answer is made from"},
    {.name = "retrieval_method",
     .rule = {.type = VALUE_CHOICE, .choices = methods},
     .fallback = "hybrid",
     .environment = "RAGGED_RETRIEVAL_METHOD",
     .help = "words and meaning, words only, or meaning only"},
    {.name = "min_score",
     .rule = {.type = VALUE_NUMBER, .min = 0, .max = 1},
     .fallback = "0",
     .environment = "RAGGED_MIN_SCORE",
     .help = "results below this score are dropped"},
    {.name = "threads",
     .rule = {.type = VALUE_COUNT, .min = 0, .max = 1024},
     .fallback = "0",
     .environment = "RAGGED_THREADS",
     .help = "threads for heavy work; 0: all processors"},
    {.name = "temperature",
     .rule = {.type = VALUE_NUMBER, .min = 0, .max = 2},
     .fallback = "0",
     .environment = "RAGGED_TEMPERATURE",
     .help = "how freely the model writes; 0: always the same"},
    {.name = "max_tokens",
     .rule = {.type = VALUE_COUNT, .min = 1, .max = 32768},
     .fallback = "512",
     .environment = "RAGGED_MAX_TOKENS",
     .help = "longest answer in tokens"},
    {.name = "offline",
     .rule = {.type = VALUE_SWITCH},
     .fallback = "false",
     .environment = "RAGGED_OFFLINE HF_HUB_OFFLINE",
     .help = "no network, except servers on this machine"},
    {.name = NULL},
};
_Static_assert(sizeof config_keys / sizeof config_keys[0] <= CONFIG_KEYS_MAX + 1,
               "every key needs a place in struct config");

const struct config_key *config_key_find(const char *name)
{
    for (const struct config_key *key = config_keys; key->name; key++)
        if (strcmp(key->name, name) == 0)
            return key;
    return NULL;
}

enum status config_key_unknown(const char *name, const char *where, struct error *err)
{
    struct suggestion suggestion = {.wrong = name};
    for (const struct config_key *key = config_keys; key->name; key++)
        suggestion_offer(&suggestion, key->name);
    error_set(err, STATUS_INVALID, "unknown configuration key \"%s\"%s", name, where);
    suggestion_finish(&suggestion, "keys", err);
    return STATUS_INVALID;
}
