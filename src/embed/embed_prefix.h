/* embed/embed_prefix.h - what some models were trained to see before a query or a passage. */
#ifndef RAGGED_EMBED_EMBED_PREFIX_H
#define RAGGED_EMBED_EMBED_PREFIX_H

#include "embed/embed.h"

/* By the server's name of the model ("nomic-embed-text:v1.5", "intfloat/e5-base-v2"); "" when it
 * wants none or is unknown. */
const char *embed_prefix_find(const char *model, enum embed_kind kind);

#endif
