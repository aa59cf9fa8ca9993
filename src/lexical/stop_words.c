#include "lexical/stop_words.h"

#include <stdlib.h>
#include <string.h>

/* In byte order. Dropped from queries only: the index keeps every word. */
static const char *const words[] = {
    "a",    "about", "am",    "an",   "and",  "are",   "as",   "at",   "be",    "been",  "but",
    "by",   "can",   "could", "did",  "do",   "does",  "for",  "from", "had",   "has",   "have",
    "he",   "her",   "his",   "how",  "i",    "if",    "in",   "into", "is",    "it",    "its",
    "may",  "me",    "might", "my",   "no",   "not",   "of",   "on",   "or",    "our",   "should",
    "so",   "such",  "than",  "that", "the",  "their", "them", "then", "there", "these", "they",
    "this", "to",    "us",    "was",  "we",   "were",  "what", "when", "where", "which", "who",
    "whom", "whose", "why",   "will", "with", "would", "you",  "your",
};

struct key {
    const char *word;
    size_t len;
};

static int compare(const void *a, const void *b)
{
    const struct key *key = a;
    const char *word = *(const char *const *)b;
    int order = strncmp(key->word, word, key->len);
    return order ? order : -(word[key->len] != '\0');
}

bool stop_words_contain(const char *word, size_t len)
{
    struct key key = {.word = word, .len = len};
    return bsearch(&key, words, sizeof words / sizeof words[0], sizeof words[0], compare) != NULL;
}
