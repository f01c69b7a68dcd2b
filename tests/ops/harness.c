/* The operator harness; see harness.h. */
#include "harness.h"

#include "../check.h"
#include "core/plan/plan.h"

static const char *const levels[] = {"generic", "avx2", "avx512"};
enum { LEVELS = 3, MOST_OUTPUTS = 4, MOST_COPIES = 2 };

/* ---- memory that can fail ---- */

typedef struct failing {
    long count, fail_at, live; /* fail_at 0: never */
} failing;

static void *allocate(void *user, size_t size) {
    failing *f = user;
    if (__atomic_add_fetch(&f->count, 1, __ATOMIC_RELAXED) == f->fail_at) return NULL;
    void *p = NULL;
    if (posix_memalign(&p, 64, size ? size : 1) != 0) return NULL;
    memset(p, 0xa5, size);
    __atomic_add_fetch(&f->live, 1, __ATOMIC_RELAXED);
    return p;
}

static void release(void *user, void *p) {
    failing *f = user;
    if (p) __atomic_sub_fetch(&f->live, 1, __ATOMIC_RELAXED);
    free(p);
}

/* NULL where this CPU has not the level. */
static tern_context *open_context(const char *level, int threads, failing *f) {
    tern_allocator hooks = {allocate, release, f};
    tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
    o.threads = threads;
    o.allocator = f ? &hooks : NULL;
    setenv("TERN_CPU", level, 1);
    tern_context *c = NULL;
    tern_status status = tern_context_create(&c, &o);
    if (status != TERN_OK) {
        assert_int_equal(status, TERN_ERR_UNSUPPORTED);
        tern_context_free(c);
        return NULL;
    }
    return c;
}

/* ---- what a row is expected to give ---- */

typedef struct expectation {
    const op_row *row;
    int n_inputs, n_outputs;
    reference_tensor inputs[OP_MOST_INPUTS]; /* as doubles that are floats */
    reference_tensor outputs[MOST_OUTPUTS];  /* of training */
    reference_tensor inference[MOST_OUTPUTS];
    double *weights[MOST_OUTPUTS];     /* r of L = sum r y */
    double *gradients[OP_MOST_INPUTS]; /* dL/dx, NULL where there is none */
} expectation;

static double uniform(tern__random *r, double low, double high) {
    return low + (high - low) * tern__random_uniform(r);
}

static double draw(tern__random *r, op_values kind) {
    double sign = tern__random_below(r, 2) ? 1 : -1, size;
    switch (kind) {
    case OP_WIDE:
        do size = uniform(r, 0.1, 5);
        while (fabs(size - 3) < 0.05);
        return sign * size;
    case OP_POSITIVE:
        return uniform(r, 0.5, 2);
    case OP_PROBABILITY:
        return uniform(r, 0.05, 0.95);
    case OP_NORMAL:
    case OP_DISTINCT:
        break;
    }
    return sign * uniform(r, 0.1, 2);
}

static void fill_input(const op_input *in, reference_tensor *t, tern__random *r) {
    t->rank = in->rank;
    memcpy(t->dims, in->dims, sizeof t->dims);
    int64_t count = reference_count(t);
    t->data = malloc((size_t)(count + 1) * sizeof *t->data);
    assert_non_null(t->data);
    int64_t *order = malloc((size_t)(count + 1) * sizeof *order);
    assert_non_null(order);
    for (int64_t i = 0; i < count; i++) order[i] = i;
    tern__random_shuffle(r, order, count);
    for (int64_t i = 0; i < count; i++) {
        double v = in->data                    ? in->data[i]
                   : in->values == OP_DISTINCT ? (double)(order[i] - count / 2) / 16
                                               : draw(r, in->values);
        t->data[i] = (float)(v + in->offset);
    }
    free(order);
}

static size_t attributes_of(const op_row *row) {
    size_t n = 0;
    while (n < 8 && row->attributes[n].name) n++;
    return n;
}

static void run_reference(const expectation *e, bool training,
                          reference_tensor outputs[MOST_OUTPUTS]) {
    const op_row *row = e->row;
    reference_call call = {.attributes = row->attributes,
                           .n_attributes = attributes_of(row),
                           .n_inputs = e->n_inputs,
                           .n_outputs = e->n_outputs,
                           .inputs = e->inputs,
                           .training = training,
                           .integer_target = row->inputs[1].kind == OP_INTS};
    row->reference(&call);
    if (row->then) {
        reference_call then = {.attributes = &row->then_attribute,
                               .n_attributes = row->then_attribute.name != NULL,
                               .n_inputs = 1,
                               .n_outputs = 1,
                               .inputs = call.outputs};
        row->then_reference(&then);
        free(call.outputs[0].data);
        call.outputs[0] = then.outputs[0];
    }
    memcpy(outputs, call.outputs, sizeof call.outputs);
}

static void free_outputs(reference_tensor *outputs) {
    for (int i = 0; i < MOST_OUTPUTS; i++) free(outputs[i].data);
}

static double objective(const expectation *e) {
    reference_tensor outputs[MOST_OUTPUTS];
    double sum = 0;
    run_reference(e, true, outputs);
    for (int k = 0; k < e->n_outputs; k++)
        for (int64_t i = 0; i < reference_count(&outputs[k]); i++)
            sum += e->weights[k][i] * outputs[k].data[i];
    free_outputs(outputs);
    return sum;
}

static double *central_differences(expectation *e, int input) {
    const double step = 1e-6;
    reference_tensor *x = &e->inputs[input];
    int64_t count = reference_count(x);
    double *gradient = malloc((size_t)(count + 1) * sizeof *gradient);
    assert_non_null(gradient);
    for (int64_t i = 0; i < count; i++) {
        double kept = x->data[i];
        x->data[i] = kept + step;
        double up = objective(e);
        x->data[i] = kept - step;
        gradient[i] = (up - objective(e)) / (2 * step);
        x->data[i] = kept;
    }
    return gradient;
}

static expectation expect(const op_row *row) {
    expectation e = {.row = row, .n_outputs = row->outputs ? row->outputs : 1};
    tern__random r = tern__random_make(20, 7);
    for (int i = 0; i < OP_MOST_INPUTS; i++) {
        if (row->inputs[i].kind == OP_NONE) continue;
        fill_input(&row->inputs[i], &e.inputs[i], &r);
        e.n_inputs = i + 1;
    }
    run_reference(&e, true, e.outputs);
    run_reference(&e, false, e.inference);
    for (int k = 0; k < e.n_outputs; k++) {
        int64_t count = reference_count(&e.outputs[k]);
        e.weights[k] = malloc((size_t)(count + 1) * sizeof(double));
        assert_non_null(e.weights[k]);
        for (int64_t i = 0; i < count; i++) e.weights[k][i] = (float)draw(&r, OP_NORMAL);
    }
    for (int i = 0; i < e.n_inputs && !row->no_gradient; i++)
        if (row->inputs[i].kind == OP_FLOATS) e.gradients[i] = central_differences(&e, i);
    return e;
}

static void free_expectation(expectation *e) {
    for (int i = 0; i < OP_MOST_INPUTS; i++) {
        free(e->inputs[i].data);
        free(e->gradients[i]);
    }
    free_outputs(e->outputs);
    free_outputs(e->inference);
    for (int k = 0; k < MOST_OUTPUTS; k++) free(e->weights[k]);
}

/* ---- the graph of a row ---- */

typedef struct variant {
    bool last;  /* a 1x1 AveragePool before each input of rank 3 to 5 makes it channels-last */
    int copies; /* of the operator, reading the same inputs */
    int64_t first, batch; /* entries of the batch; batch 0: all */
    bool unknown_batch, unfused;
} variant;

static bool is_batched(const op_row *row, int i) {
    const op_input *in = &row->inputs[i];
    return (in->kind == OP_FLOATS || in->kind == OP_INTS) && !in->whole && in->rank > 0;
}

/* Elements of an input in its own type, of the batch entries that the variant takes. */
static void *input_data(const expectation *e, int i, const variant *v, tern__shape *shape) {
    const op_input *in = &e->row->inputs[i];
    bool ints = in->kind == OP_INTS || in->kind == OP_LIST;
    *shape = (tern__shape){.type = ints ? TERN_INT64 : TERN_FLOAT, .rank = in->rank};
    memcpy(shape->dims, in->dims, sizeof shape->dims);
    int64_t from = 0, count = tern__shape_count(shape);
    if (v->batch && is_batched(e->row, i)) {
        from = count / in->dims[0] * v->first;
        count = count / in->dims[0] * v->batch;
        shape->dims[0] = v->batch;
    }
    char *data = malloc((size_t)(count + 1) * 8);
    assert_non_null(data);
    for (int64_t k = 0; k < count; k++)
        if (ints)
            ((int64_t *)data)[k] = (int64_t)e->inputs[i].data[from + k];
        else
            ((float *)data)[k] = (float)e->inputs[i].data[from + k];
    return data;
}

static int add_input(tern_graph *g, const expectation *e, int i, const variant *v) {
    const op_input *in = &e->row->inputs[i];
    char name[16];
    snprintf(name, sizeof name, "x%d", i);
    tern__shape shape;
    void *data = input_data(e, i, v, &shape);
    int value;
    if (in->kind == OP_FLOATS || in->kind == OP_INTS) {
        if (v->unknown_batch && is_batched(e->row, i)) shape.dims[0] = -1;
        value = tern__graph_input(g, name, &shape);
    } else {
        value = tern__graph_initializer(
            g, name, in->kind == OP_BUFFER ? TERN__BUFFER : TERN__CONSTANT, &shape, data);
    }
    free(data);
    if (v->last && in->kind == OP_FLOATS && in->rank >= 3 && in->rank <= 5 && value >= 0)
        value = tern_average_pool_with((tern_value){g, value},
                                       (tern_pool_options){.kernel_shape = {1, 1, 1}})
                    .id;
    return value;
}

/* Builds the graph; errors stick to it. */
static void build(tern_graph *g, const expectation *e, const variant *v) {
    const op_row *row = e->row;
    int inputs[OP_MOST_INPUTS];
    for (int i = 0; i < e->n_inputs; i++)
        inputs[i] = row->inputs[i].kind == OP_NONE ? -1 : add_input(g, e, i, v);
    for (int copy = 0; copy < v->copies; copy++) {
        int outputs[MOST_OUTPUTS] = {-1, -1, -1, -1};
        tern__graph_node(g, row->domain ? row->domain : "", row->op, NULL, inputs, e->n_inputs,
                         row->attributes, attributes_of(row), NULL, e->n_outputs, outputs);
        if (row->then) {
            int before = outputs[0];
            tern__graph_node(g, "", row->then, NULL, &before, 1, &row->then_attribute,
                             row->then_attribute.name != NULL, NULL, 1, outputs);
        }
        for (int k = 0; k < e->n_outputs; k++) {
            char name[32];
            snprintf(name, sizeof name, "y%d_%d", copy, k);
            tern__graph_output(g, name, outputs[k]);
        }
    }
}

/* ---- running ---- */

typedef struct run {
    tern_context *context;
    tern_graph *graph;
    tern__plan *plan;
    int n_inputs;                /* of the graph */
    int numbers[OP_MOST_INPUTS]; /* of the row, for each */
    tern_tensor tensors[OP_MOST_INPUTS];
    tern__shape shapes[OP_MOST_INPUTS];
} run;

static void finish(run *r) {
    tern__plan_free(r->plan);
    tern_graph_free(r->graph);
    for (int i = 0; i < r->n_inputs; i++) free(r->tensors[i].data);
}

/* Builds, plans, runs. The run must be finished whatever the status. */
static tern_status start(run *r, tern_context *c, const expectation *e, const variant *v,
                         bool training) {
    *r = (run){.context = c};
    for (int i = 0; i < e->n_inputs; i++) {
        op_kind kind = e->row->inputs[i].kind;
        if (kind != OP_FLOATS && kind != OP_INTS) continue;
        int n = r->n_inputs++;
        r->numbers[n] = i;
        r->tensors[n].data = input_data(e, i, v, &r->shapes[n]);
        r->tensors[n].type = r->shapes[n].type;
        r->tensors[n].rank = r->shapes[n].rank;
        memcpy(r->tensors[n].dims, r->shapes[n].dims, sizeof r->shapes[n].dims);
    }
    tern_status status = tern_graph_create(&r->graph, c);
    if (status) return status;
    build(r->graph, e, v);
    if ((status = tern_graph_check(r->graph))) return status;
    bool seeded[MOST_OUTPUTS * MOST_COPIES];
    for (int k = 0; k < MOST_OUTPUTS * MOST_COPIES; k++) seeded[k] = !e->row->no_gradient;
    tern__plan_options o = {.training = training,
                            .seeded = seeded,
                            .input_gradients = training,
                            .unfused = v->unfused,
                            .poison = true};
    if ((status = tern__plan_create(&r->plan, r->graph, r->shapes, &o))) return status;
    if ((status = tern__plan_forward(r->plan, r->tensors, 1, 1))) return status;
    if (!training || e->row->no_gradient) return TERN_OK;
    for (int copy = 0; copy < v->copies; copy++)
        for (int k = 0; k < e->n_outputs; k++) {
            float *gradient = tern__plan_output_gradient(r->plan, copy * e->n_outputs + k);
            for (int64_t i = 0; i < reference_count(&e->outputs[k]); i++)
                gradient[i] = (float)((copy ? 0.5 : 1) * e->weights[k][i]);
        }
    tern__plan_backward(r->plan);
    return TERN_OK;
}

static double largest(const double *x, int64_t count) {
    double m = 0;
    for (int64_t i = 0; i < count; i++)
        if (isfinite(x[i])) m = fmax(m, fabs(x[i]));
    return m;
}

static void compare(const expectation *e, const char *what, int number, const variant *v,
                    const tern__tensor *got, const reference_tensor *shape, const double *expected,
                    double factor, double tolerance) {
    assert_int_equal(got->rank, shape->rank);
    for (int i = 0; i < got->rank; i++) assert_int_equal(got->dims[i], shape->dims[i]);
    int64_t count = reference_count(shape);
    double scale = largest(expected, count) * factor;
    for (int64_t i = 0; i < count; i++) {
        double value = got->type == TERN_INT64 ? (double)((const int64_t *)got->data)[i]
                                               : ((const float *)got->data)[i];
        if (!check_is_close(value, expected[i] * factor, tolerance * scale, 0))
            fail_msg("%s, %s %d, %s%s: [%lld] is %.9g, expected %.9g (tolerance %g)", e->row->title,
                     what, number, v->last ? "channels-last" : "plain",
                     v->unfused ? ", unfused" : "", (long long)i, value, expected[i] * factor,
                     tolerance * scale);
    }
}

static void check_run(tern_context *c, const expectation *e, const variant *v, bool training) {
    double tolerance = e->row->tolerance ? e->row->tolerance : 2e-6;
    double gradient_tolerance = e->row->gradient_tolerance ? e->row->gradient_tolerance : 1e-5;
    run r;
    check_ok(c, start(&r, c, e, v, training));
    for (int copy = 0; copy < v->copies; copy++)
        for (int k = 0; k < e->n_outputs; k++) {
            const reference_tensor *expected = training ? &e->outputs[k] : &e->inference[k];
            compare(e, "output", k, v, tern__plan_output(r.plan, copy * e->n_outputs + k), expected,
                    expected->data, 1, tolerance);
        }
    for (int n = 0; training && n < r.n_inputs; n++) {
        int i = r.numbers[n];
        if (!e->gradients[i]) continue;
        const tern__tensor *dx = tern__plan_input_gradient(r.plan, n);
        assert_non_null(dx);
        compare(e, "gradient of input", i, v, dx, &e->inputs[i], e->gradients[i],
                v->copies > 1 ? 1.5 : 1, gradient_tolerance);
    }
    finish(&r);
}

/* All bits that a run leaves: outputs and gradients. */
static void check_same_bits(const run *a, const run *b, const expectation *e, bool training) {
    for (int k = 0; k < e->n_outputs; k++) {
        const tern__tensor *x = tern__plan_output(a->plan, k), *y = tern__plan_output(b->plan, k);
        assert_memory_equal(x->data, y->data, (size_t)x->count * tern__type_size(x->type));
    }
    for (int n = 0; training && n < a->n_inputs; n++) {
        const tern__tensor *x = tern__plan_input_gradient(a->plan, n),
                           *y = tern__plan_input_gradient(b->plan, n);
        if (x && e->gradients[a->numbers[n]])
            assert_memory_equal(x->data, y->data, (size_t)x->count * sizeof(float));
    }
}

static void check_threads(const char *level, const expectation *e, const variant *v) {
    run runs[3];
    tern_context *contexts[3];
    for (int t = 0; t < 3; t++) {
        contexts[t] = open_context(level, t + 1, NULL);
        check_ok(contexts[t], start(&runs[t], contexts[t], e, v, true));
        if (t) check_same_bits(&runs[0], &runs[t], e, true);
    }
    for (int t = 0; t < 3; t++) {
        finish(&runs[t]);
        tern_context_free(contexts[t]);
    }
}

/* Entry by entry, the outputs must be those of the whole batch. */
static void check_split(tern_context *c, const expectation *e, variant v) {
    int64_t batch = e->row->inputs[0].dims[0];
    if (e->row->one_piece || e->row->inputs[0].rank == 0) return;
    run whole;
    check_ok(c, start(&whole, c, e, &v, false));
    for (v.first = 0, v.batch = 1; v.first < batch; v.first++) {
        run part;
        check_ok(c, start(&part, c, e, &v, false));
        for (int k = 0; k < e->n_outputs; k++) {
            const tern__tensor *x = tern__plan_output(whole.plan, k),
                               *y = tern__plan_output(part.plan, k);
            assert_int_equal(x->count, y->count * batch);
            size_t bytes = (size_t)y->count * tern__type_size(y->type);
            assert_memory_equal((const char *)x->data + (size_t)v.first * bytes, y->data, bytes);
        }
        finish(&part);
    }
    finish(&whole);
}

static void check_failing_memory(const char *level, const expectation *e, const variant *v) {
    failing f = {0};
    tern_context *c = open_context(level, 2, &f);
    long before = f.live, count = f.count;
    for (long i = 1;; i++) {
        f.fail_at = count + i;
        f.count = count;
        run r;
        tern_status status = start(&r, c, e, v, true);
        bool failed = f.count >= f.fail_at;
        f.fail_at = 0;
        if (failed && status != TERN_ERR_MEMORY)
            fail_msg("%s: allocation %ld failed, and the status was '%s'", e->row->title, i,
                     tern_status_name(status));
        finish(&r);
        assert_int_equal(f.live, before);
        if (!failed) {
            assert_int_equal(status, TERN_OK);
            break;
        }
        assert_true(strlen(tern_context_message(c)) > 0);
    }
    tern_context_free(c);
    assert_int_equal(f.live, 0);
}

/* ---- files ---- */

static void run_model(tern_context *c, tern_model *m, run *r, tern_tensor *outputs, int n,
                      tern_session **s) {
    check_ok(c, tern_session_create(s, m));
    tern_status status = tern_session_run(*s, r->tensors, (size_t)r->n_inputs, outputs, (size_t)n);
    if (status) fail_msg("%s", tern_session_message(*s));
}

static void check_file(tern_context *c, const expectation *e, const variant *v) {
    char path[] = "/tmp/tern-ops-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    run r;
    check_ok(c, start(&r, c, e, v, false));
    tern_model *saved, *loaded;
    tern_session *s, *t;
    tern_tensor y[MOST_OUTPUTS], z[MOST_OUTPUTS];
    check_ok(c, tern_model_create(&saved, r.graph));
    check_ok(c, tern_model_save(saved, path));
    check_ok(c, tern_model_load(&loaded, c, path));
    unlink(path);
    run_model(c, saved, &r, y, e->n_outputs, &s);
    run_model(c, loaded, &r, z, e->n_outputs, &t);
    for (int k = 0; k < e->n_outputs; k++) {
        int64_t count = 1;
        assert_int_equal(y[k].rank, z[k].rank);
        for (int i = 0; i < y[k].rank; i++) {
            assert_int_equal(y[k].dims[i], z[k].dims[i]);
            count *= y[k].dims[i];
        }
        assert_memory_equal(y[k].data, z[k].data, (size_t)count * tern__type_size(y[k].type));
    }
    tern_session_free(s);
    tern_session_free(t);
    tern_model_free(saved);
    tern_model_free(loaded);
    finish(&r);
}

/* ---- one row ---- */

/* With the batch unknown the shapes must come out all the same. */
static void check_unknown_batch(tern_context *c, const expectation *e, variant v) {
    v.unknown_batch = true;
    run r;
    check_ok(c, start(&r, c, e, &v, false));
    for (int k = 0; k < e->n_outputs; k++) {
        const tern__shape *s = &r.graph->values[r.graph->outputs[k]].shape;
        assert_int_equal(s->rank, e->outputs[k].rank);
        for (int i = 0; i < s->rank; i++)
            if (s->dims[i] >= 0) assert_int_equal(s->dims[i], e->outputs[k].dims[i]);
    }
    finish(&r);
}

static void run_row(void **state) {
    const op_row *row = *state;
    expectation e = expect(row);
    bool here = false;
    for (int level = 0; level < LEVELS; level++) {
        tern_context *c = open_context(levels[level], 2, NULL);
        if (!c) continue;
        here = true;
        for (int last = 0; last < 2; last++) {
            variant v = {.last = last, .copies = 1}, twice = {.last = last, .copies = 2},
                    unfused = v;
            unfused.unfused = true;
            check_run(c, &e, &v, true);
            check_run(c, &e, &unfused, true);
            if (!row->alias) check_run(c, &e, &twice, true);
            if (!row->train_only) {
                check_run(c, &e, &v, false);
                check_run(c, &e, &unfused, false);
                check_split(c, &e, v);
            }
            check_threads(levels[level], &e, &v);
        }
        tern_context_free(c);
    }
    assert_true(here);
    tern_context *c = open_context(levels[0], 2, NULL);
    variant v = {.copies = 1};
    check_unknown_batch(c, &e, v);
    check_failing_memory(levels[0], &e, &v);
    if (!row->train_only) check_file(c, &e, &v);
    tern_context_free(c);
    free_expectation(&e);
}

static int run_group(const char *group, struct CMUnitTest *tests, size_t count) {
    char filter[256];
    const char *only = getenv("TERN_TEST_FILTER");
    if (only) {
        snprintf(filter, sizeof filter, "%s", only);
        cmocka_set_test_filter(filter);
    }
    int failures = _cmocka_run_group_tests(group, tests, count, NULL, NULL);
    free(tests);
    return failures;
}

static struct CMUnitTest *make_tests(size_t count) {
    struct CMUnitTest *tests = calloc(count, sizeof *tests);
    if (!tests) abort();
    return tests;
}

int op_rows_run(const char *group, const op_row *rows, size_t count) {
    struct CMUnitTest *tests = make_tests(count);
    for (size_t i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){.name = rows[i].title,
                                       .test_func = run_row,
                                       .initial_state = (void *)(uintptr_t)&rows[i]};
    return run_group(group, tests, count);
}

static void run_mistake(void **state) {
    const op_mistake *m = *state;
    tern_context *c = open_context(levels[0], 1, NULL);
    expectation e = {.row = &m->row, .n_outputs = m->row.outputs ? m->row.outputs : 1};
    tern__random r = tern__random_make(1, 1);
    for (int i = 0; i < OP_MOST_INPUTS; i++) {
        if (m->row.inputs[i].kind == OP_NONE) continue;
        fill_input(&m->row.inputs[i], &e.inputs[i], &r);
        e.n_inputs = i + 1;
    }
    tern_graph *g;
    check_ok(c, tern_graph_create(&g, c));
    variant v = {.copies = 1};
    build(g, &e, &v);
    check_error(c, m->status, m->text, tern_graph_check(g));
    if (!strstr(tern_context_message(c), m->row.op))
        fail_msg("%s does not name the operator", tern_context_message(c));
    tern_graph_free(g);
    tern_context_free(c);
    free_expectation(&e);
}

int op_mistakes_run(const char *group, const op_mistake *mistakes, size_t count) {
    struct CMUnitTest *tests = make_tests(count);
    for (size_t i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){.name = mistakes[i].row.title,
                                       .test_func = run_mistake,
                                       .initial_state = (void *)(uintptr_t)&mistakes[i]};
    return run_group(group, tests, count);
}
