/* lexical/word.h - where the words of a text are. Private to lexical/. */
#ifndef RAGGED_LEXICAL_WORD_H
#define RAGGED_LEXICAL_WORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum word_kind {
    WORD_PLAIN,    /* letters and marks only */
    WORD_COMPOUND, /* digits or inner punctuation: kept whole and in parts */
    WORD_CAMEL,    /* letters like getFileName: the whole is one more word, stemmed as any */
    WORD_UNSPACED, /* a script written without blanks: becomes bigrams */
};

struct word {
    size_t start, len;
    enum word_kind kind;
};

/* The next word at or after `from`; false at the end. Words are runs of letters, marks and digits,
 * joined by inner underscores or one of "'.-:/+#@&" (digits also by a comma), with the "++" or "#"
 * of "C++" and "C#": a simple form of UAX 29 that keeps identifiers whole. */
bool word_next(const char *text, size_t len, size_t from, struct word *out);

enum word_class { WORD_CLASS_OTHER, WORD_CLASS_LETTER, WORD_CLASS_DIGIT, WORD_CLASS_UNSPACED };
enum word_class word_class_of(uint32_t codepoint);

#endif
