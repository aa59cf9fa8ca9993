#include "embed/embed_prefix.h"

#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"

#define SEARCH_SENTENCE "Represent this sentence for searching relevant passages: "

/* From the model cards. A row matches names that begin with `model`; the first match counts. */
static const struct {
    const char *model, *passage, *query;
} model_prefixes[] = {
    {"nomic-embed-text", "search_document: ", "search_query: "},
    {"multilingual-e5", "passage: ", "query: "},
    {"e5-", "passage: ", "query: "},
    {"mxbai-embed-large", "", SEARCH_SENTENCE},
    {"snowflake-arctic-embed", "", SEARCH_SENTENCE},
    {"bge-small-en", "", SEARCH_SENTENCE},
    {"bge-base-en", "", SEARCH_SENTENCE},
    {"bge-large", "", SEARCH_SENTENCE},
    {"embeddinggemma", "title: none | text: ", "task: search result | query: "},
    {"qwen3-embedding", "",
     "Instruct: Given a web search query, retrieve relevant passages that answer the "
     "query\nQuery:"},
};

const char *embed_prefix_find(const char *model, enum embed_kind kind)
{
    const char *slash = strrchr(model, '/');
    const char *name = slash ? slash + 1 : model;
    for (size_t i = 0; i < sizeof model_prefixes / sizeof model_prefixes[0]; i++)
        if (strncasecmp(name, model_prefixes[i].model, strlen(model_prefixes[i].model)) == 0)
            return kind == EMBED_QUERY ? model_prefixes[i].query : model_prefixes[i].passage;
    return "";
}

/* *out stays NULL when the model has no such file. */
static enum status read_config(const char *folder, json_t **out, struct error *err)
{
    struct buf text = {0};
    char *path = path_join(folder, "config_sentence_transformers.json");
    if (!path)
        return error_nomem(err);
    struct error inner = {0};
    enum status status = file_read(path, RAGGED_LIMIT_CONFIG, &text, &inner);
    bool is_absent = status == STATUS_NOT_FOUND;
    if (!status) {
        status = json_parse(buf_text(&text), text.len, out, &inner);
        if (status)
            error_context(&inner, status, "\"%s\"", path);
    }
    if (status && !is_absent && err)
        *err = inner;
    buf_clear(&text);
    mem_free(path);
    return is_absent ? STATUS_OK : status;
}

/* The prompt by the first of the names that is there; *out stays NULL when none is. */
static enum status find_prompt(const json_t *prompts, const char *const names[2], const char **out,
                               struct error *err)
{
    for (size_t i = 0; i < 2 && names[i]; i++) {
        const json_t *prompt = json_object_get(prompts, names[i]);
        if (!prompt || json_is_null(prompt))
            continue;
        if (!json_is_string(prompt))
            return error_set(
                err, STATUS_FORMAT,
                "config_sentence_transformers.json: field \"prompts.%s\" is not a text", names[i]);
        *out = json_string_value(prompt);
        return STATUS_OK;
    }
    return STATUS_OK;
}

enum status embed_prefixes_read(const char *folder, const char *model, struct embed_prefixes *out,
                                struct error *err)
{
    static const char *const query_names[2] = {"query", NULL};
    static const char *const passage_names[2] = {"passage", "document"};
    json_t *config = NULL;
    const char *query = NULL, *passage = NULL;
    enum status status = read_config(folder, &config, err);
    const json_t *prompts = json_object_get(config, "prompts");
    if (!status)
        status = find_prompt(prompts, query_names, &query, err);
    if (!status)
        status = find_prompt(prompts, passage_names, &passage, err);
    if (status)
        goto done;
    if (!query && !passage) {
        query = embed_prefix_find(model, EMBED_QUERY);
        passage = embed_prefix_find(model, EMBED_PASSAGE);
    }
    struct embed_prefixes prefixes = {.query = mem_text(query ? query : ""),
                                      .passage = mem_text(passage ? passage : "")};
    if (prefixes.query && prefixes.passage) {
        *out = prefixes;
    } else {
        embed_prefixes_clear(&prefixes);
        status = error_nomem(err);
    }
done:
    json_decref(config);
    return status;
}

void embed_prefixes_clear(struct embed_prefixes *prefixes)
{
    mem_free(prefixes->query);
    mem_free(prefixes->passage);
    *prefixes = (struct embed_prefixes){0};
}
