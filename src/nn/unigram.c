#include "nn/unigram.h"

#include <string.h>

#include "base/checked.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "nn/cluster.h"
#include "nn/lattice.h"

#define CLUSTER_BYTES ((size_t)6) /* the map is asked for a whole cluster when it is shorter */

struct stream {
    const struct unigram *unigram;
    struct lattice lattice;
    bool is_word_start;
    size_t n_spaces; /* seen and not yet passed on */
};

void unigram_clear(struct unigram *unigram)
{
    trie_clear(&unigram->pieces);
    mem_free(unigram->scores);
    charsmap_clear(&unigram->charsmap);
    arena_clear(&unigram->memory);
    *unigram = (struct unigram){0};
}

/* The property White_Space. */
static bool is_white_space(uint32_t c)
{
    return c == ' ' || (c >= 9 && c <= 13) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
           c == 0x205F || c == 0x3000;
}

/* --- from normalised characters to words --- */

static void end_word(struct stream *s)
{
    lattice_end(&s->lattice);
    s->is_word_start = true;
}

static void add_to_word(struct stream *s, uint32_t c)
{
    const struct unigram *u = s->unigram;
    if (u->splits_at_white_space && is_white_space(c)) {
        end_word(s);
        return;
    }
    if (c == ' ')
        c = UNIGRAM_SPACE;
    if (s->is_word_start && c != UNIGRAM_SPACE)
        lattice_add(&s->lattice, UNIGRAM_SPACE);
    else if (c == UNIGRAM_SPACE && u->splits_at_space)
        lattice_end(&s->lattice);
    s->is_word_start = false;
    lattice_add(&s->lattice, c);
}

static void pass_spaces(struct stream *s)
{
    if (s->n_spaces > 0)
        add_to_word(s, s->n_spaces > 1 ? s->unigram->space_run : ' ');
    s->n_spaces = 0;
}

static void add_char(struct stream *s, uint32_t c)
{
    if (c == ' ' && s->unigram->space_run) {
        s->n_spaces++;
        return;
    }
    pass_spaces(s);
    add_to_word(s, c);
}

static void add_text(struct stream *s, const char *text)
{
    for (size_t at = 0, len = strlen(text); at < len;) {
        uint32_t c;
        at += utf8_decode(text + at, len - at, &c);
        add_char(s, c);
    }
}

/* --- from text to normalised characters --- */

static void add_each_char(struct stream *s, const char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        uint32_t c;
        char bytes[4];
        at += utf8_decode(text + at, len - at, &c);
        const char *found = charsmap_find(&s->unigram->charsmap, bytes, utf8_encode(c, bytes));
        if (found)
            add_text(s, found);
        else
            add_char(s, c);
    }
}

static void add_cluster(struct stream *s, const char *text, size_t len)
{
    const char *found =
        len < CLUSTER_BYTES ? charsmap_find(&s->unigram->charsmap, text, len) : NULL;
    if (found)
        add_text(s, found);
    else
        add_each_char(s, text, len);
}

static bool is_plain(const struct unigram *u, const char *text, size_t len)
{
    unsigned char c = (unsigned char)text[0];
    return c >= 0x20 && c < 0x7F && u->charsmap.keeps_ascii[c] &&
           (len == 1 || (unsigned char)text[1] < 0x80);
}

/* Text between two added tokens. */
static void add_segment(struct stream *s, const char *text, size_t len)
{
    s->is_word_start = true;
    for (size_t at = 0; at < len && !lattice_is_full(&s->lattice);) {
        if (is_plain(s->unigram, text + at, len - at)) {
            add_char(s, (unsigned char)text[at++]);
            continue;
        }
        size_t n = cluster_length(text + at, len - at);
        add_cluster(s, text + at, n);
        at += n;
    }
    pass_spaces(s);
    lattice_end(&s->lattice);
}

/* --- added tokens --- */

static const struct unigram_added *find_added(const struct unigram *u, const char *text, size_t len)
{
    for (size_t i = 0; u->begins_added[(unsigned char)text[0]] && i < u->n_added; i++) {
        const struct unigram_added *added = &u->added[i];
        if (added->len <= len && memcmp(text, added->text, added->len) == 0)
            return added;
    }
    return NULL;
}

static size_t skip_space(const char *text, size_t at, size_t len)
{
    uint32_t c;
    for (size_t n; at < len; at += n) {
        n = utf8_decode(text + at, len - at, &c);
        if (!is_white_space(c))
            break;
    }
    return at;
}

static size_t skip_space_back(const char *text, size_t at, size_t begin)
{
    uint32_t c;
    for (size_t before; at > begin; at = before) {
        before = utf8_floor(text, at, at - 1);
        utf8_decode(text + before, at - before, &c);
        if (!is_white_space(c))
            break;
    }
    return at;
}

size_t unigram_encode(const struct unigram *unigram, const char *text, size_t len, int32_t *out_ids,
                      size_t n_max)
{
    struct stream s;
    s.unigram = unigram;
    s.n_spaces = 0;
    lattice_init(&s.lattice, unigram, out_ids, n_max);
    size_t begin = 0; /* of the segment */
    for (size_t at = 0; at < len && !lattice_is_full(&s.lattice);) {
        const struct unigram_added *added = find_added(unigram, text + at, len - at);
        if (!added) {
            at++;
            continue;
        }
        size_t end = added->strips_left ? skip_space_back(text, at, begin) : at;
        add_segment(&s, text + begin, end > begin ? end - begin : 0);
        lattice_emit(&s.lattice, added->id);
        at += added->len;
        begin = added->strips_right ? skip_space(text, at, len) : at;
    }
    if (!lattice_is_full(&s.lattice) && begin < len)
        add_segment(&s, text + begin, len - begin);
    return lattice_n_ids(&s.lattice);
}
