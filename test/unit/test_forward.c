#include "../testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "nn/nn.h"

/* Models of other shapes than the real one, with random weights, written as a model folder and
 * compared with a plain double-precision forward pass. */

#define N_VOCABULARY 40
#define N_POSITIONS 24
#define N_TYPES 2
#define N_TENSORS_MAX 128
#define EPSILON 1e-5

struct shape {
    const char *pooling; /* "mean_tokens" or "cls_token" */
    const char *prefix;  /* of the tensor names */
    size_t n_layers, dim, n_heads, n_inner;
};

static const struct shape shapes[] = {
    {"mean_tokens", "", 2, 24, 3, 40},    {"cls_token", "", 2, 24, 3, 40},
    {"mean_tokens", "bert.", 1, 7, 1, 5}, {"cls_token", "", 3, 20, 4, 33},
    {"mean_tokens", "", 2, 64, 1, 96},    {"mean_tokens", "", 1, 100, 2, 17},
    {"mean_tokens", "", 1, 1, 1, 1},      {"cls_token", "bert.", 2, 48, 12, 8},
};

struct model {
    const struct shape *shape;
    char folder[64];
    char names[N_TENSORS_MAX][80];
    const float *tensors[N_TENSORS_MAX]; /* in `data` */
    size_t n_tensors, n_floats, n_floats_max;
    float *data;
    struct buf header;
    uint64_t random;
};

static void write_file(const struct model *m, const char *name, const void *bytes, size_t len)
{
    struct error err;
    char path[128];
    snprintf(path, sizeof path, "%s/%s", m->folder, name);
    assert_ok(file_replace(path, bytes, len, 0600, &err));
}

static float random_float(struct model *m)
{
    m->random = m->random * 6364136223846793005u + 1442695040888963407u;
    return (float)(m->random >> 40) / 8388608.0f - 1;
}

static void add_tensor(struct model *m, const char *name, size_t n_rows, size_t n_columns)
{
    size_t n = n_rows * (n_columns ? n_columns : 1), i = m->n_tensors++;
    assert_true(i < N_TENSORS_MAX && m->n_floats + n <= m->n_floats_max);
    snprintf(m->names[i], sizeof m->names[i], "%s", name);
    m->tensors[i] = m->data + m->n_floats;
    bool is_gamma = strstr(name, "LayerNorm.weight") != NULL;
    float scale = n_columns && !strstr(name, "embeddings") ? 2 / sqrtf((float)n_columns) : 1;
    for (size_t k = 0; k < n; k++)
        m->data[m->n_floats + k] = random_float(m) * scale + (is_gamma ? 1 : 0);
    buf_printf(&m->header, "%s\"%s%s\":{\"dtype\":\"F32\",\"shape\":[%zu", i ? "," : "{",
               m->shape->prefix, name, n_rows);
    if (n_columns)
        buf_printf(&m->header, ",%zu", n_columns);
    buf_printf(&m->header, "],\"data_offsets\":[%zu,%zu]}", 4 * m->n_floats, 4 * (m->n_floats + n));
    m->n_floats += n;
}

static void add_layer(struct model *m, size_t l)
{
    size_t dim = m->shape->dim, n_inner = m->shape->n_inner;
    const struct {
        const char *name;
        size_t n_rows, n_columns;
    } parts[] = {
        {"attention.self.query", dim, dim},     {"attention.self.key", dim, dim},
        {"attention.self.value", dim, dim},     {"attention.output.dense", dim, dim},
        {"attention.output.LayerNorm", dim, 0}, {"intermediate.dense", n_inner, dim},
        {"output.dense", dim, n_inner},         {"output.LayerNorm", dim, 0},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char name[80];
        snprintf(name, sizeof name, "encoder.layer.%zu.%s.weight", l, parts[i].name);
        add_tensor(m, name, parts[i].n_rows, parts[i].n_columns);
        snprintf(name, sizeof name, "encoder.layer.%zu.%s.bias", l, parts[i].name);
        add_tensor(m, name, parts[i].n_rows, 0);
    }
}

static void write_weights(struct model *m)
{
    size_t dim = m->shape->dim;
    add_tensor(m, "embeddings.word_embeddings.weight", N_VOCABULARY, dim);
    add_tensor(m, "embeddings.position_embeddings.weight", N_POSITIONS, dim);
    add_tensor(m, "embeddings.token_type_embeddings.weight", N_TYPES, dim);
    add_tensor(m, "embeddings.LayerNorm.weight", dim, 0);
    add_tensor(m, "embeddings.LayerNorm.bias", dim, 0);
    for (size_t l = 0; l < m->shape->n_layers; l++)
        add_layer(m, l);
    buf_append_char(&m->header, '}');
    while (m->header.len % 8)
        buf_append_char(&m->header, ' ');
    struct buf file = {0};
    for (unsigned shift = 0; shift < 64; shift += 8)
        buf_append_char(&file, (char)((uint64_t)m->header.len >> shift));
    buf_append(&file, m->header.data, m->header.len);
    buf_append(&file, m->data, m->n_floats * sizeof(float));
    assert_int_equal(file.failed, STATUS_OK);
    write_file(m, "model.safetensors", file.data, file.len);
    buf_clear(&file);
}

static void write_config(const struct model *m)
{
    char text[512];
    int len = snprintf(text, sizeof text,
                       "{\"model_type\":\"bert\",\"hidden_act\":\"gelu\",\"num_hidden_layers\":%zu,"
                       "\"hidden_size\":%zu,\"num_attention_heads\":%zu,\"intermediate_size\":%zu,"
                       "\"vocab_size\":%d,\"max_position_embeddings\":%d,\"type_vocab_size\":%d,"
                       "\"layer_norm_eps\":1e-5}",
                       m->shape->n_layers, m->shape->dim, m->shape->n_heads, m->shape->n_inner,
                       N_VOCABULARY, N_POSITIONS, N_TYPES);
    write_file(m, "config.json", text, (size_t)len);
    len = snprintf(text, sizeof text, "{\"pooling_mode_%s\":true}", m->shape->pooling);
    write_file(m, "1_Pooling/config.json", text, (size_t)len);
}

static void write_vocabulary(const struct model *m)
{
    struct buf text = {0};
    buf_append_text(&text, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n");
    for (int c = 'a'; c <= 'z'; c++)
        buf_printf(&text, "%c\n", c);
    write_file(m, "vocab.txt", text.data, text.len);
    buf_clear(&text);
}

static void model_init(struct model *m, const struct shape *shape, uint64_t seed)
{
    struct error err;
    *m = (struct model){.shape = shape, .random = seed, .n_floats_max = 300000};
    m->data = mem_array(m->n_floats_max, sizeof *m->data);
    assert_non_null(m->data);
    snprintf(m->folder, sizeof m->folder, "/tmp/ragged-model-%ld", (long)getpid());
    char pooling[96];
    snprintf(pooling, sizeof pooling, "%s/1_Pooling", m->folder);
    assert_ok(folder_make(pooling, &err));
    write_weights(m);
    write_config(m);
    write_vocabulary(m);
}

static void model_clear(struct model *m)
{
    static const char *const names[] = {"model.safetensors",
                                        "config.json",
                                        "1_Pooling/config.json",
                                        "sentence_bert_config.json",
                                        "modules.json",
                                        "tokenizer_config.json",
                                        "vocab.txt",
                                        "1_Pooling",
                                        ""};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", m->folder, names[i]);
        if (unlink(path))
            (void)rmdir(path);
    }
    mem_free(m->data);
    buf_clear(&m->header);
}

/* The reference: one sequence, every sum in double. */

static const float *tensor(const struct model *m, const char *prefix, const char *name)
{
    char full[160];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    for (size_t i = 0; i < m->n_tensors; i++) {
        if (strcmp(m->names[i], full) == 0)
            return m->tensors[i];
    }
    fail_msg("no tensor %s", full);
    return NULL;
}

static void reference_linear(const float *w, const float *b, const double *x, size_t n, size_t n_in,
                             size_t n_out, double *out)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n_out; j++) {
            double sum = (double)b[j];
            for (size_t k = 0; k < n_in; k++)
                sum += x[i * n_in + k] * (double)w[j * n_in + k];
            out[i * n_out + j] = sum;
        }
    }
}

static void reference_norm(const float *gamma, const float *beta, double *x, size_t n, size_t dim)
{
    for (size_t i = 0; i < n; i++, x += dim) {
        double mean = 0, variance = 0;
        for (size_t k = 0; k < dim; k++)
            mean += x[k] / (double)dim;
        for (size_t k = 0; k < dim; k++)
            variance += (x[k] - mean) * (x[k] - mean) / (double)dim;
        for (size_t k = 0; k < dim; k++)
            x[k] = (x[k] - mean) / sqrt(variance + EPSILON) * (double)gamma[k] + (double)beta[k];
    }
}

static void reference_attention(const double *q, const double *k, const double *v, size_t n,
                                size_t dim, size_t n_heads, double *out)
{
    size_t d = dim / n_heads;
    for (size_t i = 0; i < n; i++) {
        for (size_t h = 0; h < n_heads; h++) {
            double weights[N_POSITIONS], sum = 0;
            for (size_t j = 0; j < n; j++) {
                double score = 0;
                for (size_t c = h * d; c < (h + 1) * d; c++)
                    score += q[i * dim + c] * k[j * dim + c];
                sum += weights[j] = exp(score / sqrt((double)d));
            }
            for (size_t c = h * d; c < (h + 1) * d; c++) {
                out[i * dim + c] = 0;
                for (size_t j = 0; j < n; j++)
                    out[i * dim + c] += weights[j] / sum * v[j * dim + c];
            }
        }
    }
}

#define WIDTH_MAX ((size_t)100) /* of any shape above */

static void reference_layer(const struct model *m, size_t l, double *x, size_t n)
{
    static double q[N_POSITIONS * WIDTH_MAX], k[N_POSITIONS * WIDTH_MAX],
        v[N_POSITIONS * WIDTH_MAX], y[N_POSITIONS * WIDTH_MAX];
    size_t dim = m->shape->dim, n_inner = m->shape->n_inner;
    char p[48];
    snprintf(p, sizeof p, "encoder.layer.%zu.", l);
    reference_linear(tensor(m, p, "attention.self.query.weight"),
                     tensor(m, p, "attention.self.query.bias"), x, n, dim, dim, q);
    reference_linear(tensor(m, p, "attention.self.key.weight"),
                     tensor(m, p, "attention.self.key.bias"), x, n, dim, dim, k);
    reference_linear(tensor(m, p, "attention.self.value.weight"),
                     tensor(m, p, "attention.self.value.bias"), x, n, dim, dim, v);
    reference_attention(q, k, v, n, dim, m->shape->n_heads, y);
    reference_linear(tensor(m, p, "attention.output.dense.weight"),
                     tensor(m, p, "attention.output.dense.bias"), y, n, dim, dim, q);
    for (size_t i = 0; i < n * dim; i++)
        x[i] += q[i];
    reference_norm(tensor(m, p, "attention.output.LayerNorm.weight"),
                   tensor(m, p, "attention.output.LayerNorm.bias"), x, n, dim);
    reference_linear(tensor(m, p, "intermediate.dense.weight"),
                     tensor(m, p, "intermediate.dense.bias"), x, n, dim, n_inner, k);
    for (size_t i = 0; i < n * n_inner; i++)
        k[i] *= 0.5 * erfc(-k[i] / sqrt(2));
    reference_linear(tensor(m, p, "output.dense.weight"), tensor(m, p, "output.dense.bias"), k, n,
                     n_inner, dim, y);
    for (size_t i = 0; i < n * dim; i++)
        x[i] += y[i];
    reference_norm(tensor(m, p, "output.LayerNorm.weight"), tensor(m, p, "output.LayerNorm.bias"),
                   x, n, dim);
}

static void reference_run(const struct model *m, const int32_t *ids, size_t n, double *out)
{
    static double x[N_POSITIONS * WIDTH_MAX];
    size_t dim = m->shape->dim;
    const float *words = tensor(m, "embeddings.", "word_embeddings.weight");
    const float *positions = tensor(m, "embeddings.", "position_embeddings.weight");
    const float *types = tensor(m, "embeddings.", "token_type_embeddings.weight");
    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < dim; c++)
            x[i * dim + c] = (double)words[(size_t)ids[i] * dim + c] +
                             (double)positions[i * dim + c] + (double)types[c];
    }
    reference_norm(tensor(m, "embeddings.", "LayerNorm.weight"),
                   tensor(m, "embeddings.", "LayerNorm.bias"), x, n, dim);
    for (size_t l = 0; l < m->shape->n_layers; l++)
        reference_layer(m, l, x, n);
    double squares = 0;
    size_t n_pooled = strcmp(m->shape->pooling, "cls_token") == 0 ? 1 : n;
    for (size_t c = 0; c < dim; c++) {
        out[c] = 0;
        for (size_t i = 0; i < n_pooled; i++)
            out[c] += x[i * dim + c];
        squares += out[c] * out[c];
    }
    for (size_t c = 0; c < dim; c++)
        out[c] /= sqrt(squares);
}

static const char *const texts[] = {"", "a", "b c d e f g",
                                    "z z z z z z z z z z z z z z z z z z z z",
                                    "q w e r t y [MASK] u i o p a s d f g h j k l z x c v b n m"};
#define N_TEXTS (sizeof texts / sizeof texts[0])

static void check_kernel(const struct model *m, const char *kernel)
{
    struct error err;
    struct encoder *encoder = NULL;
    struct encoder_scratch *scratch = NULL;
    struct encoder_text inputs[N_TEXTS];
    float out[N_TEXTS * WIDTH_MAX];
    double expected[WIDTH_MAX];
    size_t dim = m->shape->dim;
    assert_ok(encoder_open(&(struct encoder_options){.folder = m->folder, .kernel = kernel},
                           &encoder, &err));
    assert_ok(encoder_scratch_new(encoder, &scratch, &err));
    for (size_t i = 0; i < N_TEXTS; i++)
        inputs[i] = (struct encoder_text){texts[i], strlen(texts[i])};
    assert_ok(encoder_encode(encoder, scratch, inputs, N_TEXTS, out, &err));
    for (size_t i = 0; i < N_TEXTS; i++) {
        int32_t ids[N_POSITIONS];
        size_t n = encoder_tokenize(encoder, texts[i], strlen(texts[i]), ids, N_POSITIONS);
        reference_run(m, ids, n, expected);
        for (size_t c = 0; c < dim; c++) {
            if (!(fabs((double)out[i * dim + c] - expected[c]) < 2e-5))
                fail_msg("%s, dim %zu, text %zu: component %zu is %.9g, expected %.9g", kernel, dim,
                         i, c, (double)out[i * dim + c], expected[c]);
        }
    }
    encoder_scratch_free(scratch);
    encoder_close(encoder);
}

static void test_forward__other_shapes_match_double_precision(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct model m;
        model_init(&m, &shapes[i], 100 + i);
        for (const char *const *name = nn_kernel_names(); *name; name++) {
            if (nn_kernel_runs(*name))
                check_kernel(&m, *name);
        }
        model_clear(&m);
    }
}

static void test_forward__fingerprints_tell_trainings_apart(void **state)
{
    (void)state;
    char seen[3][128];
    for (uint64_t seed = 0; seed < 3; seed++) {
        struct error err;
        struct model m;
        struct encoder *encoder = NULL;
        model_init(&m, &shapes[0], seed / 2);
        assert_ok(encoder_open(&(struct encoder_options){.folder = m.folder}, &encoder, &err));
        snprintf(seen[seed], sizeof seen[seed], "%s", encoder_fingerprint(encoder));
        encoder_close(encoder);
        model_clear(&m);
    }
    assert_string_equal(seen[0], seen[1]);
    assert_string_not_equal(seen[1], seen[2]);
}

static const struct bad_file {
    const char *name, *text;
    enum status status;
    const char *words;
} bad_files[] = {
#define CONFIG(fields) "config.json", "{" fields "}"
#define SIZES                                                                                 \
    "\"num_hidden_layers\":2,\"hidden_size\":24,\"num_attention_heads\":3,\"vocab_size\":40," \
    "\"max_position_embeddings\":24,\"type_vocab_size\":2"
    {"config.json", "", STATUS_FORMAT, "bad JSON"},
    {"config.json", "[]", STATUS_FORMAT, "\"num_hidden_layers\" is missing"},
    {CONFIG("\"model_type\":\"roberta\""), STATUS_INVALID, "\"model_type\" is \"roberta\""},
    {CONFIG("\"model_type\":7"), STATUS_FORMAT, "\"model_type\" is not a text"},
    {CONFIG("\"hidden_act\":\"relu\""), STATUS_INVALID, "\"hidden_act\" is \"relu\""},
    {CONFIG("\"position_embedding_type\":\"relative_key\""), STATUS_INVALID, "relative_key"},
    {CONFIG("\"num_hidden_layers\":0"), STATUS_FORMAT, "\"num_hidden_layers\" is 0"},
    {CONFIG("\"num_hidden_layers\":-1"), STATUS_FORMAT, "\"num_hidden_layers\" is -1"},
    {CONFIG("\"num_hidden_layers\":2.0"), STATUS_FORMAT, "not an integer"},
    {CONFIG("\"num_hidden_layers\":1000000"), STATUS_FORMAT, "not between 1 and 96"},
    {CONFIG(SIZES ",\"intermediate_size\":9999999"), STATUS_FORMAT, "\"intermediate_size\""},
    {CONFIG(SIZES ",\"intermediate_size\":41"), STATUS_FORMAT,
     "tensor \"encoder.layer.0.intermediate.dense.weight\" at offset"},
    {CONFIG(SIZES ",\"intermediate_size\":40,\"layer_norm_eps\":-1"), STATUS_FORMAT,
     "\"layer_norm_eps\""},
    {"config.json",
     "{\"num_hidden_layers\":3,\"hidden_size\":24,\"num_attention_heads\":3,\"vocab_size\":40,"
     "\"max_position_embeddings\":24,\"type_vocab_size\":2,\"intermediate_size\":40}",
     STATUS_FORMAT, "tensor \"encoder.layer.2.attention.self.query.weight\" is missing"},
    {"config.json",
     "{\"num_hidden_layers\":2,\"hidden_size\":24,\"num_attention_heads\":5,\"vocab_size\":40,"
     "\"max_position_embeddings\":24,\"type_vocab_size\":2,\"intermediate_size\":40}",
     STATUS_FORMAT, "not a multiple of 5 heads"},
    {"1_Pooling/config.json", "{}", STATUS_INVALID, "0 pooling modes"},
    {"1_Pooling/config.json", "{\"pooling_mode_max_tokens\":true}", STATUS_INVALID,
     "pooling_mode_max_tokens"},
    {"1_Pooling/config.json", "{\"pooling_mode_mean_tokens\":true,\"pooling_mode_cls_token\":true}",
     STATUS_INVALID, "2 pooling modes"},
    {"sentence_bert_config.json", "{\"max_seq_length\":0}", STATUS_FORMAT, "\"max_seq_length\""},
    {"sentence_bert_config.json", "{\"max_seq_length\":\"x\"}", STATUS_FORMAT,
     "\"max_seq_length\""},
    {"modules.json", "[{\"type\":\"sentence_transformers.models.Dense\"}]", STATUS_INVALID,
     "models.Dense"},
    {"tokenizer_config.json", "{\"do_lower_case\":1}", STATUS_FORMAT, "\"do_lower_case\""},
    {"tokenizer_config.json", "{\"strip_accents\":\"no\"}", STATUS_FORMAT, "\"strip_accents\""},
    {"tokenizer_config.json", "{\"tokenize_chinese_chars\":false}", STATUS_INVALID,
     "\"tokenize_chinese_chars\""},
    {"model.safetensors", "\2\0\0\0", STATUS_FORMAT, "offset 0"},
    {"vocab.txt", "[CLS]\n", STATUS_FORMAT, "\"[UNK]\""},
};

static void test_forward__bad_model_files_are_refused_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_files / sizeof bad_files[0]; i++) {
        const struct bad_file *bad = &bad_files[i];
        struct error err = {0};
        struct model m;
        struct encoder *encoder = NULL;
        model_init(&m, &shapes[0], 1);
        write_file(&m, bad->name, bad->text, strlen(bad->text));
        enum status status =
            encoder_open(&(struct encoder_options){.folder = m.folder}, &encoder, &err);
        model_clear(&m);
        if (status != bad->status || !strstr(err.message, bad->words) || encoder)
            fail_msg("%s %s: \"%s\" (%s) does not say \"%s\"", bad->name, bad->text, err.message,
                     status_name(status), bad->words);
    }
}

static void test_forward__a_longer_vocabulary_than_the_model_is_refused(void **state)
{
    (void)state;
    struct error err = {0};
    struct model m;
    struct encoder *encoder = NULL;
    struct buf text = {0};
    model_init(&m, &shapes[0], 1);
    buf_append_text(&text, "[UNK]\n[CLS]\n[SEP]\n");
    for (int i = 3; i <= N_VOCABULARY; i++)
        buf_printf(&text, "w%d\n", i);
    write_file(&m, "vocab.txt", text.data, text.len);
    assert_status(encoder_open(&(struct encoder_options){.folder = m.folder}, &encoder, &err),
                  STATUS_FORMAT);
    assert_non_null(strstr(err.message, "41 pieces"));
    buf_clear(&text);
    model_clear(&m);
}

static void test_forward__the_shorter_limit_of_tokens_wins(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n_tokens_max;
    } cases[] = {{"{\"max_seq_length\":10}", 10},
                 {"{\"max_seq_length\":5000}", N_POSITIONS},
                 {"{\"max_seq_length\":null}", N_POSITIONS},
                 {"{}", N_POSITIONS}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error err;
        struct model m;
        struct encoder *encoder = NULL;
        model_init(&m, &shapes[0], 1);
        write_file(&m, "sentence_bert_config.json", cases[i].text, strlen(cases[i].text));
        assert_ok(encoder_open(&(struct encoder_options){.folder = m.folder}, &encoder, &err));
        assert_int_equal(encoder_n_tokens_max(encoder), cases[i].n_tokens_max);
        encoder_close(encoder);
        model_clear(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward__other_shapes_match_double_precision),
        cmocka_unit_test(test_forward__fingerprints_tell_trainings_apart),
        cmocka_unit_test(test_forward__bad_model_files_are_refused_by_name),
        cmocka_unit_test(test_forward__a_longer_vocabulary_than_the_model_is_refused),
        cmocka_unit_test(test_forward__the_shorter_limit_of_tokens_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
