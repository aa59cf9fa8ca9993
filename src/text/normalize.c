#include "text/text.h"

#include <stdbool.h>
#include <string.h>

#include <utf8proc.h>

#include "base/utf8.h"

/* Composition looks across characters, so text is normalised in pieces that are cut before a
 * character no mark can attach to. A piece that finds no such place in this many bytes (only
 * hostile text does) is cut where it stands: memory and the sorting of marks stay bounded. */
#define PIECE_MAX 1024
/* The densest canonical decomposition: U+0390, two bytes, three code points. */
#define PIECE_CODEPOINTS_MAX (2 * PIECE_MAX)

struct normalizer {
    struct buf *out;
    enum text_space space;
    bool is_space_due;  /* collapsing: white space was seen after some text */
    bool has_text;      /* collapsing: something was written, so a blank may follow */
    bool is_composable; /* the piece holds something that NFC may change */
    size_t n_piece;
    char piece[PIECE_MAX];
};

enum character_class { CHARACTER_PLAIN, CHARACTER_DROPPED, CHARACTER_LINE_END, CHARACTER_SPACE };

struct codepoint_range {
    uint32_t first, last;
    enum character_class class;
};

/* Sorted; everything else is plain. ASCII is here too: it only gets this far when it is rare. */
static const struct codepoint_range ranges[] = {
    {0x0000, 0x0008, CHARACTER_DROPPED},   {0x0009, 0x0009, CHARACTER_SPACE},
    {0x000A, 0x000A, CHARACTER_LINE_END},  {0x000B, 0x000C, CHARACTER_SPACE},
    {0x000D, 0x000D, CHARACTER_LINE_END},  {0x000E, 0x001F, CHARACTER_DROPPED},
    {0x0020, 0x0020, CHARACTER_SPACE},     {0x007F, 0x0084, CHARACTER_DROPPED},
    {0x0085, 0x0085, CHARACTER_LINE_END},  {0x0086, 0x009F, CHARACTER_DROPPED},
    {0x00A0, 0x00A0, CHARACTER_SPACE},     {0x00AD, 0x00AD, CHARACTER_DROPPED},
    {0x061C, 0x061C, CHARACTER_DROPPED},   {0x1680, 0x1680, CHARACTER_SPACE},
    {0x180E, 0x180E, CHARACTER_DROPPED},   {0x2000, 0x200A, CHARACTER_SPACE},
    {0x200B, 0x200F, CHARACTER_DROPPED},   {0x2028, 0x2029, CHARACTER_LINE_END},
    {0x202A, 0x202E, CHARACTER_DROPPED},   {0x202F, 0x202F, CHARACTER_SPACE},
    {0x205F, 0x205F, CHARACTER_SPACE},     {0x2060, 0x206F, CHARACTER_DROPPED},
    {0x3000, 0x3000, CHARACTER_SPACE},     {0xFEFF, 0xFEFF, CHARACTER_DROPPED},
    {0xE0000, 0xE007F, CHARACTER_DROPPED},
};

static enum character_class character_classify(uint32_t codepoint)
{
    size_t low = 0, high = sizeof ranges / sizeof ranges[0];
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (codepoint > ranges[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    bool is_inside = low < sizeof ranges / sizeof ranges[0] && codepoint >= ranges[low].first;
    return is_inside ? ranges[low].class : CHARACTER_PLAIN;
}

/* True when nothing before `codepoint` can change with it: no mark (some marks are starters that
 * compose, in Indic scripts) and no Hangul vowel or final consonant. */
static bool is_piece_border(uint32_t codepoint)
{
    if (codepoint < 0x300)
        return true;
    if (codepoint >= 0x1160 && codepoint <= 0x11FF)
        return false;
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)codepoint);
    return category != UTF8PROC_CATEGORY_MN && category != UTF8PROC_CATEGORY_MC &&
           category != UTF8PROC_CATEGORY_ME;
}

static void piece_flush(struct normalizer *n)
{
    if (n->is_composable) {
        utf8proc_int32_t codepoints[PIECE_CODEPOINTS_MAX + 1];
        utf8proc_ssize_t count =
            utf8proc_decompose((const utf8proc_uint8_t *)n->piece, (utf8proc_ssize_t)n->n_piece,
                               codepoints, PIECE_CODEPOINTS_MAX, UTF8PROC_DECOMPOSE);
        if (count >= 0 && count <= PIECE_CODEPOINTS_MAX) {
            count = utf8proc_reencode(codepoints, count, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
            buf_append(n->out, codepoints, (size_t)count);
            n->n_piece = 0;
        }
    }
    buf_append(n->out, n->piece, n->n_piece);
    n->n_piece = 0;
    n->is_composable = false;
}

static void put_codepoint(struct normalizer *n, uint32_t codepoint)
{
    if (n->n_piece + 4 > PIECE_MAX || (n->n_piece >= PIECE_MAX / 2 && is_piece_border(codepoint)))
        piece_flush(n);
    n->is_composable |= codepoint >= 0x300;
    n->n_piece += utf8_encode(codepoint, n->piece + n->n_piece);
}

static void put_space_due(struct normalizer *n)
{
    if (n->is_space_due)
        put_codepoint(n, ' ');
    n->is_space_due = false;
    n->has_text = true;
}

static void put_white(struct normalizer *n, uint32_t codepoint, enum character_class class)
{
    if (n->space == TEXT_SPACE_COLLAPSE)
        n->is_space_due = n->has_text;
    else if (class == CHARACTER_LINE_END)
        put_codepoint(n, '\n');
    else
        put_codepoint(n, codepoint == '\v' || codepoint == '\f' ? ' ' : codepoint);
}

static bool is_plain_ascii(char c)
{
    return c > ' ' && c < 0x7F;
}

/* Copies the ASCII at the front and returns its length. The last character stays in the piece: a
 * mark may follow. */
static size_t put_ascii(struct normalizer *n, const char *text, size_t len)
{
    size_t end = 0;
    while (end < len && (is_plain_ascii(text[end]) ||
                         (text[end] == ' ' && end + 1 < len && is_plain_ascii(text[end + 1]) &&
                          (end > 0 && text[end - 1] != ' '))))
        end++;
    if (end == 0)
        return 0;
    put_space_due(n);
    if (end > 1) {
        piece_flush(n);
        buf_append(n->out, text, end - 1);
    }
    put_codepoint(n, (unsigned char)text[end - 1]);
    return end;
}

void text_normalize(const char *text, size_t len, enum text_space space, struct buf *out)
{
    struct normalizer n = {.out = out, .space = space};
    for (size_t at = 0; at < len;) {
        size_t n_ascii = put_ascii(&n, text + at, len - at);
        at += n_ascii;
        if (n_ascii)
            continue;
        uint32_t codepoint;
        at += utf8_decode(text + at, len - at, &codepoint);
        if (codepoint == '\r' && at < len && text[at] == '\n')
            continue;
        enum character_class class = character_classify(codepoint);
        if (class == CHARACTER_PLAIN) {
            put_space_due(&n);
            put_codepoint(&n, codepoint);
        } else if (class != CHARACTER_DROPPED) {
            put_white(&n, codepoint, class);
        }
    }
    piece_flush(&n);
}
