/* embed/embed_prefix.h - what some models were trained to see before a query or a passage. */
#ifndef RAGGED_EMBED_EMBED_PREFIX_H
#define RAGGED_EMBED_EMBED_PREFIX_H

#include "embed/embed.h"

/* By the server's name of the model ("nomic-embed-text:v1.5", "intfloat/e5-base-v2"); "" when it
 * wants none or is unknown. */
const char *embed_prefix_find(const char *model, enum embed_kind kind);

/* A zeroed one is valid and empty. */
struct embed_prefixes {
    char *query, *passage; /* owned */
};

/* The "prompts" of config_sentence_transformers.json in the model's folder where it has them, else
 * embed_prefix_find(). FORMAT names the field. */
enum status embed_prefixes_read(const char *folder, const char *model, struct embed_prefixes *out,
                                struct error *err) MUST_USE;
void embed_prefixes_clear(struct embed_prefixes *prefixes);

#endif
