/* encoder_bench - the encoder alone, timed by its own processor clock.
 *
 *     encoder_bench MODEL_FOLDER KERNEL FILE...        KERNEL: "auto" or a row of the kernel table
 *
 * Each file is a case, one text a line. Prints "ready KERNEL FINGERPRINT", then obeys lines of
 * stdin:
 *
 *     whole CASE N         encodes all texts of the case in one call, N times
 *     each CASE N          encodes them one by one, N times
 *     write CASE PATH      writes their vectors, raw floats
 *     fresh N              opens the model and encodes the first text of case 0, N times
 *
 * and answers each with the least processor time of the N, of all threads, in nanoseconds (write:
 * 0). Tokenizing is part of the time, reading the files is not. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nn/nn.h"

struct bench_case {
    char *bytes; /* owned; texts point into it */
    struct encoder_text *texts;
    size_t n;
    float *out; /* [n][dim] */
};

struct bench {
    struct encoder_options options;
    struct encoder *encoder;
    struct encoder_scratch *scratch;
    size_t dim, n_cases;
    struct bench_case *cases;
};

static void die(const char *what, const char *why)
{
    fprintf(stderr, "encoder_bench: %s: %s\n", what, why);
    exit(1);
}

static void *claim(size_t n, size_t size)
{
    void *memory = calloc(n ? n : 1, size);
    if (!memory)
        die("memory", "none");
    return memory;
}

static uint64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void open_encoder(const struct encoder_options *options, struct encoder **encoder,
                         struct encoder_scratch **scratch)
{
    struct error err = {0};
    if (encoder_open(options, encoder, &err) || encoder_scratch_new(*encoder, scratch, &err))
        die(options->folder, err.message);
}

static void encode(struct bench *bench, const struct encoder_text *texts, size_t n, float *out)
{
    struct error err = {0};
    if (encoder_encode(bench->encoder, bench->scratch, texts, n, out, &err))
        die("encode", err.message);
}

static void read_case(struct bench *bench, const char *path, struct bench_case *out)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END))
        die(path, "can not be read");
    size_t len = (size_t)ftell(file), n_lines = 0;
    out->bytes = claim(len + 1, 1);
    rewind(file);
    if (fread(out->bytes, 1, len, file) != len)
        die(path, "can not be read");
    fclose(file);
    for (size_t i = 0; i < len; i++)
        n_lines += out->bytes[i] == '\n';
    out->texts = claim(n_lines, sizeof *out->texts);
    for (char *at = out->bytes, *end; (end = strchr(at, '\n')); at = end + 1)
        out->texts[out->n++] = (struct encoder_text){.text = at, .len = (size_t)(end - at)};
    out->out = claim(out->n * bench->dim, sizeof *out->out);
}

static void run_once(struct bench *bench, struct bench_case *c, bool is_each)
{
    for (size_t i = 0; is_each && i < c->n; i++)
        encode(bench, &c->texts[i], 1, c->out + i * bench->dim);
    if (!is_each)
        encode(bench, c->texts, c->n, c->out);
}

static void run_fresh(struct bench *bench)
{
    struct bench fresh = *bench;
    open_encoder(&bench->options, &fresh.encoder, &fresh.scratch);
    encode(&fresh, bench->cases[0].texts, 1, bench->cases[0].out);
    encoder_scratch_free(fresh.scratch);
    encoder_close(fresh.encoder);
}

static uint64_t least_ns(struct bench *bench, const char *word, struct bench_case *c, unsigned n)
{
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < n; i++) {
        uint64_t start = cpu_ns();
        if (strcmp(word, "fresh") == 0)
            run_fresh(bench);
        else
            run_once(bench, c, strcmp(word, "each") == 0);
        uint64_t took = cpu_ns() - start;
        least = took < least ? took : least;
    }
    return least;
}

static void write_vectors(struct bench *bench, struct bench_case *c, const char *path)
{
    FILE *file = fopen(path, "wb");
    run_once(bench, c, false);
    if (!file || fwrite(c->out, bench->dim * sizeof *c->out, c->n, file) != c->n || fclose(file))
        die(path, "can not be written");
}

static void obey(struct bench *bench, const char *line)
{
    char word[16] = "", path[4096] = "";
    unsigned i_case = 0, n = 1;
    uint64_t answer = 0;
    if (sscanf(line, "fresh %u", &n) == 1)
        answer = least_ns(bench, "fresh", NULL, n);
    else if (sscanf(line, "write %u %4095s", &i_case, path) == 2 && i_case < bench->n_cases)
        write_vectors(bench, &bench->cases[i_case], path);
    else if (sscanf(line, "%15s %u %u", word, &i_case, &n) == 3 && i_case < bench->n_cases)
        answer = least_ns(bench, word, &bench->cases[i_case], n);
    else
        die(line, "is not understood");
    printf("%" PRIu64 "\n", answer);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        die("usage", "encoder_bench MODEL_FOLDER KERNEL FILE...");
    struct bench bench = {.options = {.folder = argv[1], .kernel = argv[2]}};
    open_encoder(&bench.options, &bench.encoder, &bench.scratch);
    bench.dim = encoder_dim(bench.encoder);
    bench.n_cases = (size_t)argc - 3;
    bench.cases = claim(bench.n_cases, sizeof *bench.cases);
    for (size_t i = 0; i < bench.n_cases; i++)
        read_case(&bench, argv[3 + i], &bench.cases[i]);
    printf("ready %s %s\n", encoder_kernel(bench.encoder), encoder_fingerprint(bench.encoder));
    fflush(stdout);
    char line[4200];
    while (fgets(line, sizeof line, stdin))
        obey(&bench, line);
    encoder_scratch_free(bench.scratch);
    encoder_close(bench.encoder);
    for (size_t i = 0; i < bench.n_cases; i++) {
        free(bench.cases[i].bytes);
        free(bench.cases[i].texts);
        free(bench.cases[i].out);
    }
    free(bench.cases);
    return 0;
}
