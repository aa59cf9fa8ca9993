/* generate/generate.h - who writes the answer: Ollama, an OpenAI-compatible server, a local GGUF
 * through the ragged-llm helper, or nobody (extractive: the best sentences, verbatim). Rows:
 * generators.c. */
#ifndef RAGGED_GENERATE_GENERATE_H
#define RAGGED_GENERATE_GENERATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cancel.h"
#include "base/status.h"
#include "net/net.h"

struct generator; /* one thread at a time */

struct generator_options {
    const char *name;  /* a row: "ollama", "openai", "llama", "extractive"; or "auto" */
    const char *model; /* NULL or "": the row's default choice */
    const char *ollama_url, *openai_url,
        *openai_key;                     /* NULL: not configured (ollama has a default) */
    const char *gguf_path, *helper_path; /* llama: model file; NULL: the default places */
    unsigned n_threads;           /* llama: 0 = idle cores; ollama: 0 = the server's choice */
    int is_configured_only;       /* auto: do not probe servers nobody configured (--offline) */
    struct net_timeouts timeouts; /* servers: of a chat; zero: see generator_run() */
    struct net_peers *peers;      /* servers: borrowed until generator_close(); NULL: one attempt */
};

/* auto takes the first row that is there: configured endpoint, Ollama, OpenAI-compatible, local
 * GGUF, extractive. Models under 0.5 B parameters are passed over by auto unless options->model or
 * gguf_path asks for one. A named row that is not there: NOT_FOUND with a hint. Why earlier rows
 * were passed over: generator_reasons(). */
enum status generator_open(const struct generator_options *options, struct generator **out,
                           struct error *err) MUST_USE;
void generator_close(struct generator *generator);             /* NULL is fine */
const char *generator_name(const struct generator *generator); /* "ollama" */
const char *
generator_model(const struct generator *generator); /* "qwen2.5:1.5b-instruct"; "" for extractive */
/* "ollama: could not connect to ...; openai: not configured"; borrowed. */
const char *generator_reasons(const struct generator *generator);
/* Tokens of prompt and answer together that the model can hold; SIZE_MAX for extractive. */
size_t generator_window(const struct generator *generator);
int generator_is_extractive(const struct generator *generator);
/* Under ~1 B parameters: wants the short prompt without citation rules. */
int generator_is_small(const struct generator *generator);

struct generate_request {
    const char *system, *user; /* the prompt; not used by extractive */
    size_t n_tokens_prompt;    /* our estimate of both together */
    size_t n_tokens_max;       /* of the answer */
    double temperature;
    uint64_t seed;
    const struct cancel *cancel;
    int total_timeout_ms; /* with all attempts; 0: the generator's, else 600 s */
    /* extractive only: */
    const char *question;
    const struct generate_sentence *sentences;
    size_t n_sentences;
    size_t n_passages;
};

/* A candidate sentence for the extractive row; text is verbatim from passage i_passage (0-based).
 */
struct generate_sentence {
    const char *text;
    size_t len;
    size_t i_passage;
    int is_first_in_passage; /* sentences of a passage stand together, in its order */
    int is_first_in_line;    /* of the passage's text */
    double coverage;         /* idf-weighted share of the question's words, 0..1 */
    double context_coverage; /* share found in the title or heading but not in the sentence */
    double similarity;       /* cosine to the question, -1..1; all 0: no embedder */
};

enum { GENERATE_QUOTES_MAX = 12 };

struct generate_result {
    const char *finish;                      /* "stop", "length", "cancelled", "error"; static */
    size_t n_tokens_prompt, n_tokens_answer; /* as the server counted; 0: unknown */
    /* extractive only: what it quoted, in the order of its text, as indices into the request's
     * sentences; none: nothing was good enough */
    size_t quotes[GENERATE_QUOTES_MAX];
    size_t n_quotes;
};

/* Streams the answer: on_text() gets pieces of whole UTF-8 characters as they come. A server that
 * fails before the first of them is asked again, after it never. A stream that ends without its end
 * mark is REMOTE ("the answer is incomplete"), nonsense MALFORMED, a server that wants fewer
 * requests THROTTLED, one that will never answer this REFUSED, a prompt too long for the model
 * LIMIT, Ctrl-C CANCELLED (the server's work is stopped too). *out is set also on CANCELLED. An
 * answer that goes on far past n_tokens_max is cut there ("length"). Time limits: 30 s between
 * tokens; for the first one 60 s, and as long as reading the prompt may take, or 300 s when the
 * model may have to be loaded. extractive writes 1 to 3 sentences verbatim, perhaps with the one
 * before or those behind, each passage on lines of its own; each run of sentences ends with " [n]",
 * where n numbers the passages in the order they are quoted in. */
enum status generator_run(struct generator *generator, const struct generate_request *request,
                          void (*on_text)(void *ctx, const char *text, size_t len), void *ctx,
                          struct generate_result *out, struct error *err) MUST_USE;

/* Row names in the order auto tries them, NULL at the end. */
const char *const *generator_names(void);

#endif
