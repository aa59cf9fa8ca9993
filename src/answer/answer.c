#include <string.h>

#include "answer/answer.h"
#include "answer/answer_cache.h"
#include "answer/candidates.h"
#include "answer/citation.h"
#include "answer/prompt.h"
#include "answer/quotation.h"
#include "answer/short_path.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/trace.h"
#include "engine/degraded.h"
#include "generate/generate.h"
#include "search/hits.h"
#include "search/search.h"
#include "search/search_run.h"

#define ANSWER_PASSAGES 8
#define ANSWER_PER_DOCUMENT 4
#define ANSWER_TOKENS 512
#define EXTRACTIVE_PASSAGES 6
#define SHRINK_ATTEMPTS_MAX 2
#define TIMEOUT_MS 600000
#define LABEL_EXTRACTIVE "Quoted from your documents (no language model configured)"
#define LABEL_UNFINISHED "Unfinished: the language model broke off"
#define LABEL_EXTRACTIVE_FELL "Quoted from your documents (the language model did not answer)"

/* One answer in the making. */
struct answering {
    struct engine *engine;
    const struct engine_answer_options *options;
    const char *question;
    struct search_query query;
    struct engine_answer *answer;
    struct generator *generator;
    struct buf text; /* as generated */
    bool has_streamed;
};

struct engine_answer_options engine_answer_options_default(void)
{
    struct engine_answer_options options = {.search = engine_search_options_default(),
                                            .temperature = 0.2};
    options.search.n = ANSWER_PASSAGES;
    options.search.n_per_document = ANSWER_PER_DOCUMENT;
    return options;
}

void engine_answer_clear(struct engine_answer *answer)
{
    mem_free(answer->text);
    engine_hits_clear(&answer->hits);
    arena_clear(&answer->arena);
    *answer = (struct engine_answer){0};
}

static enum status set_text(struct engine_answer *answer, const char *text, struct error *err)
{
    char *copy = mem_text(text);
    if (!copy)
        return error_nomem(err);
    mem_free(answer->text);
    answer->text = copy;
    return STATUS_OK;
}

static enum status say_not_found(struct engine_answer *answer, struct error *err)
{
    answer->is_found = false;
    answer->citations = NULL;
    answer->n_citations = answer->n_unsupported = 0;
    return set_text(answer, "Not found in your documents.", err);
}

static const char *keep(struct engine_answer *answer, const char *text)
{
    const char *copy = arena_text(&answer->arena, text, strlen(text));
    return copy ? copy : "";
}

static enum status open_generator(struct answering *a, const char *name, struct error *err)
{
    struct generator_options options = engine_generator_options(a->engine);
    options.name = name;
    struct generator *generator = NULL;
    enum status status = generator_open(&options, &generator, err);
    if (status)
        return status;
    generator_close(a->generator);
    a->generator = generator;
    struct engine_answer *answer = a->answer;
    answer->generator = keep(answer, generator_name(generator));
    answer->model = keep(answer, generator_model(generator));
    const char *reasons = generator_reasons(generator);
    if (*reasons)
        answer->reasons = keep(answer, reasons);
    if (a->options->on_start)
        a->options->on_start(a->options->ctx, answer->generator, answer->model, answer->reasons);
    return STATUS_OK;
}

static void take_text(void *ctx, const char *text, size_t len)
{
    struct answering *a = ctx;
    a->has_streamed = a->has_streamed || len > 0;
    buf_append(&a->text, text, len);
    if (a->options->on_text && !generator_is_extractive(a->generator))
        a->options->on_text(a->options->ctx, text, len);
}

static enum status run_generator(struct answering *a, const struct generate_request *request,
                                 struct generate_result *out, struct error *err)
{
    enum status status = generator_run(a->generator, request, take_text, a, out, err);
    if (!status)
        status = buf_status(&a->text, err);
    if (!status) {
        a->answer->finish = out->finish;
        a->answer->n_tokens_prompt = out->n_tokens_prompt;
        a->answer->n_tokens_answer = out->n_tokens_answer;
    }
    return status;
}

static enum status run_extractive(struct answering *a, struct error *err)
{
    struct engine_answer *answer = a->answer;
    size_t n_hits = answer->hits.n < EXTRACTIVE_PASSAGES ? answer->hits.n : EXTRACTIVE_PASSAGES;
    struct generate_request request = {
        .question = a->question, .n_passages = n_hits, .cancel = a->options->cancel};
    struct generate_sentence *sentences = NULL;
    enum status status = candidates_collect(a->engine, &answer->hits, n_hits, &a->query,
                                            &answer->arena, &sentences, &request.n_sentences, err);
    if (status)
        return status;
    request.sentences = sentences;
    struct generate_result result = {0};
    status = run_generator(a, &request, &result, err);
    answer->n_passages_given = n_hits;
    answer->n_passages_dropped = answer->hits.n - n_hits;
    answer->is_found = result.n_quotes > 0;
    if (status)
        return status;
    struct quotation quotation = {.hits = answer->hits.hit,
                                  .sentences = sentences,
                                  .quotes = result.quotes,
                                  .n_quotes = result.n_quotes};
    return quotation_cite(&quotation, &answer->arena, &answer->citations, &answer->n_citations,
                          err);
}

/* At least 1: 0 would be no limit. */
static int left_until(int64_t deadline_ms)
{
    int64_t left_ms = deadline_ms - clock_monotonic_ms();
    return left_ms > 1 ? (int)left_ms : 1;
}

/* Asks with as many passages as fit; a server that counts more tokens than we did gets a third
 * less, at most twice, and only while nothing was shown yet. */
static enum status run_model(struct answering *a, struct error *err)
{
    struct engine_answer *answer = a->answer;
    size_t n_max = a->options->n_tokens_max ? a->options->n_tokens_max : ANSWER_TOKENS;
    size_t window = generator_window(a->generator);
    if (n_max > window / 2)
        n_max = window / 2;
    size_t budget = window - n_max;
    enum status status = STATUS_LIMIT;
    int timeout_ms = a->engine->options.answer_timeout_ms;
    int64_t deadline_ms = clock_monotonic_ms() + (timeout_ms > 0 ? timeout_ms : TIMEOUT_MS);
    for (int attempt = 0; status == STATUS_LIMIT && attempt <= SHRINK_ATTEMPTS_MAX; attempt++) {
        struct prompt prompt;
        status =
            prompt_build(&(struct prompt_options){.question = a->question,
                                                  .hits = answer->hits.hit,
                                                  .n_hits = answer->hits.n,
                                                  .n_tokens_budget = budget,
                                                  .is_small = generator_is_small(a->generator)},
                         &answer->arena, &prompt, err);
        if (status)
            return status;
        struct generate_request request = {
            .system = prompt.system,
            .user = prompt.user,
            .n_tokens_prompt = prompt.n_tokens,
            .n_tokens_max = n_max,
            .temperature = a->options->temperature,
            .seed = a->options->seed,
            .cancel = a->options->cancel,
            .total_timeout_ms = left_until(deadline_ms),
            .question = a->question,
        };
        struct generate_result result = {0};
        status = run_generator(a, &request, &result, err);
        answer->n_passages_given = prompt.n_passages;
        answer->n_passages_dropped = answer->hits.n - prompt.n_passages;
        if (a->has_streamed)
            break;
        budget -= budget / 3;
    }
    answer->is_found = !status && !strstr(buf_text(&a->text), PROMPT_NOT_FOUND) && a->text.len > 0;
    return status;
}

/* What was shown is worth more than nothing; it is checked like a whole answer. */
static enum status keep_beginning(struct answering *a, enum status failed, struct error *err)
{
    struct engine_answer *answer = a->answer;
    bool is_keepable = status_is_of_peer(failed) || failed == STATUS_BUSY || failed == STATUS_LIMIT;
    if (!is_keepable || !a->text.len || !degraded_is_allowed(a->engine) ||
        is_cancelled(a->options->cancel))
        return failed;
    const char *why = err ? err->message : status_name(failed);
    answer->is_found = !strstr(buf_text(&a->text), PROMPT_NOT_FOUND);
    answer->finish = "error";
    answer->label = LABEL_UNFINISHED;
    answer->degraded |= ENGINE_DEGRADED_UNFINISHED;
    return hits_warn(&answer->hits,
                     arena_printf(&answer->hits.arena, "the answer is unfinished: %s", why), err);
}

/* A model that fails before its first word is replaced by quotations, and that is said. */
static enum status fall_back(struct answering *a, enum status failed, struct error *err)
{
    bool is_replaceable = status_is_of_peer(failed) || failed == STATUS_BUSY ||
                          failed == STATUS_NOT_FOUND || failed == STATUS_LIMIT;
    bool is_auto = strcmp(a->engine->options.generator, "auto") == 0;
    if (!is_replaceable || !is_auto || a->has_streamed || is_cancelled(a->options->cancel) ||
        !degraded_is_allowed(a->engine))
        return failed;
    struct engine_answer *answer = a->answer;
    const char *why = err ? err->message : status_name(failed);
    const char *reasons = arena_printf(&answer->arena, "%s%s%s: %s", answer->reasons,
                                       *answer->reasons ? "; " : "", answer->generator, why);
    if (!reasons)
        return error_nomem(err);
    answer->reasons = reasons;
    buf_reset(&a->text);
    enum status status = open_generator(a, "extractive", err);
    answer->label = LABEL_EXTRACTIVE_FELL;
    answer->degraded |= ENGINE_DEGRADED_GENERATOR;
    return status ? status : run_extractive(a, err);
}

static enum status generate(struct answering *a, struct error *err)
{
    const struct engine_options *o = &a->engine->options;
    enum status status = open_generator(a, o->generator, err);
    if (status)
        return status;
    if (generator_is_extractive(a->generator)) {
        bool is_instead = o->is_generator_expected && strcmp(o->generator, "auto") == 0;
        if (is_instead && !degraded_is_allowed(a->engine))
            return error_set(err, STATUS_REMOTE, "no language model answers: %s",
                             a->answer->reasons);
        if (is_instead)
            a->answer->degraded |= ENGINE_DEGRADED_GENERATOR;
        a->answer->label = is_instead ? LABEL_EXTRACTIVE_FELL : LABEL_EXTRACTIVE;
        return run_extractive(a, err);
    }
    status = run_model(a, err);
    if (!status)
        return STATUS_OK;
    return a->has_streamed ? keep_beginning(a, status, err) : fall_back(a, status, err);
}

static enum status check_answer(struct answering *a, struct error *err)
{
    struct engine_answer *answer = a->answer;
    if (!answer->is_found)
        return say_not_found(answer, err);
    if (generator_is_extractive(a->generator)) /* a mark in a quote is the document's own */
        return set_text(answer, buf_text(&a->text), err);
    struct citation_input input = {.engine = a->engine,
                                   .answer = buf_text(&a->text),
                                   .hits = answer->hits.hit,
                                   .n_hits = answer->n_passages_given};
    struct citation_result checked;
    enum status status = citation_check(&input, &answer->arena, &checked, err);
    if (status)
        return status;
    answer->citations = checked.citations;
    answer->n_citations = checked.n_citations;
    answer->n_unsupported = checked.n_unsupported;
    answer->n_removed = checked.n_removed;
    return set_text(answer, checked.text, err);
}

static enum status answer_anew(struct answering *a, struct error *err)
{
    enum status status = short_path_set(a->engine->reader, &a->answer->hits, err);
    if (status)
        return status;
    int64_t start_us = engine_stage_us(a->engine);
    a->engine->has_embedder_failed = false;
    status = generate(a, err);
    if (!status)
        status = check_answer(a, err);
    a->answer->generate_us = engine_stage_us(a->engine) - start_us;
    if (!status)
        LOG(LOG_EVENT_ANSWERED, {LOG_KEY_TOOK_US, a->answer->generate_us},
            {LOG_KEY_COUNT_OF, (int64_t)a->answer->n_citations},
            {LOG_KEY_DEGRADED, a->answer->degraded});
    if (!status && !generator_is_extractive(a->generator)) {
        if (a->answer->generate_us > 0)
            histogram_add(HISTOGRAM_GENERATE, (uint64_t)a->answer->generate_us);
        metric_add(METRIC_LLM_TOKENS_IN, a->answer->n_tokens_prompt);
        metric_add(METRIC_LLM_TOKENS_OUT, a->answer->n_tokens_answer);
    }
    return status;
}

static enum status answer_from_hits(struct answering *a, struct error *err)
{
    struct engine_answer *answer = a->answer;
    struct query_cache_key key;
    if (!answer->hits.is_relevant)
        return say_not_found(answer, err);
    bool has_key = answer_cache_key(a->engine, a->question, a->options, &a->query, &key);
    if (has_key && answer_cache_find(a->engine, &key, answer)) {
        if (a->options->on_start)
            a->options->on_start(a->options->ctx, answer->generator, answer->model,
                                 answer->reasons);
        return STATUS_OK;
    }
    enum status status = answer_anew(a, err);
    if (!status && has_key)
        answer_cache_put(a->engine, &key, answer);
    return status;
}

enum status engine_answer(struct engine *engine, const char *question,
                          const struct engine_answer_options *options, struct engine_answer *out,
                          struct error *err)
{
    TRACE(TRACE_STAGE_ANSWER);
    struct engine_answer answer = {
        .generator = "", .model = "", .reasons = "", .label = "", .finish = "stop"};
    struct answering a = {
        .engine = engine, .options = options, .question = question, .answer = &answer};
    struct engine_search_options search = options->search;
    search.cancel = options->cancel;
    enum status status = search_run(engine, question, &search, &answer.hits, &a.query, err);
    answer.search_us = answer.hits.took.total_us;
    if (!status)
        status = answer_from_hits(&a, err);
    generator_close(a.generator);
    buf_clear(&a.text);
    if (status) {
        engine_answer_clear(&answer);
        return status;
    }
    degraded_count(engine, answer.degraded);
    answer.degraded |= answer.hits.degraded;
    *out = answer;
    return STATUS_OK;
}
