/* token_ids FOLDER <records >records - the ids that the tokenizer of a model folder gives, without
 * what stands around them, for a test to compare with another implementation. A record in is a
 * length (u32, little-endian) and so many bytes of text; a record out a count (u32) and ids (i32).
 *
 * token_ids FOLDER --time FILE - nanoseconds a token over texts of 1,500 bytes, the best of 15. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/checked.h"
#include "base/file.h"
#include "nn/tokenizer.h"

#define N_IDS_MAX ((size_t)1 << 20)
#define TEXT_BYTES ((size_t)1500)
#define N_RUNS 15

static int encode_records(const struct tokenizer *tokenizer, int32_t *ids)
{
    uint32_t len;
    char *text = NULL;
    while (fread(&len, sizeof len, 1, stdin) == 1) {
        char *larger = realloc(text, (size_t)len + 1);
        if (!larger || fread(larger, 1, len, stdin) != len)
            return 1;
        text = larger;
        uint32_t n = (uint32_t)tokenizer_encode(tokenizer, text, len, ids, N_IDS_MAX);
        if (n != tokenizer_encode(tokenizer, text, len, NULL, SIZE_MAX))
            return 1;
        fwrite(&n, sizeof n, 1, stdout);
        fwrite(ids, sizeof *ids, n, stdout);
    }
    free(text);
    return ferror(stdin) || fflush(stdout);
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void time_file(const struct tokenizer *tokenizer, struct span file, int32_t *ids)
{
    double best = 1e18;
    size_t n_tokens = 0;
    for (int run = 0; run < N_RUNS; run++) {
        double started = now_ns();
        n_tokens = 0;
        for (size_t at = 0; at < file.len; at += TEXT_BYTES)
            n_tokens += tokenizer_encode(tokenizer, (const char *)file.bytes + at,
                                         size_min(TEXT_BYTES, file.len - at), ids, N_IDS_MAX);
        double took = now_ns() - started;
        best = took < best ? took : best;
    }
    printf("%zu tokens, %.1f ns a token\n", n_tokens, best / (double)n_tokens);
}

int main(int argc, char **argv)
{
    static int32_t ids[N_IDS_MAX];
    struct error err;
    struct model_config config;
    struct tokenizer tokenizer = {0};
    struct span file = {0};
    int code = 1;
    if (argc != 2 && argc != 4)
        return 2;
    enum status status = model_config_read(argv[1], &config, &err);
    if (!status)
        status = tokenizer_open(argv[1], &config, &tokenizer, &err);
    if (!status && argc == 4)
        status = file_map(argv[3], &file, &err);
    if (status) {
        fprintf(stderr, "token_ids: %s\n", err.message);
    } else if (argc == 4) {
        time_file(&tokenizer, file, ids);
        code = 0;
    } else {
        code = encode_records(&tokenizer, ids);
    }
    file_unmap(&file);
    tokenizer_close(&tokenizer);
    return code;
}
