/* A fourth domain in a few lines: heartbeats from a CSV, which the training skeleton, the pipeline
 * and the answers of core/task/ serve as they serve the others. */
#include "check.h"
#include "core/base/csv.h"
#include "core/task/answer.h"
#include "core/task/pipeline.h"
#include "core/task/train.h"

#include <tern/session.h>

/* ---- the domain: files, front end, network with its recipe, hooks ---- */

enum { LENGTH = 24, MOST = 64 };

typedef struct beats {
    float values[MOST][LENGTH];
    int64_t labels[MOST], count;
} beats;

static const char *const kinds[] = {"narrow", "wide"};

static int64_t class_of(void *self, int64_t i) { return ((beats *)self)->labels[i]; }
static void shapes(void *self, const int64_t *samples, int64_t count, bool training, tern_tensor *x,
                   tern_tensor *target) {
    (void)self, (void)samples, (void)count, (void)training;
    *x = (tern_tensor){TERN_FLOAT, 3, {0, 1, LENGTH}, NULL};
    *target = (tern_tensor){TERN_INT64, 1, {0}, NULL};
}
static tern_status load(void *self, tern_load *l) {
    const beats *b = self;
    memcpy(l->inputs[0].data, b->values[l->sample], sizeof b->values[0]);
    *(int64_t *)l->target.data = b->labels[l->sample];
    return TERN_OK;
}

static const tern__recipe recipe_of_beat = {.samples_seen = 600,
                                            .fewest_epochs = 4,
                                            .most_epochs = 20,
                                            .batch = 8,
                                            .learning_rate = 1e-2,
                                            .weight_decay = 0.01,
                                            .schedule = TERN_SCHEDULE_ONE_CYCLE};
static const char *network_name(size_t i) { return i ? NULL : "beat"; }

typedef struct run {
    tern__job job;
    beats data;
    tern_train_options train;
} run;

static tern_status open_beats(tern__job *j) {
    beats *b = &((run *)j)->data;
    tern__csv *csv;
    bool got = true;
    tern_status st = tern__csv_open(&csv, j->context, j->path, ',', false);
    while (st == TERN_OK && (st = tern__csv_next(csv, &got)) == TERN_OK && got && b->count < MOST) {
        b->labels[b->count] = tern__label_find(kinds, 2, csv->fields[0]);
        for (size_t i = 0; i < LENGTH && i + 1 < csv->n_fields; i++)
            b->values[b->count][i] = strtof(csv->fields[i + 1], NULL);
        if (b->labels[b->count++] < 0) st = tern__csv_fail(csv, TERN_ERR_FORMAT, "no kind of beat");
    }
    tern__csv_close(csv);
    j->classes = 2;
    return st != TERN_OK
               ? st
               : tern_dataset_create(&j->all, j->context,
                                     &(tern_dataset_source){.size = sizeof(tern_dataset_source),
                                                            .self = b,
                                                            .count = b->count,
                                                            .n_inputs = 1,
                                                            .class_of = class_of,
                                                            .shapes = shapes,
                                                            .load = load});
}
static tern_status fit(tern__job *j) { return (void)j, TERN_OK; }
static void recipe(tern__job *j, tern__recipe *r) { (void)j, *r = recipe_of_beat; }
static void build(tern_graph *g, tern__job *j) {
    tern_value x = tern_input(g, "beat", 3, (int64_t[]){-1, 1, LENGTH});
    x = tern_relu(tern_conv(x, 4, (tern_conv_options){.kernel_shape = {5}}));
    tern_output(g, "logits", tern_dense(tern_global_average_pool(x), j->classes));
}
static const char *label(const tern__job *j, int64_t i) { return (void)j, kinds[i]; }
static tern_status write_beat(tern_model *model, tern__job *j) {
    return tern__metadata_set(model, j->context, "tern.beat", json_pack("{s:i}", "length", LENGTH),
                              6);
}
static void close_beats(tern__job *j) { tern_dataset_free(j->all); }

static const tern__task task = {.samples = "beats",
                                .options = "beat options",
                                .initializer = "none",
                                .options_size = 1,
                                .own = "name",
                                .network_name = network_name,
                                .open = open_beats,
                                .fit = fit,
                                .recipe = recipe,
                                .build = build,
                                .label = label,
                                .write = write_beat,
                                .close = close_beats};

static tern_status train_beats(tern_model **model, tern_context *c, const char *path,
                               tern__job_options given) {
    run *r = calloc(1, sizeof *r);
    r->train = (tern_train_options){.size = sizeof r->train, .seed = 3};
    r->job =
        (tern__job){.task = &task, .context = c, .path = path, .train = &r->train, .given = given};
    const tern_status st = tern__job_train(model, &r->job);
    free(r);
    return st;
}

/* ---- the test ---- */

static void a_fourth_domain_trains_and_answers(void **state) {
    (void)state;
    char path[] = "/tmp/tern-beats-XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    for (int i = 0; i < 40; i++) {
        fprintf(file, "%s", kinds[i % 2]);
        for (int t = 0; t < LENGTH; t++) {
            const double u = (t - 8 - i % 7) / (i % 2 ? 4.0 : 1.0);
            fprintf(file, ",%.4f", exp(-u * u));
        }
        fprintf(file, "\n");
    }
    fclose(file);
    tern_context *c;
    tern_model *model, *next;
    tern_session *s;
    tern_tensor y;
    check_ok(NULL, tern_context_create(&c, NULL));
    check_error(c, TERN_ERR_ARGUMENT, "beat options of size 2, expected 1",
                train_beats(&model, c, path, (tern__job_options){.size = 2}));
    check_error(
        c, TERN_ERR_ARGUMENT, "freezing until 'conv' needs a trained model",
        train_beats(&model, c, path, (tern__job_options){.size = 1, .freeze_until = "conv"}));
    assert_null(model);
    check_ok(c, train_beats(&model, c, path, (tern__job_options){.size = 1, .validate = 0.25}));
    assert_string_equal(tern_model_metadata(model, "tern.labels"), "[\"narrow\", \"wide\"]");
    assert_non_null(strstr(tern_model_metadata(model, "tern.training"), "\"network\": \"beat\""));
    assert_non_null(
        strstr(tern_model_metadata(model, "tern.training"), "\"validation_beats\": 10"));
    check_ok(c, train_beats(&next, c, path,
                            (tern__job_options){.size = 1, .init = model, .freeze_until = "conv"}));
    const char *texts[TERN__PIPELINE_KEYS];
    static const tern__pipeline_need need = {{"tern.beat", "tern.labels"}, "feels", "for hearts"};
    static const tern__pipeline_need other = {
        {"tern.tide", "tern.labels"}, "floats", "for the sea"};
    check_ok(c, tern__pipeline_find(texts, c, next, &need));
    check_error(c, TERN_ERR_FORMAT, "does not say how it floats: its metadata have no tern.tide;",
                tern__pipeline_find(texts, c, next, &other));
    check_ok(c, tern_session_create(&s, model));
    float wide[LENGTH];
    for (int t = 0; t < LENGTH; t++) wide[t] = (float)exp(-(t - 11) * (t - 11) / 16.0);
    check_ok(c, tern_session_run(s, &(tern_tensor){TERN_FLOAT, 3, {1, 1, LENGTH}, wide}, 1, &y, 1));
    tern__softmax p;
    check_ok(c, tern__softmax_get(&p, c, y.data, 2, 1));
    assert_string_equal(kinds[p.best], "wide");
    tern_session_free(s);
    tern_model_free(next);
    tern_model_free(model);
    tern_context_free(c);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_fourth_domain_trains_and_answers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
