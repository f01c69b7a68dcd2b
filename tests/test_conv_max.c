/* The plan's fusion of a convolution with the maximum over time of it, against the same network
 * unfused: the same answer, the same gradients, for any number of threads; and no copy between an
 * embedding and the convolutions that read it. */
#include "context.h"
#include "core/plan/plan.h"

enum { N = 5, L = 11, WORDS = 30, SIZE = 19, MOST_VALUES = 64 };

/* Convolutions of all kinds over one embedding, so that its gradient is added up. */
static tern_graph *text_network(tern_context *c) {
    static const int64_t time[] = {2};
    tern_graph *g;
    check_ok(c, tern_graph_create(&g, c));
    tern_graph_set_seed(g, 3);
    tern_value ids = tern_input_typed(g, "ids", TERN_INT64, 2, (int64_t[]){-1, -1}), parts[5];
    tern_value x = tern_transpose(tern_embedding(ids, WORDS, SIZE), (int64_t[]){0, 2, 1});
    tern_conv_options three = {.kernel_shape = {3}};
    tern_conv_options four = {.kernel_shape = {4}, .pads = {3, 2}, .no_bias = true};
    parts[0] = tern_reduce_max(tern_relu(tern_conv(x, 10, three)), time, 1, false);
    parts[1] = tern_flatten(tern_global_max_pool(tern_tanh(tern_conv(x, 7, four))));
    parts[2] = tern_flatten(tern_global_max_pool(tern_leaky_relu(
        tern_conv(x, 5, (tern_conv_options){.kernel_shape = {3}, .dilations = {2}, .pads = {2, 1}}),
        0.1f)));
    parts[3] = tern_reduce_max(
        tern_conv(x, 9, (tern_conv_options){.kernel_shape = {2}, .strides = {3}, .pads = {1, 0}}),
        time, 1, false);
    parts[4] =
        tern_reduce_mean(/* no maximum: stays */
                         tern_conv(x, 4, (tern_conv_options){.kernel_shape = {1}}), time, 1, false);
    tern_output(g, "logits", tern_dense(tern_concat(parts, 5, 1), 3));
    check_ok(c, tern_graph_check(g));
    return g;
}

typedef struct result {
    float logits[N * 3];
    float *gradients[MOST_VALUES];
    int64_t counts[MOST_VALUES];
    int fused, moved; /* steps that are ConvMax; steps that move an embedding about */
} result;

static void run(tern_context *c, tern_graph *g, const int64_t *ids, bool unfused, result *out) {
    tern__tensor tensors[MOST_VALUES] = {0}, *list[MOST_VALUES] = {0};
    memset(out, 0, sizeof *out);
    assert_true(g->n_values <= MOST_VALUES);
    for (size_t i = 0; i < g->n_values; i++) {
        const tern__shape *s = &g->values[i].shape;
        if (g->values[i].kind != TERN__PARAMETER) continue;
        tensors[i] =
            (tern__tensor){.type = TERN_FLOAT, .rank = s->rank, .count = tern__shape_count(s)};
        memcpy(tensors[i].dims, s->dims, sizeof s->dims);
        out->counts[i] = tensors[i].count;
        out->gradients[i] = tensors[i].data = malloc((size_t)tensors[i].count * sizeof(float));
        for (int64_t k = 0; k < tensors[i].count; k++) out->gradients[i][k] = NAN;
        list[i] = &tensors[i];
    }
    tern__plan *p;
    tern__plan_options o = {.training = true,
                            .seeded = (bool[]){true},
                            .weight_gradients = list,
                            .poison = true,
                            .unfused = unfused};
    tern__shape shape = {TERN_INT64, 2, {N, L}};
    check_ok(c, tern__plan_create(&p, g, &shape, &o));
    tern_tensor in = {TERN_INT64, 2, {N, L}, (void *)(uintptr_t)ids};
    for (int again = 0; again < 2; again++) { /* the second run meets the first one's leftovers */
        check_ok(c, tern__plan_forward(p, &in, 0, 0));
        float *dy = tern__plan_output_gradient(p, 0);
        for (int i = 0; i < N * 3; i++) dy[i] = (float)(i % 5) - 1.75f;
        tern__plan_backward(p);
    }
    memcpy(out->logits, tern__plan_output(p, 0)->data, sizeof out->logits);
    int steps;
    const tern__step *s = tern__plan_steps(p, &steps);
    for (int i = 0; i < steps; i++) {
        out->fused += strcmp(s[i].op->name, "ConvMax") == 0;
        bool large = s[i].outputs[0]->count >= N * L * SIZE;
        out->moved += large && (strcmp(s[i].op->name, "Transpose") == 0 ||
                                strcmp(s[i].op->name, "Relayout") == 0);
    }
    tern__plan_free(p);
}

static void free_result(result *r) {
    for (int i = 0; i < MOST_VALUES; i++) free(r->gradients[i]);
}

static void make_ids(int64_t *ids) {
    tern__random r = tern__random_make(8, 0);
    for (int i = 0; i < N * L; i++) ids[i] = tern__random_below(&r, WORDS);
}

static void fused_equals_unfused(void **state) {
    (void)state;
    tern_context *c = make_context(2);
    tern_graph *g = text_network(c);
    int64_t ids[N * L];
    make_ids(ids);
    result a, b;
    run(c, g, ids, false, &a);
    run(c, g, ids, true, &b);
    assert_int_equal(a.fused, 4);
    assert_int_equal(b.fused, 0);
    assert_int_equal(a.moved, 0);
    for (int i = 0; i < N * 3; i++) check_close(a.logits[i], b.logits[i], 1e-6, 1e-6);
    for (int i = 0; i < MOST_VALUES; i++)
        for (int64_t k = 0; k < a.counts[i]; k++)
            check_close(a.gradients[i][k], b.gradients[i][k], 2e-6, 2e-5);
    free_result(&a);
    free_result(&b);
    tern_graph_free(g);
    tern_context_free(c);
}

static void same_bits_for_any_threads(void **state) {
    (void)state;
    int64_t ids[N * L];
    make_ids(ids);
    result results[2];
    for (int i = 0; i < 2; i++) {
        tern_context *c = make_context(i ? 5 : 1);
        tern_graph *g = text_network(c);
        run(c, g, ids, false, &results[i]);
        tern_graph_free(g);
        tern_context_free(c);
    }
    assert_memory_equal(results[0].logits, results[1].logits, sizeof results[0].logits);
    for (int i = 0; i < MOST_VALUES; i++)
        if (results[0].counts[i])
            assert_memory_equal(results[0].gradients[i], results[1].gradients[i],
                                (size_t)results[0].counts[i] * sizeof(float));
    free_result(&results[0]);
    free_result(&results[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fused_equals_unfused),
        cmocka_unit_test(same_bits_for_any_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
