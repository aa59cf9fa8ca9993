#include "load/pdf_words.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/span.h"
#include "load/pdf_text.h"

#define N_WORD_BYTES 64 /* longer ones are not counted */
#define N_HYPHEN (sizeof PDF_TEXT_HYPHEN - 1)

static bool is_hyphen_at(const char *text, size_t len, size_t at)
{
    return len - at >= N_HYPHEN && memcmp(text + at, PDF_TEXT_HYPHEN, N_HYPHEN) == 0;
}

static bool is_letter_at(const char *text, size_t len, size_t at)
{
    unsigned char c = (unsigned char)text[at];
    return isalpha(c) || (c >= 0x80 && !is_hyphen_at(text, len, at) &&
                          !(c == 0xBF && at >= 1 && is_hyphen_at(text, len, at - 1)) &&
                          !(c == 0xBE && at >= 2 && is_hyphen_at(text, len, at - 2)));
}

static size_t word_end(const char *text, size_t len, size_t at)
{
    while (at < len && is_letter_at(text, len, at))
        at++;
    return at;
}

static size_t word_start(const char *text, size_t len, size_t at)
{
    while (at > 0 && is_letter_at(text, len, at - 1))
        at--;
    return at;
}

/* Of left + between + right in lower case; 0 when too long. */
static uint64_t hash_word(struct span left, const char *between, struct span right)
{
    char word[N_WORD_BYTES];
    size_t n_between = strlen(between), n = 0;
    if (left.len >= N_WORD_BYTES / 2 || right.len >= N_WORD_BYTES / 2 - 1)
        return 0;
    for (size_t i = 0; i < left.len; i++)
        word[n++] = (char)tolower(((const unsigned char *)left.bytes)[i]);
    memcpy(word + n, between, n_between);
    n += n_between;
    for (size_t i = 0; i < right.len; i++)
        word[n++] = (char)tolower(((const unsigned char *)right.bytes)[i]);
    return tally_hash(word, n);
}

void pdf_words_count(struct tally *words, const char *text, size_t len)
{
    struct span before = {0}; /* the word that ends in a hyphen right before this one */
    bool is_broken = false;
    for (size_t i = 0; i < len;) {
        size_t end = word_end(text, len, i);
        struct span word = {text + i, end - i};
        if (end == i) {
            is_broken = is_hyphen_at(text, len, i);
            i += is_broken ? N_HYPHEN : 1;
            before = (struct span){0};
            continue;
        }
        if (!is_broken && !(end < len && is_hyphen_at(text, len, end)))
            tally_add(words, hash_word(word, "", (struct span){0}));
        if (before.len)
            tally_add(words, hash_word(before, "-", word));
        is_broken = false;
        bool is_pair = end + 1 < len && text[end] == '-' && is_letter_at(text, len, end + 1);
        before = is_pair ? word : (struct span){0};
        i = end + (is_pair ? 1 : 0);
    }
}

static bool keeps_hyphen(const struct tally *words, const char *text, size_t len, size_t at)
{
    size_t from = word_start(text, len, at), right = at + N_HYPHEN;
    struct span before = {text + from, at - from};
    struct span after = {text + right, word_end(text, len, right) - right};
    if (before.len == 0 || after.len == 0)
        return true;
    if (isupper((unsigned char)text[right]) && islower((unsigned char)text[at - 1]))
        return true;
    return tally_get(words, hash_word(before, "-", after)) >
           tally_get(words, hash_word(before, "", after));
}

void pdf_words_join(const struct tally *words, const char *text, size_t len, struct buf *out)
{
    size_t n_done = 0;
    const char *at;
    while ((at = memmem(text + n_done, len - n_done, PDF_TEXT_HYPHEN, N_HYPHEN))) {
        size_t offset = (size_t)(at - text);
        buf_append(out, text + n_done, offset - n_done);
        if (keeps_hyphen(words, text, len, offset))
            buf_append_char(out, '-');
        n_done = offset + N_HYPHEN;
    }
    buf_append(out, text + n_done, len - n_done);
}
