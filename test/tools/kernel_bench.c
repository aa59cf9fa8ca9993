/* How near the kernels come to what the processor can do: register-only loops give the peak, then
 * the four products of the model and the whole encoder are held against it. One thread, minima of
 * time that passed: nothing makes that shorter. usage: kernel_bench MODEL_FOLDER [KERNEL] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "nn/kernel.h"
#include "nn/nn.h"

#define N_RUNS 40
#define LEAST_S 0.5 /* of them all: longer than what disturbs a machine lasts */

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct least {
    int n_runs;
    double begin_s, start_s, s; /* s: the least of them */
};

/* Before each run: ends the last one, and says whether there is to be another. */
static bool once_more(struct least *least)
{
    double now = now_s(), took = now - least->start_s;
    if (least->n_runs == 0)
        least->begin_s = now;
    else if (least->n_runs == 1 || took < least->s)
        least->s = took;
    if (least->n_runs >= N_RUNS && now - least->begin_s >= LEAST_S)
        return false;
    least->n_runs++;
    least->start_s = now_s();
    return true;
}

/* From 1/2 to 1. Bytes of any value would hold denormal floats, which some processors compute a
 * hundred times slower. */
static float number(size_t i)
{
    return 0.5f + (float)(i * 2654435761u >> 13 & 0xFF) / 512;
}

static void fill_floats(float *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = number(i);
}

static void fill(void *p, size_t n, enum precision precision)
{
    for (size_t i = 0; i < n; i++) {
        float x = number(i);
        uint32_t bits;
        memcpy(&bits, &x, sizeof bits);
        if (precision == PRECISION_FP32)
            ((float *)p)[i] = x;
        else
            ((uint16_t *)p)[i] =
                (uint16_t)(precision == PRECISION_BF16 ? bits >> 16 : (uint32_t)(x * 8191));
    }
}

#if defined(__x86_64__)

#define PEAK_STEPS 100000
#define SUMS12(X) \
    X("0") X("1") X("2") X("3") X("4") X("5") X("6") X("7") X("8") X("9") X("10") X("11")
#define SUMS16_21(X) X("16") X("17") X("18") X("19") X("20") X("21")
#define SUMS22_27(X) X("22") X("23") X("24") X("25") X("26") X("27")
#define NEXT12(X) SUMS16_21(X) SUMS22_27(X)
#define CLOBBER15                                                                            \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
        "xmm11", "xmm12", "xmm13", "xmm14"
#define ZMM_DP(i) "vpdpwssd %%zmm13, %%zmm14, %%zmm" i "\n\t"
#define ZMM_BF16(i) "vdpbf16ps %%zmm13, %%zmm14, %%zmm" i "\n\t"
#define ZMM_FMA(i) "vfmadd231ps %%zmm13, %%zmm14, %%zmm" i "\n\t"
#define ZMM_ZERO(i) "vpxord %%zmm" i ", %%zmm" i ", %%zmm" i "\n\t"
#define YMM_FMA(i) "vfmadd231ps %%ymm13, %%ymm14, %%ymm" i "\n\t"
#define YMM_DP(i) "%{vex%} vpdpwssd %%ymm13, %%ymm14, %%ymm" i "\n\t"
#define YMM_MADD(i)                          \
    "vpmaddwd %%ymm13, %%ymm14, %%ymm12\n\t" \
    "vpaddd %%ymm12, %%ymm" i ", %%ymm" i "\n\t"

/* 24 sums a step, as many of them independent as there are registers, of numbers that are not zero:
 * a processor that computes with zeros takes less power and runs faster. Only code for such a
 * processor knows zmm16 to zmm27, so they need not be named as changed. */
#define PEAK_LOOP(name, load, instructions, more)                           \
    static void name(const void *numbers)                                   \
    {                                                                       \
        __asm__ volatile("vzeroall\n\t" load : : "r"(numbers) : CLOBBER15); \
        for (size_t i = 0; i < PEAK_STEPS; i++)                             \
            __asm__ volatile(SUMS12(instructions) more::: CLOBBER15);       \
        __asm__ volatile("vzeroupper");                                     \
    }
#define ZMM_LOAD "vmovdqu64 (%0), %%zmm13\n\tvmovdqu64 64(%0), %%zmm14\n\t" NEXT12(ZMM_ZERO)
#define YMM_LOAD "vmovdqu (%0), %%ymm13\n\tvmovdqu 64(%0), %%ymm14"
PEAK_LOOP(peak_avx512_int16, ZMM_LOAD, ZMM_DP, NEXT12(ZMM_DP))
PEAK_LOOP(peak_avx512_bf16, ZMM_LOAD, ZMM_BF16, NEXT12(ZMM_BF16))
PEAK_LOOP(peak_avx512_fp32, ZMM_LOAD, ZMM_FMA, NEXT12(ZMM_FMA))
PEAK_LOOP(peak_avxvnni_int16, YMM_LOAD, YMM_DP, SUMS12(YMM_DP))
PEAK_LOOP(peak_avx2_fp32, YMM_LOAD, YMM_FMA, SUMS12(YMM_FMA))
PEAK_LOOP(peak_avx2_int16, YMM_LOAD, YMM_MADD, SUMS12(YMM_MADD))

static const struct peak {
    const char *kernel;
    void (*run)(const void *numbers);
    double operations; /* of 12 sums */
} peaks[] = {
    {"avx512-int16", peak_avx512_int16, 12 * 64}, {"avx512-bf16", peak_avx512_bf16, 12 * 64},
    {"avx512-fp32", peak_avx512_fp32, 12 * 32},   {"avxvnni-int16", peak_avxvnni_int16, 12 * 32},
    {"avx2-int16", peak_avx2_int16, 12 * 32},     {"avx2-fp32", peak_avx2_fp32, 12 * 16},
};

static double peak_of(const struct kernel *kernel)
{
    float numbers[32];
    fill(numbers, sizeof numbers / precision_element_bytes(kernel->precision), kernel->precision);
    for (size_t i = 0; i < sizeof peaks / sizeof peaks[0]; i++) {
        struct least least = {0};
        if (strcmp(peaks[i].kernel, kernel->name) != 0)
            continue;
        while (once_more(&least))
            peaks[i].run(numbers);
        return 2 * peaks[i].operations * PEAK_STEPS / least.s / 1e9;
    }
    return 0;
}

#else

static double peak_of(const struct kernel *kernel)
{
    (void)kernel;
    return 0;
}

#endif

static void *memory(size_t n, size_t size_bytes)
{
    void *p = mem_aligned(n, size_bytes);
    if (!p)
        exit(1);
    return p;
}

/* One layer of n_in values to n_out, cut into blocks as the model is. */
static double product_rate(const struct kernel *kernel, size_t n_rows, size_t n_in, size_t n_out)
{
    size_t n_inner = KERNEL_INNER_MAX, n_blocks = n_in / n_inner;
    size_t element = precision_element_bytes(kernel->precision);
    char *a = memory(n_rows * n_in, element), *b = memory(n_out * n_in, element);
    float *scales = memory(n_rows + n_out, sizeof *scales),
          *out = memory(n_rows * n_out, sizeof *out);
    struct least least = {0};
    fill(a, n_rows * n_in, kernel->precision);
    fill(b, n_out * n_in, kernel->precision);
    fill_floats(scales, n_rows + n_out);
    while (once_more(&least)) {
        for (size_t block = 0; block < n_blocks; block++)
            kernel->multiply(&(struct product){.a = a + block * n_rows * n_inner * element,
                                               .a_scales = scales,
                                               .b = b + block * n_out * n_inner * element,
                                               .b_scales = scales + n_rows,
                                               .bias = scales + n_rows,
                                               .out = out,
                                               .a_stride = n_inner,
                                               .out_stride = n_out,
                                               .n_rows = n_rows,
                                               .n_columns = n_out,
                                               .n_inner = n_inner,
                                               .is_added = block > 0});
    }
    mem_free(a);
    mem_free(b);
    mem_free(scales);
    mem_free(out);
    return 2.0 * (double)(n_rows * n_in * n_out) / least.s / 1e9;
}

/* n tokens: single letters are one each. */
static double encode_ms(const struct encoder *encoder, size_t n_tokens)
{
    struct error err;
    struct encoder_scratch *scratch;
    char text[1024] = "";
    float out[4096];
    struct least least = {0};
    for (size_t i = 0; i + 2 < n_tokens; i++)
        memcpy(text + 2 * i, (const char[]){(char)('a' + (char)(i * 7 % 26)), ' '}, 2);
    const struct encoder_text one = {text, 2 * (n_tokens - 2)};
    if (encoder_scratch_new(encoder, &scratch, &err))
        exit(1);
    while (once_more(&least)) {
        if (encoder_encode(encoder, scratch, &one, 1, out, &err))
            exit(1);
    }
    encoder_scratch_free(scratch);
    return least.s * 1e3;
}

/* Linear layers and attention of all-MiniLM-L6-v2, at the peak. */
static double floor_ms(size_t n_tokens, double peak)
{
    double linear = 21.23e6 * (double)n_tokens, attention = 9216.0 * (double)(n_tokens * n_tokens);
    return (linear + attention) / peak / 1e6;
}

static void bench(const struct kernel *kernel, const char *folder)
{
    static const size_t sides[][2] = {{384, 1152}, {384, 384}, {384, 1536}, {1536, 384}};
    static const size_t rows[] = {16, 48, 96, 256}, tokens[] = {16, 64, 128, 256};
    struct error err;
    struct encoder *encoder;
    double peak = peak_of(kernel);
    printf("%s: peak %.1f Gop/s\n", kernel->name, peak);
    for (size_t r = 0; r < 4; r++) {
        printf("  %3zu rows:", rows[r]);
        for (size_t s = 0; s < 4; s++) {
            double rate = product_rate(kernel, rows[r], sides[s][0], sides[s][1]);
            printf("  %zux%zu %.1f (%.1f %%)", sides[s][0], sides[s][1], rate, 100 * rate / peak);
        }
        printf("\n");
    }
    if (encoder_open(&(struct encoder_options){.folder = folder, .kernel = kernel->name}, &encoder,
                     &err)) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    for (size_t t = 0; t < 4; t++) {
        double took = encode_ms(encoder, tokens[t]), least = floor_ms(tokens[t], peak);
        printf("  %3zu tokens: %.2f ms, %.1f %% of the floor\n", tokens[t], took,
               100 * least / took);
    }
    encoder_close(encoder);
}

int main(int argc, char **argv)
{
    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: %s MODEL_FOLDER [KERNEL]\n", argv[0]);
        return 2;
    }
    for (size_t i = 0; nn_kernels[i]; i++) {
        if (nn_kernels[i]->runs() &&
            !strstr(nn_kernels[i]->name, argc == 3 ? argv[2] : "scalar") == (argc == 2))
            bench(nn_kernels[i], argv[1]);
    }
    return 0;
}
