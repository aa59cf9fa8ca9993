#include <assert.h>
#include <libstemmer.h>
#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "lexical/lexical.h"
#include "lexical/stop_words.h"
#include "lexical/word.h"

#define TERM_BYTES_MAX 255
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
    void (*emit)(void *ctx, const char *term, size_t len);
    void *ctx;
    bool is_out_of_memory;
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
    snprintf(analyzer->id, sizeof analyzer->id, "%s-1", language);
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

/* Lower case; characters that only look different become one: the apostrophe of print, full-width
 * ASCII, the Greek sigma at a word's end (its capital tells no difference). */
static uint32_t fold(uint32_t codepoint)
{
    if (codepoint == 0x2019)
        return '\'';
    if (codepoint >= 0xFF01 && codepoint <= 0xFF5E)
        codepoint -= 0xFF01 - '!';
    codepoint = (uint32_t)utf8proc_tolower((utf8proc_int32_t)codepoint);
    return codepoint == 0x03C2 ? 0x03C3 : codepoint;
}

/* Folds text[0..len-1], at most TERM_BYTES_MAX bytes in whole characters. */
static size_t lower(const char *text, size_t len, char out[TERM_BYTES_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < len;) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x80) {
            if (n == TERM_BYTES_MAX)
                break;
            out[n++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
            i++;
            continue;
        }
        uint32_t codepoint;
        char bytes[4];
        i += utf8_decode(text + i, len - i, &codepoint);
        size_t n_bytes = utf8_encode(fold(codepoint), bytes);
        if (n + n_bytes > TERM_BYTES_MAX)
            break;
        memcpy(out + n, bytes, n_bytes);
        n += n_bytes;
    }
    return n;
}

static void send(struct emitter *e, const char *term, size_t len)
{
    if (len > 0)
        e->emit(e->ctx, term, len);
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
    if (e->mode == ANALYZER_QUERY && stop_words_contain(word, len))
        return;
    stem_and_send(e, word, without_possessive(word, len));
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
        if (end > at)
            stem_and_send(e, word + at, end - at);
        at = end + 1;
    }
}

static bool ends_part(const char *text, size_t at)
{
    bool is_upper = text[at] >= 'A' && text[at] <= 'Z';
    bool was_lower = text[at - 1] >= 'a' && text[at - 1] <= 'z';
    return is_upper && was_lower;
}

/* The whole, then its parts: runs of one class, cut where camelCase turns. */
static void send_compound(struct emitter *e, const char *text, size_t len, enum word_kind kind)
{
    char term[TERM_BYTES_MAX];
    size_t n_whole = lower(text, len, term);
    if (kind == WORD_CAMEL)
        send_plain(e, term, n_whole);
    else
        send(e, term, without_possessive(term, n_whole));
    for (size_t at = 0; at < len;) {
        uint32_t codepoint;
        size_t n = utf8_decode(text + at, len - at, &codepoint), start = at;
        enum word_class class = word_class_of(codepoint);
        if (class == WORD_CLASS_OTHER) {
            at += n;
            continue;
        }
        do
            at += n;
        while (
            at < len && !ends_part(text, at) &&
            (n = utf8_decode(text + at, len - at, &codepoint), word_class_of(codepoint) == class));
        if (at - start == len)
            return; /* the part is the whole */
        size_t n_part = lower(text + start, at - start, term);
        if (class == WORD_CLASS_LETTER)
            send_plain(e, term, n_part);
        else
            send(e, term, n_part);
    }
}

static void send_bigrams(struct emitter *e, const char *text, size_t len)
{
    uint32_t codepoint;
    size_t first = utf8_decode(text, len, &codepoint);
    if (first == len) {
        send(e, text, len);
        return;
    }
    for (size_t at = 0; at + first < len;) {
        size_t second = utf8_decode(text + at + first, len - at - first, &codepoint);
        send(e, text + at, first + second);
        at += first;
        first = second;
    }
}

enum status analyzer_terms(struct analyzer *analyzer, enum analyzer_mode mode, const char *text,
                           size_t len, void (*emit)(void *ctx, const char *term, size_t len),
                           void *ctx, struct error *err)
{
    struct emitter e = {.analyzer = analyzer, .mode = mode, .emit = emit, .ctx = ctx};
    struct word word;
    for (size_t at = 0; word_next(text, len, at, &word); at = word.start + word.len) {
        char term[TERM_BYTES_MAX];
        const char *start = text + word.start;
        if (word.kind == WORD_PLAIN)
            send_plain(&e, term, lower(start, word.len, term));
        else if (word.kind == WORD_UNSPACED)
            send_bigrams(&e, start, word.len);
        else
            send_compound(&e, start, word.len, word.kind);
    }
    return e.is_out_of_memory ? error_nomem(err) : STATUS_OK;
}
