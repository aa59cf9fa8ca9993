#include <stdbool.h>

#include "embed/embed_server.h"

#define N_LETTERS_COMMON 12 /* a longer run is rarely a word of a vocabulary */

static bool is_letter(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static size_t count_run(size_t n_letters)
{
    return n_letters <= N_LETTERS_COMMON ? (n_letters + 2) / 3 : (n_letters + 1) / 2;
}

size_t embed_server_count_tokens(const void *unused, const char *text, size_t len)
{
    (void)unused;
    size_t n_tokens = 0, n_letters = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (is_letter(c)) {
            n_letters++;
            continue;
        }
        n_tokens += count_run(n_letters) + (c != ' ' && c != '\t');
        n_letters = 0;
    }
    return n_tokens + count_run(n_letters);
}
