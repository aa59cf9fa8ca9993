#include "nn/wordpiece.h"

#include <string.h>
#include <utf8proc.h>

#include "base/checked.h"
#include "base/utf8.h"
#include "nn/wordpiece_table.h"

#define WORD_BYTES ((size_t)4 * WORDPIECE_WORD_CHARS)

static const uint16_t *const pages_of[] = {
    [CASING_UNCASED] = wordpiece_pages_uncased,
    [CASING_CASED] = wordpiece_pages_cased,
    [CASING_LOWER] = wordpiece_pages_lower,
    [CASING_STRIPPED] = wordpiece_pages_stripped,
};

struct splitter {
    const struct vocabulary *vocabulary;
    const uint16_t *pages;
    int32_t *out_ids; /* NULL: only count */
    size_t n_ids, n_max;
    size_t n_bytes, n_chars; /* of the word so far; its bytes past the limit are not kept */
    size_t n_settled;        /* bytes of the word that no mark moves into */
    char word[WORD_BYTES];
};

static void emit(struct splitter *s, size_t at, int32_t id)
{
    if (s->out_ids && at < s->n_max)
        s->out_ids[at] = id;
}

/* The longest piece of word[from..], its end in *out_end; -1 when not even one byte fits. */
static int32_t longest_piece(const struct splitter *s, size_t from, size_t *out_end)
{
    const struct vocabulary *v = s->vocabulary;
    const char *piece = s->word + from;
    bool is_continuation = from > 0;
    size_t n = size_min(s->n_bytes - from, v->n_bytes_max);
    uint32_t hashes[WORD_BYTES + 1];
    hashes[0] = vocabulary_hash_begin(is_continuation);
    for (size_t i = 0; i < n; i++)
        hashes[i + 1] = vocabulary_hash_step(hashes[i], piece[i]);
    for (; n > 0; n--) {
        if (!vocabulary_may_have(v, hashes[size_min(n, VOCABULARY_HEAD_BYTES)], n))
            continue;
        if (from + n < s->n_bytes && (piece[n] & 0xC0) == 0x80)
            continue;
        int32_t id = vocabulary_find(v, is_continuation, piece, n, hashes[n]);
        if (id >= 0) {
            *out_end = from + n;
            return id;
        }
    }
    return -1;
}

/* A word that can't be covered whole is one [UNK], whatever pieces it began with. */
static void end_word(struct splitter *s)
{
    if (s->n_chars == 0)
        return;
    size_t n_ids = s->n_ids;
    bool is_known = s->n_chars <= WORDPIECE_WORD_CHARS;
    for (size_t from = 0; is_known && from < s->n_bytes;) {
        int32_t id = longest_piece(s, from, &from);
        is_known = id >= 0;
        emit(s, n_ids++, id);
    }
    if (!is_known) {
        emit(s, s->n_ids, s->vocabulary->special[VOCABULARY_UNK]);
        n_ids = s->n_ids + 1;
    }
    s->n_ids = size_min(n_ids, s->n_max);
    s->n_bytes = 0;
    s->n_chars = 0;
    s->n_settled = 0;
}

static void add_char(struct splitter *s, uint32_t codepoint)
{
    if (s->n_chars++ >= WORDPIECE_WORD_CHARS)
        return;
    if (codepoint < 0x80)
        s->word[s->n_bytes++] = (char)codepoint;
    else
        s->n_bytes += utf8_encode(codepoint, s->word + s->n_bytes);
}

static int order_of(uint32_t mark)
{
    return utf8proc_get_property((utf8proc_int32_t)mark)->combining_class;
}

/* Marks of one run stand in the order of their classes, and of the text within a class (Unicode
 * 3.11, "Canonical Ordering Algorithm"). */
static void add_mark(struct splitter *s, uint32_t mark)
{
    char bytes[4];
    size_t n = utf8_encode(mark, bytes), at = s->n_bytes;
    if (s->n_chars++ >= WORDPIECE_WORD_CHARS)
        return;
    while (at > s->n_settled) {
        uint32_t before;
        size_t begin = utf8_floor(s->word, s->n_bytes, at - 1);
        utf8_decode(s->word + begin, at - begin, &before);
        if (wordpiece_action_of(s->pages, before) != WORDPIECE_ACTION_MARK ||
            order_of(before) <= order_of(mark))
            break;
        at = begin;
    }
    memmove(s->word + at + n, s->word + at, s->n_bytes - at);
    memcpy(s->word + at, bytes, n);
    s->n_bytes += n;
}

static void add_word_of_one(struct splitter *s, uint32_t codepoint)
{
    end_word(s);
    add_char(s, codepoint);
    end_word(s);
}

/* Unicode 3.12, "Hangul Syllable Decomposition". */
static void add_hangul(struct splitter *s, uint32_t codepoint)
{
    uint32_t i = codepoint - 0xAC00;
    add_char(s, 0x1100 + i / 588);
    add_char(s, 0x1161 + i % 588 / 28);
    if (i % 28)
        add_char(s, 0x11A7 + i % 28);
}

/* Results are already normalised; they may hold word boundaries but nothing to map again. */
static void add_result(struct splitter *s, const uint32_t *result)
{
    for (bool is_last = false; !is_last; result++) {
        is_last = (*result & WORDPIECE_RESULT_LAST) != 0;
        uint32_t codepoint = *result & ~WORDPIECE_RESULT_LAST;
        switch (wordpiece_action_of(s->pages, codepoint)) {
        case WORDPIECE_ACTION_SPACE:
            end_word(s);
            break;
        case WORDPIECE_ACTION_PUNCT:
            add_word_of_one(s, codepoint);
            break;
        case WORDPIECE_ACTION_MARK:
            add_mark(s, codepoint);
            break;
        default:
            add_char(s, codepoint);
        }
    }
}

static void add_codepoint(struct splitter *s, uint32_t codepoint)
{
    unsigned action = wordpiece_action_of(s->pages, codepoint);
    switch (action) {
    case WORDPIECE_ACTION_KEEP:
        add_char(s, codepoint);
        break;
    case WORDPIECE_ACTION_DROP:
        break;
    case WORDPIECE_ACTION_DROP_STOP:
        s->n_settled = s->n_bytes;
        break;
    case WORDPIECE_ACTION_SPACE:
        end_word(s);
        break;
    case WORDPIECE_ACTION_CJK:
    case WORDPIECE_ACTION_PUNCT:
        add_word_of_one(s, codepoint);
        break;
    case WORDPIECE_ACTION_HANGUL:
        add_hangul(s, codepoint);
        break;
    case WORDPIECE_ACTION_MARK:
        add_mark(s, codepoint);
        break;
    default:
        add_result(s, wordpiece_results + (action - WORDPIECE_ACTION_MAP));
    }
}

/* A special token written literally at text[0..]: its length and id; 0 when there is none. */
static size_t find_special(const struct vocabulary *v, const char *text, size_t len,
                           int32_t *out_id)
{
    for (size_t i = 0; i < VOCABULARY_N_SPECIAL; i++) {
        const char *special = vocabulary_special_text((enum vocabulary_special)i);
        size_t special_len = strlen(special);
        if (v->special[i] >= 0 && special_len <= len && memcmp(text, special, special_len) == 0) {
            *out_id = v->special[i];
            return special_len;
        }
    }
    return 0;
}

size_t wordpiece_encode(const struct vocabulary *vocabulary, enum casing casing, const char *text,
                        size_t len, int32_t *out_ids, size_t n_max)
{
    struct splitter s;
    s.vocabulary = vocabulary;
    s.pages = pages_of[casing];
    s.out_ids = out_ids;
    s.n_max = n_max;
    s.n_ids = s.n_bytes = s.n_chars = s.n_settled = 0;
    for (size_t at = 0; at < len && s.n_ids < n_max;) {
        unsigned char byte = (unsigned char)text[at];
        int32_t id;
        size_t n_special = byte == '[' ? find_special(vocabulary, text + at, len - at, &id) : 0;
        if (n_special > 0) {
            end_word(&s);
            emit(&s, s.n_ids, id);
            s.n_ids = size_min(s.n_ids + 1, n_max);
            at += n_special;
            continue;
        }
        uint32_t codepoint = byte;
        at += byte < 0x80 ? 1 : utf8_decode(text + at, len - at, &codepoint);
        add_codepoint(&s, codepoint);
    }
    if (s.n_ids < n_max)
        end_word(&s);
    return s.n_ids;
}
