/* nn/wordpiece_table.h - what the BERT normaliser does with each code point, in each casing,
 * measured on the reference tokenizer (Unicode 8.0 categories). The data is generated; see
 * wordpiece_table.c. */
#ifndef RAGGED_NN_WORDPIECE_TABLE_H
#define RAGGED_NN_WORDPIECE_TABLE_H

#include <stdint.h>

enum wordpiece_action {
    WORDPIECE_ACTION_KEEP,
    WORDPIECE_ACTION_DROP,
    WORDPIECE_ACTION_DROP_STOP, /* no mark moves across it */
    WORDPIECE_ACTION_SPACE,
    WORDPIECE_ACTION_CJK,    /* a word of its own */
    WORDPIECE_ACTION_PUNCT,  /* a word of its own */
    WORDPIECE_ACTION_HANGUL, /* a syllable: decomposed by arithmetic */
    WORDPIECE_ACTION_MARK,   /* kept, but in canonical order among its like */
    WORDPIECE_ACTION_MAP     /* this and above: replaced by results[action - MAP ..] */
};

#define WORDPIECE_PAGE_BITS 7
#define WORDPIECE_N_PAGES (0x110000 >> WORDPIECE_PAGE_BITS)
#define WORDPIECE_RESULT_LAST 0x80000000u /* set on the last code point of a result */

/* Pages and results are shared; which page a block of code points has depends on the casing. */
extern const uint16_t wordpiece_pages_uncased[WORDPIECE_N_PAGES];
extern const uint16_t wordpiece_pages_cased[WORDPIECE_N_PAGES];
extern const uint16_t wordpiece_pages_lower[WORDPIECE_N_PAGES];
extern const uint16_t wordpiece_pages_stripped[WORDPIECE_N_PAGES];
extern const uint16_t wordpiece_actions[]; /* pages, [][1 << WORDPIECE_PAGE_BITS] */
extern const uint32_t wordpiece_results[];

/* An enum wordpiece_action, or more (a map); codepoint <= 0x10FFFF. */
static inline unsigned wordpiece_action_of(const uint16_t *pages, uint32_t codepoint)
{
    unsigned page = pages[codepoint >> WORDPIECE_PAGE_BITS];
    return wordpiece_actions[page << WORDPIECE_PAGE_BITS |
                             (codepoint & ((1u << WORDPIECE_PAGE_BITS) - 1))];
}

#endif
