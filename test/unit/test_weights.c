/* Each tensor of a small classifier in turn is missing, of another type, of another shape: it is
 * named, and nothing is bound. */
#include "../testing.h"

#include <string.h>

#include "base/fault.h"
#include "nn/weights.h"

#define N_FLOATS 256

static const struct model_config config = {
    .n_layers = 2,
    .dim = 3,
    .n_inner = 5,
    .n_vocabulary = 7,
    .n_positions = 9,
    .n_types = 2,
    .position_offset = 2,
    .n_labels = 4,
};

/* What such a file has, from the description of the architecture; n_columns 0: one dimension. */
static const struct part {
    const char *name;
    size_t n_rows, n_columns;
} parts[] = {
    {"embeddings.word_embeddings.weight", 7, 3},
    {"embeddings.position_embeddings.weight", 9, 3},
    {"embeddings.token_type_embeddings.weight", 2, 3},
    {"embeddings.LayerNorm.weight", 3, 0},
    {"embeddings.LayerNorm.bias", 3, 0},
#define LAYER(i)                                                         \
    {"encoder.layer." i ".attention.self.query.weight", 3, 3},           \
        {"encoder.layer." i ".attention.self.query.bias", 3, 0},         \
        {"encoder.layer." i ".attention.self.key.weight", 3, 3},         \
        {"encoder.layer." i ".attention.self.key.bias", 3, 0},           \
        {"encoder.layer." i ".attention.self.value.weight", 3, 3},       \
        {"encoder.layer." i ".attention.self.value.bias", 3, 0},         \
        {"encoder.layer." i ".attention.output.dense.weight", 3, 3},     \
        {"encoder.layer." i ".attention.output.dense.bias", 3, 0},       \
        {"encoder.layer." i ".attention.output.LayerNorm.weight", 3, 0}, \
        {"encoder.layer." i ".attention.output.LayerNorm.bias", 3, 0},   \
        {"encoder.layer." i ".intermediate.dense.weight", 5, 3},         \
        {"encoder.layer." i ".intermediate.dense.bias", 5, 0},           \
        {"encoder.layer." i ".output.dense.weight", 3, 5},               \
        {"encoder.layer." i ".output.dense.bias", 3, 0},                 \
        {"encoder.layer." i ".output.LayerNorm.weight", 3, 0},           \
    {                                                                    \
        "encoder.layer." i ".output.LayerNorm.bias", 3, 0                \
    }
    LAYER("0"),
    LAYER("1"),
    {"pooler.dense.weight", 3, 3},
    {"pooler.dense.bias", 3, 0},
    {"classifier.weight", 4, 3},
    {"classifier.bias", 4, 0},
};
#define N_PARTS (sizeof parts / sizeof parts[0])
#define N_HEAD_PARTS 4

static float floats[N_FLOATS]; /* tensor i has those from floats + i on */

struct made {
    struct tensor tensors[N_PARTS];
    struct safetensors file;
};

static void made_init(struct made *made)
{
    *made = (struct made){.file = {.n_tensors = N_PARTS}};
    made->file.tensors = made->tensors;
    for (size_t i = 0; i < N_PARTS; i++) {
        size_t n_columns = parts[i].n_columns ? parts[i].n_columns : 1;
        made->tensors[i] = (struct tensor){
            .name = parts[i].name,
            .dtype = "F32",
            .n_dims = parts[i].n_columns ? 2 : 1,
            .shape = {parts[i].n_rows, parts[i].n_columns},
            .offset = 100 + i,
            .data = {floats + i, parts[i].n_rows * n_columns * sizeof *floats},
        };
    }
}

/* Both halves; what does not fit must be told by the half that it belongs to. */
static enum status bind(const struct made *made, struct weights *weights, struct head *head,
                        struct error *err)
{
    enum status status = weights_bind(&made->file, &config, weights, err);
    return status ? status : weights_bind_head(&made->file, &config, head, err);
}

static void assert_refused(const struct made *made, size_t i, enum status expected,
                           const char *said)
{
    struct weights weights = {0};
    struct head head = {0};
    struct error err = {0};
    enum status status = bind(made, &weights, &head, &err);
    if (status != expected || !strstr(err.message, parts[i].name) || !strstr(err.message, said))
        fail_msg("%s: %s (%s)", parts[i].name, status_name(status), err.message);
    assert_int_equal(weights.layers != NULL, i >= N_PARTS - N_HEAD_PARTS);
    assert_null(head.pooler.w);
    assert_null(head.classifier.b);
    weights_clear(&weights);
}

static void test_weights__are_bound_to_their_places(void **state)
{
    (void)state;
    struct made made;
    struct weights weights = {0};
    struct head head = {0};
    struct error err = {0};
    made_init(&made);
    made.tensors[0].name = "bert.embeddings.word_embeddings.weight";
    assert_ok(bind(&made, &weights, &head, &err));
    const struct layer *layer = &weights.layers[1];
    const float *found[N_PARTS] = {weights.words, weights.positions - 2 * config.dim, weights.types,
                                   weights.norm.gamma, weights.norm.beta};
    const float *of_layer[] = {layer->query.w,
                               layer->query.b,
                               layer->key.w,
                               layer->key.b,
                               layer->value.w,
                               layer->value.b,
                               layer->output.w,
                               layer->output.b,
                               layer->attention_norm.gamma,
                               layer->attention_norm.beta,
                               layer->inner.w,
                               layer->inner.b,
                               layer->outer.w,
                               layer->outer.b,
                               layer->output_norm.gamma,
                               layer->output_norm.beta};
    const float *of_head[] = {head.pooler.w, head.pooler.b, head.classifier.w, head.classifier.b};
    for (size_t i = 0; i < 5; i++)
        assert_ptr_equal(found[i], floats + i);
    for (size_t i = 0; i < 16; i++)
        assert_ptr_equal(of_layer[i], floats + 5 + 16 + i);
    for (size_t i = 0; i < N_HEAD_PARTS; i++)
        assert_ptr_equal(of_head[i], floats + N_PARTS - N_HEAD_PARTS + i);
    weights_clear(&weights);
    weights_clear(&weights);
}

static void test_weights__a_tensor_that_does_not_fit_is_named(void **state)
{
    (void)state;
    static const char shape[] = "its shape is not the ";
    for (size_t i = 0; i < N_PARTS; i++) {
        struct made made;
        made_init(&made);
        struct tensor *t = &made.tensors[i], good = *t;
        t->name = "something else";
        assert_refused(&made, i, STATUS_FORMAT, "is missing");
        *t = good;
        t->dtype = "F16";
        assert_refused(&made, i, STATUS_INVALID, "is of type F16");
        *t = good;
        t->n_dims = 3 - good.n_dims;
        assert_refused(&made, i, STATUS_FORMAT, shape);
        *t = good;
        t->shape[0]++;
        assert_refused(&made, i, STATUS_FORMAT, shape);
        *t = good;
        t->shape[1]--;
        if (good.n_dims == 2)
            assert_refused(&made, i, STATUS_FORMAT, shape);
        *t = good;
        t->data.bytes = (const char *)good.data.bytes + 2;
        assert_refused(&made, i, STATUS_FORMAT, "not aligned");
    }
}

#ifdef RAGGED_FAULT
static void test_weights__without_memory_nothing_is_bound(void **state)
{
    (void)state;
    struct made made;
    struct weights weights = {0};
    struct error err = {0};
    made_init(&made);
    fault_plan("mem:1");
    enum status status = weights_bind(&made.file, &config, &weights, &err);
    fault_plan(NULL);
    assert_status(status, STATUS_NOMEM);
    assert_null(weights.layers);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights__are_bound_to_their_places),
        cmocka_unit_test(test_weights__a_tensor_that_does_not_fit_is_named),
#ifdef RAGGED_FAULT
        cmocka_unit_test(test_weights__without_memory_nothing_is_bound),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
