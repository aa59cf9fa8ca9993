/* app/session.h - what several commands do with an engine. */
#ifndef RAGGED_APP_SESSION_H
#define RAGGED_APP_SESSION_H

#include "app/command.h"
#include "query/query.h"
#include "search/search.h"

/* Opens the library of app->config, with the features of the collection that --collection names. */
enum status session_open(struct app *app, struct engine **out, struct error *err) MUST_USE;

/* The same with the features of this collection; NULL: of none. */
enum status session_open_for(struct app *app, const char *collection, struct engine **out,
                             struct error *err) MUST_USE;

/* What servers are told of the trace this run is part of; NULL: nothing, because nobody asked for
 * it. Borrowed from `app`. */
const char *session_traceparent(const struct app *app);

/* Opens the library, does `work` with it, and closes it. */
enum status session_run(struct app *app,
                        enum status (*work)(struct app *app, struct engine *engine,
                                            struct error *err),
                        struct error *err) MUST_USE;
/* The same with the question that the words are, or standard input for "-". INVALID: it is empty.
 */
enum status session_run_question(struct app *app,
                                 enum status (*work)(struct app *app, struct engine *engine,
                                                     const char *question, struct error *err),
                                 struct error *err) MUST_USE;

/* What --where, --since, --until, --kind and --document say; its lists are from `arena`. */
enum status session_filter(const struct app *app, struct arena *arena, struct engine_filter *out,
                           struct error *err) MUST_USE;

/* The mode, score and filters of search and query; lists from `arena`. `n` is not set. */
enum status session_search_options(const struct app *app, struct arena *arena,
                                   struct engine_search_options *out, struct error *err) MUST_USE;
/* Of these only what orders the hits: fusion and reranking. */
void session_rank_options(const struct app *app, struct engine_search_options *options);

/* "warning: ..." on stderr, unless quiet or empty. */
void session_warn(struct app *app, const char *text);

/* Notes in the audit trail of the library that settings were changed: `keys`, separated by commas,
 * in this collection (NULL: in all). Without a library nothing is to be noted; what can't be is
 * said on stderr, because the change has been made. app->config is loaded, or `unloaded` says why
 * not. */
void session_note_settings(struct app *app, const char *keys, const char *collection,
                           const struct config_change *change, const struct error *unloaded);

/* Says how to fill a library that has no documents, unless quiet. */
void session_tell_empty(struct app *app, struct engine *engine);

/* ["text"], or [] for an empty text; NULL: out of memory. */
json_t *session_warnings_json(const char *text) MUST_USE;

/* The names of the bits of enum engine_degraded; NULL: out of memory. */
json_t *session_degraded_json(unsigned bits) MUST_USE;

/* Rows of what session_filter() reads. */
#define SESSION_FILTER_OPTIONS                                                             \
    {.name = "where",                                                                      \
     .letters = "w",                                                                       \
     .arg = "CONDITION",                                                                   \
     .rule = {.type = VALUE_TEXT},                                                         \
     .help = "only documents of which this holds, as author ~ lovelace; may be repeated"}, \
        {.name = "since",                                                                  \
         .arg = "DATE",                                                                    \
         .rule = {.type = VALUE_TEXT},                                                     \
         .help = "only documents modified at this date or later"},                         \
        {.name = "until",                                                                  \
         .arg = "DATE",                                                                    \
         .rule = {.type = VALUE_TEXT},                                                     \
         .help = "only documents modified at this date or before"},                        \
        {.name = "kind",                                                                   \
         .arg = "KIND",                                                                    \
         .rule = {.type = VALUE_TEXT},                                                     \
         .help = "only documents of this kind, as pdf; may be repeated"},                  \
    {                                                                                      \
        .name = "document", .aliases = "doc", .arg = "PATH", .rule = {.type = VALUE_PATH}, \
        .help = "only this document; may be repeated"                                      \
    }

/* Rows of all that search: how hits are ordered. */
#define SESSION_RANK_OPTIONS                                                       \
    {.name = "fusion",                                                             \
     .arg = "NAME",                                                                \
     .config_key = "fusion",                                                       \
     .help = "how words and meaning become one ranking: by scores or by ranks"},   \
        {.name = "rerank",                                                         \
         .config_key = "rerank",                                                   \
         .help = "read the best results again, each together with the question"},  \
        {.name = "candidates",                                                     \
         .arg = "N",                                                               \
         .rule = {.type = VALUE_COUNT, .min = 1, .max = 1000},                     \
         .help = "how many results --rerank reads, 50 when not given"},            \
    {                                                                              \
        .name = "deadline-ms", .arg = "MS",                                        \
        .rule = {.type = VALUE_COUNT, .min = 0, .max = 3600000},                   \
        .help = "time for a search with --rerank, 500 when not given; 0: no limit" \
    }

/* Rows that search and query share: -c, --path, --mode, --min-score, ... */
#define SESSION_SEARCH_OPTIONS                                                                    \
    {.name = "collection",                                                                        \
     .letters = "c",                                                                              \
     .arg = "NAME",                                                                               \
     .rule = {.type = VALUE_TEXT},                                                                \
     .help = "only this collection"},                                                             \
        {.name = "path",                                                                          \
         .letters = "p",                                                                          \
         .arg = "GLOB",                                                                           \
         .rule = {.type = VALUE_TEXT},                                                            \
         .help = "only files whose path matches"},                                                \
        SESSION_FILTER_OPTIONS,                                                                   \
        {.name = "mode",                                                                          \
         .letters = "m",                                                                          \
         .arg = "MODE",                                                                           \
         .config_key = "retrieval_method",                                                        \
         .help = "words and meaning, words only, or meaning only"},                               \
        {.name = "min-score",                                                                     \
         .aliases = "threshold",                                                                  \
         .letters = "s",                                                                          \
         .arg = "SCORE",                                                                          \
         .config_key = "min_score",                                                               \
         .help = "drop results below this score"},                                                \
        {.name = "per-document",                                                                  \
         .arg = "N",                                                                              \
         .rule = {.type = VALUE_COUNT, .min = 0, .max = 1000},                                    \
         .help = "at most this many passages of one document; 0: no limit"},                      \
        {.name = "context",                                                                       \
         .arg = "N",                                                                              \
         .rule = {.type = VALUE_COUNT, .min = 0, .max = 20},                                      \
         .help = "join this many neighbours on each side"},                                       \
        SESSION_RANK_OPTIONS, {.name = "no-rerank", .help = "not even when the settings say so"}, \
    {                                                                                             \
        .name = "no-cache", .help = "search anew, and keep nothing of it"                         \
    }

#endif
