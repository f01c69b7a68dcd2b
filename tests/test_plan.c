/* The plan: rewriting, layouts and memory reuse must not change what a network computes. */
#include "context.h"
#include "core/plan/plan.h"
#include <tern/session.h>

/* A network in which everything happens that the plan can do: folding, fused activations, both
 * layouts, aliases, a value read twice, an elementwise operator in place, a residual, a constant
 * with fewer dimensions. */
static tern_graph *winding_network(tern_context *c) {
    tern_graph *g;
    check_ok(c, tern_graph_create(&g, c));
    tern_graph_set_seed(g, 11);
    tern_value x = tern_input(g, "x", 4, (int64_t[]){-1, 3, 8, 10});
    tern_conv_options three = {.kernel_shape = {3, 3}, .pads = {1, 1, 1, 1}};
    tern_value a = tern_relu(tern_batch_normalization(tern_conv(x, 8, three)));
    three.no_bias = true;
    tern_value b = tern_batch_normalization(tern_conv(a, 8, three));
    tern_value sum = tern_relu(tern_add(a, b));
    float scale[8] = {1, 2, -1, 0.5f, 3, -2, 1, 1};
    tern_value s = tern_constant(g, "scale", TERN_FLOAT, 3, (int64_t[]){8, 1, 1}, scale);
    tern_value scaled = tern_sigmoid(tern_mul(sum, s));
    tern_value both = tern_concat((tern_value[]){scaled, tern_tanh(a)}, 2, 1);
    tern_value pooled = tern_max_pool(both, 2, 2);
    tern_value t = tern_transpose(pooled, (int64_t[]){0, 2, 3, 1});
    tern_value flat = tern_flatten(tern_dropout(t, 0.25f));
    tern_output(g, "logits", tern_dense(tern_leaky_relu(tern_dense(flat, 12), 0.1f), 5));
    tern_output(g, "maps", tern_global_average_pool(pooled));
    check_ok(c, tern_graph_check(g));
    return g;
}

/* Running statistics other than 0 and 1, so that folding has something to fold. */
static void disturb_statistics(tern_graph *g) {
    for (size_t i = 0; i < g->n_values; i++)
        if (g->values[i].kind == TERN__BUFFER)
            for (int64_t k = 0; k < tern__shape_count(&g->values[i].shape); k++)
                ((float *)g->values[i].data)[k] += 0.25f + 0.1f * (float)(k % 3);
}

static void fill(float *x, int64_t count, uint64_t stream) {
    tern__random r = tern__random_make(5, stream);
    for (int64_t i = 0; i < count; i++) x[i] = (float)tern__random_normal(&r);
}

enum { BATCH = 3, INPUT = BATCH * 3 * 8 * 10 };
static const tern__shape input_shape = {TERN_FLOAT, 4, {BATCH, 3, 8, 10}};

static void fused_equals_unfused(void **state) {
    (void)state;
    tern_context *c = make_context(2);
    tern_graph *g = winding_network(c);
    disturb_statistics(g);
    float x[INPUT];
    fill(x, INPUT, 1);
    tern_tensor in = {TERN_FLOAT, 4, {BATCH, 3, 8, 10}, x};
    tern__plan *fused, *unfused;
    check_ok(c, tern__plan_create(&fused, g, &input_shape, &(tern__plan_options){.poison = true}));
    check_ok(c, tern__plan_create(&unfused, g, &input_shape,
                                  &(tern__plan_options){.poison = true, .unfused = true}));
    int steps, unfused_steps;
    tern__plan_steps(fused, &steps);
    tern__plan_steps(unfused, &unfused_steps);
    assert_true(steps < unfused_steps);
    assert_true(tern__plan_memory(fused) <= tern__plan_memory(unfused));
    for (int run = 0; run < 2; run++) { /* the second run meets the first one's leftovers */
        check_ok(c, tern__plan_forward(fused, &in, 0, 0));
        check_ok(c, tern__plan_forward(unfused, &in, 0, 0));
        for (int k = 0; k < 2; k++) {
            const tern__tensor *y = tern__plan_output(fused, k), *z = tern__plan_output(unfused, k);
            assert_int_equal(y->count, z->count);
            for (int64_t i = 0; i < y->count; i++)
                check_close(((float *)y->data)[i], ((float *)z->data)[i], 2e-5, 2e-5);
        }
    }
    tern__plan_free(fused);
    tern__plan_free(unfused);
    tern_graph_free(g);
    tern_context_free(c);
}

typedef struct gradients {
    tern__tensor tensors[64];
    tern__tensor *list[64];
    float *input;
} gradients;

static void backward_once(tern_context *c, tern_graph *g, const float *x, bool unfused,
                          gradients *out) {
    memset(out, 0, sizeof *out);
    assert_true(g->n_values <= 64);
    for (size_t i = 0; i < g->n_values; i++)
        if (g->values[i].kind == TERN__PARAMETER) {
            tern__tensor *t = &out->tensors[i];
            t->type = TERN_FLOAT;
            t->rank = g->values[i].shape.rank;
            memcpy(t->dims, g->values[i].shape.dims, sizeof t->dims);
            t->count = tern__shape_count(&g->values[i].shape);
            t->data = tern__calloc(c, (size_t)t->count, sizeof(float));
            for (int64_t k = 0; k < t->count; k++) ((float *)t->data)[k] = NAN;
            out->list[i] = t;
        }
    tern__plan *p;
    tern__plan_options o = {.training = true,
                            .seeded = (bool[]){true, true},
                            .weight_gradients = out->list,
                            .input_gradients = true,
                            .poison = true,
                            .unfused = unfused};
    check_ok(c, tern__plan_create(&p, g, &input_shape, &o));
    tern_tensor in = {TERN_FLOAT, 4, {BATCH, 3, 8, 10}, (void *)(uintptr_t)x};
    check_ok(c, tern__plan_forward(p, &in, 9, 4));
    for (int k = 0; k < 2; k++)
        fill(tern__plan_output_gradient(p, k), tern__plan_output(p, k)->count, 20 + (uint64_t)k);
    tern__plan_backward(p);
    const tern__tensor *dx = tern__plan_input_gradient(p, 0);
    out->input = tern__alloc(c, sizeof(float) * INPUT);
    memcpy(out->input, dx->data, sizeof(float) * INPUT);
    tern__plan_free(p);
}

static void free_gradients(tern_context *c, gradients *g) {
    for (int i = 0; i < 64; i++) tern__free(c, g->tensors[i].data);
    tern__free(c, g->input);
}

static void fused_gradients_equal_unfused(void **state) {
    (void)state;
    tern_context *c = make_context(2);
    tern_graph *g = winding_network(c);
    float x[INPUT];
    fill(x, INPUT, 2);
    gradients a, b;
    backward_once(c, g, x, false, &a);
    backward_once(c, g, x, true, &b);
    for (int i = 0; i < INPUT; i++) check_close(a.input[i], b.input[i], 1e-4, 1e-4);
    for (int i = 0; i < 64; i++)
        for (int64_t k = 0; a.list[i] && k < a.list[i]->count; k++)
            check_close(((float *)a.list[i]->data)[k], ((float *)b.list[i]->data)[k], 1e-4, 1e-4);
    free_gradients(c, &a);
    free_gradients(c, &b);
    tern_graph_free(g);
    tern_context_free(c);
}

static void same_bits_for_any_threads(void **state) {
    (void)state;
    float x[INPUT];
    fill(x, INPUT, 3);
    gradients first = {0};
    tern_context *keep = NULL;
    for (int threads = 1; threads <= 3; threads++) {
        tern_context *c = make_context(threads);
        tern_graph *g = winding_network(c);
        gradients now;
        backward_once(c, g, x, false, &now);
        if (threads == 1) {
            first = now;
            keep = c;
        } else {
            assert_memory_equal(first.input, now.input, sizeof(float) * INPUT);
            for (int i = 0; i < 64; i++)
                if (now.tensors[i].data)
                    assert_memory_equal(first.tensors[i].data, now.tensors[i].data,
                                        sizeof(float) * (size_t)now.tensors[i].count);
            free_gradients(c, &now);
        }
        tern_graph_free(g);
        if (c != keep) tern_context_free(c);
    }
    free_gradients(keep, &first);
    tern_context_free(keep);
}

static void sessions_agree_with_any_batch_split(void **state) {
    (void)state;
    tern_context *c = make_context(2);
    tern_graph *g = winding_network(c);
    tern_model *m;
    check_ok(c, tern_model_create(&m, g));
    tern_session *s;
    check_ok(c, tern_session_create(&s, m));
    float x[INPUT], whole[BATCH * 5];
    fill(x, INPUT, 4);
    tern_tensor in = {TERN_FLOAT, 4, {BATCH, 3, 8, 10}, x}, out;
    check_ok(c, tern_session_run(s, &in, 1, &out, 1));
    memcpy(whole, out.data, sizeof whole);
    for (int i = 0; i < BATCH; i++) {
        tern_tensor one = {TERN_FLOAT, 4, {1, 3, 8, 10}, x + i * (INPUT / BATCH)};
        check_ok(c, tern_session_run(s, &one, 1, &out, 1));
        assert_memory_equal(out.data, whole + i * 5, 5 * sizeof(float));
    }
    tern_tensor wrong = {TERN_FLOAT, 4, {1, 4, 8, 10}, x};
    assert_int_equal(tern_session_run(s, &wrong, 1, &out, 1), TERN_ERR_SHAPE);
    assert_non_null(strstr(tern_session_message(s), "[1, 4, 8, 10]"));
    tern_session_free(s);
    tern_model_free(m);
    tern_graph_free(g);
    tern_context_free(c);
}

/* Gelu is composed of operators that every opset has. */
static void gelu_is_gelu(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    tern_graph *g;
    check_ok(c, tern_graph_create(&g, c));
    tern_output(g, "y", tern_gelu(tern_input(g, "x", 2, (int64_t[]){-1, 5})));
    tern_model *m;
    check_ok(c, tern_model_create(&m, g));
    tern_session *s;
    check_ok(c, tern_session_create(&s, m));
    float x[5] = {-3, -0.5f, 0, 0.75f, 4};
    tern_tensor in = {TERN_FLOAT, 2, {1, 5}, x}, out;
    check_ok(c, tern_session_run(s, &in, 1, &out, 1));
    for (int i = 0; i < 5; i++)
        check_close(((float *)out.data)[i], 0.5 * x[i] * (1 + erf(x[i] / sqrt(2))), 1e-7, 1e-6);
    tern_tensor empty = {TERN_FLOAT, 2, {0, 5}, x};
    assert_int_equal(tern_session_run(s, &empty, 1, &out, 1), TERN_ERR_SHAPE);
    assert_non_null(strstr(tern_session_message(s), "nothing to compute"));
    tern_session_free(s);
    tern_model_free(m);
    tern_graph_free(g);
    tern_context_free(c);
}

static void builder_errors_stick(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    tern_graph *g;
    check_ok(c, tern_graph_create(&g, c));
    tern_value x = tern_input(g, "x", 4, (int64_t[]){-1, 6, 8, 8});
    tern_value bad = tern_conv(x, 8, (tern_conv_options){.kernel_shape = {3, 3}, .group = 4});
    tern_output(g, "y", tern_dense(tern_relu(bad), 3));
    check_error(c, TERN_ERR_SHAPE, "group 4 does not divide 6 input", tern_graph_check(g));
    tern_model *m;
    check_error(c, TERN_ERR_SHAPE, "group 4", tern_model_create(&m, g));
    assert_null(m);
    tern_graph_free(g);
    tern_context_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fused_equals_unfused),
        cmocka_unit_test(fused_gradients_equal_unfused),
        cmocka_unit_test(same_bits_for_any_threads),
        cmocka_unit_test(sessions_agree_with_any_batch_split),
        cmocka_unit_test(gelu_is_gelu),
        cmocka_unit_test(builder_errors_stick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
