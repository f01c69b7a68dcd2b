/* Rewriting must not change what a network computes: random networks, planned as sessions plan
 * them, without rewriting, for training, and loaded from a file, against a reference of every node
 * on its own; gradients of the rewritten plan against those of the plan as it is. At every
 * instruction set level. TERN_TEST_NETWORK=number runs one network. */
#include "random_network.h"

#include "context.h"
#include <tern/session.h>

enum { NETWORKS = 10000, MOST_GRAPH_INPUTS = 4 };

static void give_inputs(const network *n, tern_tensor *inputs, tern__shape *shapes) {
    for (int i = 0; i < n->n_inputs; i++) {
        const item *x = &n->items[n->inputs[i]];
        shapes[i] = n->graph->values[x->value].shape;
        inputs[i] = (tern_tensor){.type = TERN_FLOAT, .rank = shapes[i].rank};
        memcpy(inputs[i].dims, shapes[i].dims, sizeof shapes[i].dims);
        inputs[i].data = n->given[i]; /* an output may be an input itself, so they stay */
    }
}

/* The values of one plan's run; the plan must be freed. */
static tern__plan *run(const network *n, tern__plan_options options) {
    tern_context *c = n->graph->context;
    tern__shape shapes[MOST_GRAPH_INPUTS];
    tern_tensor inputs[MOST_GRAPH_INPUTS];
    give_inputs(n, inputs, shapes);
    tern__plan *p;
    options.poison = true;
    if (tern__plan_create(&p, n->graph, shapes, &options))
        fail_msg("%s%s", n->text, tern_context_message(c));
    check_ok(c, tern__plan_forward(p, inputs, 3, 5));
    if (options.seeded) {
        for (int k = 0; k < n->n_outputs; k++) {
            float *gradient = options.seeded[k] ? tern__plan_output_gradient(p, k) : NULL;
            for (int64_t i = 0; gradient && i < tern__plan_output(p, k)->count; i++)
                gradient[i] = (float)((i * 7 + k) % 5 - 2);
        }
        tern__plan_backward(p);
    }
    return p;
}

static double number_at(const tern_tensor *t, int64_t i) {
    return t->type == TERN_INT64 ? (double)((const int64_t *)t->data)[i]
                                 : ((const float *)t->data)[i];
}

static void compare_output(const network *n, uint64_t number, int k, const tern_tensor *t,
                           const char *how, int mode) {
    const item *y = &n->items[n->outputs[k]];
    assert_int_equal(t->rank, y->is[mode].rank);
    for (int i = 0; i < t->rank; i++) assert_int_equal(t->dims[i], y->is[mode].dims[i]);
    for (int64_t i = 0; i < reference_count(&y->is[mode]); i++) {
        double value = number_at(t, i), expected = y->is[mode].data[i];
        if (!check_is_close(value, expected, y->error[mode], 0))
            fail_msg("network %llu, %s: element %lld of %%%d is %.9g, expected %.9g within %g\n%s",
                     (unsigned long long)number, how, (long long)i, n->outputs[k], value, expected,
                     y->error[mode], n->text);
    }
}

static void compare(const network *n, uint64_t number, const tern__plan *p, const char *how,
                    int mode) {
    for (int k = 0; k < n->n_outputs; k++) {
        const tern__tensor *y = tern__plan_output(p, k);
        tern_tensor t = {.type = y->type, .rank = y->rank, .data = y->data};
        memcpy(t.dims, y->dims, sizeof t.dims);
        compare_output(n, number, k, &t, how, mode);
    }
}

/* ---- files ---- */

/* Saved and loaded again: what the loader computes and adapts must not change anything either. */
static void compare_file(const network *n, uint64_t number) {
    tern_context *c = n->graph->context;
    char path[] = "/tmp/tern-fuse-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    tern_model *saved, *loaded;
    tern_session *s;
    tern_tensor inputs[MOST_GRAPH_INPUTS], outputs[MOST_ITEMS];
    tern__shape shapes[MOST_GRAPH_INPUTS];
    give_inputs(n, inputs, shapes);
    check_ok(c, tern_model_create(&saved, n->graph));
    check_ok(c, tern_model_save(saved, path));
    check_ok(c, tern_model_load(&loaded, c, path));
    unlink(path);
    check_ok(c, tern_session_create(&s, loaded));
    if (tern_session_run(s, inputs, (size_t)n->n_inputs, outputs, (size_t)n->n_outputs))
        fail_msg("network %llu: %s\n%s", (unsigned long long)number, tern_session_message(s),
                 n->text);
    for (int k = 0; k < n->n_outputs; k++)
        compare_output(n, number, k, &outputs[k], "loaded", INFERENCE);
    tern_session_free(s);
    tern_model_free(loaded);
    tern_model_free(saved);
}

/* ---- gradients ---- */

typedef struct gradients {
    tern__tensor tensors[4 * MOST_ITEMS], *list[4 * MOST_ITEMS];
    float *inputs[MOST_GRAPH_INPUTS];
} gradients;

/* Outputs that may be another value's bytes have no gradient of their own to start from. */
static bool starts(const network *n, const item *y) {
    int producer = n->graph->values[y->value].producer;
    const tern__op *op = producer < 0 ? NULL : n->graph->nodes[producer].op;
    return !y->whole_numbers && op && !op->same_bytes && strcmp(op->name, "Transpose") != 0;
}

static void find_gradients(const network *n, bool unfused, gradients *out) {
    const tern_graph *g = n->graph;
    bool seeded[MOST_ITEMS];
    *out = (gradients){.inputs = {0}};
    assert_true(g->n_values <= 4 * MOST_ITEMS);
    for (size_t i = 0; i < g->n_values; i++) {
        if (g->values[i].kind != TERN__PARAMETER) continue;
        tern__tensor *t = out->list[i] = &out->tensors[i];
        *t = (tern__tensor){.type = TERN_FLOAT, .rank = g->values[i].shape.rank};
        memcpy(t->dims, g->values[i].shape.dims, sizeof t->dims);
        t->count = tern__shape_count(&g->values[i].shape);
        t->data = calloc((size_t)t->count + 1, sizeof(float));
        assert_non_null(t->data);
    }
    for (int k = 0; k < n->n_outputs; k++) seeded[k] = starts(n, &n->items[n->outputs[k]]);
    tern__plan *p = run(n, (tern__plan_options){.training = true,
                                                .seeded = seeded,
                                                .weight_gradients = out->list,
                                                .input_gradients = true,
                                                .unfused = unfused});
    for (int i = 0; i < n->n_inputs; i++) {
        const tern__tensor *dx = tern__plan_input_gradient(p, i);
        if (!dx) continue;
        out->inputs[i] = calloc((size_t)dx->count + 1, sizeof(float));
        assert_non_null(out->inputs[i]);
        memcpy(out->inputs[i], dx->data, (size_t)dx->count * sizeof(float));
    }
    tern__plan_free(p);
}

static void free_gradients(gradients *g) {
    for (int i = 0; i < 4 * MOST_ITEMS; i++) free(g->tensors[i].data);
    for (int i = 0; i < MOST_GRAPH_INPUTS; i++) free(g->inputs[i]);
}

static void same(const network *n, uint64_t number, const float *a, const float *b, int64_t count,
                 const char *of) {
    for (int64_t i = 0; i < count; i++)
        if (!check_is_close(a[i], b[i], 0, 0))
            fail_msg("network %llu: gradient %lld of %s is %.9g, unfused %.9g\n%s",
                     (unsigned long long)number, (long long)i, of, (double)a[i], (double)b[i],
                     n->text);
}

/* Where every value is exact, so are the gradients: sums of products of the same small dyadic
 * numbers, far from 2^24 of their units in networks as small as these. */
static bool is_exact(const network *n) {
    for (int i = 0; i < n->n_items; i++)
        if (n->items[i].error[TRAINING] != 0) return false;
    return !n->rough && !n->by_batch && !n->is_random;
}

static void compare_gradients(const network *n, uint64_t number) {
    gradients fused, unfused;
    find_gradients(n, false, &fused);
    find_gradients(n, true, &unfused);
    for (int i = 0; i < n->n_inputs; i++) {
        const item *x = &n->items[n->inputs[i]];
        assert_true(!fused.inputs[i] == !unfused.inputs[i]);
        if (fused.inputs[i])
            same(n, number, fused.inputs[i], unfused.inputs[i], reference_count(&x->is[0]),
                 "an input");
    }
    for (size_t i = 0; i < n->graph->n_values; i++)
        if (fused.list[i])
            same(n, number, fused.list[i]->data, unfused.list[i]->data, fused.list[i]->count,
                 n->graph->values[i].name);
    free_gradients(&fused);
    free_gradients(&unfused);
}

/* ---- the tests ---- */

static void check_network(tern_context *c, uint64_t number, int *exact, int *rewritten) {
    static network n;
    tern_graph *g;
    int steps[2];
    check_ok(c, tern_graph_create(&g, c));
    random_network_make(&n, g, number);
    check_ok(c, tern_graph_check(g));
    for (int unfused = 0; unfused < 2; unfused++) {
        tern__plan *p = run(&n, (tern__plan_options){.unfused = unfused});
        compare(&n, number, p, unfused ? "unfused" : "fused", INFERENCE);
        tern__plan_steps(p, &steps[unfused]);
        tern__plan_free(p);
    }
    *rewritten += steps[0] < steps[1];
    if (number % 256 == 0) compare_file(&n, number);
    if (is_exact(&n)) {
        ++*exact;
        compare_gradients(&n, number);
    }
    for (int unfused = 0; !n.is_random && unfused < 2; unfused++) {
        if (unfused && n.by_batch) break; /* the first run has moved the running statistics */
        tern__plan *p = run(&n, (tern__plan_options){.training = true, .unfused = unfused});
        compare(&n, number, p, unfused ? "training, unfused" : "training", TRAINING);
        tern__plan_free(p);
    }
    random_network_free(&n);
    tern_graph_free(g);
}

static void networks_give_what_their_nodes_give(void **state) {
    setenv("TERN_CPU", *state, 1);
    tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
    o.threads = 1;
    tern_context *c = NULL;
    tern_status status = tern_context_create(&c, &o);
    if (status == TERN_ERR_UNSUPPORTED) {
        tern_context_free(c);
        check_skip("this CPU has no level %s", (const char *)*state);
    }
    check_ok(c, status);
    int exact = 0, rewritten = 0;
    const char *only = getenv("TERN_TEST_NETWORK");
    for (uint64_t i = 0; !only && i < NETWORKS; i++) check_network(c, i, &exact, &rewritten);
    if (only)
        check_network(c, strtoull(only, NULL, 10), &exact, &rewritten);
    else /* else the networks have become others than this test is about */
        assert_true(exact > NETWORKS / 10 && rewritten > NETWORKS / 5);
    tern_context_free(c);
}

/* In training the mask of a Dropout must say of each element what happened to it, in whichever
 * layout the element was (here pooling makes it channels-last). */
static void a_mask_says_what_was_dropped(void **state) {
    (void)state;
    enum { COUNT = 2 * 3 * 4 * 5 };
    tern_context *c = make_context(1);
    tern_graph *g;
    check_ok(c, tern_graph_create(&g, c));
    tern_value x = tern_input(g, "x", 4, (int64_t[]){2, 3, 4, 5}), out[2];
    tern_value half = tern_constant(g, "ratio", TERN_FLOAT, 0, NULL, &(float){0.5f});
    tern_value in[2] = {tern_average_pool(x, 1, 1), half};
    tern_apply(g, "Dropout", "d", in, 2, NULL, 0, out, 2);
    tern_output(g, "y", out[0]);
    tern_output(g, "mask", out[1]);
    float ones[COUNT];
    for (int i = 0; i < COUNT; i++) ones[i] = 1;
    tern__shape shape = {TERN_FLOAT, 4, {2, 3, 4, 5}};
    tern_tensor ones_tensor = {TERN_FLOAT, 4, {2, 3, 4, 5}, ones};
    tern__plan *p;
    check_ok(c, tern__plan_create(&p, g, &shape, &(tern__plan_options){.training = true}));
    check_ok(c, tern__plan_forward(p, &ones_tensor, 1, 1));
    const float *y = tern__plan_output(p, 0)->data;
    const int64_t *mask = tern__plan_output(p, 1)->data;
    for (int i = 0; i < COUNT; i++) assert_true(y[i] == 2.0f * (float)mask[i]);
    tern__plan_free(p);
    tern_graph_free(g);
    tern_context_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mask_says_what_was_dropped),
        {"networks_give_what_their_nodes_give_generic", networks_give_what_their_nodes_give, NULL,
         NULL, "generic"},
        {"networks_give_what_their_nodes_give_avx2", networks_give_what_their_nodes_give, NULL,
         NULL, "avx2"},
        {"networks_give_what_their_nodes_give_avx512", networks_give_what_their_nodes_give, NULL,
         NULL, "avx512"},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
