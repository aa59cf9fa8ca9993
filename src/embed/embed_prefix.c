#include "embed/embed_prefix.h"

#include <string.h>
#include <strings.h>

#define SEARCH_SENTENCE "Represent this sentence for searching relevant passages: "

/* From the model cards. A row matches names that begin with `model`; the first match counts. */
static const struct {
    const char *model, *passage, *query;
} prefixes[] = {
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
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (strncasecmp(name, prefixes[i].model, strlen(prefixes[i].model)) == 0)
            return kind == EMBED_QUERY ? prefixes[i].query : prefixes[i].passage;
    return "";
}
