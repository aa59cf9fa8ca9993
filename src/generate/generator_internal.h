/* generate/generator_internal.h - what a row of generators.c is made of. */
#ifndef RAGGED_GENERATE_GENERATOR_INTERNAL_H
#define RAGGED_GENERATE_GENERATOR_INTERNAL_H

#include "generate/answer_stream.h"
#include "generate/generate.h"

#define GENERATOR_WINDOW_DEFAULT 4096 /* when the server does not tell */
#define GENERATOR_WINDOW_MAX 8192     /* a longer context costs memory and rarely helps an answer */
#define GENERATOR_SMALL_MAX 1e9       /* parameters: below it, the short prompt */
#define GENERATOR_TINY_MAX 0.5e9      /* parameters: below it, extractive answers better */

struct generator {
    const struct generator_row *row;
    void *state;         /* the row's own; freed by row->close() */
    char *model;         /* owned; NULL: none */
    double n_parameters; /* 0: unknown */
    size_t window;       /* tokens */
    struct buf reasons;
};

struct generator_row {
    const char *name;
    int is_extractive;
    /* Did the user name this server or file? Such rows come first and may hold a tiny model. */
    int (*is_configured)(const struct generator_options *options);
    int has_default; /* may be tried when it is not configured */
    int is_server;   /* ... but not when options->is_configured_only */
    /* Fills state, model, n_parameters and window; on failure close() is called by the caller. */
    enum status (*open)(struct generator *generator, const struct generator_options *options,
                        struct error *err);
    /* Streams into `answer`; the caller checks its end mark. */
    enum status (*run)(struct generator *generator, const struct generate_request *request,
                       struct answer_stream *answer, struct error *err);
    void (*close)(struct generator *generator); /* state NULL or half filled is fine */
};

#endif
