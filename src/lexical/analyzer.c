#include <assert.h>
#include <libstemmer.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "lexical/fold.h"
#include "lexical/lexical.h"
#include "lexical/stop_words.h"
#include "lexical/word.h"

#define CACHE_SLOTS 4096 /* a power of two; most text repeats few thousand words */
#define CACHE_BYTES 30

/* Stemming is most of the work of analysing; equal words are looked up. */
struct cached_stem {
    unsigned char word_len, stem_len; /* word_len 0: free */
    char word[CACHE_BYTES], stem[CACHE_BYTES];
};

struct analyzer {
    struct sb_stemmer *stemmer; /* NULL: language "none" */
    bool is_english;
    char id[48];
    struct cached_stem cache[CACHE_SLOTS];
};

/* One call of analyzer_terms(). */
struct emitter {
    struct analyzer *analyzer;
    enum analyzer_mode mode;
    void (*emit)(void *ctx, const struct analyzer_term *term);
    void *ctx;
    uint32_t position, i_word; /* of the next term */
    bool is_compound, is_out_of_memory;
};

static enum status unknown_language(const char *language, struct error *err)
{
    char names[400] = "none";
    for (const char **name = sb_stemmer_list(); *name; name++) {
        size_t len = strlen(names);
        snprintf(names + len, sizeof names - len, ", %s", *name);
    }
    enum status status = error_set(err, STATUS_INVALID, "no stemmer for language \"%s\"", language);
    error_hint(err, "languages: %s", names);
    return status;
}

enum status analyzer_new(const char *language, struct analyzer **out, struct error *err)
{
    struct analyzer *analyzer = mem_zalloc(1, sizeof *analyzer);
    if (!analyzer)
        return error_nomem(err);
    if (strcmp(language, "none") != 0) {
        analyzer->stemmer = sb_stemmer_new(language, NULL);
        if (!analyzer->stemmer) {
            mem_free(analyzer);
            return unknown_language(language, err);
        }
    }
    analyzer->is_english = strcmp(language, "english") == 0;
    snprintf(analyzer->id, sizeof analyzer->id, "%s-2", language);
    *out = analyzer;
    return STATUS_OK;
}

void analyzer_free(struct analyzer *analyzer)
{
    if (!analyzer)
        return;
    if (analyzer->stemmer)
        sb_stemmer_delete(analyzer->stemmer);
    mem_free(analyzer);
}

const char *analyzer_id(const struct analyzer *analyzer)
{
    return analyzer->id;
}

static void send(struct emitter *e, const char *term, size_t len)
{
    struct analyzer_term out = {.bytes = term,
                                .len = len,
                                .position = e->position,
                                .i_word = e->i_word,
                                .is_compound = e->is_compound};
    if (len > 0)
        e->emit(e->ctx, &out);
}

static struct cached_stem *cache_slot(struct analyzer *analyzer, const char *word, size_t len)
{
    struct hash128 hash = hash128_of(word, len);
    size_t i = (size_t)hash.bytes[14] << 8 | hash.bytes[15];
    return &analyzer->cache[i & (CACHE_SLOTS - 1)];
}

static void stem_and_send(struct emitter *e, const char *word, size_t len)
{
    struct analyzer *a = e->analyzer;
    if (!a->stemmer) {
        send(e, word, len);
        return;
    }
    struct cached_stem *slot = cache_slot(a, word, len);
    bool is_cacheable = len > 0 && len <= CACHE_BYTES;
    if (is_cacheable && slot->word_len == len && memcmp(slot->word, word, len) == 0) {
        send(e, slot->stem, slot->stem_len);
        return;
    }
    const sb_symbol *stem = sb_stemmer_stem(a->stemmer, (const sb_symbol *)word, (int)len);
    if (!stem) {
        e->is_out_of_memory = true;
        return;
    }
    size_t stem_len = (size_t)sb_stemmer_length(a->stemmer);
    if (stem_len == 0 || stem_len > TERM_BYTES_MAX) {
        send(e, word, len);
        return;
    }
    if (is_cacheable && stem_len <= CACHE_BYTES) {
        slot->word_len = (unsigned char)len;
        slot->stem_len = (unsigned char)stem_len;
        memcpy(slot->word, word, len);
        memcpy(slot->stem, stem, stem_len);
    }
    send(e, (const char *)stem, stem_len);
}

static size_t without_possessive(const char *word, size_t len)
{
    return len > 2 && memcmp(word + len - 2, "'s", 2) == 0 ? len - 2 : len;
}

static void send_english(struct emitter *e, const char *word, size_t len)
{
    if (e->mode != ANALYZER_QUERY || !stop_words_contain(word, len))
        stem_and_send(e, word, without_possessive(word, len));
    e->position++;
}

/* A folded word of letters. An apostrophe holds an English word together (don't) and divides the
 * words of languages with elision (l'eau). */
static void send_plain(struct emitter *e, const char *word, size_t len)
{
    if (e->analyzer->is_english) {
        send_english(e, word, len);
        return;
    }
    for (size_t at = 0; at < len;) {
        const char *apostrophe = memchr(word + at, '\'', len - at);
        size_t end = apostrophe ? (size_t)(apostrophe - word) : len;
        if (end > at) {
            stem_and_send(e, word + at, end - at);
            e->position++;
        }
        at = end + 1;
    }
}

static bool ends_part(const char *text, size_t at)
{
    bool is_upper = text[at] >= 'A' && text[at] <= 'Z';
    bool was_lower = text[at - 1] >= 'a' && text[at - 1] <= 'z';
    return is_upper && was_lower;
}

static size_t end_of_part(const char *text, size_t len, size_t at, enum word_class *out_class)
{
    uint32_t codepoint;
    size_t n = utf8_decode(text + at, len - at, &codepoint);
    enum word_class class = word_class_of(codepoint);
    *out_class = class;
    do
        at += n;
    while (at < len && !ends_part(text, at) &&
           (n = utf8_decode(text + at, len - at, &codepoint), word_class_of(codepoint) == class));
    return at;
}

static void send_folded(struct emitter *e, const char *text, size_t len, bool is_plain)
{
    char term[TERM_BYTES_MAX];
    size_t n = fold_text(text, len, term);
    if (is_plain) {
        send_plain(e, term, n);
        return;
    }
    send(e, term, without_possessive(term, n));
    e->position++;
}

/* The whole, then its parts: runs of one class, cut where camelCase turns. */
static void send_compound(struct emitter *e, const char *text, size_t len, enum word_kind kind)
{
    enum word_class class;
    uint32_t first = e->position;
    e->is_compound = end_of_part(text, len, 0, &class) < len;
    send_folded(e, text, len, kind == WORD_CAMEL);
    if (!e->is_compound)
        return;
    e->is_compound = false;
    e->position = first;
    for (size_t at = 0, end; at < len; at = end) {
        end = end_of_part(text, len, at, &class);
        if (class != WORD_CLASS_OTHER)
            send_folded(e, text + at, end - at, class == WORD_CLASS_LETTER);
    }
}

static void send_bigrams(struct emitter *e, const char *text, size_t len)
{
    uint32_t codepoint;
    size_t first = utf8_decode(text, len, &codepoint);
    if (first == len) {
        send(e, text, len);
        e->position++;
        return;
    }
    for (size_t at = 0; at + first < len;) {
        size_t second = utf8_decode(text + at + first, len - at - first, &codepoint);
        send(e, text + at, first + second);
        e->position++;
        at += first;
        first = second;
    }
}

enum status analyzer_terms(struct analyzer *analyzer, enum analyzer_mode mode, const char *text,
                           size_t len, void (*emit)(void *ctx, const struct analyzer_term *term),
                           void *ctx, struct error *err)
{
    struct emitter e = {.analyzer = analyzer, .mode = mode, .emit = emit, .ctx = ctx};
    struct word word;
    for (size_t at = 0; word_next(text, len, at, &word); at = word.start + word.len) {
        char term[TERM_BYTES_MAX];
        const char *start = text + word.start;
        if (word.kind == WORD_PLAIN)
            send_plain(&e, term, fold_text(start, word.len, term));
        else if (word.kind == WORD_UNSPACED)
            send_bigrams(&e, start, word.len);
        else
            send_compound(&e, start, word.len, word.kind);
        e.i_word++;
    }
    return e.is_out_of_memory ? error_nomem(err) : STATUS_OK;
}
