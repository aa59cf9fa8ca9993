/* token_ids FOLDER <records >records - the ids that the tokenizer of a model folder gives, without
 * what stands around them, for a test to compare with another implementation. A record in is a
 * length (u32, little-endian) and so many bytes of text; a record out a count (u32) and ids (i32).
 *
 * token_ids FOLDER --pairs N_MAX <records >records - two records in, the ids of the pair out, all
 * of them (at most N_MAX), and their types as a second record.
 *
 * token_ids FOLDER --time FILE - nanoseconds a token over texts of 1,500 bytes, the best of 15. */
#include <stdbool.h>
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

/* The next record of stdin in *text, grown as needed; false at the end, or when it is cut short. */
static bool read_record(char **text, size_t *out_len)
{
    uint32_t len;
    if (fread(&len, sizeof len, 1, stdin) != 1)
        return false;
    char *larger = realloc(*text, (size_t)len + 1);
    if (!larger)
        return false;
    *text = larger;
    *out_len = len;
    return fread(larger, 1, len, stdin) == len;
}

static void write_record(const int32_t *ids, size_t n_ids)
{
    uint32_t n = (uint32_t)n_ids;
    fwrite(&n, sizeof n, 1, stdout);
    fwrite(ids, sizeof *ids, n_ids, stdout);
}

static int encode_records(const struct tokenizer *tokenizer, int32_t *ids)
{
    char *text = NULL;
    size_t len = 0;
    bool is_sound = true;
    while (is_sound && read_record(&text, &len)) {
        size_t n = tokenizer_encode(tokenizer, text, len, ids, N_IDS_MAX);
        is_sound = n == tokenizer_encode(tokenizer, text, len, NULL, SIZE_MAX);
        write_record(ids, n);
    }
    free(text);
    return !is_sound || ferror(stdin) || fflush(stdout);
}

static int encode_pairs(const struct tokenizer *tokenizer, int32_t *ids, size_t n_max)
{
    static uint8_t types[N_IDS_MAX];
    char *a = NULL, *b = NULL;
    size_t a_len = 0, b_len = 0;
    while (read_record(&a, &a_len) && read_record(&b, &b_len)) {
        const struct tokenizer_pair pair = {.a = a, .a_len = a_len, .b = b, .b_len = b_len};
        size_t n = tokenizer_encode_pair(tokenizer, &pair, ids, types, n_max);
        write_record(ids, n);
        for (size_t i = 0; i < n; i++)
            ids[i] = types[i];
        write_record(ids, n);
    }
    free(a);
    free(b);
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
    bool is_timed = argc == 4 && strcmp(argv[2], "--time") == 0;
    if (argc != 2 && argc != 4)
        return 2;
    enum status status = model_config_read(argv[1], &config, &err);
    if (!status)
        status = tokenizer_open(argv[1], &config, &tokenizer, &err);
    if (!status && is_timed)
        status = file_map(argv[3], &file, &err);
    if (status) {
        fprintf(stderr, "token_ids: %s\n", err.message);
    } else if (is_timed) {
        time_file(&tokenizer, file, ids);
        code = 0;
    } else if (argc == 4) {
        code = encode_pairs(&tokenizer, ids, strtoul(argv[3], NULL, 10));
    } else {
        code = encode_records(&tokenizer, ids);
    }
    file_unmap(&file);
    tokenizer_close(&tokenizer);
    return code;
}
