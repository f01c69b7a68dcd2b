/* The networks for text: padding never changes an answer, before and after training; tables' row
 * for padding stays zero; options that make no sense are refused. */
#include "check.h"

#include "core/graph/graph.h"
#include <tern/session.h>
#include <tern/text_network.h>
#include <tern/train.h>

enum { ROWS = 40, CLASSES = 3, SUBWORDS = 4, TEXTS = 5, LENGTH = 12, SUBWORD_ROWS = 20 };
static const int counts[TEXTS] = {1, 12, 7, 3, 0}; /* the last one is empty */

static tern_context *open_context(void) {
    tern_context_options o = TERN_CONTEXT_OPTIONS_INIT;
    o.threads = 2;
    tern_context *c;
    check_ok(c, tern_context_create(&c, &o));
    return c;
}

static tern_text_network_options small(const char *name) {
    tern_text_network_options o = TERN_TEXT_NETWORK_OPTIONS_INIT;
    o.classes = CLASSES;
    o.rows = ROWS;
    o.dimension = 8;
    o.filters = 6;
    o.width = 0.1;
    if (tern_text_network_tags(name)) {
        o.subwords = SUBWORDS;
        o.subword_rows = SUBWORD_ROWS;
    }
    return o;
}

static tern_graph *build(tern_context *c, const char *name, const tern_text_network_options *o) {
    tern_graph *g;
    check_ok(c, tern_graph_create(&g, c));
    tern_graph_set_seed(g, 4);
    tern_text_network_build(g, name, o);
    check_ok(c, tern_graph_check(g));
    return g;
}

/* Ids of text n with its words in front of `length` places, and their sub-words. */
static void fill(int64_t *ids, int64_t *subwords, int n, int64_t length) {
    tern__random r = tern__random_make(6, (uint64_t)n);
    memset(ids, 0, (size_t)length * sizeof *ids);
    memset(subwords, 0, (size_t)length * SUBWORDS * sizeof *subwords);
    for (int i = 0; i < counts[n]; i++) {
        ids[i] = 1 + tern__random_below(&r, ROWS - 1);
        for (int s = 0; s < 1 + i % SUBWORDS; s++)
            subwords[i * SUBWORDS + s] = 1 + tern__random_below(&r, SUBWORD_ROWS - 1);
    }
}

/* A few steps on all texts, so that no weight is where it began. */
static tern_model *train(const tern_graph *g, bool tags) {
    tern_context *c = g->context;
    tern_trainer_options o = TERN_TRAINER_OPTIONS_INIT;
    o.optimizer = (tern_optimizer_options){.kind = TERN_OPTIMIZER_ADAM, .learning_rate = 0.02};
    o.loss.ignore = true;
    o.loss.ignore_index = -100;
    tern_trainer *t;
    check_ok(c, tern_trainer_create(&t, g, &o));
    int64_t ids[TEXTS * LENGTH], subwords[TEXTS * LENGTH * SUBWORDS], targets[TEXTS * LENGTH];
    for (int n = 0; n < TEXTS; n++)
        fill(ids + n * LENGTH, subwords + n * LENGTH * SUBWORDS, n, LENGTH);
    for (int i = 0; i < TEXTS * LENGTH; i++)
        targets[i] = tags && i % LENGTH >= counts[i / LENGTH] ? -100 : i * 7 % CLASSES;
    tern_tensor inputs[2] = {{TERN_INT64, 2, {TEXTS, LENGTH}, ids},
                             {TERN_INT64, 3, {TEXTS, LENGTH, SUBWORDS}, subwords}};
    tern_tensor target = {TERN_INT64, tags ? 2 : 1, {TEXTS, LENGTH}, targets};
    double first, loss;
    check_ok(c, tern_trainer_step(t, inputs, g->n_inputs, &target, &first));
    for (int i = 0; i < 20; i++)
        check_ok(c, tern_trainer_step(t, inputs, g->n_inputs, &target, &loss));
    assert_true(loss < first);
    tern_model *m;
    check_ok(c, tern_trainer_model(&m, t, false));
    tern_trainer_free(t);
    return m;
}

/* The logits of one text in a row of `length` places, in a batch of `n` equal ones. */
static void run(const tern_model *m, int text, int64_t length, int64_t n, tern_tensor *y,
                float *logits) {
    tern_session *s;
    tern_context *c = tern_model_graph(m)->context;
    int64_t ids[3 * 64], subwords[3 * 64 * SUBWORDS];
    for (int i = 0; i < n; i++)
        fill(ids + i * length, subwords + i * length * SUBWORDS, text, length);
    tern_tensor inputs[2] = {{TERN_INT64, 2, {n, length}, ids},
                             {TERN_INT64, 3, {n, length, SUBWORDS}, subwords}};
    check_ok(c, tern_session_create(&s, m));
    if (tern_session_run(s, inputs, tern_model_graph(m)->n_inputs, y, 1))
        fail_msg("%s", tern_session_message(s));
    int64_t each = CLASSES * (y->rank == 3 ? y->dims[2] : 1);
    memcpy(logits, (const float *)y->data + (n - 1) * each, (size_t)each * sizeof *logits);
    tern_session_free(s);
}

static void padding_changes_nothing(void **state) {
    (void)state;
    tern_context *c = open_context();
    for (size_t i = 0; tern_text_network_name(i); i++) {
        const char *name = tern_text_network_name(i);
        const bool tags = tern_text_network_tags(name);
        tern_text_network_options o = small(name);
        tern_graph *g = build(c, name, &o);
        tern_model *m = train(g, tags);
        for (int text = 0; text < TEXTS; text++) {
            float alone[CLASSES * 64], padded[CLASSES * 64];
            tern_tensor y, z;
            const int64_t shortest = counts[text] ? counts[text] : 1;
            run(m, text, shortest, 1, &y, alone);
            run(m, text, 40, 3, &z, padded);
            for (int k = 0; k < CLASSES; k++)
                for (int w = 0; w < (tags ? counts[text] : 1); w++) {
                    float a = alone[tags ? k * shortest + w : k], b = padded[tags ? k * 40 + w : k];
                    if (!(fabsf(a - b) <= 2e-6f * (1 + fabsf(a))))
                        fail_msg("%s, text %d, class %d, word %d: alone %.9g, padded %.9g", name,
                                 text, k, w, a, b);
                }
        }
        tern_model_free(m);
        tern_graph_free(g);
    }
    tern_context_free(c);
}

static void padding_rows_stay_zero(void **state) {
    (void)state;
    tern_context *c = open_context();
    for (size_t i = 0; tern_text_network_name(i); i++) {
        const char *name = tern_text_network_name(i);
        tern_text_network_options o = small(name);
        o.channels = i % 2 ? TERN_TEXT_BOTH : TERN_TEXT_TUNED;
        tern_graph *g = build(c, name, &o);
        tern_model *m = train(g, tern_text_network_tags(name));
        const tern_graph *trained = tern_model_graph(m);
        int tables = 0;
        for (size_t v = 0; v < trained->n_values; v++) {
            const tern__value *value = &trained->values[v];
            if (!value->padding_row) continue;
            const float *row = value->data, *before = g->values[v].data;
            bool changed = false;
            for (int64_t k = 0; k < value->shape.dims[1]; k++) {
                assert_true(row[k] == 0);
                for (int64_t r = 1; r < value->shape.dims[0]; r++)
                    changed |=
                        row[r * value->shape.dims[1] + k] != before[r * value->shape.dims[1] + k];
            }
            assert_int_equal(changed, value->kind == TERN__PARAMETER);
            tables++;
        }
        assert_int_equal(tables, (o.subwords > 0) + (o.channels == TERN_TEXT_BOTH) + 1);
        tern_model_free(m);
        tern_graph_free(g);
    }
    tern_context_free(c);
}

/* Vectors that are given are where training starts from. */
static void vectors_are_the_start(void **state) {
    (void)state;
    tern_context *c = open_context();
    float vectors[ROWS * 8];
    for (int i = 0; i < ROWS * 8; i++) vectors[i] = (float)i;
    tern_text_network_options o = small("textcnn");
    o.vectors = vectors;
    o.channels = TERN_TEXT_STATIC;
    tern_graph *g = build(c, NULL, &o);
    const tern__value *v = &g->values[tern__graph_find(g, "words")];
    assert_int_equal(v->kind, TERN__CONSTANT);
    for (int i = 8; i < ROWS * 8; i++) assert_true(((float *)v->data)[i] == (float)i);
    tern_graph_free(g);
    tern_context_free(c);
}

static void refuses(void **state) {
    (void)state;
    tern_context *c = open_context();
    const struct {
        const char *name, *sentence;
        tern_text_network_options o;
    } wrong[] = {
        {"transformer", "textcnn, ngrams", {.classes = 2, .rows = 9}},
        {"textcnn", "classes is 0", {.rows = 9}},
        {"textcnn", "rows is 1", {.classes = 2, .rows = 1}},
        {"textcnn", "width -1", {.classes = 2, .rows = 9, .widths = {-1}}},
        {"deep", "width is 99", {.classes = 2, .rows = 9, .width = 99}},
        {"ngrams", "dimension is 9999", {.classes = 2, .rows = 9, .dimension = 9999}},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        tern_graph *g;
        check_ok(c, tern_graph_create(&g, c));
        tern_text_network_options o = wrong[i].o;
        o.size = sizeof o;
        tern_text_network_build(g, wrong[i].name, &o);
        check_error(c, TERN_ERR_ARGUMENT, wrong[i].sentence, tern_graph_check(g));
        tern_graph_free(g);
    }
    tern_context_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(padding_changes_nothing),
        cmocka_unit_test(padding_rows_stay_zero),
        cmocka_unit_test(vectors_are_the_start),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
