/* Optimisers against PyTorch's numbers, against a double-precision reference written from the
 * papers, and against themselves: sparse and dense gradients, threads, CPU levels. */
#include "context.h"

#include "core/train/optimizer.h"
#include "golden/optimizers.h"

enum { ROWS = 300, ROW = 60, N = ROWS * ROW, STEPS = 12 }; /* N is more than one block */

/* One weight of rows x row, its gradient, its optimiser; and one buffer of 3 elements. */
typedef struct subject {
    tern_context *context;
    tern__optimizer *optimizer;
    tern__tensor gradient;
    float *data, *g, buffer[3];
} subject;

static subject *make_subject(tern_context *c, tern_optimizer_options o, const float *start,
                             int64_t rows, int64_t row, bool sparse) {
    subject *s = tern__calloc(c, 1, sizeof *s);
    size_t bytes = (size_t)(rows * row) * sizeof(float);
    s->context = c;
    s->data = tern__alloc(c, bytes);
    memcpy(s->data, start, bytes);
    s->gradient = (tern__tensor){.type = TERN_FLOAT,
                                 .rank = 2,
                                 .dims = {rows, row},
                                 .count = rows * row,
                                 .rows_capacity = sparse ? rows : 0};
    s->gradient.data = s->g = tern__calloc(c, 1, bytes);
    if (sparse) s->gradient.rows = tern__calloc(c, (size_t)rows, sizeof(int64_t));
    check_ok(c, tern__optimizer_resolve(c, &o));
    tern__weight w = {.name = "w",
                      .data = s->data,
                      .rows = rows,
                      .row = row,
                      .decays = true,
                      .capped = o.max_norm > 0,
                      .gradient = &s->gradient};
    tern__buffer b = {"b", s->buffer, NULL, 3};
    check_ok(c, tern__optimizer_create(&s->optimizer, c, &o, &w, 1, &b, 1));
    return s;
}

static void free_subject(subject *s) {
    tern_context *c = s->context;
    tern__optimizer_free(s->optimizer);
    tern__free(c, s->data);
    tern__free(c, s->g);
    tern__free(c, s->gradient.rows);
    tern__free(c, s);
}

static void random_floats(float *to, int64_t n, uint64_t stream) {
    tern__random r = tern__random_make(7, stream);
    for (int64_t i = 0; i < n; i++) to[i] = (float)tern__random_normal(&r);
}

static const float *start_values(void) {
    static float start[N];
    random_floats(start, N, 1);
    return start;
}

/* ---- PyTorch ---- */

static void golden(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    for (size_t k = 0; k < sizeof golden_optimizers / sizeof *golden_optimizers; k++) {
        subject *s =
            make_subject(c, golden_optimizers[k].options, golden_start, 1, GOLDEN_N, false);
        for (int step = 0; step < GOLDEN_STEPS; step++) {
            memcpy(s->g, golden_gradients[step], sizeof golden_gradients[step]);
            assert_true(tern__optimizer_step(s->optimizer));
            const float *expected =
                step == 0 ? golden_optimizers[k].first : golden_optimizers[k].last;
            if (step > 0 && step + 1 < GOLDEN_STEPS) continue;
            for (int i = 0; i < GOLDEN_N; i++)
                if (!check_is_close(s->data[i], expected[i], 3e-7, 1e-6))
                    fail_msg("%s, step %d, weight %d: %.9g, PyTorch has %.9g",
                             golden_optimizers[k].name, step + 1, i, s->data[i], expected[i]);
        }
        free_subject(s);
    }
    tern_context_free(c);
}

/* ---- reference ---- */

typedef struct reference {
    double w[N], a[N], b[N], average[N];
} reference;

/* One step in doubles, from the formulas of the papers; `cases` spells out the defaults. */
static void reference_step(reference *r, const tern_optimizer_options *o, const float *gradient,
                           int t) {
    double norm = 0, scale = 1, d = o->ema;
    for (int i = 0; i < N; i++) {
        double g = gradient[i], clip = o->clip_value;
        if (clip > 0) g = fmax(-clip, fmin(clip, g));
        norm += g * g;
    }
    if (o->clip_norm > 0 && sqrt(norm) > o->clip_norm) scale = o->clip_norm / sqrt(norm);
    if ((1.0 + t) / (10 + t) < d) d = (1.0 + t) / (10 + t);
    for (int i = 0; i < N; i++) {
        double g = gradient[i], *w = &r->w[i], *a = &r->a[i], *b = &r->b[i];
        if (o->clip_value > 0) g = fmax(-o->clip_value, fmin(o->clip_value, g));
        g *= scale;
        if (o->kind == TERN_OPTIMIZER_ADAMW)
            *w -= o->learning_rate * o->weight_decay * *w;
        else
            g += o->weight_decay * *w;
        switch (o->kind) {
        case TERN_OPTIMIZER_SGD:
            *a = t == 1 ? g : o->momentum * *a + (1 - o->dampening) * g;
            *w -= o->learning_rate * (o->nesterov ? g + o->momentum * *a : *a);
            break;
        case TERN_OPTIMIZER_RMSPROP:
            *b = o->smoothing * *b + (1 - o->smoothing) * g * g;
            *a = o->momentum * *a + g / (sqrt(*b) + o->epsilon);
            *w -= o->learning_rate * *a;
            break;
        case TERN_OPTIMIZER_ADADELTA: {
            *b = o->smoothing * *b + (1 - o->smoothing) * g * g;
            double step = sqrt(*a + o->epsilon) / sqrt(*b + o->epsilon) * g;
            *a = o->smoothing * *a + (1 - o->smoothing) * step * step;
            *w -= o->learning_rate * step;
            break;
        }
        default:
            *a = o->beta1 * *a + (1 - o->beta1) * g;
            *b = o->beta2 * *b + (1 - o->beta2) * g * g;
            *w -= o->learning_rate * (*a / (1 - pow(o->beta1, t))) /
                  (sqrt(*b / (1 - pow(o->beta2, t))) + o->epsilon);
        }
    }
    for (int row = 0; row < ROWS && o->max_norm > 0; row++) {
        double sum = 0;
        for (int i = 0; i < ROW; i++) sum += r->w[row * ROW + i] * r->w[row * ROW + i];
        for (int i = 0; i < ROW && sqrt(sum) > o->max_norm; i++)
            r->w[row * ROW + i] *= o->max_norm / sqrt(sum);
    }
    for (int i = 0; i < N; i++) r->average[i] = d * r->average[i] + (1 - d) * r->w[i];
}

static const tern_optimizer_options cases[] = {
    {.kind = TERN_OPTIMIZER_SGD, .learning_rate = 0.1},
    {.kind = TERN_OPTIMIZER_SGD, .learning_rate = 0.1, .clip_norm = 100, .ema = 0.9},
    {.kind = TERN_OPTIMIZER_SGD, .learning_rate = 0.1, .clip_norm = 1e4, .clip_value = 0.5},
    {.kind = TERN_OPTIMIZER_SGD, .learning_rate = 0.05, .momentum = 0.9, .weight_decay = 0.01},
    {.kind = TERN_OPTIMIZER_SGD,
     .learning_rate = 0.05,
     .momentum = 0.9,
     .nesterov = true,
     .max_norm = 7},
    {.kind = TERN_OPTIMIZER_SGD, .learning_rate = 0.05, .momentum = 0.9, .ema = 0.99},
    {.kind = TERN_OPTIMIZER_ADAM,
     .learning_rate = 0.01,
     .beta1 = 0.9,
     .beta2 = 0.999,
     .epsilon = 1e-8},
    {.kind = TERN_OPTIMIZER_ADAM,
     .learning_rate = 0.01,
     .beta1 = 0.8,
     .beta2 = 0.99,
     .epsilon = 1e-6,
     .weight_decay = 0.1,
     .ema = 0.3},
    {.kind = TERN_OPTIMIZER_ADAM,
     .learning_rate = 0.01,
     .beta1 = 0.9,
     .beta2 = 0.999,
     .epsilon = 1e-8,
     .ema = 0.99,
     .max_norm = 8},
    {.kind = TERN_OPTIMIZER_ADAMW,
     .learning_rate = 0.01,
     .beta1 = 0.9,
     .beta2 = 0.999,
     .epsilon = 1e-8,
     .weight_decay = 0.5},
    {.kind = TERN_OPTIMIZER_RMSPROP, .learning_rate = 0.01, .smoothing = 0.9, .epsilon = 1e-8},
    {.kind = TERN_OPTIMIZER_RMSPROP,
     .learning_rate = 0.001,
     .smoothing = 0.9,
     .epsilon = 1e-8,
     .momentum = 0.9,
     .weight_decay = 0.01},
    {.kind = TERN_OPTIMIZER_ADADELTA, .learning_rate = 1, .smoothing = 0.9, .epsilon = 1e-6},
    {.kind = TERN_OPTIMIZER_ADADELTA,
     .learning_rate = 0.5,
     .smoothing = 0.95,
     .epsilon = 1e-6,
     .weight_decay = 0.1,
     .ema = 0.9},
};
enum { CASES = sizeof cases / sizeof *cases };

static void matches_reference(void **state) {
    (void)state;
    tern_context *c = make_context(2);
    static reference r;
    for (int k = 0; k < CASES; k++) {
        const float *start = start_values();
        subject *s = make_subject(c, cases[k], start, ROWS, ROW, false);
        memset(&r, 0, sizeof r);
        for (int i = 0; i < N; i++) r.w[i] = r.average[i] = start[i];
        for (int t = 1; t <= STEPS; t++) {
            random_floats(s->g, N, (uint64_t)(100 + t));
            assert_true(tern__optimizer_step(s->optimizer));
            reference_step(&r, &cases[k], s->g, t);
        }
        /* A few roundings of numbers of size 1 to 4 a step. */
        check_floats(s->data, r.w, N, 6e-6, 2e-6);
        if (cases[k].ema > 0)
            check_floats(s->optimizer->weights[0].average, r.average, N, 6e-6, 2e-6);
        free_subject(s);
    }
    tern_context_free(c);
}

/* ---- sparse gradients ---- */

/* Sets the same gradient in both: rows chosen by the step's number, among the first 2/3 only, so
 * that some rows never have one. */
static void set_rows(subject *dense, subject *sparse, int t) {
    tern__random r = tern__random_make(9, (uint64_t)t);
    memset(dense->g, 0, N * sizeof(float));
    int64_t used = 0;
    for (int64_t row = 0; row < ROWS; row++) {
        if (row > 2 * ROWS / 3 || tern__random_uniform(&r) > 0.2) continue;
        float *g = sparse->g + used * ROW;
        for (int i = 0; i < ROW; i++) g[i] = (float)tern__random_normal(&r);
        memcpy(dense->g + row * ROW, g, ROW * sizeof *g);
        sparse->gradient.rows[used++] = row;
    }
    sparse->gradient.rows_used = used;
}

static void sparse_is_dense(void **state) {
    (void)state;
    tern_context *c = make_context(2);
    for (int k = 0; k < CASES; k++) {
        /* The norm of all is summed in another order, so scaling by it is not equal to the bit. */
        double tolerance = cases[k].clip_norm > 0 && cases[k].clip_norm < 1e3 ? 1e-6 : 0;
        subject *dense = make_subject(c, cases[k], start_values(), ROWS, ROW, false);
        subject *sparse = make_subject(c, cases[k], start_values(), ROWS, ROW, true);
        for (int t = 0; t < STEPS; t++) {
            set_rows(dense, sparse, t);
            assert_true(tern__optimizer_step(dense->optimizer));
            assert_true(tern__optimizer_step(sparse->optimizer));
            if (t == STEPS / 2) tern__optimizer_restored(sparse->optimizer);
            const tern__weight *a = dense->optimizer->weights, *b = sparse->optimizer->weights;
            for (int i = 0; i < N; i++) {
                if (fabs(a->data[i] - b->data[i]) > tolerance ||
                    (a->average && fabs(a->average[i] - b->average[i]) > tolerance))
                    fail_msg("case %d, step %d, weight %d: dense %.9g, sparse %.9g", k, t, i,
                             a->data[i], b->data[i]);
            }
        }
        free_subject(dense);
        free_subject(sparse);
    }
    tern_context_free(c);
}

/* ---- the same bits ---- */

static void train_some(subject *s) {
    for (int t = 0; t < STEPS; t++) {
        random_floats(s->g, N, (uint64_t)(200 + t));
        assert_true(tern__optimizer_step(s->optimizer));
    }
}

static void same_bits_for_threads(void **state) {
    (void)state;
    for (int k = 0; k < CASES; k++) {
        subject *subjects[3];
        tern_context *contexts[3];
        for (int threads = 1; threads <= 3; threads++) {
            contexts[threads - 1] = make_context(threads);
            subjects[threads - 1] =
                make_subject(contexts[threads - 1], cases[k], start_values(), ROWS, ROW, false);
            train_some(subjects[threads - 1]);
            assert_memory_equal(subjects[0]->data, subjects[threads - 1]->data, N * sizeof(float));
        }
        for (int i = 0; i < 3; i++) {
            free_subject(subjects[i]);
            tern_context_free(contexts[i]);
        }
    }
}

/* But for the norms, which are summed in vectors of the level's width. */
static void same_bits_at_levels(void **state) {
    (void)state;
    for (int k = 0; k < CASES; k++) {
        if (cases[k].clip_norm > 0 || cases[k].max_norm > 0) continue;
        tern_context *best = make_context(1);
        setenv("TERN_CPU", "generic", 1);
        tern_context *generic = make_context(1);
        unsetenv("TERN_CPU");
        subject *a = make_subject(best, cases[k], start_values(), ROWS, ROW, false);
        subject *b = make_subject(generic, cases[k], start_values(), ROWS, ROW, false);
        train_some(a);
        train_some(b);
        assert_memory_equal(a->data, b->data, N * sizeof(float));
        free_subject(a);
        free_subject(b);
        tern_context_free(best);
        tern_context_free(generic);
    }
}

/* ---- the rest ---- */

static void refuses_non_finite_gradients(void **state) {
    (void)state;
    tern_context *c = make_context(2);
    const float bad[] = {NAN, INFINITY, -INFINITY};
    const int64_t places[] = {0, 1, 16384, N - 1};
    for (int k = 0; k < CASES; k++) {
        if (cases[k].clip_value > 0) continue; /* cuts infinities */
        subject *s = make_subject(c, cases[k], start_values(), ROWS, ROW, false);
        train_some(s);
        static float before[N], moment[N];
        const tern__weight *w = s->optimizer->weights;
        memcpy(before, s->data, sizeof before);
        if (w->moments[1]) memcpy(moment, w->moments[1], sizeof moment);
        for (int i = 0; i < 12; i++) {
            random_floats(s->g, N, 300);
            s->g[places[i / 3]] = bad[i % 3];
            assert_false(tern__optimizer_step(s->optimizer));
        }
        assert_memory_equal(before, s->data, sizeof before);
        if (w->moments[1]) assert_memory_equal(moment, w->moments[1], sizeof moment);
        assert_int_equal(s->optimizer->steps, STEPS);
        free_subject(s);
    }
    tern_context_free(c);
}

static void norm_and_buffers(void **state) {
    (void)state;
    tern_context *c = make_context(1);
    tern_optimizer_options o = {.kind = TERN_OPTIMIZER_SGD, .ema = 0.5};
    subject *s = make_subject(c, o, start_values(), ROWS, ROW, false);
    double sum = 0;
    random_floats(s->g, N, 3);
    for (int i = 0; i < N; i++) sum += (double)s->g[i] * s->g[i];
    s->buffer[1] = 11;
    assert_true(tern__optimizer_step(s->optimizer));
    check_close(s->optimizer->norm, sqrt(sum), 0, 1e-6);
    /* d = (1 + 1) / (10 + 1) in the first step, 3/12 in the second: below 0.5. */
    check_close(s->optimizer->buffers[0].average[1], 9, 0, 1e-6);
    assert_true(tern__optimizer_step(s->optimizer));
    check_close(s->optimizer->buffers[0].average[1], 9 + 0.75 * 2, 0, 1e-6);
    free_subject(s);
    tern_context_free(c);
}

static void refuses_options(void **state) {
    (void)state;
    static const struct {
        tern_optimizer_options options;
        const char *text;
    } wrong[] = {
        {{.kind = 17}, "no kind 17"},
        {{.kind = TERN_OPTIMIZER_SGD, .momentum = 1}, "momentum is 1"},
        {{.kind = TERN_OPTIMIZER_SGD, .momentum = -0.1}, "momentum is -0.1"},
        {{.kind = TERN_OPTIMIZER_SGD, .nesterov = true}, "nesterov needs"},
        {{.kind = TERN_OPTIMIZER_ADAM, .nesterov = true, .momentum = 0.9}, "nesterov needs"},
        {{.kind = TERN_OPTIMIZER_ADAM, .momentum = 0.9}, "Adam has no momentum; set beta1"},
        {{.kind = TERN_OPTIMIZER_ADADELTA, .momentum = 0.9}, "Adadelta has no momentum"},
        {{.kind = TERN_OPTIMIZER_ADAM, .beta2 = 1}, "beta2 is 1"},
        {{.kind = TERN_OPTIMIZER_ADAM, .learning_rate = NAN}, "learning_rate is"},
        {{.kind = TERN_OPTIMIZER_ADAM, .clip_norm = INFINITY}, "clip_norm is inf"},
        {{.kind = TERN_OPTIMIZER_ADAM, .ema = 1}, "ema is 1"},
    };
    tern_context *c = make_context(1);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        tern_optimizer_options o = wrong[i].options;
        check_error(c, TERN_ERR_ARGUMENT, wrong[i].text, tern__optimizer_resolve(c, &o));
    }
    tern_context_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden),
        cmocka_unit_test(matches_reference),
        cmocka_unit_test(sparse_is_dense),
        cmocka_unit_test(same_bits_for_threads),
        cmocka_unit_test(same_bits_at_levels),
        cmocka_unit_test(refuses_non_finite_gradients),
        cmocka_unit_test(norm_and_buffers),
        cmocka_unit_test(refuses_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
